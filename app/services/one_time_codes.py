"""Codes that are mailed and typed once: sent, counted, judged, ended. For whom, others decide.

A guess is counted and committed before it is judged, so that no number of guesses at once gets more
tries than one after the other. The same wrong one sent twice, by a double click, counts once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select, update

from app import audit
from app.domain.one_time_code import (
    DELIVERED_WITHIN,
    LATE,
    MOST_SENT,
    MOST_WRONG,
    SENT_WITHIN,
    CodeRefused,
    CodeState,
    CodeTimes,
    Ended,
    Purpose,
    new_code,
    written,
)
from app.domain.principal import Principal
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import OneTimeCode, OutboxMessage, Person
from app.services import hashing, limits, outbox
from app.services.keys import vault

Kept = Row[int, str, str, datetime, int, Ended | None, datetime | None]

TEMPLATES = {
    Purpose.REGISTRATION: "registration-code",
    Purpose.EMAIL: "registration-code",
    Purpose.UNLOCK: "unlock-code",
}


@dataclass(frozen=True, kw_only=True)
class SentCode:
    """What may be told of a code. ``valid_until`` is None while it is on its way."""

    id: int
    state: CodeState
    sent_to: str
    created_at: datetime
    valid_until: datetime | None
    tries_left: int

    def is_late(self, now: datetime) -> bool:
        """Whether, if it still is on its way, it has been for so long that a page says so."""
        return now - self.created_at > LATE


@dataclass(frozen=True)
class Prepared:
    """A code that is about to be sent. ``instead_of`` is the one that it takes the place of."""

    code: str = field(repr=False)
    hashed: str = field(repr=False)
    instead_of: int | None


def newest(person_id: int, purpose: Purpose, now: datetime) -> SentCode | None:
    """Return the code that was sent last, whatever has become of it; None if none is known."""
    row = _newest(person_id, purpose)
    return None if row is None else _sent(row, now)


def prepare(person_id: int, purpose: Purpose, now: datetime) -> Prepared:
    """Count one sending, and make a code to be sent. Commits: call it before the action.

    Raises:
        RateLimited: five were sent within the hour.
    """
    limits.count_try(f"code:{purpose}:{person_id}", limit=MOST_SENT, window=SENT_WITHIN, now=now)
    live = _live(person_id, purpose)
    db.session.commit()
    code = new_code()
    return Prepared(code, hashing.hash_of(code), live.id if live else None)


def send(
    prepared: Prepared,
    person: Person,
    purpose: Purpose,
    *,
    to: str,
    actor: Principal | None,
    now: datetime,
    number: str | None = None,
    **facts: Any,
) -> int:
    """Mail a code, in place of the one before; return its number. Part of the caller's action.

    The caller holds a lock of the person's. Where another request has sent one to the same address
    meanwhile, that one counts and nothing is mailed. ``number`` is the card's, for the mail;
    ``facts`` are for the audit log.
    """
    live = _live(person.id, purpose)
    if live is not None:
        if live.id != prepared.instead_of and live.sent_to == to:
            return int(live.id)
        end(live.id, Ended.SUPERSEDED, now=now)
    message = outbox.queue(
        to,
        TEMPLATES[purpose],
        now=now,
        secret={"code": prepared.code},
        until=now + DELIVERED_WITHIN,
        name=person.name,
        purpose=purpose.value,
        number=number,
    )
    db.session.flush()
    ref = str(uuid4())
    row = OneTimeCode(
        ref=ref,
        person_id=person.id,
        purpose=purpose,
        code_sealed=vault().seal(prepared.hashed.encode(), **_place(ref)),
        sent_to=to,
        created_at=now,
        outbox_message_id=message.id,
    )
    db.session.add(row)
    audit.record(
        "self-service.code-sent",
        outcome=Outcome.DONE,
        actor=actor,
        subject_person_id=person.id,
        now=now,
        purpose=purpose,
        **facts,
    )
    db.session.flush()
    return row.id


def guess(
    person_id: int,
    purpose: Purpose,
    typed: str,
    *,
    now: datetime,
    lock: Callable[[], object] | None = None,
    too_many: Callable[[], None] | None = None,
) -> SentCode:
    """Judge what was typed; return the code that it is, for ``use``. Commits.

    That a guess was made before is known before it is judged, and remembered together with its
    count: of two that are the same, even at once, one costs a try.

    ``too_many`` is called in the transaction in which the fifth wrong one ends the code, ``lock``
    at its beginning: whoever sends codes holds a lock of the person's before that of a code.

    Raises:
        CodeRefused: it is none, none counts any more, or it is a wrong one.
    """
    code = written(typed)
    row = _newest(person_id, purpose)
    if row is None:
        raise CodeRefused("code-none")
    sent = _sent(row, now)
    if not sent.state.may_be_typed:
        raise CodeRefused(f"code-{sent.state}", state=sent.state)
    guessed = _guess_key(row.ref, code)
    is_new = limits.is_first(guessed, now=now)
    counted = _count(row.id) if is_new else _counted(row.id)
    if counted is None:
        db.session.rollback()
    db.session.commit()
    if counted is None or counted.code_sealed is None:
        raise _what_ended(person_id, purpose, now)
    hashed = vault().open(counted.code_sealed, **_place(row.ref)).decode()
    if hashing.matches(hashed, code):
        limits.forget(guessed)
        db.session.commit()
        return sent
    if counted.wrong_tries < MOST_WRONG:
        left = MOST_WRONG - counted.wrong_tries
        raise CodeRefused("code-wrong", state=sent.state, tries_left=left)
    if not is_new:  # the last try is another guess, which is being judged
        raise _what_ended(person_id, purpose, now)
    if lock is not None:
        lock()
    if end(row.id, Ended.TOO_MANY, now=now):
        audit.record(
            "self-service.code-ended",
            outcome=Outcome.REFUSED,
            actor=None,
            subject_person_id=person_id,
            now=now,
            purpose=purpose,
        )
        if too_many is not None:
            too_many()
    db.session.commit()
    raise CodeRefused("code-too-many", state=CodeState.TOO_MANY)


def use(code_id: int, *, now: datetime) -> bool:
    """Use a code up; False if it was used or ended meanwhile. Part of the caller's action."""
    return end(code_id, Ended.USED, now=now)


