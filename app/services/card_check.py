"""What is unfinished or does not fit together among the cards, for `flask cards check`.

Each check is one query over all cards. What waits for a person is told apart from what ought never
to be: of the latter nobody but an administrator would hear.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, literal, or_, select
from sqlalchemy.orm import aliased

from app.card_operations.journal import IN_HAND
from app.domain.card_lifecycle import CardStatus
from app.domain.days import day_of
from app.domain.statuses import CertificateStatus, KeyState, OperationState
from app.extensions import db
from app.models import Card, CardKey, CardOperation, Certificate
from app.services.unfinished import SERVICES, changed_the_card, nobody_is_at_it
from reader_bridge.contract import Slot


class Problem(StrEnum):
    """What is found. Those of WAITS are nobody's mistake."""

    UNFINISHED = "unfinished"
    EXPIRED = "expired"
    HELD = "held-certificate"
    NO_CERTIFICATE = "no-certificate"
    CERTIFICATE_OF_NO_USE = "certificate-of-no-use"
    TWO_CERTIFICATES = "two-certificates"
    NOT_OF_ITS_KEY = "not-of-its-key"
    OTHER_DAY = "other-day"
    NO_CARD_KEY = "no-card-key"
    NO_MANAGEMENT_KEY = "no-management-key"
    NO_PUK = "no-puk"
    PENDING_PUK = "pending-puk"


WAITS = frozenset({Problem.UNFINISHED, Problem.EXPIRED})


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One card that has a problem. ``about`` is the operation, slot or day that it is about."""

    problem: Problem
    card_id: int
    number: str
    status: CardStatus
    about: str
    since: datetime | date | None = None

    @property
    def waits(self) -> bool:
        """Whether a person has to go on, and nothing is wrong."""
        return self.problem in WAITS


GOOD = (CardStatus.ISSUED, CardStatus.LOCKED, CardStatus.SUSPENDED)
MAKE_CERTIFICATES = ("issue", "renew", "repair")
REPLACE_PUKS = ("issue", "unlock", "erase")
PAIR = (Slot.AUTHENTICATION.value, Slot.SIGNATURE.value)


def check(now: datetime) -> Iterator[Finding]:
    """Go through all cards, and tell of everything that is unfinished or inconsistent."""
    for problem, wanted in _queries(now).items():
        for row in db.session.execute(wanted):
            yield _finding(problem, row)
    yield from _other_days()


def _queries(now: datetime) -> dict[Problem, Select[*tuple[Any, ...]]]:
    is_good = Card.status.in_(GOOD)
    active = Certificate.status == CertificateStatus.ACTIVE
    no_issue = ~_under_way(*MAKE_CERTIFICATES)
    return {
        Problem.UNFINISHED: _cards(CardOperation.kind, CardOperation.updated_at)
        .join(CardOperation, CardOperation.card_id == Card.id)
        .where(
            CardOperation.finished_at.is_(None),
            CardOperation.kind.in_(tuple(SERVICES)),
            changed_the_card(),
            nobody_is_at_it(now - IN_HAND),
        ),
        Problem.EXPIRED: _cards(literal("certificates"), Card.expires_on).where(
            is_good, Card.expires_on < day_of(now)
        ),
        Problem.HELD: _certificates(Certificate.status == CertificateStatus.HELD, no_issue),
        Problem.NO_CERTIFICATE: _without_certificate(is_good, no_issue),
        Problem.CERTIFICATE_OF_NO_USE: _certificates(active, ~is_good),
        Problem.TWO_CERTIFICATES: _two_certificates(),
        Problem.NOT_OF_ITS_KEY: _certificates(
            active,
            is_good,
            no_issue,
            exists().where(CardKey.id == Certificate.key_id, CardKey.state != KeyState.CURRENT),
        ),
        Problem.NO_CARD_KEY: _cards(literal(Slot.CARD_AUTHENTICATION.value)).where(
            is_good,
            no_issue,
            ~exists().where(
                CardKey.card_id == Card.id,
                CardKey.slot == Slot.CARD_AUTHENTICATION.value,
                CardKey.state == KeyState.CURRENT,
            ),
        ),
        Problem.NO_MANAGEMENT_KEY: _cards(literal("9b")).where(
            is_good, Card.management_key_sealed.is_(None)
        ),
        Problem.NO_PUK: _cards(literal("puk")).where(
            is_good, Card.puk_sealed.is_(None), Card.puk_pending_sealed.is_(None)
        ),
        Problem.PENDING_PUK: _cards(literal("puk")).where(
            Card.puk_pending_sealed.is_not(None),
            Card.status != CardStatus.CANCELLED,  # erasing it settles which of the two it has
            ~_under_way(*REPLACE_PUKS),
            # Kept in case that another card was erased in its place
            ~exists().where(
                CardOperation.card_id == Card.id,
                CardOperation.kind == "erase",
                CardOperation.state == OperationState.DONE,
            ),
        ),
    }


def _cards(
    about: ColumnElement[str] | Any, since: ColumnElement[Any] | Any = None
) -> Select[*tuple[Any, ...]]:
    return select(
        Card.id,
        Card.number,
        Card.status,
        about.label("about"),
        (literal(None) if since is None else since).label("since"),
    ).order_by(Card.id)


def _certificates(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        _cards(Certificate.slot, Certificate.not_before)
        .join(Certificate, Certificate.card_id == Card.id)
        .where(*conditions)
    )


def _under_way(*kinds: str) -> ColumnElement[bool]:
    """Whether an operation of these kinds has begun on the card and not ended."""
    return exists().where(
        CardOperation.card_id == Card.id,
        CardOperation.finished_at.is_(None),
        CardOperation.kind.in_(kinds),
    )


def _active(slot: str) -> ColumnElement[bool]:
    return exists().where(
        Certificate.card_id == Card.id,
        Certificate.slot == slot,
        Certificate.status == CertificateStatus.ACTIVE,
    )


def _without_certificate(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return _cards(literal(" or ".join(PAIR))).where(
        *conditions, or_(*(~_active(slot) for slot in PAIR))
    )


def _two_certificates() -> Select[*tuple[Any, ...]]:
    other = aliased(Certificate)
    return _certificates(
        Certificate.status == CertificateStatus.ACTIVE,
        exists().where(
            other.card_id == Certificate.card_id,
            other.slot == Certificate.slot,
            other.status == CertificateStatus.ACTIVE,
            other.id > Certificate.id,
        ),
    )


def _other_days() -> Iterator[Finding]:
    """The cards whose last day is not that of their authentication certificate."""
    wanted = (
        _cards(Certificate.slot, Card.expires_on)
        .add_columns(Certificate.not_after)
        .join(Certificate, Certificate.card_id == Card.id)
        .where(
            Card.status.in_(GOOD),
            ~_under_way(*MAKE_CERTIFICATES),
            Certificate.status == CertificateStatus.ACTIVE,
            Certificate.slot == Slot.AUTHENTICATION.value,
        )
    )
    # The day of a moment is London's: no database is asked for it
    for row in db.session.execute(wanted.execution_options(yield_per=1000)):
        if row.since != day_of(row.not_after):
            yield _finding(Problem.OTHER_DAY, row)


def _finding(problem: Problem, row: Any) -> Finding:
    return Finding(
        problem=problem,
        card_id=row.id,
        number=row.number,
        status=row.status,
        about=str(row.about),
        since=row.since,
    )
