"""An agent's own card signs for what is done to another's card."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.card_operations import approvals, approve, journal
from app.card_operations.answers import CardAnswered, Finished, NextTicket
from app.card_operations.approvals import ApprovalSpent, ApprovalTooOld
from app.card_operations.base import key_of
from app.card_operations.refusals import OperationOver, OwnCardUnfinished
from app.card_operations.statements import verify_kept
from app.domain.approval import Act, ActKind
from app.domain.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from app.domain.principal import Principal
from app.domain.roles import Role
from app.domain.statuses import SessionEnd
from app.extensions import db
from app.models import AuditEvent, Card, Person
from app.services import sessions
from reader_bridge.contract import Purpose, Slot
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_2
from tests.parts.operations import an_operation
from tests.parts.people import a_card


@pytest.fixture
def agent(counter: Counter, holder: Person) -> Principal:
    return counter.sign_in_agent(holder.organisation)


def start(counter: Counter, act: Act, guid: str | None = None, **more: Any) -> NextTicket:
    assert counter.actor is not None
    own_reader = {**counter.at_the_bridge(READER_2), **more}
    return approve.start(
        counter.actor, act, guid=guid, office=counter.office, now=counter.now, **own_reader
    )


def issue_to(person: Person) -> Act:
    return Act(act=ActKind.ISSUE, person_id=person.id, reason="first card", note="passport\nseen")


def approved(counter: Counter, act: Act) -> Finished:
    done = counter.run(start(counter, act), passcode=PASSCODE)
    assert isinstance(done, Finished), done
    return done


def spend(counter: Counter, public_id: str, act: Act, later: timedelta = timedelta(0)) -> Any:
    assert counter.actor is not None
    return approvals.spend(public_id, act=act, principal=counter.actor, now=counter.now + later)


def test_the_agents_card_signs_a_text_that_says_who_what_whom_and_why(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    done = approved(counter, issue_to(holder))
    text = done.facts["text"]
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert lines["Approved by"] == f"{agent.uuid} Grace Hopper"
    assert lines["Role"] == "RA Agent"
    assert lines["Act"] == "Issue a Smartcard"
    assert lines["Person"] == f"{holder.uuid} Ada Lovelace"
    assert (lines["Reason"], lines["Note"]) == ("first card", "passport seen")
    assert done.facts["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    card = db.session.get_one(Card, agent.card_id)
    key = key_of(card, Slot.SIGNATURE)
    assert key is not None
    verify_kept(
        done.facts["statement"],
        key,
        purpose=Purpose.APPROVAL,
        card=card.guid,
        sha256=done.facts["sha256"],
    )


def test_the_signature_and_its_text_are_in_the_audit_log(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    done = approved(counter, issue_to(holder))
    event = db.session.scalars(select(AuditEvent).filter_by(event="approval.given")).one()
    assert event.statement == done.facts["statement"]
    assert event.facts["text"] == done.facts["text"]
    assert event.actor_card_id == agent.card_id


def test_an_approval_is_used_once(counter: Counter, agent: Principal, holder: Person) -> None:
    act = issue_to(holder)
    done = approved(counter, act)
    kept = spend(counter, done.operation, act)
    assert kept.evidence["statement"] == done.facts["statement"]
    db.session.commit()
    with pytest.raises(ApprovalSpent):
        spend(counter, done.operation, act)


def test_an_action_that_comes_to_nothing_leaves_its_approval_good(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    act = issue_to(holder)
    done = approved(counter, act)
    spend(counter, done.operation, act)
    db.session.rollback()
    assert spend(counter, done.operation, act).sha256 == done.facts["sha256"]


def test_an_approval_is_good_for_15_minutes(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    act = issue_to(holder)
    done = approved(counter, act)
    with pytest.raises(ApprovalTooOld):
        spend(counter, done.operation, act, timedelta(minutes=15, seconds=1))
    spend(counter, done.operation, act, timedelta(minutes=14, seconds=55))


def test_an_approval_is_for_its_own_matter_and_its_own_agent(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    act = issue_to(holder)
    done = approved(counter, act)
    card = a_card(holder)
    other_acts = (
        Act(act=ActKind.ISSUE, person_id=agent.person_id),
        Act(act=ActKind.REPAIR, person_id=holder.id),
        Act(act=ActKind.ISSUE, person_id=holder.id, card_id=card.id),
    )
    for other in other_acts:
        with pytest.raises(NotFound):
            spend(counter, done.operation, other)
    counter.sign_in_agent(holder.organisation, name="another")
    with pytest.raises(NotFound):
        spend(counter, done.operation, act)


def test_an_approval_that_was_not_signed_is_good_for_nothing(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    act = issue_to(holder)
    ticket = start(counter, act)
    with pytest.raises(NotFound):
        spend(counter, ticket.operation, act)


def test_a_wrong_passcode_may_be_typed_again(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    answer = counter.run(start(counter, issue_to(holder)), passcode="wrong-00")
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts) == ("wrong-passcode", {"left": 2})
    counter.reader = READER_2
    done = counter.run(counter.ticket(answer.operation), passcode=PASSCODE)
    assert isinstance(done, Finished)


def test_only_who_may_do_it_can_approve_it(counter: Counter, holder: Person) -> None:
    counter.sign_in_agent(holder.organisation, Role.SPONSOR)
    with pytest.raises(NotAllowed):
        start(counter, issue_to(holder))


def test_nobody_approves_anything_about_themselves(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    own = Act(act=ActKind.CANCEL, person_id=agent.person_id, card_id=agent.card_id, reason="lost")
    hidden = Act(act=ActKind.CANCEL, person_id=holder.id, card_id=agent.card_id, reason="lost")
    for act in (own, hidden):
        with pytest.raises(NotAllowed) as refusal:
            start(counter, act)
        assert refusal.value.reason == "own-card"


def test_another_card_than_the_one_signed_in_signs_nothing(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    with pytest.raises(Conflict, match="another-card"):
        start(counter, issue_to(holder), guid="ab" * 16)


def test_an_agent_whose_own_renewal_was_cut_off_is_told_to_finish_it(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    own = db.session.get_one(Card, agent.card_id)
    renewal = an_operation(own, "renew", "first", now=counter.now)
    renewal.facts = {"asked_to_make": [Slot.SIGNATURE.value]}
    db.session.commit()
    with pytest.raises(OwnCardUnfinished):
        start(counter, issue_to(holder))


def test_a_signature_that_arrives_after_the_session_has_ended_approves_nothing(
    counter: Counter, agent: Principal, holder: Person
) -> None:
    act = issue_to(holder)
    ticket = start(counter, act)
    body = counter.page.step(ticket, passcode=PASSCODE)
    sessions.end(agent.session_id, SessionEnd.CARD_REMOVED, counter.now)
    counter.actor = None
    with pytest.raises(NotSignedIn):
        counter.bring(ticket.operation, body)
    counter.actor = agent
    with pytest.raises(OperationOver):
        journal.ticket(
            ticket.operation,
            actor=agent,
            office=counter.office,
            now=counter.now,
            **counter.at_the_bridge(READER_2),
        )
    with pytest.raises(NotFound):
        spend(counter, ticket.operation, act)