def demand_used(code_id: int, *, now: datetime) -> None:
    """Use a code up. Part of the caller's action, which is undone where that cannot be.

    Raises:
        CodeRefused: it was used or ended meanwhile.
    """
    if not use(code_id, now=now):
        db.session.rollback()
        raise CodeRefused("code-used", state=CodeState.USED)


def end(code_id: int, by: Ended, *, now: datetime) -> bool:
    """End a code; False if it has ended already. Part of the caller's action."""
    ended = db.session.execute(
        update(OneTimeCode)
        .where(OneTimeCode.id == code_id, OneTimeCode.ended_at.is_(None))
        .values(ended_at=now, ended_by=by, code_sealed=None)
        .returning(OneTimeCode.outbox_message_id)
    ).one_or_none()
    if ended is not None and ended.outbox_message_id is not None:
        outbox.withdraw(ended.outbox_message_id, now=now)
    return ended is not None


def end_all(person_id: int, *purposes: Purpose, now: datetime) -> None:
    """End whatever counts of these purposes. Part of the caller's action."""
    for purpose in purposes:
        live = _live(person_id, purpose)
        if live is not None:
            end(live.id, Ended.GIVEN_UP, now=now)


def _count(code_id: int) -> Row[int, bytes | None] | None:
    """Count a guess; None where no try is left. Part of the caller's action."""
    return db.session.execute(
        update(OneTimeCode)
        .where(
            OneTimeCode.id == code_id,
            OneTimeCode.ended_at.is_(None),
            OneTimeCode.wrong_tries < MOST_WRONG,
        )
        .values(wrong_tries=OneTimeCode.wrong_tries + 1)
        .returning(OneTimeCode.wrong_tries, OneTimeCode.code_sealed)
    ).one_or_none()


def _counted(code_id: int) -> Row[int, bytes | None] | None:
    """What ``_count`` returned for the guess that was counted last; None where the code ended."""
    return db.session.execute(
        select(OneTimeCode.wrong_tries, OneTimeCode.code_sealed).where(
            OneTimeCode.id == code_id, OneTimeCode.ended_at.is_(None)
        )
    ).one_or_none()


def _guess_key(ref: str, code: str) -> str:
    """This guess at this code, as a keyed digest. That of the right one is not kept."""
    return f"code-guess:{vault().blind_index('code-guess', f'{ref} {code}')}"


def _what_ended(person_id: int, purpose: Purpose, now: datetime) -> CodeRefused:
    """Another request has used or ended the code between two statements, or its tries are out."""
    row = _newest(person_id, purpose)
    state = _sent(row, now).state if row is not None else CodeState.SUPERSEDED
    if state.may_be_typed:  # a newer one was sent in this very moment
        state = CodeState.SUPERSEDED
    return CodeRefused(f"code-{state}", state=state)


def _live(person_id: int, purpose: Purpose) -> Row[int, str] | None:
    return db.session.execute(
        select(OneTimeCode.id, OneTimeCode.sent_to).where(
            OneTimeCode.person_id == person_id,
            OneTimeCode.purpose == purpose,
            OneTimeCode.ended_at.is_(None),
        )
    ).one_or_none()


def _newest(person_id: int, purpose: Purpose) -> Kept | None:
    return db.session.execute(
        select(
            OneTimeCode.id,
            OneTimeCode.ref,
            OneTimeCode.sent_to,
            OneTimeCode.created_at,
            OneTimeCode.wrong_tries,
            OneTimeCode.ended_by,
            OutboxMessage.delivered_at,
        )
        .outerjoin(OutboxMessage, OutboxMessage.id == OneTimeCode.outbox_message_id)
        .where(OneTimeCode.person_id == person_id, OneTimeCode.purpose == purpose)
        .order_by(OneTimeCode.id.desc())
        .limit(1)
    ).one_or_none()


def _sent(row: Kept, now: datetime) -> SentCode:
    times = CodeTimes(
        created_at=row.created_at, delivered_at=row.delivered_at, ended_by=row.ended_by
    )
    state, left = times.state(now), max(0, MOST_WRONG - row.wrong_tries)
    if not left and state.may_be_typed:
        state = CodeState.TOO_MANY
    return SentCode(
        id=row.id,
        state=state,
        sent_to=row.sent_to,
        created_at=row.created_at,
        valid_until=times.valid_until,
        tries_left=left,
    )


def _place(ref: str) -> dict[str, str]:
    return {"table": "one_time_code", "column": "code_sealed", "row": ref}
