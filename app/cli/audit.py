"""`flask audit`: whether the log is what was written."""

import click
from flask.cli import with_appcontext

from app import audit as log


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
