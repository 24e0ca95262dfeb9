"""Readers that do not answer, or that break: the page is told, and nothing waits for ever."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reader_bridge.piv.errors import CardRemoved
from reader_bridge.readers.protocol import CardBusy, NoReader, NoService
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.state import CardState
from tests.parts import work
from tests.parts.bridge import (
    Page,
    RunningBridge,
    TicketOffice,
    bridge_settings,
    running_bridge,
)
from tests.parts.issued import PASSCODE, issued_card
from tests.parts.statements import receipt_claims

NAME = "Odd reader"
VERIFY = 0x20


class OddReader:
    """A reader with a good card, that does as it is told at each command."""

    name = NAME
    virtual = False

    def __init__(self, card: VirtualCard) -> None:
        self.card = card
        self.at_connect: Callable[[], None] = lambda: None
        self.at_command: Callable[[int], None] = lambda ins: None
        self.ends: list[bool] = []  # whether each transaction ended with a reset

    @property
    def atr(self) -> bytes:
        return self.card.atr

    def connect(self) -> "OddReader":
        self.at_connect()
        return self

    def begin(self) -> None: ...

    def transmit(self, apdu: bytes) -> bytes:
        self.at_command(apdu[1])
        return self.card.transmit(apdu)

    def keep_alive(self) -> None: ...

    def end(self, *, reset: bool) -> None:
        self.ends.append(reset)
        if reset:
            self.card.reset()


@pytest.fixture
def bridge(tmp_path: Path, office: TicketOffice) -> Iterator[RunningBridge]:
    settings = bridge_settings(tmp_path, office.jwk, busy=0.2, step=0.3)
    with running_bridge(settings) as running:
        yield running


@pytest.fixture
def odd(bridge: RunningBridge, tmp_path: Path) -> OddReader:
    issued = issued_card(tmp_path / "odd.json")
    reader = OddReader(VirtualCard(CardState.load(issued.file)))
    bridge.server.around.board.reader_added(reader)
    bridge.server.around.board.card_inserted(NAME)
    return reader


def sign(page: Page, office: TicketOffice, card: dict[str, Any], **more: Any) -> dict[str, Any]:
    return page.step(office, card, [work.sign()], passcode=PASSCODE, **more)


def test_a_reader_that_hangs_in_a_command_is_given_up_and_busy_until_it_is_back(page, office, odd):
    card = page.read_card(NAME)
    released = threading.Event()
    odd.at_command = lambda ins: released.wait(10) if ins == VERIFY else None
    answer = sign(page, office, card)
    assert answer["error"] == {"code": "failed", "outcome": "unknown"}
    assert "receipt" in answer
    assert sign(page, office, card, op="again")["error"] == {"code": "card-busy"}
    odd.at_command = lambda ins: None
    released.set()
    while (answer := sign(page, office, card, op="later")).get("error"):
        assert answer["error"] == {"code": "card-busy"}
    assert odd.ends[-2] is True, "what hung was reset, too"


def test_a_reader_that_hangs_when_asked_for_its_card_is_busy(page, office, odd):
    card = page.read_card(NAME)
    released = threading.Event()
    odd.at_connect = lambda: released.wait(10)
    ended = len(odd.ends)
    answer = sign(page, office, card)
    assert answer["error"] == {"code": "card-busy"}
    signed = receipt_claims(answer["receipt"], page.hello)
    assert signed["outcome"] == "card-busy", "a session waits for a busy card on this word alone"
    odd.at_connect = lambda: None
    released.set()
    while (answer := sign(page, office, card, op="later")).get("error"):
        assert answer["error"] == {"code": "card-busy"}
    assert len(odd.ends) == ended + 2, "the connection that nobody waited for was ended"
    assert odd.ends[ended] is False


@pytest.mark.parametrize(
    ("error", "code"),
    [(CardBusy, "card-busy"), (NoReader, "no-reader"), (NoService, "no-service")],
)
def test_a_reader_that_does_not_connect_says_why(page, odd, error, code):
    def fail() -> None:
        raise error

    odd.at_connect = fail
    assert page.ask("read-card", reader=NAME)["error"] == {"code": code}


def test_an_error_that_nobody_foresaw_is_failed_and_frees_the_card(page, office, odd):
    card = page.read_card(NAME)

    def fail(ins: int) -> None:
        raise RuntimeError("what nobody foresaw")

    odd.at_command = fail
    answer = sign(page, office, card)
    assert answer["error"] == {"code": "failed", "outcome": "none"}
    odd.at_command = lambda ins: None
    assert "ok" in sign(page, office, card, op="again")


def test_a_card_is_reset_only_where_it_was_told_a_secret(page, office, odd):
    card = page.read_card(NAME)
    page.step(office, card, [work.prove_presence()])
    page.step(office, card, [work.sign("9e", "unlock-start")])
    assert odd.ends == [False, False, False]
    sign(page, office, card)
    page.step(office, card, [work.open_management()])
    assert odd.ends[3:] == [True, True]


def test_presence_is_proven_without_select_on_a_card_that_is_selected(page, office, odd):
    card = page.read_card(NAME)
    sent: list[int] = []
    odd.at_command = sent.append
    assert "ok" in page.step(office, card, [work.prove_presence()])
    assert sent == [0x87]


def test_a_step_begins_with_select_and_the_guid_and_a_read_card_is_not_read_again(
    page, office, odd
):
    card = page.read_card(NAME)
    sent: list[int] = []
    odd.at_command = sent.append
    assert page.read_card(NAME) == card
    assert sent == []
    sign(page, office, card)
    assert sent == [0xA4, 0xCB, 0x20, 0x87]


def test_after_a_passcode_only_the_tries_left_are_read_again(page, office, odd):
    card = page.read_card(NAME)
    sign(page, office, card)
    sent: list[int] = []
    odd.at_command = sent.append
    page.read_card(NAME)
    assert set(sent) <= {0xA4, 0xCB, 0x20, 0xF7}
    assert sent.count(0xCB) == 1  # the GUID, no certificate


def test_a_page_that_leaves_in_the_middle_of_a_step_leaves_the_card_free(bridge, page, office, odd):
    begun, released = threading.Event(), threading.Event()

    def wait(ins: int) -> None:
        if ins == VERIFY:
            begun.set()
            released.wait(0.2)

    with bridge.page() as leaving:
        card = leaving.read_card(NAME)
        odd.at_command = wait
        ticket = office.ticket(leaving.sid, card["seat"], card["guid"], [work.sign()], hold="card")
        leaving.begin("step", ticket=ticket, passcode=PASSCODE)
        assert begun.wait(5)
    odd.at_command = lambda ins: None
    released.set()
    while (answer := sign(page, office, card)).get("error"):
        assert answer["error"] == {"code": "card-busy"}
    assert odd.ends[1] is True


def test_a_card_lost_while_a_session_waits_ends_the_session(tmp_path, office):
    class Lost(OddReader):
        lost = False

        def keep_alive(self) -> None:
            if self.lost:
                raise CardRemoved

    settings = bridge_settings(tmp_path, office.jwk, keep_alive=0.05)
    issued = issued_card(tmp_path / "odd.json")
    with running_bridge(settings) as bridge, bridge.page() as page:
        reader = Lost(VirtualCard(CardState.load(issued.file)))
        bridge.server.around.board.reader_added(reader)
        bridge.server.around.board.card_inserted(NAME)
        card = page.read_card(NAME)
        assert "ok" in sign(page, office, card, hold="card")
        reader.lost = True
        ended = len(reader.ends)
        while len(reader.ends) == ended:
            threading.Event().wait(0.02)
        answer = page.step(office, card, [work.sign()], continues=True)
        assert answer["error"] == {"code": "out-of-turn"}
