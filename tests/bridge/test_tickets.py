"""What makes a ticket good, and the name of each thing that makes it bad."""

from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from reader_bridge.contract import Code, Command, Hold
from reader_bridge.tickets import TicketCheck, TicketRefused
from tests.parts.bridge import ORIGIN, TicketOffice

SID = "this-connection"
SEAT = "f" * 32
GUID = "0123456789abcdef" * 2
WORK = [{"command": "sign", "slot": "9a", "algorithm": "ES256", "purpose": "sign-in", "nonce": "n"}]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def check(office: TicketOffice, clock: Clock) -> TicketCheck:
    return TicketCheck(keys=[office.jwk], origin=ORIGIN, sid=SID, clock=clock)


@pytest.fixture
def code_of(office: TicketOffice, check: TicketCheck) -> Callable[..., Code]:
    """The code with which a ticket is refused that is good but for these changes."""

    def code(work: Any = WORK, **changes: Any) -> Code:
        with pytest.raises(TicketRefused) as refused:
            check.accept(office.ticket(SID, SEAT, GUID, work, **changes))
        return refused.value.code

    return code


def test_a_good_ticket_says_what_may_be_done(office, check):
    ticket = check.accept(
        office.ticket(SID, SEAT, GUID, WORK, op="op", step=3, hold="card", continues=True)
    )
    assert (ticket.op, ticket.step, ticket.seat, ticket.card) == ("op", 3, SEAT, GUID)
    assert (ticket.hold, ticket.continues) == (Hold.CARD, True)
    assert [each.command for each in ticket.work] == [Command.SIGN]
    assert ticket.work[0].parameters["nonce"] == "n"


def test_a_ticket_may_be_for_a_card_without_a_guid(office, check):
    assert check.accept(office.ticket(SID, SEAT, None, WORK)).card is None


def test_the_next_key_of_the_server_is_as_good_as_the_current_one(office, clock):
    coming = TicketOffice()
    check = TicketCheck(keys=[office.jwk, coming.jwk], origin=ORIGIN, sid=SID, clock=clock)
    check.accept(office.ticket(SID, SEAT, GUID, WORK))
    check.accept(coming.ticket(SID, SEAT, GUID, WORK))


def test_a_ticket_is_good_once(office, check):
    ticket = office.ticket(SID, SEAT, GUID, WORK)
    check.accept(ticket)
    with pytest.raises(TicketRefused) as refused:
        check.accept(ticket)
    assert refused.value.code is Code.TICKET_USED


def test_a_ticket_signed_anew_with_the_same_number_is_used_too(office, check):
    check.accept(office.ticket(SID, SEAT, GUID, WORK, jti="same"))
    with pytest.raises(TicketRefused) as refused:
        check.accept(office.ticket(SID, SEAT, GUID, WORK, jti="same", step=2))
    assert refused.value.code is Code.TICKET_USED


def test_a_ticket_is_good_until_its_last_second(office, check, clock):
    clock.now += 60
    check.accept(office.ticket(SID, SEAT, GUID, WORK, until=60))
    clock.now += 0.1
    with pytest.raises(TicketRefused) as refused:
        check.accept(office.ticket(SID, SEAT, GUID, WORK, until=60))
    assert refused.value.code is Code.TICKET_EXPIRED


def test_a_ticket_of_another_connection_is_foreign(code_of):
    assert code_of(aud="that-connection") is Code.TICKET_FOREIGN


@pytest.mark.parametrize("iss", ["https://other.test", "https://identity.test/", None])
def test_a_ticket_of_another_origin_is_foreign(code_of, iss):
    assert code_of(iss=iss) is Code.TICKET_FOREIGN


def test_a_command_unknown_here_is_not_supported(code_of):
    assert code_of([{"command": "transmit", "apdu": "00a40400"}]) is Code.UNSUPPORTED


@pytest.mark.parametrize(
    "changes",
    [
        {"until": None},
        {"until": True},
        {"until": "60"},
        {"jti": ""},
        {"jti": 7},
        {"op": None},
        {"step": None},
        {"step": True},
        {"seat": None},
        {"card": "0123"},
        {"card": GUID.upper()},
        {"card": 7},
        {"hold": "everything"},
        {"continues": 1},
        {"work": []},
        {"work": {}},
        {"work": ["sign"]},
    ],
)
def test_a_ticket_with_a_field_of_another_kind_is_invalid(code_of, changes):
    assert code_of(**changes) is Code.TICKET_INVALID


@pytest.mark.parametrize("header", [{"typ": "rb-receipt"}, {"typ": "JWT"}, {"kid": "unknown"}])
def test_a_ticket_of_another_type_or_key_is_invalid(code_of, header):
    assert code_of(header=header) is Code.TICKET_INVALID


def test_a_ticket_signed_by_another_key_is_invalid(code_of):
    assert code_of(key=OKPKey.generate_key("Ed25519")) is Code.TICKET_INVALID


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_an_algorithm_by_its_old_name_is_not_accepted(code_of):
    assert code_of(header={"alg": "EdDSA"}) is Code.TICKET_INVALID


def test_a_ticket_without_a_signature_is_invalid(office, check):
    head, body, _ = office.ticket(SID, SEAT, GUID, WORK).split(".")
    for forged in (f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.AAAA"):
        with pytest.raises(TicketRefused) as refused:
            check.accept(forged)
        assert refused.value.code is Code.TICKET_INVALID


def test_the_public_key_is_no_secret_to_sign_with(office, check):
    """The classic confusion: the server's public key taken for the key of a MAC."""
    secret = OctKey.import_key(office.jwk["x"])
    header = {"alg": "HS256", "typ": "rb-ticket", "kid": office.key.thumbprint()}
    with pytest.raises(TicketRefused) as refused:
        check.accept(jws.serialize_compact(header, b"{}", secret))
    assert refused.value.code is Code.TICKET_INVALID


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_ticket_altered_anywhere_is_invalid(office, check, place):
    parts = office.ticket(SID, SEAT, GUID, WORK).split(".")
    middle = len(parts[place]) // 2
    letter = "A" if parts[place][middle] != "A" else "B"
    parts[place] = parts[place][:middle] + letter + parts[place][middle + 1 :]
    with pytest.raises(TicketRefused) as refused:
        check.accept(".".join(parts))
    assert refused.value.code is Code.TICKET_INVALID


@pytest.mark.parametrize("junk", [None, 7, "", "a.b.c", "é.é.é", "." * 40, ["x"], "[" * 5000])
def test_junk_is_no_ticket(check, junk):
    with pytest.raises(TicketRefused) as refused:
        check.accept(junk)
    assert refused.value.code is Code.TICKET_INVALID


def test_a_ticket_that_was_refused_is_not_used_up(office, check, clock):
    clock.now += 61
    ticket = office.ticket(SID, SEAT, GUID, WORK, until=60)
    with pytest.raises(TicketRefused):
        check.accept(ticket)
    clock.now -= 10
    check.accept(ticket)


def test_a_ticket_printed_does_not_show_what_is_sealed_in_it(office, check):
    work = [{"command": "change-puk", "candidates": "SEALED", "new_puk": "SEALED"}]
    assert "SEALED" not in repr(check.accept(office.ticket(SID, SEAT, GUID, work)))
