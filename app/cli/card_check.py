"""`flask cards check`: what is unfinished or does not fit together among the cards."""

from datetime import datetime

import click

from app import clock
from app.cli.cards import cards
from app.services import card_check
from app.services.card_check import Finding, Problem
from app.words import grouped, moment

WORDS = {
    Problem.UNFINISHED: "{about} stopped half way",
    Problem.EXPIRED: "has expired: a repair by the RA is due",
    Problem.HELD: "holds back a certificate ({about}) that no operation will ever complete",
    Problem.NO_CERTIFICATE: "has no certificate that counts in {about}: repair it",
    Problem.CERTIFICATE_OF_NO_USE: "has a certificate that counts ({about}), and is {status}",
    Problem.TWO_CERTIFICATES: "has more than one certificate that counts in {about}",
    Problem.NOT_OF_ITS_KEY: "has a certificate in {about} of a key that it has no more: repair it",
    Problem.OTHER_DAY: "has another last day than its certificate in {about}",
    Problem.NO_CARD_KEY: "has no key that shows it is ours ({about}): repair it",
    Problem.NO_MANAGEMENT_KEY: "has no management key: it cannot be renewed, only replaced",
    Problem.NO_PUK: "has no unblocking key (PUK): it cannot be unlocked",
    Problem.PENDING_PUK: "has a PUK that was sent and not proven, and no unlock to go on with",
}


@cards.command("check")
@click.option("--quiet", is_flag=True, help="Only what is wrong, not what waits for a person.")
def check(quiet: bool) -> None:
    """List the cards with something unfinished or inconsistent.

    Exit code 1 if anything is wrong; what only waits for a person (an operation to be continued,
    a card to be repaired) is listed, and is no error.
    """
    wrong = waiting = 0
    for finding in card_check.check(clock.now()):
        wrong += not finding.waits
        waiting += finding.waits
        if not (quiet and finding.waits):
            click.echo(_line(finding))
    click.echo(f"{wrong} wrong, {waiting} waiting for a person")
    if wrong:
        raise SystemExit(1)


def _line(finding: Finding) -> str:
    words = WORDS[finding.problem].format(about=finding.about, status=finding.status)
    since = f" ({moment(finding.since)})" if isinstance(finding.since, datetime) else ""
    sign = " " if finding.waits else "!"
    return f"{sign} card {grouped(finding.number)}: {words}{since}".replace("\u00a0", " ")
