"""Tickets, as the bridge checks them: for one connection, once, for a minute."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import OKPKey

from app.card_operations import tickets
from app.card_operations.tickets import TicketKeys, TicketKeyUnusable
from reader_bridge.contract import Code, Hold
from reader_bridge.tickets import TicketCheck, TicketRefused

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ORIGIN = "https://identity.test"
KEYS = TicketKeys(OKPKey.generate_key("Ed25519"), OKPKey.generate_key("Ed25519"))


def mint(keys: TicketKeys = KEYS, **changes: Any) -> str:
    values: dict[str, Any] = {
        "origin": ORIGIN,
        "sid": "a connection",
        "hello_received": NOW,
        "now": NOW,
        "jti": "a ticket",
        "operation": "an operation",
        "step": 1,
        "seat": "a seat",
        "card": None,
        "work": [{"command": "open-management"}],
    }
    return tickets.mint(keys, **(values | changes))


def check(elapsed: float = 0, keys: TicketKeys = KEYS) -> TicketCheck:
    """A connection that opened ``elapsed`` seconds ago."""
    ticking = iter([0.0])
    return TicketCheck(
        keys=keys.public, origin=ORIGIN, sid="a connection", clock=lambda: next(ticking, elapsed)
    )


def test_the_bridge_reads_what_the_service_wrote() -> None:
    read = check().accept(mint(card="ab" * 16, hold=Hold.CARD, continues=True, step=4))
    assert (read.op, read.step, read.seat, read.card) == (
        "an operation", 4, "a seat", "ab" * 16
    )  # fmt: skip
    assert (read.hold, read.continues) == (Hold.CARD, True)
    assert [work.command for work in read.work] == ["open-management"]


@pytest.mark.parametrize(("elapsed", "good"), [(0, True), (160, True), (160.1, False)])
def test_a_ticket_is_good_for_a_minute_on_the_bridges_own_clock(elapsed: float, good: bool) -> None:
    token = mint(now=NOW + timedelta(seconds=100))
    if good:
        check(elapsed).accept(token)
        return
    with pytest.raises(TicketRefused) as refused:
        check(elapsed).accept(token)
    assert refused.value.code is Code.TICKET_EXPIRED


@pytest.mark.parametrize("changes", [{"sid": "another"}, {"origin": "https://evil.test"}])
def test_a_ticket_is_for_one_connection_of_one_origin(changes: dict[str, str]) -> None:
    with pytest.raises(TicketRefused) as refused:
        check().accept(mint(**changes))
    assert refused.value.code is Code.TICKET_FOREIGN


def test_the_next_key_is_known_before_it_signs() -> None:
    assert KEYS.coming is not None
    check().accept(mint(TicketKeys(KEYS.coming)))
    with pytest.raises(TicketRefused):
        check().accept(mint(TicketKeys(OKPKey.generate_key("Ed25519"))))


def test_what_a_bridge_is_configured_with_is_public() -> None:
    assert [set(key) for key in KEYS.public] == [{"kty", "crv", "x"}, {"kty", "crv", "x"}]


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        OKPKey.generate_key("X25519").as_pem(private=True).decode(),
        OKPKey.generate_key("Ed25519").as_pem(private=False).decode(),
    ],
    ids=["nothing", "nonsense", "X25519", "public"],
)
def test_the_ticket_key_is_a_private_ed25519_key(pem: str) -> None:
    with pytest.raises(TicketKeyUnusable):
        TicketKeys.from_pem(pem)


def test_a_key_in_pem_signs() -> None:
    keys = TicketKeys.from_pem(KEYS.current.as_pem(private=True).decode())
    check().accept(mint(keys))
