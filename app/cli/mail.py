"""`flask mail`: handing over what waits in the outbox, how it goes, and writing reminders."""

import sys
import time
from datetime import datetime

import click
from flask.cli import with_appcontext

from app import clock
from app.extensions import db
from app.services import mail_status, outbox, reminders
from app.words import moment


@click.group("mail")
def mail() -> None:
    """Deliver the mail that the service has written, and remind of what expires."""


@mail.command("deliver")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    help="Go on, with this many seconds between two rounds. Without it: one round.",
)
@click.option(
    "--remind-every",
    type=click.FloatRange(min=1),
    help="Write the reminders that are due, too, with at least this many seconds in between.",
)
@with_appcontext
def deliver(every: float | None, remind_every: float | None) -> None:
    """Hand what is due to the mail server that MAIL_SERVER and MAIL_PORT name.

    People wait for the codes of self-service: have it run all the time, with --every 5 or so.
    """
    reminded: datetime | None = None
    while True:
        now = clock.now()
        if remind_every and (reminded is None or (now - reminded).total_seconds() >= remind_every):
            reminded = now
            _tell(reminders.remind(now), always=every is None)
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


@mail.command("remind")
@with_appcontext
def remind() -> None:
    """Write the reminders that are due: 90, 30, 7 and 1 days before certificates expire.

    Each is written once, however often this runs. For a timer: once a day.
    """
    _tell(reminders.remind(clock.now()), always=True)


@mail.command("status")
@with_appcontext
def status() -> None:
    """Say what waits and what the mail server does not take. Exit code 1 if anything is wrong.

    Whom it was for and which message it was, never what it says: no code is shown.
    """
    found = mail_status.status(clock.now())
    trouble = found.trouble
    click.echo(
        f"{found.waiting} waiting, {trouble.retried} of them tried in vain so far, "
        f"{trouble.given_up} given up"
    )
    if trouble.codes:
        click.echo(
            f"{trouble.codes} with a code for self-service were not taken in time today: whoever "
            "waited for one asks for another when mail leaves again."
        )
    if trouble.since:
        click.echo(
            f"The oldest waits since {moment(trouble.since)}. "
            "Does `flask mail deliver` run, and is MAIL_SERVER right?"
        )
    for each in found.problems:
        state = "given up" if each.given_up else "tried again"
        if each.for_good:
            state = "given up for good"
        click.echo(
            f"{each.id}  {moment(each.created_at)}  {each.to}  {each.template}  "
            f"{each.attempts} tries, {each.last_error}: {state}"
        )
    if trouble.given_up:
        click.echo("When the reason is mended: flask mail retry")
    if trouble:
        sys.exit(1)


@mail.command("retry")
@with_appcontext
def retry() -> None:
    """Have everything that was given up tried again."""
    click.echo(f"{mail_status.retry(clock.now())} will be tried again")


def _tell(round_: reminders.Reminded, *, always: bool) -> None:
    if not (always or round_.written):
        return
    click.echo(f"{round_.written} reminders written")
    if always and round_.without_address:
        click.echo(f"{round_.without_address} holders have no email address: they are not reminded")
