"""What self-service keeps: sealed under a key that can be changed, and removed in time."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.domain.one_time_code import Purpose
from app.domain.self_service import Change
from app.extensions import db
from app.models import OneTimeCode, OutboxMessage, SelfService, SelfServiceDraft
from app.services import (
    keys,
    one_time_codes,
    outbox,
    security_answers,
    self_service_rows,
    vault_keys,
)
from app.services.tidy import tidy
from app.vault import CannotOpen, Vault
from tests.parts.clock import START, FrozenClock
from tests.parts.codes import mailed_code
from tests.parts.people import a_person

pytestmark = pytest.mark.usefixtures("db_session")

OLD, NEW = (bytes([number]) * 32 for number in (1, 2))
HASHES = {"first-film": "hash of one", "first-dish": "hash of another"}


@pytest.fixture
def kept(app: Flask) -> Iterator[SelfService]:
    """A registration, a draft, and a code on its way, sealed under the old key."""
    before = keys.vault()
    app.extensions[keys.EXTENSION] = Vault(OLD)
    person = a_person()
    row = SelfService(person_id=person.id, email="a@nhs.net", registered_at=START)
    db.session.add(row)
    security_answers.keep(row, HASHES)
    self_service_rows.new_draft(person.id, Change.QUESTIONS, START)
    draft = self_service_rows.plain_draft(person.id, Change.QUESTIONS)
    assert draft is not None
    security_answers.keep_in_draft(draft, HASHES)
    db.session.commit()
    prepared = one_time_codes.prepare(person.id, Purpose.UNLOCK, START)
    one_time_codes.send(prepared, person, Purpose.UNLOCK, to="a@nhs.net", actor=None, now=START)
    db.session.commit()
    yield row
    app.extensions[keys.EXTENSION] = before


def how_many(model: type) -> int | None:
    return db.session.scalar(select(func.count()).select_from(model))


def test_after_a_change_of_keys_everything_opens_with_the_new_one_alone(
    app: Flask, kept: SelfService
) -> None:
    done = {each.name: each.resealed for each in vault_keys.rotate(Vault(NEW, OLD))}
    assert done["security_answer.answer_sealed"] == 2
    assert done["self_service_draft.answers_sealed"] == 1
    assert done["one_time_code.code_sealed"] == 1
    assert done["outbox_message.bodies_sealed"] == 1
    app.extensions[keys.EXTENSION] = Vault(NEW)
    db.session.expire_all()
    draft = self_service_rows.plain_draft(kept.person_id, Change.QUESTIONS)
    assert draft is not None
    assert security_answers.kept_in(kept) == security_answers.kept_in_draft(draft) == HASHES
    code, person = mailed_code("a@nhs.net"), kept.person_id
    db.session.rollback()
    assert one_time_codes.guess(person, Purpose.UNLOCK, code, now=START).sent_to == "a@nhs.net"


def test_an_answer_moved_to_another_row_does_not_open(kept: SelfService) -> None:
    first, second = kept.answers
    first.answer_sealed = second.answer_sealed
    with pytest.raises(CannotOpen):
        security_answers.kept_in(kept)


def test_codes_go_after_a_day_drafts_after_a_month_registrations_never(
    kept: SelfService, clock: FrozenClock
) -> None:
    tidy(clock.advance(days=1))
    assert how_many(OneTimeCode) == 1
    tidy(clock.advance(seconds=1))
    assert how_many(OneTimeCode) == 0
    tidy(clock.set(START) and clock.advance(days=30))
    assert how_many(SelfServiceDraft) == 1
    tidy(clock.advance(seconds=1))
    assert (how_many(SelfServiceDraft), how_many(SelfService)) == (0, 1)


def test_a_secret_that_nobody_delivers_is_wiped(kept: SelfService, clock: FrozenClock) -> None:
    message = db.session.scalars(select(OutboxMessage)).one()
    tidy(clock.advance(minutes=59))
    assert message.bodies_sealed is not None
    tidy(clock.advance(minutes=1))
    db.session.refresh(message)
    assert (message.bodies_sealed, message.failed_at) == (None, clock())
    assert outbox.deliver(clock).delivered == 0


def test_a_last_try_that_was_never_judged_blocks(kept: SelfService, clock: FrozenClock) -> None:
    kept.failed_attempts, kept.attempted_at = 3, clock()
    db.session.commit()
    tidy(clock.advance(minutes=1))
    assert kept.blocked_at is None
    tidy(clock.advance(seconds=1))
    db.session.refresh(kept)
    assert kept.blocked_at == clock()
