"""`flask mail`: handing over what waits in the outbox."""

import time

import click
from flask.cli import with_appcontext

from app import clock
from app.extensions import db
from app.services import outbox


@click.group("mail")
def mail() -> None:
    """Deliver the mail that the service has written."""


@mail.command("deliver")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    help="Go on, with this many seconds between two rounds. Without it: one round.",
)
@with_appcontext
def deliver(every: float | None) -> None:
    """Hand what is due to the mail server that MAIL_SERVER and MAIL_PORT name."""
    while True:
        round_ = outbox.deliver(clock.now)
        if every is None or round_.delivered or round_.later or round_.given_up:
            click.echo(
                f"{round_.delivered} delivered, {round_.later} to be tried again, "
                f"{round_.given_up} given up"
            )
        if every is None:
            return
        db.session.remove()
        time.sleep(every)
