"""Changing the passcode: a holder who knows the old one and the one they want."""

from app.card_operations import change_passcode
from app.card_operations.answers import Answer, CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.refusals import PasscodeInDoubt
from tests.faults.people import NotDone, Someone, signed_in
from tests.faults.scenarios.issuing import OnIssuedCard
from tests.faults.truth import must_be_whole


class ChangingPasscode(OnIssuedCard):
    name = "change passcode"

    def ready(self) -> None:
        self.who = Someone(self.world)
        self.who.sign_in(self.card, self.passcode)

    def attempt(self) -> None:
        self.who.has_card_in(self.card)
        self.who.notice_removal()
        if self.who.token is None:
            opened = self.who.sign_in(self.card, self.passcode, self.another)
            if opened == self.another:
                return
        stopped = self.who.serve(
            lambda visit: change_passcode.unsettled(
                signed_in(visit), browser=visit.browser, now=visit.now
            )
        )
        if stopped is not None:
            self._settle(stopped)
            return
        try:
            first = self._begin()
        except change_passcode.ChangeUnsettled as error:
            self._settle(error.facts["operation"])
            return
        self._follow(self._run(first, self.passcode))

    def check(self) -> None:
        must_be_whole(self.world, self.card, self.another)

    def _follow(self, answer: Answer) -> None:
        if isinstance(answer, Finished):
            return
        if isinstance(answer, Waiting) and answer.facts.get("use") == "new-then-old":
            self.who.has_card_in(self.card)
            self.who.notice_removal()
            if self.who.token is not None:
                self._settle(answer.operation)
                return
        if isinstance(answer, CardAnswered) and answer.facts.get("use") in ("new", "other"):
            return  # the page says, of the old one that was typed, that the new one holds
        raise NotDone(str(answer))

    def _settle(self, operation: str) -> None:
        """The page asks for the new passcode, and, where it was refused, for the old one."""
        try:
            ticket = self.who.go_on(operation)
        except PasscodeInDoubt:
            self.who.sign_out()  # as the page says
            raise
        self.who.typed.append(self.another)
        answer = self._run(ticket, self.another)
        if isinstance(answer, CardAnswered) and answer.facts.get("use") == "old":
            answer = self._run(self.who.go_on(operation), self.passcode)
        if not isinstance(answer, Finished):
            raise NotDone(str(answer))

    def _run(self, first: NextTicket, passcode: str) -> Answer:
        return self.who.run(first, passcode=passcode, new_passcode=self.another)

    def _begin(self) -> NextTicket:
        at = self.who.at()
        self.who.choose_passcode()
        return self.who.serve(
            lambda visit: change_passcode.start(
                signed_in(visit), guid=None, office=visit.office, now=visit.now, **at
            )
        )
