"""The mail that a demonstration has sent: caught (tools/mail_catcher.py), and kept as files."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default as email_policy
from pathlib import Path

from flask import current_app

from app.domain.errors import NotFound

SHOWN = 50
FOLDER = "mail"  # within INSTANCE
_NAME = re.compile(r"\d{8}-\d{6}-\d{6}")  # when it came: the names are in the order of arrival
_MOMENT = "%Y%m%d-%H%M%S-%f"


@dataclass(frozen=True, kw_only=True)
class Caught:
    """One message. ``id`` is the name of its file."""

    id: str
    at: datetime
    to: str
    subject: str
    text: str
    html: str | None


def newest() -> list[Caught]:
    """Return the messages that came last, the newest first: at most SHOWN."""
    return [_read(name) for name in sorted(_names(), reverse=True)[:SHOWN]]


def last() -> str | None:
    """Return the id of the message that came last; None before there is one."""
    return max(_names(), default=None)


def message(name: str) -> Caught:
    """Return one message.

    Raises:
        NotFound: there is none of this name.
    """
    if not _NAME.fullmatch(name) or not (_folder() / f"{name}.eml").is_file():
        raise NotFound("caught-mail", name)
    return _read(name)


def _names() -> list[str]:
    return [file.stem for file in _folder().glob("*.eml") if _NAME.fullmatch(file.stem)]


def _folder() -> Path:
    return Path(current_app.config["INSTANCE"]) / FOLDER


def _read(name: str) -> Caught:
    content = (_folder() / f"{name}.eml").read_bytes()
    parsed = message_from_bytes(content, policy=email_policy)
    return Caught(
        id=name,
        at=datetime.strptime(name, _MOMENT).replace(tzinfo=UTC),
        to=str(parsed["To"] or ""),
        subject=str(parsed["Subject"] or ""),
        text=_body(parsed, "plain") or "",
        html=_body(parsed, "html"),
    )


def _body(parsed: EmailMessage, kind: str) -> str | None:
    part = parsed.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, MessageError):
        return None  # written in no alphabet that we know
