"""The bridge over a real PC/SC service: its monitor, its transactions, other programs beside it."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from reader_bridge import settings
from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.piv.errors import UnexpectedStatus
from reader_bridge.settings import ReaderKinds
from reader_bridge.virtual.behaviour import Behaviour, Tear
from tests.parts import work
from tests.parts.bridge import Page, TicketOffice, bridge_settings
from tests.parts.bridge_process import BridgeProcess, bridge_process
from tests.parts.issued import PASSCODE, IssuedCard, issued_card
from tests.parts.pcscd import PrivatePcscd
from tests.parts.statements import claims_of
from tests.pcsc.program import Program

Message = dict[str, Any]
NEW = "Green7?z"
READER = PrivatePcscd.reader(0)
SECOND = PrivatePcscd.reader(1)


@pytest.fixture
def office() -> TicketOffice:
    return TicketOffice()


@pytest.fixture
def bridge(
    tmp_path: Path, office: TicketOffice, private_pcscd: PrivatePcscd
) -> Iterator[BridgeProcess]:
    chosen = replace(bridge_settings(tmp_path, office.jwk), readers=ReaderKinds.PCSC)
    config = tmp_path / "bridge.toml"
    config.write_text(settings.as_toml(chosen), "utf-8")
    with bridge_process(config, environment=private_pcscd.environment) as running:
        yield running


@pytest.fixture
def page(bridge: BridgeProcess) -> Iterator[Page]:
    with Page(bridge.port) as page:
        yield page


@pytest.fixture
def put_in(
    tmp_path: Path, private_pcscd: PrivatePcscd, page: Page
) -> Callable[..., tuple[IssuedCard, Message]]:
    """Puts an issued card into a reader: the card, and seat and GUID as a ticket names them."""

    def put(slot: int = 0, **behaviour: Any) -> tuple[IssuedCard, Message]:
        issued = issued_card(tmp_path / f"card-{slot}.json")
        state = issued.state
        state.behaviour = Behaviour(**behaviour)
        state.save()
        private_pcscd.insert(slot, issued.file)
        seat = page.until_event("card-inserted", reader=PrivatePcscd.reader(slot))["seat"]
        return issued, {"seat": seat, "guid": issued.guid}

    return put


def sign(page: Page, office: TicketOffice, card: Message, **typed: Any) -> Message:
    return page.step(office, card, [work.sign()], **{"passcode": PASSCODE, **typed})


def test_a_card_in_a_real_reader_is_read_and_signs(page, office, put_in):
    issued, card = put_in()
    read = page.read_card(READER)
    assert (read["guid"], read["passcode_left"]) == (issued.guid, 3)
    assert read["virtual"] is True  # its answer to reset says so
    answer = sign(page, office, card)
    assert claims_of(answer["ok"]["results"][0]["statement"], issued.public_keys["9a"])


def test_a_passcode_is_changed_in_a_real_reader(page, office, put_in):
    issued, card = put_in()
    items = [work.change_passcode(), work.sign(purpose="passcode-change")]
    answer = page.step(office, card, items, passcode=PASSCODE, new_passcode=NEW)
    assert "ok" in answer
    assert issued.state.passcode.value == NEW.encode()


def test_a_wrong_passcode_in_a_real_reader_is_counted(page, office, put_in):
    issued, card = put_in()
    assert sign(page, office, card, passcode="Wrong1!")["error"]["left"] == 2
    assert sign(page, office, card, passcode="Wrong1!")["error"]["left"] == 1
    assert "ok" in sign(page, office, card)
    assert issued.state.passcode.left == 3


def test_a_removal_is_noticed(page, put_in, private_pcscd):
    _, card = put_in()
    private_pcscd.remove(0)
    page.until_event("card-removed", seat=card["seat"])


def test_a_card_swapped_for_another_is_noticed(page, office, put_in, private_pcscd):
    _, card = put_in()
    private_pcscd.remove(0)
    page.until_event("card-removed")
    other, _ = put_in()
    assert sign(page, office, card)["error"] == {"code": "card-changed"}
    assert other.state.passcode.left == 3


@pytest.mark.parametrize(("at", "outcome"), [(1, "none"), (3, "unknown"), (4, "unknown")])
def test_a_card_pulled_in_the_middle_of_a_step(page, office, put_in, at, outcome):
    """SELECT, GET DATA, VERIFY, sign: the card leaves the reader at the Nth of them."""
    _, card = put_in(tear=Tear(at, takes_effect=True))
    answer = sign(page, office, card)
    assert answer["error"] == {"code": "card-removed", "outcome": outcome}
    page.until_event("card-removed", seat=card["seat"])


def verify(program: Program) -> None:
    card = PivCard(CardConnection(program))
    card.select()
    card.verify(PASSCODE)


def signs(program: Program) -> bool:
    """Whether the holder's key signs for a program that sends no passcode."""
    try:
        PivCard(CardConnection(program)).sign("9a", "ES256", b"message")
    except UnexpectedStatus:
        return False
    return True


