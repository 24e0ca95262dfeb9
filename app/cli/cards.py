"""`flask cards issue`: a card for a person, from the command line of the service.

The first cards of an installation are made so: nobody can sign in yet to make them.
"""

from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app import audit, clock
from app.card_operations import imported_keys, issue, journal
from app.card_operations.answers import Answer, CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.makes import KNOWN_TO_EVERYBODY
from app.card_operations.management import KEY_BYTES, ManagementKey
from app.card_operations.office import current_office
from app.cli.bridge_page import BridgePage, BridgeSaidNo, Message, NoSuchCard
from app.cli.bridges import BridgeAddress, introduced
from app.domain.errors import RuleBroken
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Person
from reader_bridge.contract import Algorithm

cards = AppGroup("cards", help="Smartcards.")

WORDS = {
    "workstation-not-enrolled": "this PC is not enrolled: compare the thumbprint that `python -m "
    "reader_bridge --show-workstation` prints there, then `flask workstations enrol THUMBPRINT`",
    "virtual-card": "virtual cards are refused: ALLOW_VIRTUAL_CARDS is off",
    "card-already-issued": "this card is issued already",
    "card-not-blank": "this card is not blank: its management key is nobody's that we know",
    "factory-key-fixed": "this card's factory key cannot be changed: anybody could write to it. If "
    "its seller gave it a key of its own, `flask cards import-management-key` first",
}


@cards.command("issue")
@click.argument("uuid")
@click.option("--bridge", type=BridgeAddress(), help="127.0.0.1:PORT; looked for otherwise.")
@click.option(
    "--reader", help="The reader that holds the blank card; may be left out if it is the only card."
)
@click.option("--algorithm", type=click.Choice([each.value for each in Algorithm]), default="ES256")
@click.option("--number", help="The twelve digits printed on the card.")
@click.option(
    "--passcode-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Holds the holder's passcode; asked for otherwise.",
)
def issue_card(
    uuid: str,
    bridge: int | None,
    reader: str | None,
    algorithm: str,
    number: str | None,
    passcode_file: Path | None,
) -> None:
    """Issue the blank card in a reader to the person with this UUID.

    Run it again if it was cut off: it goes on where the card is.
    """
    person = db.session.scalar(select(Person).where(Person.uuid == uuid))
    if person is None:
        raise click.ClickException(f"there is no person with the UUID {uuid}")
    with introduced(bridge) as (page, _):
        chosen = reader or only_reader(page)
        passcode = read_passcode(passcode_file)
        done = issue_to(
            person, page, chosen, passcode, algorithm=Algorithm(algorithm), number=number
        )
    click.echo(f"Card {done['number']} is issued to {person.given_name} {person.family_name}.")


@cards.command("import-management-key")
@click.option("--serial", help="The chip's serial number, as read-card shows it.")
@click.option("--guid", help="The identifier that the new card shows, where it has no serial.")
@click.option(
    "--algorithm",
    type=click.Choice(sorted(KEY_BYTES)),
    help="Needed for keys of 24 bytes, which are 3DES or AES192.",
)
@click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Holds the key in hexadecimal; asked for otherwise.",
)
def import_management_key(
    serial: str | None, guid: str | None, algorithm: str | None, key_file: Path | None
) -> None:
    """Keep, sealed, the own management key (9B) that a card was delivered with.

    For makes whose management key cannot be changed: a card with a published key is refused.
    """
    if (serial is None) == (guid is None):
        raise click.UsageError("name the card by --serial or by --guid")
    named = imported_keys.by_serial(serial) if serial else imported_keys.by_guid(str(guid))
    text = key_file.read_text(encoding="utf-8") if key_file else _asked_key()
    try:
        raw = bytes.fromhex(text.strip())
    except ValueError:
        raise click.ClickException("a management key is written in hexadecimal") from None
    kind = imported_keys.algorithm_of(raw, algorithm)
    if kind is None:
        raise click.ClickException(
            f"{len(raw)} bytes: a key has 16 (AES128), 24 (3DES or AES192: say --algorithm) or 32 "
            "(AES256)"
        )
    key = ManagementKey(kind, raw)
    if key in KNOWN_TO_EVERYBODY:
        raise click.ClickException("this key is its maker's published one: it protects nothing")
    try:
        new = imported_keys.keep(current_office().vault, named, key, now=clock.now())
    except imported_keys.AlreadyImported:
        raise click.ClickException(f"there is another key for {named} already") from None
    if new:
        audit.record(
            "card.management-key-imported",
            outcome=Outcome.DONE,
            actor=None,
            now=clock.now(),
            card=named,
            algorithm=kind,
        )
    db.session.commit()
    click.echo(f"The key of {named} is kept." if new else f"The key of {named} was known already.")


def _asked_key() -> str:
    typed: str = click.prompt("The card's management key, in hexadecimal", hide_input=True)
    return typed


def only_reader(page: BridgePage) -> str:
    """The reader that holds the only card.

    Raises:
        click.ClickException: there is no card, or more than one.
    """
    if len(page.seats) == 1:
        return next(iter(page.seats))
    if not page.seats:
        raise click.ClickException("there is no card in any reader of this PC")
    named = ", ".join(f'"{reader}"' for reader in sorted(page.seats))
    raise click.ClickException(f"which card? There is one in each of {named}: say --reader")


def read_passcode(file: Path | None) -> str:
    """The holder's passcode, from a file or typed twice. It goes to the bridge and nowhere else."""
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    typed: str = click.prompt(
        "The holder's new passcode", hide_input=True, confirmation_prompt=True
    )
    return typed


def issue_to(
    person: Person,
    page: BridgePage,
    reader: str,
    passcode: str,
    *,
    algorithm: Algorithm,
    number: str | None,
) -> Message:
    """Issue the card in a reader; return its GUID and number.

    Raises:
        click.ClickException: the card, the bridge or a rule said no.
    """
    try:
        first = issue.start(
            person,
            page.blank_card(reader),
            sid=page.sid,
            seat=page.seats[reader],
            browser=page.browser,
            algorithm=algorithm,
            actor=None,
            office=current_office(),
            now=clock.now(),
            number=number,
        )
        return finished(run(page, first, new_passcode=passcode))
    except NoSuchCard as error:
        raise click.ClickException(f"there is no card in {reader}") from error
    except BridgeSaidNo as error:
        raise click.ClickException(f"the bridge cannot read the card: {error.code}") from error
    except RuleBroken as error:
        raise click.ClickException(WORDS.get(error.reason, str(error))) from error


def run(page: BridgePage, first: NextTicket, **passcodes: str | None) -> Answer:
    """Run an operation to its end, over a page of this process.

    Raises:
        RuleBroken: as ``journal.result``.
    """
    return page.run(
        first,
        lambda operation, body: journal.result(
            operation,
            body,
            browser=page.browser,
            actor=None,
            office=current_office(),
            now=clock.now(),
        ),
        **passcodes,
    )


def finished(answer: Answer) -> Message:
    """The facts of an operation that ended well.

    Raises:
        click.ClickException: it did not.
    """
    if isinstance(answer, Finished):
        return answer.facts
    if isinstance(answer, CardAnswered):
        raise click.ClickException(f"the card said no: {answer.code} {answer.facts or ''}".rstrip())
    assert isinstance(answer, Waiting)
    raise click.ClickException(f"not finished: {answer.reason}; run it again")
