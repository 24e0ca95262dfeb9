"""What an administrator learns of mail that does not reach anybody."""

from datetime import timedelta

import pytest

from app.extensions import db
from app.models import OutboxMessage
from app.services import mail_status, outbox

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def message(clock) -> OutboxMessage:
    queued = outbox.queue(
        "ada@northmere.nhs.uk", "contact-details-changed", now=clock(), name="Ada", fields=[]
    )
    db.session.commit()
    return queued


def test_where_all_mail_leaves_there_is_no_trouble(message, clock):
    assert not mail_status.trouble(clock())
    message.delivered_at = clock()
    db.session.commit()
    assert mail_status.status(clock() + timedelta(days=1)).waiting == 0
    assert not mail_status.trouble(clock() + timedelta(days=1))


@pytest.mark.parametrize(("minutes", "late"), [(59, False), (60, True)])
def test_mail_that_nobody_delivers_is_trouble_after_an_hour(message, clock, minutes, late):
    found = mail_status.trouble(clock() + timedelta(minutes=minutes))
    assert bool(found) is late
    assert found.since == (clock() if late else None)


def test_a_message_that_was_not_taken_is_trouble_at_once(message, clock):
    message.attempts, message.last_error = 1, "SMTPServerDisconnected"
    db.session.commit()
    found = mail_status.status(clock())
    assert (found.waiting, found.trouble.retried, found.trouble.given_up) == (1, 1, 0)
    [problem] = found.problems
    assert (problem.to, problem.last_error) == ("ada@northmere.nhs.uk", "SMTPServerDisconnected")


def test_a_message_that_was_given_up_is_trouble_until_it_is_tried_again(message, clock):
    message.attempts, message.failed_at, message.last_error = 8, clock(), "SMTPDataError 554"
    db.session.commit()
    assert mail_status.trouble(clock()).given_up == 1
    assert mail_status.status(clock()).problems[0].given_up
    assert mail_status.retry(clock()) == 1
    assert mail_status.retry(clock()) == 0
    db.session.refresh(message)
    assert (message.failed_at, message.attempts, message.not_before) == (None, 0, clock())


@pytest.fixture
def code(clock) -> OutboxMessage:
    queued = outbox.queue(
        "ada@northmere.nhs.uk",
        "unlock-code",
        now=clock(),
        name="Ada",
        secret={"code": "246813"},
        until=clock() + timedelta(hours=1),
    )
    db.session.commit()
    return queued


@pytest.mark.parametrize("error", ["ConnectionRefusedError", None])
def test_a_code_that_nobody_received_is_trouble_for_a_day_and_never_tried_again(code, clock, error):
    code.failed_at, code.last_error, code.bodies_sealed = clock(), error, None
    db.session.commit()
    found = mail_status.status(clock())
    assert (found.trouble.codes, found.trouble.given_up) == (1, 0)
    [problem] = found.problems
    assert (problem.for_good, problem.last_error) == (True, error)
    assert mail_status.retry(clock()) == 0
    assert not mail_status.trouble(clock() + timedelta(days=1))


def test_a_code_whose_message_was_withdrawn_is_no_trouble(code, clock):
    outbox.withdraw(code.id, now=clock())
    db.session.commit()
    assert not mail_status.trouble(clock())
    assert mail_status.status(clock()).problems == []


def test_asking_for_trouble_is_two_queries(clock, count_queries):
    with count_queries() as queries:
        mail_status.trouble(clock())
    assert len(queries) == 2
