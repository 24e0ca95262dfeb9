"""Server and bridge as the programs that they are, killed in the middle of a renewal.

Nothing is handed in here: SIGKILL comes at a moment, everything is started again, and the holder
goes on in the same browser as the pages tell them to.
"""

import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.exceptions import WebSocketException

from app.cli.bridge_page import BridgePage, BridgeSaidNo, BridgeUnreachable, bridge_page
from app.services.demonstration.cards import PLAN, PlannedState
from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.virtual import key_pairs
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.state import CardState
from tests.parts.desk import READER_1, desk_at
from tests.parts.http_person import Answer, Message, Person
from tests.parts.service import installation_in, prepared_in
from tools.installation import Installation
from tools.processes import Family, Program

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

KILLS = 2  # spread over the time that a renewal takes
MOST_ATTEMPTS = 6
CARD = next(card for card in PLAN if card.state is PlannedState.EXPIRING)
BRIDGE_GONE = {"code": "failed", "outcome": "unknown", "reason": "bridge-gone"}
GONE = (
    AssertionError,
    OSError,
    HTTPException,
    WebSocketException,
    BridgeSaidNo,
    BridgeUnreachable,
    KeyError,
    ValueError,
)


@dataclass
class Place:
    """A running service whose programs can be killed and started again."""

    installation: Installation
    prepared: Installation
    family: Family
    programs: dict[str, Program]
    stack: ExitStack

    def start(self, name: str) -> None:
        begin = {"server": self.installation.start_server, "bridge": self.installation.start_bridge}
        self.programs[name] = begin[name](self.family)
        if name == "bridge":
            with desk_at(self.installation.bridge_address, self.installation.origin) as desk:
                desk.insert(CARD.name, READER_1)

    def kill(self, name: str) -> None:
        self.programs[name].signal(signal.SIGKILL)

    def start_again(self, name: str) -> None:
        self.family.stop(self.programs[name])
        self.start(name)

    def page(self) -> BridgePage:
        port = self.installation.bridge_listens_on
        return self.stack.enter_context(bridge_page(port, self.installation.origin))

    def go_back(self) -> None:
        """Make rows and cards as they were, with nobody at work."""
        self.family.stop()
        shutil.copytree(self.prepared.cards, self.installation.cards, dirs_exist_ok=True)
        with (
            closing(sqlite3.connect(self.prepared.database)) as source,
            closing(sqlite3.connect(self.installation.database)) as target,
        ):
            source.backup(target)
            target.execute("DELETE FROM terms_version")
            target.commit()
        for name in ("server", "bridge"):
            self.start(name)


@pytest.fixture(scope="module")
def place(shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    prepared = prepared_in(shared_folder / "prepared-service")
    folder = tmp_path_factory.mktemp("killed") / "instance"
    shutil.copytree(prepared.folder, folder)
    installation = installation_in(folder)
    installation.write_bridge_settings()
    with ExitStack() as stack:
        family = stack.enter_context(Family(installation.logs))
        yield Place(installation, prepared, family, {}, stack)


class Holder:
    """The card's holder, in one browser, whatever becomes of the programs."""

    def __init__(self, place: Place) -> None:
        self.place = place
        port = place.installation.port
        self.person = Person(place.page(), (port, port))

    def sign_in(self) -> None:
        self.person.come()
        answer = self.person.post(*self.person.prove_card(CARD.passcode))
        assert answer.goes_to, answer.text

    def renew(self) -> Answer:
        """Open the page of the renewal, which introduces its bridge, and press the button."""
        self.person.page = self.place.page()
        self.person.open("/profile")
        card_id = self.place_value("SELECT id FROM card WHERE guid = ?", self._told()["card"])
        return self._run(self.person.post(f"/profile/cards/{card_id}/renew/start", self._told()))

    def go_on(self) -> None:
        """Come back in the same browser: signed in still, or *Continue*, or sign in again."""
        if self.person.is_signed_in(0):
            self.renew()
            return
        self.person.page = self.place.page()
        self.person.come()
        offered = self.person.post("/sign-in/continue", self._told(), keep=False)
        if offered.status == 200:
            self._run(offered)
            return
        self.sign_in()
        self.renew()

    def place_value(self, query: str, *values: object) -> object:
        with closing(sqlite3.connect(self.place.installation.database)) as rows:
            return rows.execute(query, values).fetchone()[0]

    def _told(self) -> Message:
        card = self.person.page.read_card(READER_1)
        return {"sid": self.person.page.sid, "seat": card["seat"], "card": card["guid"]}

    def _run(self, answer: Answer) -> Answer:
        typed = {"passcode": CARD.passcode}
        while answer.headers.get("Content-Type", "").startswith("application/json"):
            ticket = answer.json
            if "ticket" not in ticket:
                break
            try:
                result = self.person.step(ticket, **typed)
            except BridgeUnreachable:
                result = {"step": ticket["step"], "error": BRIDGE_GONE}
            answer = self.person.post(ticket["result_url"], result)
            typed = {}
        return answer


def is_whole(place: Place) -> bool:
    """The card was renewed, and chip and rows say the same."""
    state = CardState.load(place.installation.cards / f"{CARD.name}.json")
    assert state.guid is not None
    reading = PivCard(CardConnection(VirtualCard(state)))
    reading.select()
    with closing(sqlite3.connect(place.installation.database)) as rows:
        card, renewals = rows.execute(
            "SELECT id, self_renewals_in_row FROM card WHERE guid = ?", (state.guid.hex(),)
        ).fetchone()
        keys = rows.execute(
            "SELECT slot, public_key FROM card_key WHERE card_id = ? AND state = 'current'", (card,)
        ).fetchall()
        certificates = rows.execute(
            "SELECT slot, der FROM certificate WHERE card_id = ? AND status = 'active'", (card,)
        ).fetchall()
    in_chip = {slot: _public(state, slot) for slot, _ in keys}
    assert len(keys) == len(certificates) == 3
    written = {slot: reading.read_certificate(slot) for slot, _ in certificates}
    return bool(renewals == 1 and dict(keys) == in_chip and dict(certificates) == written)


def _public(state: CardState, slot: str) -> bytes:
    public = key_pairs.load(state.keys[slot][0]).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def how_long_it_takes(place: Place) -> float:
    place.go_back()
    holder = Holder(place)
    holder.sign_in()
    begun = time.monotonic()
    last = holder.renew()
    assert is_whole(place), last.text.replace("\n", " ")
    return time.monotonic() - begun


def attempted(action: Callable[[], object]) -> None:
    """Do it as far as it goes: what ended in between is seen from what is there afterwards."""
    try:
        action()
    except GONE:
        return


@pytest.mark.parametrize("killed", ["server", "bridge"])
def test_a_renewal_survives_programs_that_are_killed(place: Place, killed: str) -> None:
    takes = how_long_it_takes(place)
    for number in range(KILLS):
        place.go_back()
        holder = Holder(place)
        holder.sign_in()
        timer = threading.Timer(takes * number / KILLS, place.kill, [killed])
        timer.start()
        attempted(holder.renew)
        timer.join()
        place.start_again(killed)
        for _ in range(MOST_ATTEMPTS):
            if is_whole(place):
                break
            attempted(holder.go_on)
        assert is_whole(place), f"{killed} killed after {number} of {KILLS} parts"
        holder = Holder(place)  # in another browser
        holder.sign_in()
