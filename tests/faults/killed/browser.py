"""A browser, which does on each page what the scripts of the page do, whatever program is gone.

What the page says is followed to the letter: the cards that it looks for, the fields and passcodes
that its form asks for, the tickets that it carries, the results that it brings once more to a
server that does not answer.
"""

import json
import time
from contextlib import ExitStack, suppress
from http.client import HTTPException
from typing import Any

from websockets.exceptions import WebSocketException

from app.card_operations.answers import NextTicket
from app.cli.bridge_page import (
    BridgePage,
    BridgeSaidNo,
    BridgeUnreachable,
    NoSuchCard,
    bridge_page,
)
from reader_bridge import encoding
from reader_bridge.contract import Say
from tests.faults.killed.place import Place
from tests.faults.killed.shown import Form, Shown
from tests.faults.people import NotDone
from tests.parts.http_person import Answer, Message, Person

# A result is brought once more for as long as a page does it, only oftener
AGAIN_SECONDS, TIMES = 0.5, 15
NO_SERVER = (OSError, HTTPException)
NO_BRIDGE = (BridgeUnreachable, WebSocketException)
# What a page meets where a program has gone in the midst of it
GONE = (NotDone, BridgeSaidNo, NoSuchCard, *NO_SERVER, *NO_BRIDGE)
BRIDGE_GONE = {"code": "failed", "outcome": "unknown", "reason": "bridge-gone"}
REPLACES = (200, 409, 422)  # answers whose words are shown in the place of the form


class Misled(NotDone):
    """The page says what is not so, or has no way on. Nobody is while all programs run."""


