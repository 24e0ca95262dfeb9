"""Lists of revoked certificates, signed when what they say is no longer what the rows say.

Each time that somebody asks, the rows are counted and added up by an index alone; the list that
was signed last is given as long as it says the same and is not too old. So a list is right at once
after a revocation, however many servers there are, and is signed no more often than it changes.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes
from sqlalchemy import (
    ColumnElement,
    Engine,
    case,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from app.domain.card_lifecycle import CardStatus
from app.domain.revocation import Known, Verdict, standing
from app.domain.statuses import CertificateStatus
from app.models import Card, Certificate, RevocationList
from app.pki import crl
from app.pki.addresses import shard_address
from app.pki.authority import Authority

# A certificate stays listed a little longer than it would have been valid (RFC 5280, 3.3)
LISTED_AFTER_EXPIRY = timedelta(days=1)

# Words, not parameters: only so does a database see that its partial index holds these rows
_ACTIVE: ColumnElement[str] = literal_column(f"'{CertificateStatus.ACTIVE.value}'")
_SUSPENDED: ColumnElement[str] = literal_column(f"'{CardStatus.SUSPENDED.value}'")


@dataclass(frozen=True)
class Listed:
    """A signed list (DER), and what there is to know of it."""

    name: str
    number: int
    content: str
    made_at: datetime
    next_update: datetime
    signed_by: str
    der: bytes


@dataclass(frozen=True)
class ListOf:
    """Which list: all that an authority has revoked, or one shard of it."""

    authority: Authority
    origin: str
    shard: int | None = None

    @property
    def name(self) -> str:
        suffix = "" if self.shard is None else f"/{self.shard:02x}"
        return f"{self.authority.name}{suffix}"

    @property
    def address(self) -> str | None:
        if self.shard is None:
            return None
        return shard_address(self.origin, self.authority.name, self.shard)

    @property
    def signed_by(self) -> str:
        return self.authority.certificate.fingerprint(hashes.SHA256()).hex()


def current(engine: Engine, wanted: ListOf, *, now: datetime) -> Listed:
    """Return the list that is true now; sign it if the last one is not."""
    while True:
        with engine.connect() as connection:
            last, content = _last(connection, wanted), _content(connection, wanted, now)
            if last is not None and _still_holds(last, wanted, content, now):
                return last
            entries = list(_entries(connection, wanted, now))
        made = _sign(wanted, entries, last, content, now)  # no transaction waits for a token
        with engine.begin() as connection:
            if _keep(connection, made, last):
                return made


def _last(connection: Connection, wanted: ListOf) -> Listed | None:
    row = connection.execute(
        select(
            RevocationList.name,
            RevocationList.number,
            RevocationList.content,
            RevocationList.made_at,
            RevocationList.next_update,
            RevocationList.signed_by,
            RevocationList.der,
        ).where(RevocationList.name == wanted.name)
    ).one_or_none()
    return Listed(*row) if row is not None else None


def _still_holds(last: Listed, wanted: ListOf, content: str, now: datetime) -> bool:
    young = timedelta(0) <= now - last.made_at < crl.FRESH
    return young and (last.content, last.signed_by) == (content, wanted.signed_by)


def _content(connection: Connection, wanted: ListOf, now: datetime) -> str:
    """Return a digest of what the list would say.

    Whatever changes the list changes a count, the sum of the rows' numbers or the latest time.
    """
    counted = (func.count(), func.sum(Certificate.id))
    held = func.sum(case((Certificate.status == CertificateStatus.HELD, 1), else_=0))
    decided = select(*counted, held, func.max(Certificate.revoked_at)).where(*_decided(wanted, now))
    on_hold = select(*counted, func.max(Card.suspended_at)).where(*_on_hold(wanted, now))
    found = [*connection.execute(decided).one(), *connection.execute(on_hold).one()]
    text = "|".join("" if each is None else str(each) for each in found)
    return hashlib.sha256(text.encode()).hexdigest()


def _entries(connection: Connection, wanted: ListOf, now: datetime) -> Iterator[crl.Entry]:
    columns = (
        Certificate.serial,
        Certificate.status,
        Certificate.not_before,
        Certificate.revoked_at,
        Certificate.revocation_reason,
    )
    decided = select(*columns).where(*_decided(wanted, now))
    for serial, status, not_before, revoked_at, reason in connection.execute(decided):
        known = Known(
            status=status,
            not_before=not_before,
            revoked_at=revoked_at,
            reason=reason,
            card=CardStatus.ISSUED,
            suspended_at=None,
        )
        yield from _entry(serial, known)
    on_hold = select(*columns, Card.suspended_at).where(*_on_hold(wanted, now))
    for serial, status, not_before, revoked_at, reason, suspended_at in connection.execute(on_hold):
        known = Known(
            status=status,
            not_before=not_before,
            revoked_at=revoked_at,
            reason=reason,
            card=CardStatus.SUSPENDED,
            suspended_at=suspended_at,
        )
        yield from _entry(serial, known)


def _entry(serial: str, known: Known) -> Iterator[crl.Entry]:
    said = standing(known)
    if said.verdict is Verdict.REVOKED and said.since is not None:
        yield serial, said.since, said.reason


def _of(wanted: ListOf, now: datetime) -> list[ColumnElement[bool]]:
    conditions = [
        Certificate.issuer == wanted.authority.name,
        Certificate.not_after > now - LISTED_AFTER_EXPIRY,
    ]
    if wanted.shard is not None:
        conditions.append(Certificate.shard == wanted.shard)
    return conditions


def _decided(wanted: ListOf, now: datetime) -> list[ColumnElement[bool]]:
    """What certificates' own rows say: revoked, or held."""
    return [*_of(wanted, now), Certificate.status != _ACTIVE]


def _on_hold(wanted: ListOf, now: datetime) -> list[ColumnElement[bool]]:
    """What cards say of certificates that are active: the card is suspended."""
    return [
        *_of(wanted, now),
        Card.status == _SUSPENDED,
        Certificate.card_id == Card.id,
        Certificate.status == CertificateStatus.ACTIVE,
    ]


def _sign(
    wanted: ListOf, entries: Iterable[crl.Entry], last: Listed | None, content: str, now: datetime
) -> Listed:
    now = now.replace(microsecond=0)
    next_update = now + crl.LIFE
    # By the clock, so that a database restored from a copy does not use a number again
    number = max(last.number + 1 if last else 1, int(now.timestamp()))
    der = crl.sign(
        wanted.authority,
        entries,
        number=number,
        now=now,
        next_update=next_update,
        address=wanted.address,
    )
    return Listed(wanted.name, number, content, now, next_update, wanted.signed_by, der)


def _keep(connection: Connection, made: Listed, last: Listed | None) -> bool:
    """Keep a list; say no if somebody else was quicker."""
    values = asdict(made)
    if last is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(RevocationList).values(**values))
        except IntegrityError:
            return False
        return True
    changed = connection.execute(
        update(RevocationList)
        .where(RevocationList.name == made.name, RevocationList.number == last.number)
        .values(**values)
    )
    return changed.rowcount == 1
