"""Mail: written down in the action's own transaction, delivered afterwards, with patience.

A message is delivered at least once: a crash between the mail server's yes and our note of it
sends it again.
"""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask_mail import Message
from sqlalchemy import select, update

from app.extensions import db, mail
from app.models import OutboxMessage
from app.services import mail_body

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))

log = structlog.get_logger()


def queue(to: str, template: str, *, now: datetime, **facts: Any) -> OutboxMessage:
    """Write one message. Part of the caller's action: no action, no mail.

    Its words are in ``templates/mail/<template>.txt`` (see ``mail_body``).
    """
    written = mail_body.write(template, **facts)
    message = OutboxMessage(
        to=to,
        subject=written.subject,
        template=template,
        body_text=written.text,
        body_html=written.html,
        created_at=now,
        not_before=now,
    )
    db.session.add(message)
    return message


@dataclass
class Delivery:
    """What one round of delivering came to."""

    delivered: int = 0
    later: int = 0
    given_up: int = 0


def deliver(clock: Callable[[], datetime], *, at_most: int = 100) -> Delivery:
    """Hand what is due to the mail server, the oldest first.

    Each message is claimed before it is sent, so that two deliverers never send the same one. What
    the mail server does not take is tried again later, and given up after the last of BACK_OFF.
    """
    round_ = Delivery()
    for _ in range(at_most):
        message = _claim(clock())
        if message is None:
            break
        try:
            mail.send(
                Message(
                    subject=message.subject,
                    recipients=[message.to],
                    body=message.body_text,
                    html=message.body_html,
                )
            )
        except (smtplib.SMTPException, OSError) as error:
            _note_failure(message, error, clock(), round_)
        else:
            message.delivered_at = clock()
            message.last_error = None
            round_.delivered += 1
        db.session.commit()
    return round_


def _claim(now: datetime) -> OutboxMessage | None:
    """Take the oldest message that is due. It is not due again until this try has timed out."""
    while True:
        candidate = db.session.execute(
            select(OutboxMessage.id, OutboxMessage.attempts)
            .where(
                OutboxMessage.delivered_at.is_(None),
                OutboxMessage.failed_at.is_(None),
                OutboxMessage.not_before <= now,
            )
            .order_by(OutboxMessage.not_before, OutboxMessage.id)
            .limit(1)
        ).one_or_none()
        if candidate is None:
            db.session.rollback()
            return None
        claimed = db.session.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.id == candidate.id,
                OutboxMessage.attempts == candidate.attempts,
                OutboxMessage.delivered_at.is_(None),
            )
            .values(attempts=candidate.attempts + 1, not_before=now + _wait(candidate.attempts))
            .returning(OutboxMessage.id)
        ).one_or_none()
        db.session.commit()
        if claimed is not None:
            return db.session.get(OutboxMessage, candidate.id, populate_existing=True)


def _wait(attempts: int) -> timedelta:
    return BACK_OFF[min(attempts, len(BACK_OFF) - 1)]


def _note_failure(
    message: OutboxMessage, error: Exception, now: datetime, round_: Delivery
) -> None:
    # The server's words may quote the address or the text: the kind of error says enough
    code = getattr(error, "smtp_code", None)
    message.last_error = f"{type(error).__name__} {code}" if code else type(error).__name__
    if message.attempts > len(BACK_OFF):
        message.failed_at = now
        round_.given_up += 1
    else:
        round_.later += 1
    log.warning(
        "mail not delivered",
        message=message.id,
        template=message.template,
        attempts=message.attempts,
        error=message.last_error,
    )
