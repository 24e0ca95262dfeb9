"""`flask tidy`: removing rows that have done their work."""

import click
from flask.cli import with_appcontext

from app import clock
from app.services.tidy import tidy as remove_old


@click.command("tidy")
@with_appcontext
def tidy() -> None:
    """Remove rows that have done their work: once a day is enough."""
    for what, how_many in remove_old(clock.now()).items():
        click.echo(f"{what}: {how_many}")