class Browser:
    """One page at a time. ``patient``: it waits for a server that is started again."""

    def __init__(self, place: Place, *, patient: bool = False) -> None:
        self.place = place
        self.patient = patient
        self.address = ""
        self.at_work: list[tuple[float, float]] = []  # from when to when a card was, so far
        self._connection = ExitStack()
        port = place.installation.port
        self._ports = (port, port)
        self._person: Person | None = None
        self._page: Shown | None = None
        self._part: Shown | None = None
        self._reading: Message | None = None
        self._introduced = ""  # the connection that the server was told of

    # What is seen

    @property
    def page(self) -> Shown:
        if self._page is None:
            raise NotDone(f"{self.address} did not come")
        return self._page

    @property
    def text(self) -> str:
        """The words of the page, and of what has come into it since."""
        return self.page.text + (self._part.text if self._part else "")

    @property
    def news(self) -> str:
        """The words that came last."""
        return self._part.text if self._part else self.page.text

    @property
    def is_signed_in(self) -> bool:
        return self.page.guard is not None

    def form(self, button: str) -> Form | None:
        return (self._part or self.page).form(button)

    # Going somewhere

    def open(self, address: str) -> None:
        """Open a page in the place of the one before, and wait for what it finds in the readers."""
        self.leave()
        self.address = address
        bridge = self._connect()
        if self._person is None:
            self._person = Person(bridge, self._ports)
        self._person.page = bridge
        answer = self._person.get(address)
        while answer.goes_to:
            self.address = answer.goes_to
            answer = self._person.get(self.address)
        self._checked(answer)
        self._page = Shown(answer.text)
        if self._page.csrf is not None:
            self._person.arrive(answer)
            self._introduced = bridge.sid
        self._watch()

    def leave(self) -> None:
        """Close the page, and with it its connection to the bridge."""
        self._connection.close()
        self._page = self._part = self._reading = None

    def wake(self) -> None:
        """Look at the page again after a while: it has found a bridge that was started anew."""
        if self._page is None:
            self.open(self.address)
            return
        try:
            self.bridge.ask(Say.CANCEL)
        except NO_BRIDGE:
            self._connection.close()
            self.person.page = self._connect()
            self._watch()

    @property
    def person(self) -> Person:
        assert self._person is not None, "no page was opened"
        return self._person

    @property
    def bridge(self) -> BridgePage:
        return self.person.page

    def _connect(self) -> BridgePage:
        installation = self.place.installation
        page = bridge_page(installation.bridge_listens_on, installation.origin)
        return self._connection.enter_context(page)

    def _watch(self) -> None:
        """What <session-guard> and the elements that look at cards do when a bridge is there."""
        if self.page.guard is not None and not self._is_guarded(self.page.guard):
            return
        if self.page.card_url:
            self.look()

    # Cards

    def look(self, reader: str | None = None) -> None:
        """Have the server say what the cards in the readers are; ``reader`` has the one meant."""
        own = (
            self.page.guard["seat"] if self.page.guard and "second-reader" in self.page.live else ""
        )
        cards = [self._read(at) for at, seat in self.bridge.seats.items() if seat != own]
        if not cards:
            raise NotDone("no card in the reader")
        meant = [card for card in cards if reader in (None, card["reader"])]
        self._reading = meant[0] if len(meant) == 1 else None
        seat = self._reading["seat"] if self._reading else None
        assert self.page.card_url
        answer = self._checked(self.person.post(self.page.card_url, {"cards": cards, "seat": seat}))
        self._follow(answer)

    def _read(self, reader: str) -> Message:
        said = self.bridge.ask(Say.READ_CARD, reader=reader)
        found = said["ok"] if "ok" in said else {"error": said["error"]}
        return {**found, "reader": reader, "seat": self.bridge.seats.get(reader)}

    def _is_guarded(self, guard: dict[str, str]) -> bool:
        """Whether the session's card is still there. One that is not signs its holder out."""
        claims = json.loads(encoding.to_bytes(self.bridge.hello.split(".")[1]))
        if claims["instance"] == guard["bridge"]:
            if guard["seat"] in self.bridge.seats.values():
                return True
            self._sign_out("card-removed")
            return False
        for reader, seat in list(self.bridge.seats.items()):
            if self._read(reader).get("guid") == guard["guid"]:
                return self._prove(guard, seat, claims["instance"])
        self._sign_out("bridge-restarted")
        return False

    def _prove(self, guard: dict[str, str], seat: str, instance: str) -> bool:
        self._introduce()
        answer = self.person.post("/presence", {"sid": self.bridge.sid, "seat": seat})
        if answer.goes_to:
            self.open(answer.goes_to)
            return False
        ticket = answer.json
        if "ticket" in ticket:
            said = self.person.post(ticket["result_url"], self._step(ticket, {}))
            if not said.json.get("done"):
                raise NotDone(f"presence: {said.text}")
        guard.update(seat=seat, bridge=instance)
        return True

    def _sign_out(self, reason: str) -> None:
        self.person.fill_in("/sign-out", {"reason": reason})
        self.open(f"/signed-out?reason={reason}")

    # Forms

    def press(self, button: str, **typed: str) -> None:
        """Press a button of the page, and wait for what follows. ``typed`` goes into its fields.

        Raises:
            NotDone: there is no such button, no card, or the page says that it did not work.
        """
        form = self.form(button)
        if form is None:
            raise NotDone(f"{self.address}: no {button}")
        fields = {**form.fields, **dict.fromkeys(form.boxes, "y")}
        if form.step is None:
            self._follow(self._checked(self.person.fill_in(form.action, {**fields, **typed})))
            return
        secrets = {name: typed[name] for name in form.asks}
        begun = time.monotonic()
        answer = self._converse(form.step, fields, secrets)
        self.at_work.append((begun, time.monotonic()))
        self._follow(answer)

    def _converse(self, step: dict[str, str], fields: Message, secrets: dict[str, str]) -> Answer:
        """What <card-step> does."""
        seat = self._seat_for(step)
        if seat not in self.bridge.seats.values():
            raise Misled("the page says that there is no card in the reader")
        told = {**fields, "sid": self.bridge.sid, "seat": seat, "card": step.get("card")}
        if "with-reading" in step and self._reading:
            self._reading = told["reading"] = self._read(self._reading["reader"])
        self._introduce()
        answer = self._checked(self.person.post(step["start-url"], told))
        while _is_ticket(answer):
            ticket = answer.json
            result = self._step(ticket, secrets)
            secrets = {}
            answer = self._checked(self._bring(ticket["result_url"], result))
        return answer

    def _seat_for(self, step: dict[str, str]) -> str | None:
        if "second-reader" in self.page.live and "seat" not in step:
            return str(self._reading["seat"]) if self._reading else None
        guard = self.page.guard
        if guard is not None and guard["guid"] == step.get("card"):
            return guard["seat"]
        return step.get("seat") or next(iter(self.bridge.seats.values()), None)

    def _introduce(self) -> None:
        if self._introduced != self.bridge.sid:
            self.person.introduce()
            self._introduced = self.bridge.sid

    def _step(self, ticket: Message, secrets: dict[str, str]) -> Message:
        try:
            known = {name: ticket[name] for name in NextTicket.__dataclass_fields__}
            return self.bridge.step(NextTicket(**known), **secrets)
        except NO_BRIDGE:
            return {"step": ticket["step"], "error": BRIDGE_GONE, "receipt": None}

    def _bring(self, address: str, result: Message) -> Answer:
        for _ in range(TIMES if self.patient else 0):
            try:
                return self.person.post(address, result)
            except NO_SERVER:
                time.sleep(AGAIN_SECONDS)
        try:
            return self.person.post(address, result)
        except NO_SERVER:
            with suppress(*NO_BRIDGE):
                self.bridge.ask(Say.CANCEL)
            raise

    def _follow(self, answer: Answer) -> None:
        """Go where an answer leads to, or show it in its place."""
        said: dict[str, Any] = answer.json if _is_json(answer) else {}
        if answer.goes_to or "location" in said:
            self.open(str(answer.goes_to or said["location"]))
        elif answer.status not in REPLACES:
            raise NotDone(f"{answer.status}: {answer.text[:300]}")
        else:
            self._part = Shown(answer.text)

    @staticmethod
    def _checked(answer: Answer) -> Answer:
        assert answer.status < 500, f"the server failed: {answer.text[:500]}"
        return answer


def _is_json(answer: Answer) -> bool:
    return answer.status == 200 and answer.headers.get("Content-Type", "").startswith(
        "application/json"
    )


def _is_ticket(answer: Answer) -> bool:
    return _is_json(answer) and "ticket" in answer.json
