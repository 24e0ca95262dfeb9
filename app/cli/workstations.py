"""`flask workstations`: the PCs whose reader bridges the service has met."""

from collections.abc import Callable

import click
from flask.cli import AppGroup

from app import clock
from app.domain.errors import NotFound
from app.models import Workstation
from app.services import workstations as pcs

workstations = AppGroup("workstations", help="PCs with a reader bridge.")


@workstations.command("list")
def list_all() -> None:
    """Say which PCs there are: thumbprint, state, when seen last, name."""
    for pc in pcs.listed():
        click.echo(f"{pc.thumbprint}  {pc.status.value:<8}  {pc.last_seen_at:%Y-%m-%d}  {pc.name}")


@workstations.command()
@click.argument("thumbprint")
@click.option("--name", help="What to call it from now on.")
def enrol(thumbprint: str, name: str | None) -> None:
    """Trust the PC with this thumbprint with the secrets of cards.

    Compare the thumbprint with the one that the reader bridge shows on that PC.
    """
    _change(lambda: pcs.enrol(thumbprint, name=name, actor=None, now=clock.now()))


@workstations.command()
@click.argument("thumbprint")
def block(thumbprint: str) -> None:
    """Give the PC with this thumbprint no more tickets."""
    _change(lambda: pcs.block(thumbprint, actor=None, now=clock.now()))


def _change(change: Callable[[], Workstation]) -> None:
    try:
        changed = change()
    except NotFound:
        raise click.ClickException("no PC with this thumbprint was ever seen") from None
    click.echo(f"{changed.name}: {changed.status.value}")
