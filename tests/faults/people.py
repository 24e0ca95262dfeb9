"""People at their PCs: what they type, and what they read of what the service offers them."""

from collections.abc import Callable
from typing import TypeVar

from app.card_operations import hello, journal
from app.card_operations.answers import Answer, CardAnswered, NextTicket, Waiting
from app.card_operations.refusals import CardInHand
from app.domain.principal import Principal
from app.domain.statuses import SessionEnd, WorkstationStatus
from app.extensions import db
from app.services import sessions, sign_in
from app.services.sign_in import SignedIn
from reader_bridge import encoding
from reader_bridge.contract import Say
from tests.faults.cuts import Lost, ServerStopped
from tests.faults.pc import Message, Tab, random_browser
from tests.faults.world import Visit, World
from tests.parts.bridge import ORIGIN, READER_1

T = TypeVar("T")


class TurnedAway(Exception):
    """The sign-in page says why this card is not let in."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotDone(Exception):
    """The service has answered, and the person is not where they want to be."""


class Someone:
    """A person at a PC, with a browser of their own."""

    def __init__(self, world: World, pc: str = "desk") -> None:
        self.world = world
        self.typed: list[str] = []  # to sign in or to confirm, since they chose a new passcode
        self.opened: str | None = None  # what they saw themselves signed in with since then
        self.sit_down(pc)

    def sit_down(self, pc: str) -> None:
        """Go to a PC and open a browser there: nobody is signed in in it."""
        self.pc_name = pc
        self.browser = random_browser()
        self.token: str | None = None
        self._tab: Tab | None = None

    # The page

    @property
    def tab(self) -> Tab:
        """The page, introduced to the service by its bridge."""
        if self._tab is None:
            tab = self.world.pc(self.pc_name).tab()
            self.serve(lambda visit: introduce(tab, visit))  # else the next page is another
            self._tab = tab
        return self._tab

    def reload(self) -> None:
        """The page is closed; the next one is another connection of the same browser."""
        if self._tab is not None:
            self._tab.close()
        self._tab = None

    def serve(self, action: Callable[[Visit], T]) -> T:
        return self.world.serve(self.browser, self.token, action)

    def seat(self, reader: str = READER_1) -> str:
        seat = self.world.pc(self.pc_name).seat(reader)
        if seat is None:
            raise NotDone("no card in the reader")
        return seat

    def at(self, reader: str = READER_1) -> dict[str, str]:
        """Who brings what: sid, seat and browser, as every start wants them."""
        return {"sid": self.tab.sid, "seat": self.seat(reader), "browser": self.browser}

    def has_card_in(self, card: str, reader: str = READER_1) -> None:
        """See to it that the card is in the reader of this PC, and in no other."""
        state = self.world.cards[card]
        here = self.world.pc(self.pc_name)
        for pc in self.world.pcs.values():
            for name, chip in list(pc.chips.items()):
                if chip.state is state:
                    if pc is here and name == reader:
                        return
                    pc.pull(name)
        self.world.insert(card, self.pc_name, reader)

    def run(self, first: NextTicket, **typed: str) -> Answer:
        """Go from ticket to ticket until the service has another answer.

        Raises:
            Lost, ServerStopped.
        """
        answer: Answer = first
        while isinstance(answer, NextTicket):
            body = self._step(answer, typed)
            typed = {}
            answer = self._bring(answer.operation, body)
        return answer

    def _step(self, ticket: NextTicket, typed: dict[str, str]) -> Message:
        said = self.tab.step(ticket, typed)
        try:
            heard = self.world.cutter.hear_answer(said)
        except Lost:
            self.reload()  # the page is gone, and its bridge keeps nothing for it
            raise
        if heard is not said:
            self.reload()  # another connection: the bridge that the page spoke to is gone
        return heard

    def _bring(self, operation: str, body: Message) -> Answer:
        tab = self.tab
        try:
            return self.serve(
                lambda visit: journal.result(
                    operation,
                    body,
                    browser=visit.browser,
                    actor=visit.actor,
                    office=visit.office,
                    now=visit.now,
                )
            )
        except ServerStopped:
            tab.ask(Say.CANCEL)  # the page keeps no card waiting for a server that is lost
            raise

    # Signing in

    def sign_in(self, card: str, old: str, new: str | None = None) -> str:
        """Sign in as the page says; return the passcode that opened the card.

        ``old`` is what the holder knows to be their passcode, ``new`` what they wanted instead.

        Raises:
            TurnedAway: nobody may sign in with this card.
            NotDone: the card did not take the passcode that the page asked for.
        """
        self.has_card_in(card)
        facts = self.tab.read_card()
        certificate = facts["certificates"].get("9a")
        known = self.serve(
            lambda visit: sign_in.recognise(
                facts["guid"],
                encoding.to_bytes(certificate) if certificate else None,
                office=visit.office,
                now=visit.now,
                tries_left=facts["passcode_left"],
            )
        )
        if known.refusal is not None:
            raise TurnedAway(known.refusal.reason)
        at = self.at()
        ticket = self.serve(
            lambda visit: sign_in.start(
                guid=facts["guid"],
                tries_left=facts["passcode_left"],
                use=known.hint.use,
                office=visit.office,
                now=visit.now,
                **at,
            )
        )
        wanted = self._as_told(known.hint.use, old, new)
        while wanted is not None:
            passcode = wanted
            self.typed.append(passcode)
            answer = self.run(ticket, passcode=passcode)
            if isinstance(answer, Waiting):
                self._begin_session(answer.operation)
                self.opened = passcode
                return passcode
            told = answer.facts.get("use") if isinstance(answer, CardAnswered) else None
            wanted = self._as_told(told, old, new) if told else None
            if wanted in (None, passcode):
                raise NotDone(f"sign-in: {answer}")
            ticket = self.go_on(answer.operation)
        raise NotDone("sign-in: no passcode to type")

    def _as_told(self, use: str | None, old: str, new: str | None) -> str | None:
        """The passcode that the words on the page ask for (templates/components/which_passcode)."""
        if new is None:
            return old
        if use == "then-old":
            return new if self.typed and set(self.typed) == {old} else old
        if use == "other" and self.opened is not None:
            return self.opened
        if use == "then-new":
            return old if self.typed and set(self.typed) == {new} else new
        if use == "other":
            return old if self.typed and self.typed[-1] == new else new
        return new if use in ("new-then-old", "new") else old  # "old-then-new", "old", or no word

    def go_on(self, operation: str) -> NextTicket:
        """Have the page that shows a card's answer ask for the next ticket."""
        at = self.at()
        return self.serve(
            lambda visit: journal.ticket(
                operation, actor=visit.actor, office=visit.office, now=visit.now, **at
            )
        )

    def choose_passcode(self) -> None:
        """Type a new passcode: what was typed before is of no use for knowing which one holds."""
        self.typed, self.opened = [], None

    def _begin_session(self, operation: str) -> None:
        following = self.serve(
            lambda visit: sign_in.proceed(operation, browser=visit.browser, now=visit.now)
        )
        assert isinstance(following, SignedIn), following
        self._begin_anew(following.token)

    def _begin_anew(self, token: str | None) -> None:
        """A browser in which somebody has signed in or out is another one to the service."""
        self.reload()
        self.browser = random_browser()
        self.token = token

    def sign_out(self) -> None:
        def end(visit: Visit) -> None:
            sessions.end(signed_in(visit).session_id, SessionEnd.SIGNED_OUT, visit.now)

        self.serve(end)
        self._begin_anew(None)

    def notice_removal(self) -> None:
        """The page sees that the card of its session has left, and signs out."""

        def end(visit: Visit) -> bool:
            if visit.actor is None:
                return True
            pc = self.world.pc(self.pc_name)
            if pc.board.reader_at(visit.actor.seat) is not None:
                return False
            sessions.end(visit.actor.session_id, SessionEnd.CARD_REMOVED, visit.now)
            return True

        if self.token is not None and self.serve(end):
            self._begin_anew(None)


def introduce(tab: Tab, visit: Visit) -> None:
    """Bring a bridge's hello to the service. The PCs of the tests are trusted."""
    connection = hello.receive(tab.hello, origin=ORIGIN, browser=visit.browser, now=visit.now)
    connection.workstation.status = WorkstationStatus.ENROLLED
    db.session.commit()


def patiently(world: World, action: Callable[[], T]) -> T:
    """Do something; where somebody else is at work on the card, wait until they must be done.

    Raises:
        NotDone: a page went blank, or a server did.
    """
    try:
        try:
            return action()
        except CardInHand as error:
            world.clock.set(error.facts["free_at"])
            world.clock.advance(seconds=1)
            return action()
    except (Lost, ServerStopped) as error:
        raise NotDone(type(error).__name__) from error


def signed_in(visit: Visit) -> Principal:
    """Who is signed in; a page of somebody who is not leads to signing in."""
    if visit.actor is None:
        raise NotDone("signed out")
    return visit.actor
