"""Mail leaves with its action, once each, and again when the mail server was away."""

import smtplib
from datetime import timedelta
from itertools import chain

import pytest
from sqlalchemy import select

from app.extensions import db
from app.mail_server import ANSWERS, longest_try
from app.models import OutboxMessage
from app.services import keys, mail_status, outbox
from app.vault import Vault
from tests.parts.at_once import at_once
from tests.parts.ports import free_port
from tests.parts.smtp import mail_catcher, mail_settings

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def queued(clock):
    def queue(to="ada@northmere.nhs.uk", name="Ada O’Brien <ada>"):
        message = outbox.queue(
            to, "contact-details-changed", now=clock(), name=name, fields=["email"]
        )
        db.session.commit()
        return message

    return queue


@pytest.fixture
def server(app):
    """The settings of a real mail server, that the application uses from now on."""
    with mail_settings(app) as use:
        yield use


def test_a_message_has_its_subject_and_its_text_without_markup(queued):
    message = queued()
    assert message.subject == "Your contact details have changed"
    assert "Dear Ada O’Brien <ada>," in message.body_text
    assert "- email address" in message.body_text
    assert "Subject:" not in message.body_text
    assert "Dear Ada O’Brien &lt;ada&gt;," in message.body_html


def test_a_message_of_an_action_that_is_rolled_back_never_leaves(clock):
    outbox.queue("a@b.nhs.uk", "contact-details-changed", now=clock(), name="A", fields=[])
    db.session.rollback()
    assert outbox.deliver(clock).delivered == 0


def test_a_message_is_delivered_once(queued, server, clock):
    with mail_catcher() as catcher:
        server(catcher.port)
        queued()
        assert outbox.deliver(clock).delivered == 1
        assert outbox.deliver(clock).delivered == 0
        assert len(catcher.messages) == 1
        assert catcher.messages[0]["Subject"] == "Your contact details have changed"
        assert catcher.messages[0]["To"] == "ada@northmere.nhs.uk"


def test_a_server_that_is_away_is_asked_again_later_and_later(queued, server, clock):
    server(free_port())
    message = queued()
    for attempt, wait in enumerate(outbox.BACK_OFF, start=1):
        assert outbox.deliver(clock).later == 1
        assert message.attempts == attempt
        assert message.last_error == "ConnectionRefusedError"
        assert outbox.deliver(clock).later == 0, "it is not due again yet"
        clock.advance(seconds=wait.total_seconds())
    assert outbox.deliver(clock).given_up == 1
    assert message.failed_at == clock()
    clock.advance(days=30)
    assert outbox.deliver(clock).given_up == 0


def test_one_message_that_fails_holds_up_no_other(queued, server, clock):
    server(free_port())
    queued("first@northmere.nhs.uk")
    outbox.deliver(clock)
    with mail_catcher() as catcher:
        server(catcher.port)
        queued("second@northmere.nhs.uk")
        assert outbox.deliver(clock).delivered == 1
        clock.advance(minutes=1)
        assert outbox.deliver(clock).delivered == 1
        assert [each["To"] for each in catcher.messages] == [
            "second@northmere.nhs.uk",
            "first@northmere.nhs.uk",
        ]


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("zoë@nhs.net", "UnicodeEncodeError"),
        ("zoe@nhs.net\nBcc: all@nhs.net", "BadHeaderError"),
        ("zoe@" + "a" * 64 + "ë.nhs.uk", "UnicodeError"),
    ],
)
def test_what_cannot_be_written_as_a_message_is_given_up_and_holds_up_no_other(
    queued, server, clock, to, error
):
    odd = queued(to)
    queued("ada@bücher.nhs.uk")
    with mail_catcher() as catcher:
        server(catcher.port)
        assert outbox.deliver(clock) == outbox.Delivery(delivered=1, given_up=1)
        assert [each["To"] for each in catcher.messages] == ["ada@xn--bcher-kva.nhs.uk"]
    assert (odd.last_error, odd.failed_at, odd.attempts) == (error, clock(), 1)
    told = mail_status.status(clock())
    assert [(each.to, each.given_up) for each in told.problems] == [(to, True)]
    clock.advance(days=30)
    assert outbox.deliver(clock) == outbox.Delivery()


def test_settings_that_cannot_be_said_to_a_server_are_not_the_message_s_fault(
    queued, server, clock
):
    server(free_port(), MAIL_SERVER="mail..nhs.uk")
    message = queued()
    assert outbox.deliver(clock).later == 1
    assert (message.last_error, message.failed_at) == ("UnicodeError", None)


def test_what_is_kept_of_an_error_does_not_quote_the_message(queued, clock):
    message = queued()
    error = smtplib.SMTPDataError(554, b"rejected: ada@northmere.nhs.uk")
    outbox._note_failure(message, error, clock(), outbox.Delivery())
    assert message.last_error == "SMTPDataError 554"


