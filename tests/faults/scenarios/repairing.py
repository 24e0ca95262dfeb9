"""Repairing an expired card: an agent who approves it, the holder who types their passcode."""

from datetime import timedelta

from sqlalchemy import func, select

from app.card_operations import repair
from app.card_operations.answers import Finished, NextTicket
from app.card_operations.refusals import ApprovalNeeded
from app.extensions import db
from app.models import AuditEvent, Card
from reader_bridge import encoding
from reader_bridge.piv import objects
from tests.faults.people import NotDone, Visit, signed_in
from tests.faults.scenarios.issuing import OnIssuedCard
from tests.faults.scenarios.unlocking import Agent
from tests.faults.truth import must_be_whole, row_of
from tests.parts.bridge import READER_2
from tests.parts.renewing import approved_repair

UNTIL_EXPIRED = timedelta(days=800)  # of certificates that are good for 730


class Repairing(OnIssuedCard):
    name = "repair"

    def prepare(self) -> None:
        super().prepare()
        Agent.exists_in(self.world)
        with self.world.request():
            self.world.memory["card"] = row_of(self.world.cards[self.card]).id
        self.world.clock.set(self.world.clock.now + UNTIL_EXPIRED)

    def ready(self) -> None:
        self.who: Agent = Agent(self.world)
        self.who.has_card_in(self.card, READER_2)
        self.who.tab.read_card(READER_2)

    def attempt(self) -> None:
        self.who.stay_signed_in()
        self.who.has_card_in(self.card, READER_2)
        if self.who.serve(self._is_repaired):
            return
        try:
            first = self._start(approved=False)
        except ApprovalNeeded:
            first = self._start(approved=True)
        answer = self.who.run(first, passcode=self.passcode)
        if not isinstance(answer, Finished):
            raise NotDone(str(answer))

    def check(self) -> None:
        must_be_whole(self.world, self.card, self.passcode)
        with self.world.request():
            done = select(func.count()).where(AuditEvent.event == "card.repaired")
            assert db.session.scalar(done) == 1

    def _start(self, *, approved: bool) -> NextTicket:
        facts, at = self.who.tab.read_card(READER_2), self.who.at(READER_2)
        certificates = facts["certificates"].items()
        read = {slot: encoding.to_bytes(text) for slot, text in certificates}

        def start(visit: Visit) -> NextTicket:
            agent, card = signed_in(visit), self._card()
            return repair.start(
                agent,
                card,
                approval=approved_repair(agent, card, visit.now) if approved else None,
                guid=facts["guid"],
                certificates=read,
                office=visit.office,
                now=visit.now,
                **at,
            )

        return self.who.serve(start)

    def _card(self) -> Card:
        return db.session.get_one(Card, self.world.memory["card"])

    def _is_repaired(self, visit: Visit) -> bool:
        """What the page of the card says."""
        expires_on = self._card().expires_on
        assert expires_on is not None
        return expires_on > visit.now.date()


class RepairingChanged(Repairing):
    """Another identifier, and no key of its own: the management key alone proves the card."""

    name = "repair-changed"

    def prepare(self) -> None:
        super().prepare()
        chip = self.world.cards[self.card]
        chip.objects[objects.CHUID] = objects.Chuid(bytes(range(16))).encode()
        del chip.keys["9e"]
