"""Mail: written down in the action's own transaction, delivered afterwards, with patience.

A message is delivered at least once: a crash between the mail server's yes and our note of it
sends it again. The texts of one with a secret are sealed while it waits, and gone afterwards.
"""

import json
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError
from typing import Any
from uuid import uuid4

import structlog
from flask_mail import BadHeaderError, Message
from sqlalchemy import ColumnElement, Row, select, update

from app.extensions import db, mail
from app.mail_server import longest_try
from app.models import OutboxMessage
from app.services import mail_body
from app.services.keys import vault
from app.vault import CannotOpen

URGENT_AGAIN = timedelta(minutes=1)
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))

WITHDRAWN = "withdrawn"

# What a row raises of which no message can be made, however often it is tried
UNWRITABLE = (CannotOpen, BadHeaderError, MessageError, ValueError)

log = structlog.get_logger()


def queue(
    to: str,
    template: str,
    *,
    now: datetime,
    secret: dict[str, str] | None = None,
    until: datetime | None = None,
    **facts: Any,
) -> OutboxMessage:
    """Write one message. Part of the caller's action: no action, no mail.

    Its words are in ``templates/mail/<template>.txt`` (see ``mail_body``); ``at`` in them is
    ``now``, unless ``facts`` say otherwise. ``secret`` are facts
    that nobody may read who reads the database; none of them belongs in a subject. ``until`` makes
    it urgent: it goes before all others, is tried again each minute, and is given up then.
    """
    written = mail_body.write(template, **{"at": now, **facts}, **(secret or {}))
    message = OutboxMessage(
        to=to,
        subject=written.subject,
        template=template,
        body_text=written.text,
        body_html=written.html,
        created_at=now,
        not_before=now,
        until=until,
    )
    if secret is not None:
        if any(each in written.subject for each in secret.values()):
            raise ValueError(f"the subject of {template} has a secret in it")
        _seal(message, written)
    db.session.add(message)
    return message


def withdraw(message_id: int, *, now: datetime) -> None:
    """Have a message not sent, if it has not left so far. Part of the caller's action."""
    db.session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.id == message_id,
            OutboxMessage.delivered_at.is_(None),
            OutboxMessage.failed_at.is_(None),
        )
        .values(failed_at=now, bodies_sealed=None, last_error=WITHDRAWN)
    )


def _seal(message: OutboxMessage, written: mail_body.Written) -> None:
    message.ref = str(uuid4())
    message.body_text, message.body_html = "", None
    bodies = json.dumps([written.text, written.html]).encode()
    message.bodies_sealed = vault().seal(bodies, **_place(message))


def _bodies(message: OutboxMessage) -> tuple[str, str | None]:
    """The texts of a message, plain and for the eye.

    Raises:
        CannotOpen: they were sealed under a key that is not here, or are gone.
    """
    if message.ref is None:
        return message.body_text, message.body_html
    if message.bodies_sealed is None:
        raise CannotOpen("the texts are gone")
    text, html = json.loads(vault().open(message.bodies_sealed, **_place(message)))
    return text, html


def _place(message: OutboxMessage) -> dict[str, str]:
    return {"table": "outbox_message", "column": "bodies_sealed", "row": str(message.ref)}


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
    What cannot be written as a message is given up at once.
    """
    round_ = Delivery()
    for _ in range(at_most):
        message = _claim(clock())
        if message is None:
            break
        _send(message, clock, round_)
        db.session.commit()
    return round_


def _send(message: OutboxMessage, clock: Callable[[], datetime], round_: Delivery) -> None:
    if message.until is not None and clock() >= message.until:
        _give_up(message, clock(), round_)
        return
    try:
        letter = _letter(message)
    except UNWRITABLE as error:
        message.last_error = type(error).__name__
        _give_up(message, clock(), round_)
        return
    try:
        mail.send(letter)
    except (smtplib.SMTPException, OSError, ValueError) as error:  # ValueError: of the settings
        _note_failure(message, error, clock(), round_)
    else:
        message.delivered_at = clock()
        message.last_error = None
        message.bodies_sealed = None
        round_.delivered += 1


def _letter(message: OutboxMessage) -> Message:
    """Write a message as it leaves, before a mail server is asked to take it.

    Raises:
        UNWRITABLE: it cannot be.
    """
    text, html = _bodies(message)
    letter = Message(subject=message.subject, recipients=[message.to], body=text, html=html)
    if letter.has_bad_headers():
        raise BadHeaderError
    letter.as_bytes()
    return letter


def _give_up(message: OutboxMessage, now: datetime, round_: Delivery) -> None:
    message.failed_at = now
    message.bodies_sealed = None
    round_.given_up += 1
    log.warning(
        "mail given up",
        message=message.id,
        template=message.template,
        attempts=message.attempts,
        error=message.last_error,
    )


def _claim(now: datetime) -> OutboxMessage | None:
    """Take the oldest message that is due. It is not due again until this try has ended for sure:
    only if this deliverer dies meanwhile does another one take it then.
    """
    while True:
        candidate = _due(now, OutboxMessage.until.is_not(None)) or _due(now)
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
            .values(attempts=candidate.attempts + 1, not_before=now + longest_try())
            .returning(OutboxMessage.id)
        ).one_or_none()
        db.session.commit()
        if claimed is not None:
            return db.session.get(OutboxMessage, candidate.id, populate_existing=True)


def _due(now: datetime, *more: ColumnElement[bool]) -> Row[int, int] | None:
    return db.session.execute(
        select(OutboxMessage.id, OutboxMessage.attempts)
        .where(
            *more,
            OutboxMessage.delivered_at.is_(None),
            OutboxMessage.failed_at.is_(None),
            OutboxMessage.not_before <= now,
        )
        .order_by(OutboxMessage.not_before, OutboxMessage.id)
        .limit(1)
    ).one_or_none()


def _note_failure(
    message: OutboxMessage, error: Exception, now: datetime, round_: Delivery
) -> None:
    # The server's words may quote the address or the text: the kind of error says enough
    code = getattr(error, "smtp_code", None)
    message.last_error = f"{type(error).__name__} {code}" if code else type(error).__name__
    if message.until is None and message.attempts > len(BACK_OFF):
        _give_up(message, now, round_)
        return
    urgent = message.until is not None
    wait = URGENT_AGAIN if urgent else BACK_OFF[message.attempts - 1]
    message.not_before = now + wait
    round_.later += 1
    log.warning(
        "mail not delivered",
        message=message.id,
        template=message.template,
        attempts=message.attempts,
        error=message.last_error,
    )