def test_another_program_cannot_use_a_passcode_that_a_step_verified(page, office, put_in, start):
    _, card = put_in()
    other = start()
    other.connect(READER)
    assert "ok" in sign(page, office, card)
    other.reconnect()  # the step has reset the card
    PivCard(CardConnection(other)).select()
    assert not signs(other)


def test_presence_leaves_the_passcode_that_another_program_verified(page, office, put_in, start):
    _, card = put_in()
    other = start()
    other.connect(READER)
    verify(other)
    assert "ok" in page.step(office, card, [work.prove_presence()])
    assert signs(other)


def test_a_card_that_another_program_has_is_busy_until_it_lets_go(page, office, put_in, start):
    _, card = put_in()
    other = start()
    other.connect(READER)
    other.begin()
    answer = page.step(office, card, [work.prove_presence()])
    assert answer["error"] == {"code": "card-busy"}
    page.until_event("card-busy", seat=card["seat"])
    other.end()
    time.sleep(0.5)  # the attempt that nobody waits for takes the card, and lets go of it
    assert "ok" in page.step(office, card, [work.prove_presence()], op="again")


def test_a_card_that_another_program_has_reset_is_used_all_the_same(page, office, put_in, start):
    _, card = put_in()
    assert "ok" in sign(page, office, card)
    other = start()
    other.connect(READER)
    other.begin()
    other.end(reset=True)
    assert "ok" in sign(page, office, card)


def test_an_open_card_session_keeps_other_programs_out(page, office, put_in, start):
    _, card = put_in()
    other = start()
    other.connect(READER)
    assert "ok" in page.step(office, card, [work.open_management()], hold="card")
    waits = Thread(target=_begin_after_reset, args=(other,))
    waits.start()
    waits.join(0.5)
    assert waits.is_alive()
    page.ask("cancel")
    waits.join(5)
    assert not waits.is_alive()


def _begin_after_reset(program: Program) -> None:
    try:
        program.begin()
    except AssertionError:  # the session was closed with a reset
        program.reconnect()
        program.begin()


def test_two_real_readers_work_side_by_side(page, office, put_in):
    _, card = put_in(0)
    second, other = put_in(1)
    assert sign(page, office, card, op="a")["ok"]
    answer = sign(page, office, other, op="b")
    assert claims_of(answer["ok"]["results"][0]["statement"], second.public_keys["9a"])


def test_the_service_may_stop_and_come_back(page, office, put_in, private_pcscd):
    put_in()
    private_pcscd.stop()
    page.until_event("reader-removed", reader=READER)
    page.until_event("readers-unavailable", reason="no-service")
    assert page.ask("read-card", reader=READER)["error"] == {"code": "no-service"}
    private_pcscd.start()
    page.until_event("reader-added", reader=READER)
    _, card = put_in()
    assert "ok" in sign(page, office, card)


def test_without_a_pcsc_service_the_bridge_runs_and_says_so(tmp_path, office):
    chosen = replace(bridge_settings(tmp_path, office.jwk), readers=ReaderKinds.BOTH)
    config = tmp_path / "bridge.toml"
    config.write_text(settings.as_toml(chosen), "utf-8")
    environment = {**os.environ, "PCSCLITE_CSOCK_NAME": str(tmp_path / "nobody.comm")}
    with bridge_process(config, environment=environment) as bridge, Page(bridge.port) as page:
        assert {"event": "readers-unavailable", "reason": "no-service"} in page.events
        assert len([event for event in page.events if event["event"] == "reader-added"]) == 2
