"""`flask audit`: whether the log is what was written."""

import click
from flask.cli import with_appcontext

from app import audit as log
from app.card_operations.office import current_office
from app.services import approval_evidence
from app.services.approval_evidence import Flaw
from app.words import day

WORDS = {
    Flaw.TEXT_CHANGED: "the text is not the one that was signed",
    Flaw.NO_CARD: "it does not say whose card signed",
    Flaw.KEY_NOT_CERTIFIED: "no key of that card was certified for this agent",
    Flaw.NOT_SIGNED: "not signed by that card, or something else was",
}


@click.group("audit")
def audit() -> None:
    """The audit log."""


@audit.command("verify")
@with_appcontext
def verify() -> None:
    """Check the digest of every event. Ends with 1 if any was changed."""
    verdict = log.verify()
    click.echo(f"{verdict.checked} events, {len(verdict.changed)} changed")
    for changed in verdict.changed:
        click.echo(f"changed: event {changed}")
    if not verdict.sound:
        raise SystemExit(1)


@audit.command("approvals")
@with_appcontext
def approvals() -> None:
    """Check what agents' cards signed before cards were cancelled, issued or repaired.

    Ends with 1 if any signature proves nothing.
    """
    checked = approval_evidence.Checked()
    flawed = 0
    for finding in approval_evidence.findings(current_office().issuer, checked):
        flawed += 1
        click.echo(
            f"event {finding.event}: {finding.name} on {day(finding.at)}: {WORDS[finding.flaw]}"
        )
    click.echo(f"{checked.approvals:,} approvals, {flawed:,} proving nothing")
    if flawed:
        raise SystemExit(1)
