"""A workstation that signs for anything gets no further than its card's own signatures."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.card_operations import age, change_passcode, issue, journal, presence, register, wire
from app.card_operations.answers import NextTicket
from app.domain.card_lifecycle import CardStatus
from app.domain.errors import RuleBroken
from app.domain.self_service import Change
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import (
    Card,
    CardKey,
    CardOperation,
    Certificate,
    Person,
    Session,
    TermsAcceptance,
)
from reader_bridge.contract import Code, Typ
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import ORIGIN, RunningBridge
from tests.parts.properties import VALUES, altered, fewer

Body = dict[str, Any]

NEVER_CHANGED = (Card, CardKey, Certificate, Person, Session, TermsAcceptance)
HOSTILE_RESULTS = st.one_of(
    VALUES,
    st.lists(VALUES, max_size=3),
    st.lists(
        st.dictionaries(st.sampled_from(["statement", "witness", "used"]), VALUES), max_size=3
    ),
)
ERROR = {
    "code": "wrong-passcode",
    "left": 2,
    "outcome": "unknown",
    "rule": "run",
    "command": "sign",
    "sw": "6982",
    "refused": [0],
    "limit": 3,
}


def kept() -> list[tuple[Any, ...]]:
    """All rows that a refused result must leave as they are, apart from when they were seen."""
    return [
        tuple(row)
        for table in NEVER_CHANGED
        for row in db.session.execute(
            select(*(c for c in table.__table__.columns if "seen" not in c.name)).order_by("id")
        )
    ]


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    counter.put_in()
    card = counter.issue(holder)
    counter.sign_in(card)
    return card


Start = Callable[[], NextTicket]


@pytest.fixture
def starts(counter: Counter, card: Card) -> dict[str, Start]:
    """How each kind of operation with an issued card begins."""
    assert counter.actor is not None
    common: Body = {"office": counter.office, "now": counter.now}
    at_bridge = counter.at_the_bridge()
    without_seat = {name: value for name, value in at_bridge.items() if name != "seat"}
    actor = counter.actor

    def change() -> NextTicket:
        """As if nothing of the kind had been asked before: else that would be settled first."""
        db.session.execute(
            update(CardOperation)
            .where(CardOperation.kind == change_passcode.KIND)
            .values(state=OperationState.ABANDONED, finished_at=counter.now)
        )
        db.session.commit()
        return change_passcode.start(actor, guid=card.guid, **at_bridge, **common)

    return {
        "sign-in": lambda: counter.start_sign_in(card),
        "presence": lambda: presence.start(actor, **without_seat, **common),
        "change-passcode": change,
        "age": lambda: age.start(card, 10, actor=None, **at_bridge, **common),
        "registration": lambda: register.start(
            actor, Change.REGISTER, guid=card.guid, **at_bridge, **common
        ),
    }


@pytest.fixture
def receipt(bridge: RunningBridge, counter: Counter) -> Callable[[NextTicket, Body], str]:
    """The workstation's word on a body that it never made."""

    def sign(ticket: NextTicket, body: Body) -> str:
        error = body.get("error")
        code = error.get("code") if isinstance(error, dict) else "done"
        asked = json.loads(wire.to_bytes(ticket.ticket.split(".")[1]))
        said = {
            "aud": ORIGIN,
            "sid": counter.page.sid,
            "op": asked["op"],
            "step": asked["step"],
            "jti": asked["jti"],
            "outcome": code,
            "digest": wire.digest(body.get("results")),
        }
        return str(bridge.server.around.workstation.sign(Typ.RECEIPT, said))

    return sign


KINDS = ("sign-in", "presence", "change-passcode", "age", "registration")


def bring(counter: Counter, ticket: NextTicket, body: Body) -> None:
    """Bring it once and again: the second answer is as foreseen as the first."""
    for _ in range(2):
        try:
            counter.bring(ticket.operation, {"step": ticket.step, **body})
        except RuleBroken:
            db.session.rollback()


@pytest.mark.parametrize("kind", KINDS)
@given(results=HOSTILE_RESULTS, signed=st.booleans())
@fewer(4)
def test_hostile_results_prove_nothing_and_change_nothing(
    counter, starts, receipt, kind, results, signed
):
    before = kept()
    ticket = starts[kind]()
    body = {"results": results}
    bring(counter, ticket, {**body, "receipt": receipt(ticket, body) if signed else None})
    assert kept() == before


@pytest.mark.parametrize("kind", KINDS)
@given(error=st.one_of(VALUES, altered(ERROR)), signed=st.booleans(), step=VALUES)
@fewer(4)
def test_a_hostile_error_is_read_or_refused_and_changes_nothing(
    counter, starts, receipt, kind, error, signed, step
):
    if isinstance(error, dict) and error.get("code") == Code.PASSCODE_LOCKED:
        return  # believed, if signed: the chip has no tries left
    before = kept()
    ticket = starts[kind]()
    body = {"error": error}
    bring(counter, ticket, {**body, "receipt": receipt(ticket, body) if signed else None})
    bring(counter, ticket, {**body, "step": step})
    assert kept() == before


PROVEN = {"statement", "public_key", "witness", "algorithm", "response", "sha256"}


def altered_at(results: list[Body], at: int, value: Any) -> list[Body]:
    """The real results, but for one value in one of them that is not only the PC's own word."""
    places = [
        (number, name)
        for number, each in enumerate(results)
        for name in sorted(PROVEN & each.keys())
        if isinstance(each[name], str)
    ]
    place, name = places[at % len(places)]
    return [{**each, name: value} if n == place else each for n, each in enumerate(results)]


@given(nth=st.integers(0, 4), at=st.integers(0, 20), value=VALUES)
@fewer(4)
def test_an_issue_of_which_one_answer_is_false_goes_no_further(
    counter, holder, receipt, nth, at, value
):
    """The answers before it are the card's own: each step of the issue meets a false one."""
    counter.put_in()
    answer = ticket = counter.start_issue(holder)
    for _ in range(nth):
        answer = counter.bring(ticket.operation, counter.page.step(answer, new_passcode=PASSCODE))
        assert isinstance(answer, NextTicket)
    body = counter.page.step(answer, new_passcode=PASSCODE)
    results = altered_at(body["results"], at, value)
    body = {**body, "results": results, "receipt": receipt(answer, {"results": results})}
    with pytest.raises(RuleBroken):
        counter.bring(ticket.operation, body)
    row = journal.find(ticket.operation, browser=counter.page.browser)
    assert row.state is OperationState.WAITING
    assert row.card.status is CardStatus.BLANK
    issue.give_up(row, actor=None, now=counter.now)
    db.session.commit()
