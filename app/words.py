"""How values are written for people: dates, moments, identifiers. Filters of every template."""

from datetime import date, datetime

from flask import Flask

from app.domain.contact_details import telephone_shown
from app.domain.days import LONDON


def day(value: date | datetime | None) -> str:
    """Write a day as "4 March 2027"; a moment is a day in London."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(LONDON)
    return f"{value.day} {value:%B %Y}"


def moment(value: datetime | None) -> str:
    """Write a moment as "4 March 2027 at 2:05pm", London time."""
    if value is None:
        return ""
    return f"{day(value)} at {clock_time(value)}"


def from_journal(text: str) -> datetime:
    """A moment as the journal of an operation writes it."""
    return datetime.fromisoformat(text)


def clock_time(value: datetime) -> str:
    """Write the time of day of a moment as "2:05pm", London time."""
    local = value.astimezone(LONDON)
    return f"{local.hour % 12 or 12}:{local:%M}{'am' if local.hour < 12 else 'pm'}"


def masked(value: str | None, shown: int = 3) -> str:
    """Hide all of an identifier but its last characters."""
    if not value:
        return ""
    return "•" * max(0, len(value) - shown) + value[-shown:]


def masked_email(address: str | None) -> str:
    """Hide an email address so that its owner knows it again: "g•••@nhs.net"."""
    local, at, domain = (address or "").rpartition("@")
    return f"{local[:1]}•••{at}{domain}" if at else ""


def counted(number: int, one: str, many: str | None = None) -> str:
    """Write "1 day", "2 days"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def grouped(number: str | None, size: int = 4) -> str:
    """Write a long number in groups, as it is printed on a card: "5550 1234 5678"."""
    number = number or ""
    return "\u00a0".join(number[i : i + size] for i in range(0, len(number), size))


def telephone(number: str | None) -> str:
    """Write a telephone number in groups that do not come apart: "0113 496 0123"."""
    return telephone_shown(number or "").replace(" ", "\u00a0")


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(
        clock_time=clock_time,
        counted=counted,
        day=day,
        from_journal=from_journal,
        grouped=grouped,
        masked=masked,
        masked_email=masked_email,
        moment=moment,
        telephone=telephone,
    )
