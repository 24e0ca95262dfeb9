"""The audit log: what a row says, that it goes with its action, and that a change is found."""

from datetime import date, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text, update

from app import audit
from app.domain.roles import Role
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import AuditEvent
from tests.parts.at_once import at_once
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, a_principal

pytestmark = pytest.mark.usefixtures("db_session")


def recorded(**changed) -> AuditEvent:
    row = audit.record(
        **{
            "event": "card.cancelled",
            "outcome": Outcome.DONE,
            "actor": None,
            "now": datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1))),
            "reason": "lost",
            **changed,
        }
    )
    db.session.commit()
    return row


def test_an_event_says_who_what_on_whom_when_and_how_it_ended():
    agent, holder = a_principal(Role.RA_AGENT), a_person()
    card = a_card(holder)
    row = recorded(actor=agent, subject_person_id=holder.id, subject_card_id=card.id)
    assert (row.actor_person_id, row.actor_uuid) == (agent.person_id, agent.uuid)
    assert (row.actor_role, row.actor_card_id) == (Role.RA_AGENT, agent.card_id)
    assert (row.subject_person_id, row.subject_card_id) == (holder.id, card.id)
    assert row.facts == {"reason": "lost"}


def test_an_event_says_from_which_address_a_request_came(app):
    with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.7"}):
        assert recorded().address == "192.0.2.7"
    assert recorded().address is None


def test_an_action_that_is_rolled_back_leaves_no_event():
    audit.record("card.cancelled", outcome=Outcome.DONE, actor=None, now=START)
    db.session.rollback()
    assert db.session.scalars(select(AuditEvent)).all() == []


def test_a_row_has_the_same_digest_after_it_was_read_again():
    recorded(
        actor=a_principal(Role.SPONSOR),
        on=date(2026, 1, 2),
        at_=datetime(2026, 1, 2, tzinfo=timezone.utc),  # noqa: UP017
        nested={"z": [1, True, None], "ä": "ü"},
        role=Role.SPONSOR,
        fields={"b", "a"},
    )
    db.session.expire_all()
    verdict = audit.verify()
    assert (verdict.checked, verdict.sound) == (1, True)


@pytest.mark.parametrize(
    "change",
    [
        {"event": "card.issued"},
        {"outcome": Outcome.REFUSED},
        {"at": datetime(2026, 11, 23, 9, 30, tzinfo=timezone(timedelta(hours=1)))},
        {"facts": {"reason": "stolen"}},
        {"address": "192.0.2.9"},
        {"actor_uuid": "500200300199"},
        {"statement": "a.b.c"},
        {"sequence": 10_000},
        {"writer": "f" * 32},
    ],
)
def test_a_row_that_was_changed_is_found(change):
    row, untouched = recorded(), recorded()
    db.session.execute(update(AuditEvent).where(AuditEvent.id == row.id).values(**change))
    db.session.commit()
    verdict = audit.verify()
    assert verdict.changed == [row.id]
    assert verdict.checked == 2
    assert untouched.id not in verdict.changed


def test_a_log_longer_than_one_batch_is_read_to_its_end():
    for _ in range(5):
        recorded()
    assert audit.verify(batch=2).checked == 5


def test_a_row_made_up_without_the_key_is_found(app):
    recorded()
    app.config["AUDIT_KEY"] = "A" * 43 + "="
    assert not audit.verify().sound


def test_nothing_is_recorded_without_a_key(app):
    app.config["AUDIT_KEY"] = None
    with pytest.raises(RuntimeError, match="AUDIT_KEY"):
        recorded()


def test_a_secret_that_is_bytes_cannot_become_a_fact():
    with pytest.raises(TypeError, match="bytes"):
        recorded(puk=b"12345678")


def test_writers_at_once_never_use_a_number_twice(app):
    done = at_once(app, 8, lambda: [recorded().sequence for _ in range(5)])
    assert [each for each in done if isinstance(each, Exception)] == []
    db.session.rollback()
    pairs = db.session.execute(text("SELECT writer, sequence FROM audit_event")).all()
    assert len(set(pairs)) == 40
    assert audit.verify().sound


def test_the_command_says_which_events_were_changed(app):
    row = recorded()
    runner = app.test_cli_runner()
    assert runner.invoke(args=["audit", "verify"]).output == "1 events, 0 changed\n"
    db.session.execute(update(AuditEvent).values(event="card.issued"))
    db.session.commit()
    found = runner.invoke(args=["audit", "verify"])
    assert found.exit_code == 1
    assert f"changed: event {row.id}" in found.output
