"""`flask terms`: the texts that people accept with their cards, and whether they really did."""

from pathlib import Path

import click
from flask.cli import AppGroup

from app import clock
from app.card_operations.office import current_office
from app.services import terms as texts
from app.services.terms import EmptyTerms, OtherVersion
from app.services.terms_evidence import Checked, Finding, Flaw, findings
from app.words import counted, day

TITLE = "Terms and conditions"

WORDS = {
    Flaw.TEXT_CHANGED: "the text of this version was changed after it was published",
    Flaw.KEY_OF_ANOTHER_CARD: "the key that it names belongs to another card",
    Flaw.CARD_OF_ANOTHER_PERSON: "the card that it names belongs to another person",
    Flaw.KEY_NOT_CERTIFIED: "no certificate of ours says that the key is this person's",
    Flaw.NOT_SIGNED: "the statement was altered, or was not signed with the key that it names",
    Flaw.OTHER_PURPOSE: "the card signed something else than terms",
    Flaw.OTHER_TEXT: "the card signed another text",
    Flaw.OTHER_CARD: "the statement is another card's",
}

terms = AppGroup("terms", help="Terms and conditions.")


@terms.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", type=int, required=True, help="Its number: the newest one's and 1.")
@click.option("--title", default=TITLE, show_default=True)
def publish(file: Path, version: int, title: str) -> None:
    """Put the text in FILE in force: everybody accepts it at their next sign-in.

    UTF-8; paragraphs apart by an empty line; a short one that begins with a digit is a heading.
    """
    try:
        text = file.read_text(encoding="utf-8")
        made = texts.publish(title=title, text=text, actor=None, now=clock.now(), version=version)
    except UnicodeDecodeError:
        raise click.ClickException(f"{file} is not UTF-8") from None
    except EmptyTerms:
        raise click.ClickException(f"{file} is empty") from None
    except OtherVersion as refused:
        raise click.ClickException(
            f"the next version is {refused.following}, not {version}; nothing was published"
        ) from None
    click.echo(f"Version {made.version} is in force. SHA-256 of the text: {made.sha256}")


@terms.command("list")
def list_all() -> None:
    """Say which versions there are, the newest first, and how many people accepted each."""
    for each in texts.published():
        people = counted(each.accepted, "person", "people")
        click.echo(
            f"{each.version:>3}  {day(each.published_at):<17}  accepted by {people}  "
            f"{each.sha256[:16]}…  {each.title}"
        )


@terms.command("verify")
@click.option("--uuid", help="Of one person; everybody otherwise.")
def verify(uuid: str | None) -> None:
    """Check what cards signed against text, card, key and certificate. Ends with 1 on any flaw.

    Days are those that the service has recorded: a card has no clock, so none is proven.
    """
    checked, flawed = Checked(), 0
    for finding in findings(current_office().issuer, checked, uuid=uuid):
        flawed += 1
        click.echo(sentence(finding))
    click.echo(f"{counted(checked.acceptances, 'acceptance')} checked, {flawed:,} proving nothing")
    if flawed:
        raise SystemExit(1)


def sentence(finding: Finding) -> str:
    """Say which acceptance proves nothing, and why."""
    return (
        f"acceptance {finding.acceptance}: version {finding.version} by {finding.uuid}, "
        f"recorded on {day(finding.accepted_at)}: {WORDS[finding.flaw]}"
    )
