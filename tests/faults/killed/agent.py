"""What an agent does with a user's card in the second reader: unlock, issue, repair, erase."""

from sqlalchemy import func, select

from app.card_operations import erased
from app.domain.card_lifecycle import CardStatus
from app.extensions import db
from app.models import AuditEvent, Card, Person
from app.services.demonstration.cards import PlannedState
from tests.faults.killed.operation import NEW, Operation, planned, sign_in
from tests.faults.killed.place import Place
from tests.faults.truth import must_agree, must_be_erased, unfinished
from tests.parts.desk import READER_1, READER_2

AGENT = planned(PlannedState.ISSUED, "bryn-llewellyn")
ISSUED_TO = "500200300108"  # who has another card already


class WithAgent(Operation):
    """An operation on the card in the second reader, by an agent whose own is in the first."""

    service: str

    def ready(self) -> None:
        self.place.insert(AGENT.name, READER_1)
        self.place.insert(self.card.name, READER_2)
        sign_in(self.browser, AGENT.passcode)

    def sign_in_again(self) -> None:
        if not self.browser.is_signed_in:
            sign_in(self.browser, AGENT.passcode)

    def typed(self, button: str) -> dict[str, str]:
        """What the agent signs is signed with their own card."""
        if button.startswith("Approve"):
            return {"passcode": AGENT.passcode}
        return super().typed(button)

    @property
    def address(self) -> str:
        with self.books.request():
            return f"/people/{self.card.uuid}/cards/{self.row().id}/{self.service}"

    def check(self) -> None:
        """The agent's own card is as good as before, too."""
        super().check()
        must_agree(self.books, AGENT.name)


class Unlocking(WithAgent):
    name = service = "unlock"
    card = planned(PlannedState.LOCKED)
    passcode = NEW
    buttons = ("Unlock",)

    def is_reached(self) -> bool:
        return self.holds(NEW) and self.is_settled()


class Repairing(WithAgent):
    name = service = "repair"
    kills = 12
    card = planned(PlannedState.EXPIRED)
    buttons = ("Approve the repair", "Continue")

    def is_reached(self) -> bool:
        with self.books.request():
            repaired = self._times_done(self.row().id)
        return repaired == 1 and self.is_settled()

    def check(self) -> None:
        super().check()
        with self.books.request():
            assert self._times_done(self.row().id) == 1

    @staticmethod
    def _times_done(card_id: int) -> int:
        done = select(func.count()).where(
            AuditEvent.event == "card.repaired", AuditEvent.subject_card_id == card_id
        )
        return db.session.scalar(done) or 0


class Issuing(WithAgent):
    name = service = "issue"
    kills = 14
    card = planned(PlannedState.BLANK)
    passcode = NEW
    address = f"/people/{ISSUED_TO}/issue"
    buttons = ("Approve the issue", "Issue this card", "Continue")

    def is_reached(self) -> bool:
        """The chip shows who it is early on, and is issued only at the end."""
        guid = self.books.cards[self.card.name].guid
        if guid is None:
            return False
        with self.books.request():
            card = db.session.scalar(select(Card).where(Card.guid == guid.hex()))
            return card is not None and card.status is CardStatus.ISSUED and not unfinished(card.id)

    def check(self) -> None:
        super().check()
        with self.books.request():
            cards = db.session.scalars(
                select(Card).join(Person).where(Person.uuid == ISSUED_TO)
            ).all()
            status = {card.guid: card.status for card in cards}
            assert status.pop(self.row().guid) is CardStatus.ISSUED
            assert set(status.values()) == {CardStatus.CANCELLED}, status
            assert not [card.guid for card in cards if unfinished(card.id)]


class Erasing(WithAgent):
    name = service = "erase"
    card = planned(PlannedState.CANCELLED)
    buttons = ("Erase this card",)

    def __init__(self, place: Place, *, patient: bool) -> None:
        super().__init__(place, patient=patient)
        with self.books.request():
            self.card_id = self.row().id

    @property
    def address(self) -> str:
        return f"/people/{self.card.uuid}/cards/{self.card_id}/{self.service}"

    def is_reached(self) -> bool:
        with self.books.request():
            card = db.session.get_one(Card, self.card_id)
            return erased.is_done(card) and not unfinished(card.id)

    def check(self) -> None:
        must_be_erased(self.books, self.card.name, self.card_id)
        must_agree(self.books, AGENT.name)
