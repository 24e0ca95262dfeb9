"""Renewing one's own certificates within the window: a holder and their passcode."""

from datetime import timedelta

from sqlalchemy import func, select

from app.card_operations import renew
from app.card_operations.answers import Finished
from app.extensions import db
from app.models import AuditEvent, Card
from tests.faults.people import NotDone, Someone, Visit, signed_in
from tests.faults.scenarios.issuing import OnIssuedCard
from tests.faults.truth import must_be_whole, row_of

INTO_THE_WINDOW = timedelta(days=680)  # of 730, the last 90 of which are the window


class Renewing(OnIssuedCard):
    name = "renew"

    def prepare(self) -> None:
        super().prepare()
        self.world.clock.set(self.world.clock.now + INTO_THE_WINDOW)

    def ready(self) -> None:
        self.who = Someone(self.world)
        self.who.sign_in(self.card, self.passcode)

    def attempt(self) -> None:
        self.who.has_card_in(self.card)
        self.who.notice_removal()
        if self.who.token is None:
            guid = self.who.tab.read_card()["guid"]
            if self.who.serve(lambda visit: renew.interrupted(guid) is not None):
                self._continue(guid)
                return
            self.who.sign_in(self.card, self.passcode)
        if self.who.serve(self._is_renewed):
            return
        at = self.who.at()
        first = self.who.serve(
            lambda visit: renew.start_own(
                signed_in(visit), guid=None, office=visit.office, now=visit.now, **at
            )
        )
        self._finish(self.who.run(first, passcode=self.passcode))

    def check(self) -> None:
        must_be_whole(self.world, self.card, self.passcode)
        with self.world.request():
            assert row_of(self.world.cards[self.card]).self_renewals_in_row == 1
            done = select(func.count()).where(AuditEvent.event == "card.renewed")
            assert db.session.scalar(done) == 1

    def _continue(self, guid: str) -> None:
        """The sign-in page recognises a card in the middle of a renewal."""
        at = self.who.at()
        first = self.who.serve(
            lambda visit: renew.continue_at_sign_in(guid, office=visit.office, now=visit.now, **at)
        )
        self._finish(self.who.run(first, passcode=self.passcode))

    @staticmethod
    def _finish(answer: object) -> None:
        if not isinstance(answer, Finished):
            raise NotDone(str(answer))

    @staticmethod
    def _is_renewed(visit: Visit) -> bool:
        """What the profile shows of the card that is signed in."""
        expires_on = db.session.get_one(Card, signed_in(visit).card_id).expires_on
        assert expires_on is not None
        return expires_on > (visit.now + INTO_THE_WINDOW).date()
