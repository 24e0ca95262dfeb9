"""Unlocking with an agent: the holder's card in the second reader, a new passcode of theirs."""

from app.card_operations import unlock
from app.card_operations.answers import Finished, NextTicket
from app.domain.roles import Role
from app.extensions import db
from app.models import Card, Organisation, Person
from tests.faults.people import NotDone, Someone, signed_in
from tests.faults.scenarios.issuing import OnIssuedCard
from tests.faults.truth import must_be_whole
from tests.faults.world import World
from tests.parts.bridge import READER_2
from tests.parts.people import a_card, a_person, a_session, an_assignment


class Agent(Someone):
    """Somebody in an RA role, whose own card stays in the first reader of their PC."""

    def sign_on(self) -> None:
        """Begin a session, as the end of a sign-in does."""
        memory = self.world.memory
        with self.world.request():
            card = db.session.get_one(Card, memory["agent card"])
            self.token = a_session(
                card,
                self.world.clock.now,
                assignment_id=memory["agent assignment"],
                browser=self.browser,
            )

    def sit_down(self, pc: str) -> None:
        super().sit_down(pc)
        self.sign_on()

    def stay_signed_in(self) -> None:
        """Sign in again where waiting took longer than a session lasts."""
        if self.serve(lambda visit: visit.actor is None):
            self.sign_on()

    @staticmethod
    def exists_in(world: World) -> None:
        """Make the agent's rows, in the organisation of everybody else."""
        with world.request():
            holder = db.session.get_one(Person, world.memory["holder"])
            organisation = db.session.get_one(Organisation, holder.organisation_id)
            person = a_person(world.clock.now, organisation=organisation)
            assignment = an_assignment(person, Role.RA_AGENT, now=world.clock.now)
            world.memory["agent assignment"] = assignment.id
            world.memory["agent card"] = a_card(person, world.clock.now).id


class Unlocking(OnIssuedCard):
    name = "unlock"

    def prepare(self) -> None:
        super().prepare()
        Agent.exists_in(self.world)
        self.world.cards[self.card].lock_passcode()

    def ready(self) -> None:
        self.who: Agent = Agent(self.world)
        self.who.has_card_in(self.card, READER_2)
        self.who.tab.read_card(READER_2)

    def attempt(self) -> None:
        self.who.stay_signed_in()
        self.who.has_card_in(self.card, READER_2)
        answer = self.who.run(self._start(), new_passcode=self.another)
        if not isinstance(answer, Finished):
            raise NotDone(str(answer))

    def check(self) -> None:
        must_be_whole(self.world, self.card, self.another)

    def _start(self) -> NextTicket:
        facts, at = self.who.tab.read_card(READER_2), self.who.at(READER_2)
        return self.who.serve(
            lambda visit: unlock.start_assisted(
                signed_in(visit),
                db.session.query(Card).filter_by(guid=facts["guid"]).one(),
                tries_left=facts["passcode_left"],
                office=visit.office,
                now=visit.now,
                **at,
            )
        )
