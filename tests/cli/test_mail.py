"""`flask mail remind`, `flask mail status`, `flask mail retry`."""

from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask

from app.extensions import db
from app.services import outbox
from tests.parts.clock import START, FrozenClock
from tests.parts.people import a_card, a_person

pytestmark = pytest.mark.usefixtures("db_session")


def mail(app: Flask, *command: str) -> Result:
    return app.test_cli_runner().invoke(args=["mail", *command])


def test_reminders_are_written_once_and_those_without_an_address_are_named(app: Flask) -> None:
    last = START.date() + timedelta(days=7)
    a_card(a_person(email="ada@northmere.nhs.uk"), expires_on=last)
    a_card(a_person(), expires_on=last)
    first = mail(app, "remind")
    assert first.exit_code == 0
    assert first.output.splitlines() == [
        "1 reminders written",
        "1 holders have no email address: they are not reminded",
    ]
    assert "0 reminders written" in mail(app, "remind").output
    assert "1 waiting" in mail(app, "status").output


def test_the_state_of_the_mail_is_told_and_its_exit_code_says_whether_it_is_well(
    app: Flask, clock: FrozenClock
) -> None:
    assert mail(app, "status").exit_code == 0
    message = outbox.queue(
        "ada@northmere.nhs.uk", "contact-details-changed", now=clock(), name="Ada", fields=[]
    )
    message.attempts, message.failed_at, message.last_error = 8, clock(), "SMTPDataError 554"
    db.session.commit()
    told = mail(app, "status")
    assert told.exit_code == 1
    assert "ada@northmere.nhs.uk" in told.output
    assert "8 tries, SMTPDataError 554: given up" in told.output
    assert "flask mail retry" in told.output
    assert "1 will be tried again" in mail(app, "retry").output
    assert mail(app, "status").exit_code == 0


def test_delivering_goes_on_where_an_address_cannot_be_written(
    app: Flask, clock: FrozenClock
) -> None:
    outbox.queue(
        "zoë@northmere.nhs.uk", "contact-details-changed", now=clock(), name="Zoë", fields=[]
    )
    db.session.commit()
    delivered = mail(app, "deliver")
    assert delivered.exit_code == 0
    assert "0 delivered, 0 to be tried again, 1 given up" in delivered.output
    told = mail(app, "status")
    assert "zoë@northmere.nhs.uk" in told.output
    assert "1 tries, UnicodeEncodeError: given up" in told.output


def test_a_code_that_nobody_received_is_told_without_the_code(
    app: Flask, clock: FrozenClock
) -> None:
    message = outbox.queue(
        "ada@northmere.nhs.uk",
        "unlock-code",
        now=clock(),
        name="Ada",
        secret={"code": "246813"},
        until=clock() + timedelta(hours=1),
    )
    message.attempts, message.last_error = 60, "ConnectionRefusedError"
    db.session.commit()
    clock.advance(hours=1)
    assert "1 given up" in mail(app, "deliver").output
    told = mail(app, "status")
    assert told.exit_code == 1
    assert "1 with a code for self-service were not taken in time today" in told.output
    assert "ConnectionRefusedError: given up for good" in told.output
    assert "flask mail retry" not in told.output
    assert "246" not in told.output
    assert "0 will be tried again" in mail(app, "retry").output
    clock.advance(days=1)
    assert mail(app, "status").exit_code == 0