def test_a_deliverer_that_dies_leaves_the_message_to_the_next(queued, clock):
    queued()
    assert outbox._claim(clock()) is not None
    assert outbox._claim(clock()) is None
    assert outbox._claim(clock() + longest_try()) is not None


@pytest.mark.parametrize("seconds", [20, 300])
def test_no_other_deliverer_takes_a_message_that_may_be_under_way(
    queued, secret, server, clock, seconds
):
    server(free_port(), MAIL_TIMEOUT=seconds)
    queued()
    secret()
    assert outbox._claim(clock()) is not None
    assert outbox._claim(clock()) is not None
    clock.advance(seconds=ANSWERS * seconds)
    assert outbox._claim(clock()) is None


def test_two_deliverers_never_claim_the_same_message(app, queued, clock):
    for number in range(6):
        queued(f"{number}@northmere.nhs.uk")

    def claim_three() -> list[int]:
        claimed = [outbox._claim(clock()) for _ in range(3)]
        return [message.id for message in claimed if message]

    done = at_once(app, 4, claim_three)
    assert [each for each in done if isinstance(each, Exception)] == []
    assert sorted(chain.from_iterable(done)) == sorted(db.session.scalars(select(OutboxMessage.id)))


@pytest.fixture
def secret(clock):
    def queue(code="042137", until=timedelta(hours=1)):
        message = outbox.queue(
            "ada@northmere.nhs.uk",
            "unlock-code",
            now=clock(),
            secret={"code": code},
            until=clock() + until,
            name="Ada",
        )
        db.session.commit()
        return message

    return queue


def test_the_texts_of_a_secret_are_sealed_while_it_waits_and_gone_when_it_has_left(
    secret, server, clock
):
    message = secret()
    assert (message.body_text, message.body_html) == ("", None)
    assert b"042" not in message.bodies_sealed
    with mail_catcher() as catcher:
        server(catcher.port)
        assert outbox.deliver(clock).delivered == 1
        bodies = catcher.messages[0].get_body(("plain",)).get_content()
    assert "Your unlock code is:\n\n042 137\n" in bodies.replace("\r", "")
    assert (message.delivered_at, message.bodies_sealed) == (clock(), None)


def test_a_secret_goes_before_what_waits_longer(secret, queued, server, clock):
    queued()
    clock.advance(minutes=1)
    secret()
    with mail_catcher() as catcher:
        server(catcher.port)
        assert outbox.deliver(clock).delivered == 2
        assert [each["Subject"][:11] for each in catcher.messages] == ["Your unlock", "Your contac"]


def test_a_secret_is_tried_again_each_minute_and_arrives_when_the_server_is_back(
    secret, server, clock
):
    message = secret()
    server(free_port())
    for _ in range(10):
        assert outbox.deliver(clock).later == 1
        assert outbox.deliver(clock) == outbox.Delivery(), "it is not due again yet"
        clock.advance(minutes=1)
    with mail_catcher() as catcher:
        server(catcher.port)
        assert outbox.deliver(clock).delivered == 1
    assert (message.attempts, message.delivered_at) == (11, clock())


def test_a_secret_that_is_of_no_more_use_is_given_up_wiped_and_never_tried_again(
    secret, server, clock
):
    message = secret()
    server(free_port())
    clock.advance(minutes=59)
    assert outbox.deliver(clock).later == 1
    assert mail_status.status(clock()).problems[0].template == "unlock-code"
    clock.advance(minutes=1)
    with mail_catcher() as catcher:
        server(catcher.port)
        assert outbox.deliver(clock).given_up == 1
        assert catcher.messages == []
    assert (message.failed_at, message.bodies_sealed) == (clock(), None)
    assert mail_status.trouble(clock()).given_up == 0
    assert mail_status.retry(clock()) == 0
    clock.advance(days=1)
    assert outbox.deliver(clock) == outbox.Delivery()


def test_a_secret_whose_key_is_not_here_is_given_up_and_holds_up_nothing(
    app, secret, queued, server, clock
):
    message = secret()
    queued()
    before = keys.vault()
    app.extensions[keys.EXTENSION] = Vault(bytes(32))
    with mail_catcher() as catcher:
        server(catcher.port)
        done = outbox.deliver(clock)
    app.extensions[keys.EXTENSION] = before
    assert (done.delivered, done.given_up) == (1, 1)
    assert message.last_error == "CannotOpen"


def test_a_message_that_is_withdrawn_never_leaves_and_one_that_has_left_stays_so(secret, clock):
    first, second = secret(), secret()
    second.delivered_at = clock()
    db.session.commit()
    for each in (first, second):
        outbox.withdraw(each.id, now=clock())
    db.session.commit()
    assert outbox.deliver(clock) == outbox.Delivery()
    assert (first.bodies_sealed, first.last_error) == (None, outbox.WITHDRAWN)
    assert second.failed_at is None


def test_no_secret_gets_into_a_subject(clock):
    with pytest.raises(ValueError, match="subject"):
        outbox.queue("a@nhs.net", "unlock-code", now=clock(), secret={"code": "unlock"}, name="A")
