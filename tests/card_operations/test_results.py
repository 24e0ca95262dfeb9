"""Results of a card: counted once, from one browser, for one step; believed when proven."""

import json

import pytest
from sqlalchemy import select

from app.card_operations import journal, wire
from app.card_operations.answers import CardAnswered, NextTicket, Waiting
from app.card_operations.refusals import (
    CardNotVerified,
    OperationOver,
    OtherAnswer,
    StepPassed,
)
from app.domain.errors import NotFound
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, CardOperationStep, Person
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_1
from tests.parts.people import a_person

Body = dict[str, object]


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    counter.put_in()
    return counter.issue(holder)


@pytest.fixture
def ticket(counter: Counter, card: Card) -> NextTicket:
    return counter.start_sign_in(card)


@pytest.fixture
def result(counter: Counter, ticket: NextTicket) -> Body:
    return counter.page.step(ticket, passcode=PASSCODE)


def test_a_step_is_in_the_journal_before_its_ticket_leaves(
    counter: Counter, ticket: NextTicket
) -> None:
    db.session.rollback()  # whatever was not committed is gone
    claims = json.loads(wire.to_bytes(ticket.ticket.split(".")[1]))
    step = db.session.scalars(
        select(CardOperationStep).where(CardOperationStep.jti == claims["jti"])
    ).one()
    assert claims["work"][0]["nonce"] == step.nonce
    assert step.result_digest is None


def test_the_same_result_again_gets_the_same_answer(
    counter: Counter, ticket: NextTicket, result: Body
) -> None:
    first = counter.bring(ticket.operation, result)
    assert isinstance(first, Waiting)
    assert counter.bring(ticket.operation, result) == first


def test_the_same_result_of_a_step_in_the_middle_gets_the_same_ticket(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    ticket = counter.start_issue(holder)
    result = counter.page.step(ticket)
    first = counter.bring(ticket.operation, result)
    assert isinstance(first, NextTicket)
    assert counter.bring(ticket.operation, result) == first


def test_another_result_for_an_answered_step_is_refused(
    counter: Counter, ticket: NextTicket, result: Body
) -> None:
    counter.bring(ticket.operation, result)
    other = {"step": ticket.step, "error": {"code": "failed"}, "receipt": None}
    with pytest.raises(OtherAnswer):
        counter.bring(ticket.operation, other)


def test_a_result_for_an_earlier_ticket_is_refused(
    counter: Counter, ticket: NextTicket, result: Body
) -> None:
    counter.ticket(ticket.operation)
    with pytest.raises(StepPassed):
        counter.bring(ticket.operation, result)


def test_a_result_from_another_browser_finds_no_operation(
    counter: Counter, ticket: NextTicket, result: Body
) -> None:
    with pytest.raises(NotFound):
        counter.bring(ticket.operation, result, browser="e" * 64)
    assert isinstance(counter.bring(ticket.operation, result), Waiting)


def test_a_result_of_one_sign_in_is_worth_nothing_in_another(
    counter: Counter, card: Card, ticket: NextTicket, result: Body
) -> None:
    other = counter.start_sign_in(card)
    with pytest.raises(CardNotVerified):
        counter.bring(other.operation, result)


def changed_statement(result: Body) -> Body:
    """One letter of the signed text is another one."""
    results = json.loads(json.dumps(result["results"]))
    head, payload, signature = results[0]["statement"].split(".")
    claims = json.loads(wire.to_bytes(payload))
    claims["seat"] = "another"
    payload = wire.to_text(json.dumps(claims).encode())
    results[0]["statement"] = f"{head}.{payload}.{signature}"
    return {**result, "results": results}


def without_receipt(result: Body) -> Body:
    return {**result, "receipt": None}


def without_results(result: Body) -> Body:
    return {**result, "results": []}


def nonsense(result: Body) -> Body:
    return {**result, "results": "yes"}


def neither(result: Body) -> Body:
    return {"step": result["step"]}


@pytest.mark.parametrize(
    "altered", [changed_statement, without_receipt, without_results, nonsense, neither]
)
def test_every_altered_result_is_refused_alike_and_told_apart_in_the_audit_log(
    counter: Counter, ticket: NextTicket, result: Body, altered
) -> None:
    with pytest.raises(CardNotVerified) as refused:
        counter.bring(ticket.operation, altered(result))
    assert (refused.value.reason, refused.value.facts) == ("card-not-verified", {})
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.event == "sign-in")).one()
    assert event.facts["problem"]
    operation = db.session.scalars(
        select(CardOperation).where(CardOperation.public_id == ticket.operation)
    ).one()
    assert operation.state is OperationState.REFUSED
    with pytest.raises(CardNotVerified):  # the same again: the same answer
        counter.bring(ticket.operation, altered(result))
    with pytest.raises((CardNotVerified, OtherAnswer)):  # the true one comes too late
        counter.bring(ticket.operation, result)


def test_the_statement_of_another_issued_card_does_not_sign_this_one_in(
    counter: Counter, card: Card
) -> None:
    counter.put_in(name="two")
    counter.issue(a_person())
    ticket = counter.start_sign_in(card)
    answer = counter.run(ticket, passcode=PASSCODE)
    assert isinstance(answer, CardAnswered)
    assert answer.code in ("card-changed", "ticket-other-card")


def test_an_operation_that_has_ended_gives_no_ticket(
    counter: Counter, ticket: NextTicket, result: Body
) -> None:
    with pytest.raises(CardNotVerified):
        counter.bring(ticket.operation, without_receipt(result))
    with pytest.raises(OperationOver):
        counter.ticket(ticket.operation)


def test_a_ticket_is_for_one_connection(counter: Counter, ticket: NextTicket, another_page) -> None:
    body = another_page().step(ticket, passcode=PASSCODE)
    assert body["error"] == {"code": "ticket-foreign"}
    assert counter.chip().passcode.left == 3


def test_a_removed_card_leaves_the_sign_in_to_be_tried_again(
    counter: Counter, card: Card, ticket: NextTicket
) -> None:
    counter.page.desk("remove", reader=READER_1)
    answer = counter.run(ticket, passcode=PASSCODE)
    assert isinstance(answer, CardAnswered)
    assert answer.code == "card-removed"
    counter.page.desk("insert", card="one", reader=READER_1)
    assert isinstance(counter.run(counter.ticket(answer.operation), passcode=PASSCODE), Waiting)


def test_an_operation_is_found_by_its_browser_alone(counter: Counter, ticket: NextTicket) -> None:
    found = journal.find(ticket.operation, browser=counter.page.browser)
    assert found.kind == "sign-in"
    with pytest.raises(NotFound):
        journal.find(ticket.operation, browser="e" * 64)
    assert journal.known(ticket.operation, browser="e" * 64) is None
