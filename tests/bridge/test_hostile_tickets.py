"""A ticket that is not one gives no permission, whatever is in it, and says why."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reader_bridge import encoding
from reader_bridge.contract import Code
from reader_bridge.passcode import MalformedRule, PasscodeRule
from reader_bridge.tickets import TicketCheck, TicketRefused
from tests.parts import work
from tests.parts.bridge import ORIGIN, TicketOffice
from tests.parts.properties import BROKEN_JSON, TEXTS, VALUES, altered, as_json

SID = "this-connection"
GOOD = {
    "iss": ORIGIN,
    "aud": SID,
    "jti": "number",
    "until": 60,
    "op": "op",
    "step": 1,
    "seat": "f" * 32,
    "card": "0123456789abcdef" * 2,
    "work": [work.sign()],
    "hold": "nothing",
    "continues": False,
}
HEADER = {"alg": "Ed25519", "typ": "rb-ticket", "kid": "key"}


@pytest.fixture
def accept(office: TicketOffice) -> Callable[[object], Code | None]:
    """The code with which a new connection refuses a ticket, or None where it takes it."""

    def taken(token: object) -> Code | None:
        check = TicketCheck(keys=[office.jwk], origin=ORIGIN, sid=SID, clock=lambda: 0.0)
        try:
            ticket = check.accept(token)
        except TicketRefused as refused:
            return refused.code
        assert ticket.work
        return None

    return taken


def part(value: Any) -> str:
    return encoding.to_text(as_json(value).encode())


@given(st.one_of(VALUES, TEXTS, st.lists(TEXTS, min_size=3, max_size=3).map(".".join)))
@example("..")
@example("\ud800.\ud800.\ud800")
def test_nothing_that_is_not_signed_is_a_ticket(accept, token):
    assert accept(token) in (Code.TICKET_INVALID, Code.TICKET_FOREIGN)


@given(st.one_of(VALUES, altered(HEADER)), VALUES)
@example([], {})
@example("text", {})
@example({**HEADER, "kid": []}, {})
@example({**HEADER, "b64": False, "crit": ["b64"]}, {})
def test_no_header_makes_a_ticket_of_what_is_not_signed(accept, office, header, claims):
    if isinstance(header, dict) and header.get("kid") == "key":
        header = {**header, "kid": office.key.thumbprint()}
    assert accept(f"{part(header)}.{part(claims)}.{encoding.to_text(bytes(64))}") is (
        Code.TICKET_INVALID
    )


@given(BROKEN_JSON)
def test_broken_json_is_no_header_and_no_claims(accept, text):
    broken = encoding.to_text(text.encode("utf-8", "surrogatepass"))
    signature = encoding.to_text(bytes(64))
    assert accept(f"{broken}.{part(GOOD)}.{signature}") is Code.TICKET_INVALID
    assert accept(f"{part(HEADER)}.{broken}.{signature}") is Code.TICKET_INVALID


@given(altered(GOOD))
@example({**GOOD, "until": math.nan})
@example({**GOOD, "until": math.inf})
@example({**GOOD, "until": 10**400})
@example({**GOOD, "step": 10**5000})
@example({**GOOD, "work": [[]]})
@example({**GOOD, "work": [{"command": {}}]})
def test_a_signed_ticket_with_hostile_claims_is_read_or_refused(office, claims):
    known = {name: value for name, value in claims.items() if isinstance(name, str)}
    check = TicketCheck(keys=[office.jwk], origin=ORIGIN, sid=SID, clock=lambda: 0.0)
    try:
        token = office.ticket("", "", None, [], **(dict.fromkeys(GOOD) | known))
    except ValueError:
        return  # a number that JSON has no text for
    try:
        ticket = check.accept(token)
    except TicketRefused:
        return
    assert math.isfinite(known["until"])
    assert json.dumps({"step": ticket.step, "op": ticket.op, "jti": ticket.jti})


RULE = {"min_length": 4, "max_length": 8, "alphabet": "ascii", "not_in": ["512345678905"]}


@given(st.one_of(VALUES, altered(RULE)), st.text(max_size=12))
@example({**RULE, "min_length": math.inf}, "Blue42!x")
@example({**RULE, "not_in": {"a": 1}}, "Blue42!x")
def test_a_hostile_passcode_rule_is_read_or_malformed(rule, passcode):
    try:
        read = PasscodeRule.from_ticket(rule)
    except MalformedRule:
        return
    read.refusal(passcode, current=passcode[::-1])
    assert 1 <= read.min_length <= read.max_length <= 8
