"""`flask workstations`: the PCs whose reader bridges the service has met."""

from collections.abc import Callable, Mapping
from typing import Any

import click
from flask.cli import AppGroup

from app import clock
from app.domain.errors import Invalid, NotFound, TransitionRefused
from app.domain.install_codes import LONGEST_LABEL, MOST_USES
from app.models import Workstation
from app.services import install_codes
from app.services import workstations as pcs

workstations = AppGroup("workstations", help="PCs with a reader bridge.")

# One thumbprint in 64 begins with a hyphen, and is not an option for that
HYPHENS: Mapping[str, Any] = {"ignore_unknown_options": True}


@workstations.command("list")
def list_all() -> None:
    """Say which PCs there are: thumbprint, state, when seen last, name."""
    for pc in pcs.listed():
        click.echo(f"{pc.thumbprint}  {pc.status.value:<8}  {pc.last_seen_at:%Y-%m-%d}  {pc.name}")


@workstations.command(context_settings=HYPHENS)
@click.argument("thumbprint")
@click.option("--name", help="What to call it from now on.")
def enrol(thumbprint: str, name: str | None) -> None:
    """Trust the PC with this thumbprint with the secrets of cards.

    Compare the thumbprint with the one that the reader bridge shows on that PC.
    """
    _change(lambda: pcs.enrol(thumbprint, name=name, actor=None, now=clock.now()))


@workstations.command(context_settings=HYPHENS)
@click.argument("thumbprint")
@click.option("--reason", help="Why, for whoever asks later.")
def block(thumbprint: str, reason: str | None) -> None:
    """Refuse the PC with this thumbprint, and end the sessions that began there."""
    _change(lambda: pcs.block(thumbprint, reason=reason, actor=None, now=clock.now()))


@workstations.command(context_settings=HYPHENS)
@click.argument("thumbprint")
def unblock(thumbprint: str) -> None:
    """Let the PC with this thumbprint be used again. It has to be enrolled anew."""
    _change(lambda: pcs.unblock(thumbprint, actor=None, now=clock.now()))


@workstations.command()
@click.option("--for", "label", required=True, help="What it is made for: a ward, a roll-out.")
@click.option("--uses", default=1, show_default=True, help="How many PCs it enrols.")
def code(label: str, uses: int) -> None:
    """Make an install code: `python -m reader_bridge --enrol CODE` redeems it on a PC."""
    try:
        made = install_codes.make(label=label, uses=uses, actor=None, now=clock.now())
    except Invalid:
        raise click.ClickException(
            f"a label of at most {LONGEST_LABEL} characters, and from 1 to {MOST_USES} uses"
        ) from None
    click.echo(made.code)


def _change(change: Callable[[], Workstation]) -> None:
    try:
        changed = change()
    except NotFound:
        raise click.ClickException("no PC with this thumbprint was ever seen") from None
    except TransitionRefused as refusal:
        raise click.ClickException(f"not possible: this PC is {refusal.status}") from None
    click.echo(f"{changed.name}: {changed.status.value}")
