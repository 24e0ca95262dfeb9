"""Unlocking without an agent: the card's proof, answers, a mailed code, a new passcode."""

from datetime import datetime

from sqlalchemy import select

from app.card_operations import journal
from app.card_operations.answers import CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.refusals import CardInHand
from app.domain.errors import RateLimited
from app.domain.security_questions import QUESTIONS, fold
from app.extensions import db
from app.models import CardOperation, Person, SelfService
from app.services import hashing, security_answers, unlock_attempts
from app.services import service_centre as centre
from app.services.service_centre import Step
from reader_bridge import encoding
from tests.faults.people import NotDone, Someone, Visit
from tests.faults.scenarios.issuing import OnIssuedCard
from tests.faults.truth import must_be_whole
from tests.faults.world import World
from tests.parts.codes import mailed_code
from tests.parts.hashing import QuickHashes
from tests.parts.self_service import REGISTERED_EMAIL, registered

CHOSEN = list(QUESTIONS)[:4]
MOST_PAGES = 12  # that one attempt may take


class Holder(Someone):
    """The holder of a card, at the Service Centre; ``operation`` is what the address says."""

    operation: str | None = None

    def sit_down(self, pc: str) -> None:
        super().sit_down(pc)
        self.operation = None

    @staticmethod
    def register(world: World) -> None:
        hasher = world.app.extensions[hashing.EXTENSION] = QuickHashes()
        with world.request():
            person = db.session.get_one(Person, world.memory["holder"])
            row = registered(person, world.clock.now)
            hashes = {key: hasher.hash(fold(f"answer to {key}")) for key in CHOSEN}
            security_answers.keep(row, hashes)
            db.session.commit()

    def step(self) -> Step:
        """The page that the service shows now."""

        def look(visit: Visit) -> Step:
            row = self._row(visit)
            return centre.step_of(row, now=visit.now) if row is not None else Step.OVER

        return self.serve(look)

    def answer(self) -> None:
        def send(visit: Visit) -> None:
            row = self._must(visit)
            asked = unlock_attempts.questions_for(row)
            answers = [f"Answer, to {key}!" for key in asked]
            centre.answer(row, answers, address=None, now=visit.now)

        self.serve(send)

    def enter_code(self) -> None:
        """Type the newest code that was mailed; without one that counts, ask for another."""
        sent = self.serve(lambda visit: centre.sent_code(self._must(visit), visit.now))
        if sent is None or not sent.state.may_be_typed:
            self._ask_for_code()
        with self.world.request():
            code = mailed_code(REGISTERED_EMAIL)
        self.serve(lambda visit: unlock_attempts.redeem(self._must(visit), code, visit.now))

    def _ask_for_code(self) -> None:
        try:
            self.serve(lambda visit: unlock_attempts.send_code(self._must(visit), visit.now))
        except RateLimited as error:  # the page says for how long
            self.world.clock.advance(seconds=error.retry_after)
            raise NotDone("too many codes") from error

    def _must(self, visit: Visit) -> CardOperation:
        row = self._row(visit)
        if row is None:
            raise NotDone("the unlock is another browser's")
        return row

    def _row(self, visit: Visit) -> CardOperation | None:
        if self.operation is None:  # what the start page offers
            begun = centre.unfinished_here(visit.browser, now=visit.now)
            self.operation = begun.public_id if begun is not None else None
        if self.operation is None:
            return None
        return centre.find(self.operation, browser=visit.browser)


class UnlockingAlone(OnIssuedCard):
    name = "unlock by self-service"

    def prepare(self) -> None:
        super().prepare()
        Holder.register(self.world)
        self.world.cards[self.card].lock_passcode()

    def ready(self) -> None:
        self.who: Holder = Holder(self.world)
        self.who.has_card_in(self.card)
        self.who.tab.read_card()

    def attempt(self) -> None:
        self.who.has_card_in(self.card)
        for _ in range(MOST_PAGES):
            match self.who.step():
                case Step.OVER:
                    self._prove()
                case Step.QUESTIONS:
                    self.who.answer()
                case Step.CODE:
                    self.who.enter_code()
                case Step.PASSCODE:
                    self._choose_passcode()
                case Step.DONE:
                    return
                case Step.BLOCKED:
                    raise NotDone("blocked")
        raise NotDone("too many pages")

    def check(self) -> None:
        must_be_whole(self.world, self.card, self.another)
        with self.world.request():
            row = db.session.scalars(select(SelfService)).one()
            assert (row.failed_attempts, row.blocked_at, row.asked) == (0, None, None)

    def _prove(self) -> None:
        answer = self.who.run(self._start())
        if isinstance(answer, Waiting) and answer.reason == CardInHand.reason:
            self.world.clock.set(datetime.fromisoformat(answer.facts["free_at"]))
            self.world.clock.advance(seconds=1)  # the page says when to try again
            answer = self.who.run(self._start())
        if not isinstance(answer, Finished) or "unlock" not in answer.facts:
            raise NotDone(str(answer))
        self.who.operation = answer.facts["unlock"]

    def _start(self) -> NextTicket:
        facts, at = self.who.tab.read_card(), self.who.at()
        written = facts["certificates"].get("9e")
        return self.who.serve(
            lambda visit: centre.start(
                facts["guid"],
                encoding.to_bytes(written) if written else None,
                office=visit.office,
                now=visit.now,
                address=None,
                **at,
            )
        )

    def _choose_passcode(self) -> None:
        operation, at = str(self.who.operation), self.who.at()
        first = self.who.serve(
            lambda visit: journal.ticket(
                operation, actor=visit.actor, office=visit.office, now=visit.now, **at
            )
        )
        answer = self.who.run(first, new_passcode=self.another)
        if isinstance(answer, CardAnswered):
            raise NotDone(str(answer))
