"""Erasing a cancelled card with an agent; what is left can be issued to somebody else."""

from app.card_operations import erase, erased
from app.card_operations.answers import Finished, NextTicket
from app.card_operations.certificates import revoke
from app.domain.card_lifecycle import CardEvent
from app.domain.revocation import RevocationReason
from app.extensions import db
from app.models import Card
from tests.faults.people import NotDone, Visit, signed_in
from tests.faults.scenarios.issuing import Issuing, OnIssuedCard
from tests.faults.scenarios.unlocking import Agent
from tests.faults.truth import must_be_erased, must_be_whole, row_of
from tests.parts.bridge import READER_2
from tests.parts.people import a_person

ENDED = RevocationReason.CESSATION_OF_OPERATION


class Erasing(OnIssuedCard):
    name = "erase"

    def prepare(self) -> None:
        super().prepare()
        Agent.exists_in(self.world)
        with self.world.request():
            card = row_of(self.world.cards[self.card])
            card.apply(CardEvent.CANCEL, now=self.world.clock.now)
            for certificate in card.certificates:
                revoke(certificate, ENDED, self.world.clock.now)
            self.world.memory["card"] = card.id
            db.session.commit()

    def ready(self) -> None:
        self.who: Agent = Agent(self.world)
        self.who.has_card_in(self.card, READER_2)
        self.who.tab.read_card(READER_2)

    def attempt(self) -> None:
        self.who.stay_signed_in()
        self.who.has_card_in(self.card, READER_2)
        if self.who.serve(self._is_done):
            return  # the page says that it was erased
        answer = self.who.run(self._start())
        if not isinstance(answer, Finished):
            raise NotDone(str(answer))

    def check(self) -> None:
        must_be_erased(self.world, self.card, self.world.memory["card"])
        with self.world.request():
            self.world.memory["holder"] = a_person().id
        if not self.thorough:
            return
        again = Issuing(self.world, self.behaviour_name, self.algorithm)
        again.ready()
        again.attempt()
        must_be_whole(self.world, self.card, self.passcode)

    def _start(self) -> NextTicket:
        shown, at = self.who.tab.read_card(READER_2), self.who.at(READER_2)
        return self.who.serve(
            lambda visit: erase.start(
                signed_in(visit),
                db.session.get_one(Card, self.world.memory["card"]),
                guid=shown["guid"],
                serial=shown["serial"],
                office=visit.office,
                now=visit.now,
                **at,
            )
        )

    def _is_done(self, visit: Visit) -> bool:
        return erased.is_done(db.session.get_one(Card, self.world.memory["card"]))
