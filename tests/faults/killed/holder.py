"""What a holder does alone: change their passcode, renew, and unlock at the Service Centre."""

from sqlalchemy import func, select

from app.extensions import db
from app.models import AuditEvent, Person, SelfService
from app.services.demonstration.cards import PlannedState
from tests.faults.killed.operation import NEW, Operation, planned, sign_in
from tests.parts.at_the_centre import asked_in
from tests.parts.desk import READER_1


class SignedIn(Operation):
    """An operation on the card that its holder is signed in with."""

    def ready(self) -> None:
        self.place.insert(self.card.name, READER_1)
        sign_in(self.browser, self.card.passcode)

    @property
    def own(self) -> str:
        """The address of the holder's card."""
        with self.books.request():
            return f"/profile/cards/{self.row().id}"

    def sign_in_again(self) -> None:
        if not self.browser.is_signed_in:
            sign_in(self.browser, self.card.passcode, NEW)


class ChangingPasscode(SignedIn):
    name = "change passcode"
    card = planned(PlannedState.ISSUED, "grace-adeyemi")
    passcode = NEW
    buttons = ("Confirm",)

    @property
    def address(self) -> str:
        return f"{self.own}/passcode"

    def typed(self, button: str) -> dict[str, str]:
        """The form that wants one passcode alone asks whether the new one is set."""
        form = self.browser.form(button)
        settles = form is not None and form.asks == ["passcode"]
        return {"passcode": NEW if settles else self.card.passcode, "new_passcode": NEW}

    def is_reached(self) -> bool:
        return self.holds(NEW) and self.is_settled()


class Renewing(SignedIn):
    name = "renew"
    kills = 12
    card = planned(PlannedState.EXPIRING)
    buttons = ("Renew certificates", "Continue")

    @property
    def address(self) -> str:
        return f"{self.own}/renew"

    def sign_in_again(self) -> None:
        """Signed out, the sign-in page recognises a card in the middle of its renewal."""
        if self.browser.is_signed_in:
            return
        self.browser.open("/sign-in")
        if self.browser.form("Continue") is None:
            super().sign_in_again()

    def is_reached(self) -> bool:
        with self.books.request():
            renewals = self.row().self_renewals_in_row
        return renewals == 1 and self.is_settled()

    def check(self) -> None:
        super().check()
        with self.books.request():
            done = select(func.count()).where(
                AuditEvent.event == "card.renewed", AuditEvent.subject_card_id == self.row().id
            )
            assert db.session.scalar(done) == 1


class UnlockingAlone(Operation):
    name = "unlock by self-service"
    kills = 12
    card = planned(PlannedState.LOCKED)
    passcode = NEW
    address = "/service-centre/unlock"
    buttons = ("Start", "Unlock the card", "Continue", "Send a new code")

    def ready(self) -> None:
        self.place.insert(self.card.name, READER_1)

    def typed(self, button: str) -> dict[str, str]:
        form = self.browser.form(button)
        if form is None or form.step is not None or button != "Continue":
            return {"new_passcode": NEW}
        if form.action.endswith("/answers"):
            return asked_in(self.browser.text)
        return {"code": self.books.mailed_code(self._email())}

    def is_reached(self) -> bool:
        return self.holds(NEW) and self.is_settled()

    def check(self) -> None:
        super().check()
        with self.books.request():
            row = self._registration()
            assert (row.failed_attempts, row.blocked_at, row.asked) == (0, None, None)

    def begin(self) -> None:
        self.browser.open(self.address)
        self._continue_begun()
        self._walk()

    def sign_in_again(self) -> None:
        """Nobody signs in here; what was begun in this browser is gone on with."""
        self._continue_begun()

    def _continue_begun(self) -> None:
        begun = [link for link in self.browser.page.links if link.startswith(f"{self.address}/")]
        if begun:
            self.browser.open(begun[0])

    def _email(self) -> str:
        with self.books.request():
            email = self._registration().email
        assert email is not None
        return email

    def _registration(self) -> SelfService:
        return db.session.scalars(
            select(SelfService).join(Person).where(Person.uuid == self.card.uuid)
        ).one()
