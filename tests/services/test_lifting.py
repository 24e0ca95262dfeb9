"""Agents lift blocks and end registrations: who may, of whom, what is left, who hears of it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.domain.errors import Invalid, NotAllowed, NotFound
from app.domain.one_time_code import Purpose
from app.domain.principal import Principal
from app.domain.roles import Role
from app.domain.self_service import Change
from app.domain.self_service_help import Help, HelpRefused
from app.domain.statuses import OperationState, PersonStatus
from app.extensions import db
from app.models import (
    AuditEvent,
    Card,
    CardOperation,
    OneTimeCode,
    Organisation,
    OutboxMessage,
    Person,
    SecurityAnswer,
    SelfService,
    SelfServiceDraft,
)
from app.services import lifting, self_service
from app.services.lifting import ReasonProblem
from tests.parts.clock import START
from tests.parts.people import (
    a_card,
    a_person,
    a_principal,
    an_assignment,
    an_organisation,
    signed_in,
)
from tests.parts.registered import blocked, registered

pytestmark = pytest.mark.usefixtures("db_session")

LATER = START + timedelta(hours=1)
WHY = "Called back at the ward, and named their manager"


@pytest.fixture
def agent() -> Principal:
    return a_principal(Role.RA_AGENT)


@pytest.fixture
def holder(agent: Principal) -> Person:
    return a_person(organisation=home(agent), email="ada@nhs.net")


def home(actor: Principal) -> Organisation:
    return db.session.get_one(Organisation, actor.organisation_id)


def of(person: Person) -> SelfService:
    db.session.expire_all()
    return db.session.scalars(select(SelfService).filter_by(person_id=person.id)).one()


def the_event(name: str) -> AuditEvent:
    return db.session.scalars(select(AuditEvent).filter_by(event=name)).one()


def told(template: str) -> set[str]:
    return set(db.session.scalars(select(OutboxMessage.to).filter_by(template=template)))


def test_a_lifted_block_forgets_the_failures_and_keeps_answers_and_questions(
    agent: Principal, holder: Person
) -> None:
    blocked(holder, asked=["first-school"])
    lifting.lift_block(agent, holder.id, f"  {WHY} ", LATER)
    row = of(holder)
    assert (row.failed_attempts, row.blocked_at, row.asked) == (0, None, ["first-school"])
    assert len(row.answers) == 4
    event = the_event("self-service.block-lifted")
    assert event.facts == {"reason": WHY, "failures": 3}
    assert (event.actor_person_id, event.subject_person_id) == (agent.person_id, holder.id)
    assert told("self-service-block-lifted") == {"ada@nhs.net", "ada@ward.nhs.uk"}


def test_three_failures_that_nobody_judged_are_a_block_that_can_be_lifted(
    agent: Principal, holder: Person
) -> None:
    registered(holder, failed_attempts=3, attempted_at=START)
    assert lifting.seen_by_agent(agent, holder.id, holder_closed=False).blocked_at == START
    lifting.lift_block(agent, holder.id, WHY, LATER)
    assert of(holder).failed_attempts == 0


def test_an_ended_registration_leaves_neither_answers_nor_an_address(
    agent: Principal, holder: Person
) -> None:
    registered(holder, asked=["first-school"], failed_attempts=2)
    db.session.add_all(
        [
            SelfServiceDraft(
                ref="draft", person_id=holder.id, change=Change.EMAIL, updated_at=START
            ),
            OneTimeCode(
                ref="code",
                person_id=holder.id,
                purpose=Purpose.UNLOCK,
                code_sealed=b"sealed",
                sent_to="ada@ward.nhs.uk",
                created_at=START,
            ),
        ]
    )
    db.session.commit()
    lifting.end_registration(agent, holder.id, WHY, LATER)
    row = of(holder)
    assert (row.registered_at, row.email, row.asked, row.answers) == (None, None, None, [])
    assert row.failed_attempts == 2
    for model in (SecurityAnswer, SelfServiceDraft):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0
    code = db.session.scalars(select(OneTimeCode)).one()
    assert (code.ended_at, code.code_sealed) == (LATER, None)
    assert the_event("self-service.ended").facts == {"reason": WHY}
    assert told("self-service-ended") == {"ada@nhs.net", "ada@ward.nhs.uk"}
    body = db.session.scalars(select(OutboxMessage)).first().body_text
    assert agent.name in body
    assert WHY not in body


def test_a_block_outlives_the_registration(agent: Principal, holder: Person) -> None:
    blocked(holder)
    lifting.end_registration(agent, holder.id, WHY, LATER)
    assert of(holder).blocked_at == START
    lifting.lift_block(agent, holder.id, WHY, LATER)
    assert of(holder).blocked_at is None


@pytest.mark.parametrize("by", ["agent", "holder"])
def test_an_unlocking_begun_without_help_is_given_up_and_one_with_an_agent_goes_on(
    agent: Principal, holder: Person, by: str
) -> None:
    registered(holder)
    for mode, status in (("self-service", "issued"), ("assisted", "cancelled")):
        db.session.add(
            CardOperation(
                public_id=mode,
                kind="unlock",
                step="unlock",
                state=OperationState.WAITING,
                card=a_card(holder, status=status),
                person_id=holder.id,
                browser="b" * 64,
                facts={"mode": mode},
                started_at=START,
                updated_at=START,
            )
        )
    db.session.commit()
    if by == "agent":
        lifting.end_registration(agent, holder.id, WHY, LATER)
    else:
        card = db.session.scalars(
            select(Card).filter_by(person_id=holder.id, status="issued")
        ).one()
        self_service.deregister(signed_in(card), LATER)
    states = dict(db.session.execute(select(CardOperation.public_id, CardOperation.state)).all())
    assert states == {
        "self-service": OperationState.ABANDONED,
        "assisted": OperationState.WAITING,
    }


@pytest.mark.parametrize("action", [lifting.lift_block, lifting.end_registration])
@pytest.mark.parametrize(
    ("reason", "problem"),
    [(" ", ReasonProblem.MISSING), ("x" * 501, ReasonProblem.TOO_LONG)],
)
def test_without_a_reason_nothing_happens(
    agent: Principal, holder: Person, action, reason: str, problem: ReasonProblem
) -> None:
    blocked(holder)
    with pytest.raises(Invalid) as refused:
        action(agent, holder.id, reason, LATER)
    assert refused.value.problems == {"reason": problem}
    assert of(holder).blocked_at == START


@pytest.mark.parametrize("action", [lifting.lift_block, lifting.end_registration])
def test_who_is_out_of_reach_looks_like_nobody(agent: Principal, action) -> None:
    stranger = a_person(organisation=an_organisation())
    blocked(stranger)
    for person_id in (stranger.id, 999_999):
        with pytest.raises(NotFound):
            action(agent, person_id, WHY, LATER)
    assert of(stranger).blocked_at == START


@pytest.mark.parametrize("role", [Role.ID_CHECKER, Role.SPONSOR, Role.LOCAL_ADMINISTRATOR])
@pytest.mark.parametrize("action", [lifting.lift_block, lifting.end_registration])
def test_other_roles_may_not(role: Role, action) -> None:
    actor = a_principal(role)
    person = a_person(organisation=home(actor))
    blocked(person)
    with pytest.raises(NotAllowed):
        action(actor, person.id, WHY, LATER)


@pytest.mark.parametrize("action", [lifting.lift_block, lifting.end_registration])
def test_nobody_does_it_for_themselves(agent: Principal, action) -> None:
    own = db.session.get_one(Person, agent.person_id)
    blocked(own)
    with pytest.raises(NotAllowed):
        action(agent, own.id, WHY, LATER)
    db.session.rollback()
    assert of(own).registered_at == START


@pytest.mark.parametrize("action", [lifting.lift_block, lifting.end_registration])
def test_twice_is_refused_in_words(agent: Principal, holder: Person, action) -> None:
    blocked(holder)
    action(agent, holder.id, WHY, LATER)
    with pytest.raises(HelpRefused):
        action(agent, holder.id, WHY, LATER)


def test_whoever_never_heard_of_self_service_is_neither_registered_nor_blocked(
    agent: Principal, holder: Person
) -> None:
    seen = lifting.seen_by_agent(agent, holder.id, holder_closed=False)
    assert (seen.registered_at, seen.email, seen.failures, seen.blocked_at) == (None, None, 0, None)
    assert {each: offer.reason for each, offer in seen.offers.items()} == {
        Help.LIFT_BLOCK: "not-blocked",
        Help.END_REGISTRATION: "not-registered",
    }
    with pytest.raises(HelpRefused):
        lifting.lift_block(agent, holder.id, WHY, LATER)


@pytest.mark.parametrize(
    ("mode", "without"), [("questions-and-code", True), ("code", False), ("off", False)]
)
def test_whoever_registered_while_no_questions_were_asked_is_shown(
    app, agent: Principal, holder: Person, mode: str, without: bool
) -> None:
    app.config["SELF_SERVICE_MODE"] = mode
    registered(holder, questions_changed_at=None)
    seen = lifting.seen_by_agent(agent, holder.id, holder_closed=False)
    assert seen.without_questions is without


def test_while_self_service_is_off_nobody_waits_for_a_block_to_be_lifted(
    app, agent: Principal, holder: Person
) -> None:
    blocked(holder)
    app.config["SELF_SERVICE_MODE"] = "off"
    assert lifting.blocked_in_reach(agent, now=LATER) == []


def test_agents_are_shown_whom_they_reach_and_who_is_blocked(
    agent: Principal, holder: Person, count_queries
) -> None:
    blocked(holder, blocked_at=START)
    guest = a_person(given_name="Grace")
    an_assignment(guest, organisation=holder.organisation)
    blocked(guest, blocked_at=LATER)
    for other in (
        a_person(organisation=an_organisation()),
        a_person(organisation=home(agent), status=PersonStatus.CLOSED),
        db.session.get_one(Person, agent.person_id),
    ):
        blocked(other)
    registered(a_person(organisation=home(agent)), failed_attempts=2)
    with count_queries() as queries:
        found = lifting.blocked_in_reach(agent, now=LATER)
    assert [(each.uuid, each.since) for each in found] == [
        (guest.uuid, LATER),
        (holder.uuid, START),
    ]
    assert len(queries) <= 3
    assert lifting.blocked_in_reach(a_principal(Role.SPONSOR), now=LATER) == []
