"""Decided about a card without its chip: suspended, resumed, reported; on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.domain.card_lifecycle import CardStatus
from app.domain.card_services import CardServiceRefused
from app.domain.errors import Conflict, Invalid, NotAllowed, NotFound, TransitionRefused
from app.domain.roles import Role
from app.domain.statuses import CertificateStatus, KeyState, OperationState, SessionEnd
from app.extensions import db
from app.models import (
    AuditEvent,
    Card,
    CardKey,
    CardOperation,
    CardOperationStep,
    Certificate,
    OutboxMessage,
    Person,
    Request,
    Session,
)
from app.services import cards
from app.services.cards import Missing, Report
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, a_principal, an_organisation, signed_in

pytestmark = pytest.mark.usefixtures("db_session")

LATER = START + timedelta(minutes=5)


@pytest.fixture
def holder() -> Person:
    manager = a_person(given_name="Joan", family_name="Lee", email="joan@nhs.net")
    return a_person(email="ada@nhs.net", line_manager=manager)


@pytest.fixture
def card(holder: Person) -> Card:
    return a_card(holder, expires_on=START.date() + timedelta(days=700))


@pytest.fixture
def ra(app: Flask) -> str:
    app.config["CONTACTS"] = {"email": "ra@nhs.net", "desks": []}
    return "ra@nhs.net"


def certified(card: Card, *statuses: CertificateStatus) -> list[Certificate]:
    made = []
    for number, status in enumerate(statuses):
        key = CardKey(
            card=card, slot="9a", state=KeyState.SUPERSEDED, algorithm="ES256", public_key=b"",
            jkt="", created_at=START,
        )  # fmt: skip
        db.session.add(key)
        made.append(
            Certificate(
                card=card,
                slot="9a",
                key=key,
                serial=f"{card.id:x}{number}",
                issuer="test",
                not_before=START,
                not_after=LATER,
                der=b"",
                status=status,
            )
        )
    db.session.add_all(made)
    db.session.commit()
    return made


def under_way(card: Card, kind: str = "change-passcode") -> CardOperation:
    operation = CardOperation(
        public_id=f"op-{card.id}-{kind}", kind=kind, state=OperationState.OPEN, step="change",
        card=card, browser="b" * 64, started_at=START, updated_at=START,
    )  # fmt: skip
    operation.steps.append(
        CardOperationStep(number=1, name="change", jti=f"jti-{card.id}", ticket_at=START)
    )
    db.session.add(operation)
    db.session.commit()
    return operation


def the_event(name: str) -> AuditEvent:
    return db.session.scalars(select(AuditEvent).filter_by(event=name)).one()


def told() -> dict[str, str]:
    """The mail that is to leave: template -> address."""
    return {each.template: each.to for each in db.session.scalars(select(OutboxMessage))}


def ends_of(card: Card) -> set[SessionEnd | None]:
    return set(db.session.scalars(select(Session.end_reason).filter_by(card_id=card.id)))


def test_a_suspended_card_s_sessions_end_and_what_runs_on_it_stands_still(card: Card) -> None:
    assert card.person is not None
    agent = a_principal(Role.RA_AGENT, organisation=card.person.organisation)
    signed_in(card)
    operation = under_way(card)
    cards.suspend(agent, card.id, note="mislaid, being looked for", now=LATER)
    assert card.status is CardStatus.SUSPENDED
    assert ends_of(card) == {SessionEnd.CARD_SUSPENDED}
    assert operation.state is OperationState.WAITING
    assert operation.steps[0].result_digest == "stopped"
    event = the_event("card.suspended")
    assert (event.actor_uuid, event.facts["note"]) == (agent.uuid, "mislaid, being looked for")
    assert told() == {"card-suspended": "ada@nhs.net"}


def test_a_resumed_card_is_good_again(card: Card) -> None:
    assert card.person is not None
    agent = a_principal(Role.RA_AGENT, organisation=card.person.organisation)
    cards.suspend(agent, card.id, note="mislaid", now=START)
    cards.resume(agent, card.id, note="found", now=LATER)
    assert card.status is CardStatus.ISSUED
    assert the_event("card.resumed").facts["note"] == "found"
    assert "card-resumed" in told()


@pytest.mark.parametrize("role", [Role.SPONSOR, Role.LOCAL_ADMINISTRATOR, Role.ID_CHECKER, None])
def test_only_agents_suspend(card: Card, role: Role | None) -> None:
    assert card.person is not None
    agent = a_principal(role, organisation=card.person.organisation)
    with pytest.raises((NotAllowed, NotFound)):
        cards.suspend(agent, card.id, note="why not", now=START)
    assert card.status is CardStatus.ISSUED


def test_agents_suspend_only_within_their_organisation_and_its_children(card: Card) -> None:
    assert card.person is not None
    with pytest.raises(NotFound):
        cards.suspend(a_principal(Role.RA_AGENT), card.id, note="why not", now=START)
    parent = an_organisation()
    card.person.organisation.parent_id = parent.id
    db.session.commit()
    above = a_principal(Role.RA_AGENT, organisation=parent)
    cards.suspend(above, card.id, note="why not", now=START)


def test_nobody_suspends_their_own_card() -> None:
    agent = a_principal(Role.RA_MANAGER)
    with pytest.raises(NotAllowed) as refusal:
        cards.suspend(agent, agent.card_id, note="why not", now=START)
    assert refusal.value.reason == "own-card"


def test_suspending_says_why(card: Card) -> None:
    assert card.person is not None
    agent = a_principal(Role.RA_AGENT, organisation=card.person.organisation)
    for note, problem in ((" ", Missing.NOTE), ("x" * 501, Missing.TOO_LONG)):
        with pytest.raises(Invalid) as refusal:
            cards.suspend(agent, card.id, note=note, now=START)
        assert refusal.value.problems == {"note": problem}


@pytest.mark.parametrize("status", [CardStatus.CANCELLED, CardStatus.SUSPENDED])
def test_what_the_card_s_life_does_not_allow_is_refused(card: Card, status: CardStatus) -> None:
    assert card.person is not None
    agent = a_principal(Role.RA_AGENT, organisation=card.person.organisation)
    card.status = status
    db.session.commit()
    with pytest.raises((CardServiceRefused, TransitionRefused)):
        cards.suspend(agent, card.id, note="again", now=START)


def test_a_damaged_card_is_cancelled_at_once_with_the_session_of_its_holder(
    card: Card, ra: str
) -> None:
    states = (CertificateStatus.ACTIVE, CertificateStatus.HELD)
    certificates = certified(card, *states)
    holder = signed_in(card)
    operation = under_way(card)
    done = cards.report(holder, card.id, Report.DAMAGED, note="chip broken off", now=LATER)
    assert (done.cancelled, done.signed_out) == (True, True)
    assert card.status is CardStatus.CANCELLED
    assert {each.status for each in certificates} == {CertificateStatus.REVOKED}
    assert {each.revocation_reason for each in certificates} == {"cessation-of-operation"}
    assert {each.revoked_at for each in certificates} == {LATER}
    assert ends_of(card) == {SessionEnd.CARD_CANCELLED}
    assert operation.state is OperationState.ABANDONED
    assert operation.finished_at == LATER
    event = the_event("card.cancelled")
    assert (event.facts["reason"], event.facts["reported"]) == ("damaged", True)
    request = db.session.scalars(select(Request)).one()
    assert (event.facts["request"], done.request) == (request.id, request.id)
    assert (request.card_id, request.reason) == (card.id, "damaged")
    assert request.subject_person_id == holder.person_id
    assert told() == {"card-cancelled": "ada@nhs.net", "card-cancelled-ra": ra}


@pytest.mark.parametrize("what", [Report.LOST, Report.STOLEN])
def test_the_card_in_the_reader_is_neither_lost_nor_stolen(card: Card, what: Report) -> None:
    with pytest.raises(Conflict, match="card-is-here"):
        cards.report(signed_in(card), card.id, what, now=LATER)
    assert card.status is CardStatus.ISSUED


@pytest.mark.parametrize("what", [Report.LOST, Report.STOLEN])
def test_another_card_of_the_holder_that_is_lost_is_cancelled_and_the_session_goes_on(
    card: Card, holder: Person, what: Report
) -> None:
    [certificate] = certified(card, CertificateStatus.ACTIVE)
    principal = signed_in(card)
    card.status = CardStatus.SUSPENDED
    other = a_card(a_person())
    db.session.execute(update(Session).where(Session.card_id == card.id).values(card_id=other.id))
    db.session.commit()
    on_another: Any = principal.__class__(**{**principal.__dict__, "card_id": other.id})
    done = cards.report(on_another, card.id, what, now=LATER)
    assert (done.cancelled, done.signed_out) == (True, False)
    assert certificate.revocation_reason == "key-compromise"
    assert ends_of(other) == {None}


def test_a_card_used_by_somebody_else_is_told_of_and_not_cancelled(card: Card, ra: str) -> None:
    done = cards.report(signed_in(card), card.id, Report.MISUSED, note="on ward 3", now=LATER)
    assert not done.cancelled
    assert card.status is CardStatus.ISSUED
    assert ends_of(card) == {None}
    assert the_event("card.misuse-reported").facts["note"] == "on ward 3"
    assert told() == {
        "card-misuse-reported": "ada@nhs.net",
        "card-misuse-reported-ra": ra,
        "card-misuse-reported-manager": "joan@nhs.net",
    }


@pytest.mark.parametrize("replacement", [True, False])
def test_a_cancelled_card_is_replaced_by_request(card: Card, replacement: bool) -> None:
    done = cards.report(
        signed_in(card), card.id, Report.DAMAGED, replacement=replacement, now=LATER
    )
    filed = db.session.scalars(select(Request)).all()
    assert [request.id for request in filed] == ([done.request] if replacement else [])
    assert the_event("card.cancelled").facts["request"] == done.request
    assert all((each.card_id, each.reason) == (card.id, "damaged") for each in filed)
    told_holder = db.session.scalars(
        select(OutboxMessage).where(OutboxMessage.template == "card-cancelled")
    ).one()
    assert ("A new card has been requested" in told_holder.body_text) is replacement


def test_a_holder_may_report_a_card_and_want_no_other(card: Card) -> None:
    done = cards.report(signed_in(card), card.id, Report.DAMAGED, replacement=False, now=LATER)
    assert done.request is None
    assert db.session.scalars(select(Request)).all() == []


def test_the_holder_is_told_the_truth_about_who_else_was_told(card: Card, app: Flask) -> None:
    assert card.person is not None
    card.person.line_manager = None
    app.config["CONTACTS"] = None
    db.session.commit()
    cards.report(signed_in(card), card.id, Report.MISUSED, now=LATER)
    [message] = db.session.scalars(select(OutboxMessage))
    assert "which the service could not write to" in message.body_text
    assert "have been told" not in message.body_text


def test_nobody_reports_another_s_card(card: Card) -> None:
    with pytest.raises(NotFound):
        cards.report(a_principal(), card.id, Report.DAMAGED, now=LATER)


def test_a_cancelled_card_is_not_reported_again(card: Card) -> None:
    holder = signed_in(card)
    cards.report(holder, card.id, Report.DAMAGED, now=LATER)
    with pytest.raises(CardServiceRefused):
        cards.report(holder, card.id, Report.MISUSED, now=LATER)


def test_a_desk_of_the_holder_s_organisation_is_told_before_the_team(
    card: Card, ra: str, app: Flask
) -> None:
    assert card.person is not None
    name = card.person.organisation.name
    app.config["CONTACTS"]["desks"] = [{"organisation": name, "email": "desk@nhs.net"}]
    cards.report(signed_in(card), card.id, Report.DAMAGED, now=LATER)
    assert told()["card-cancelled-ra"] == "desk@nhs.net"


def test_a_card_is_cancelled_even_where_nobody_has_an_address(card: Card, app: Flask) -> None:
    assert card.person is not None
    app.config["CONTACTS"] = {"desks": []}
    card.person.email = None
    db.session.commit()
    cards.report(signed_in(card), card.id, Report.DAMAGED, now=LATER)
    assert told() == {}
