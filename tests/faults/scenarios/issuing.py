"""Issuing a card: an agent, a blank card, and the holder who chooses a passcode."""

from sqlalchemy import select

from app.card_operations import issue
from app.card_operations.answers import Finished, NextTicket
from app.domain.card_lifecycle import CardStatus
from app.extensions import db
from app.models import Card, Person
from tests.faults.people import NotDone, Someone, Visit
from tests.faults.scenarios.base import Scenario
from tests.faults.truth import must_be_whole
from tests.parts.people import a_person


class Issuing(Scenario):
    name = "issue"

    def prepare(self) -> None:
        self.world.new_card(self.card, self.behaviour)
        with self.world.request():
            self.world.memory["holder"] = a_person().id

    def ready(self) -> None:
        self.who = Someone(self.world)
        self.who.has_card_in(self.card)
        self.who.tab.read_card()

    def attempt(self) -> None:
        self.who.has_card_in(self.card)
        if self._is_issued():
            return
        answer = self.who.run(self._start(), new_passcode=self.passcode)
        if not isinstance(answer, Finished):
            raise NotDone(str(answer))

    def check(self) -> None:
        must_be_whole(self.world, self.card, self.passcode)
        with self.world.request():
            statuses = [card.status for card in db.session.scalars(select(Card))]
            assert statuses.count(CardStatus.ISSUED) == 1
            # A blank card that looks like every other of its make may not be known again
            alike = not (self.behaviour.has_serial or self.behaviour.leaves_factory_with_chuid)
            others = len(statuses) - 1
            assert statuses.count(CardStatus.BLANK) == others <= (1 if alike else 0), statuses

    def _start(self) -> NextTicket:
        blank, at = self.who.tab.blank_card(), self.who.at()
        return self.who.serve(
            lambda visit: issue.start(
                db.session.get_one(Person, self.world.memory["holder"]),
                blank,
                algorithm=self.algorithm,
                actor=visit.actor,
                office=visit.office,
                now=visit.now,
                **at,
            )
        )

    def _is_issued(self) -> bool:
        """What the person's page shows of the card in the reader."""
        guid = self.who.tab.read_card()["guid"]

        def look(visit: Visit) -> bool:
            card = db.session.scalar(select(Card).where(Card.guid == guid)) if guid else None
            return card is not None and card.status is CardStatus.ISSUED

        return self.who.serve(look)


class OnIssuedCard(Scenario):
    """Every operation on a card that its holder has in hand."""

    def prepare(self) -> None:
        which = f"{self.behaviour_name} {self.algorithm}"
        if which not in self.world.kept:
            issuing = Issuing(self.world, self.behaviour_name, self.algorithm)
            issuing.prepare()
            issuing.ready()
            issuing.attempt()
            self.world.kept[which] = self.world.moment()
        self.world.go_back(self.world.kept[which])
