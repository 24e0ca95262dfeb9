"""Self-service: its modes, the steps of each change, whose address counts, who may unlock."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import Conflict, RuleBroken

MOST_FAILURES = 3  # failed attempts in all, until the registration authority lifts the block
USUAL_DOMAINS = ("nhs.net", "nhs.uk", "gov.uk", "mod.uk")


class Mode(StrEnum):
    """What somebody has to show who unlocks a card by themselves."""

    QUESTIONS_AND_CODE = "questions-and-code"
    CODE = "code"
    OFF = "off"

    @property
    def asks_questions(self) -> bool:
        return self is Mode.QUESTIONS_AND_CODE


class Change(StrEnum):
    """What a signed-in person changes about their self-service."""

    REGISTER = "register"
    QUESTIONS = "questions"
    EMAIL = "email"


class WizardStep(StrEnum):
    PASSCODE = "passcode"
    QUESTIONS = "questions"
    EMAIL = "email"
    CODE = "code"


_STEPS = {
    Change.REGISTER: tuple(WizardStep),
    Change.QUESTIONS: (WizardStep.PASSCODE, WizardStep.QUESTIONS),
    Change.EMAIL: (WizardStep.PASSCODE, WizardStep.EMAIL, WizardStep.CODE),
}


def steps(change: Change, mode: Mode) -> list[WizardStep]:
    """Return the steps of a change, in their order; none where the mode has no such change."""
    if mode is Mode.OFF:
        return []
    if mode.asks_questions:
        return list(_STEPS[change])
    if change is Change.QUESTIONS:
        return []
    return [step for step in _STEPS[change] if step is not WizardStep.QUESTIONS]


class PasscodeNeeded(RuleBroken):
    """The passcode of the card was not shown in this session."""

    reason = "passcode-needed"


class StepNeeded(RuleBroken):
    """An earlier ``step`` is to be done first."""

    reason = "step-needed"

    def __init__(self, step: WizardStep) -> None:
        super().__init__(step=step)
        self.step = step


class NothingBegun(Conflict):
    """There is no draft of this change: it was ended elsewhere, or never begun."""

    reason = "nothing-begun"


class ChangeNotOffered(Conflict):
    """This change is not to be made now: registered already, not registered, or not this mode."""

    reason = "change-not-offered"


class AddressProblem(StrEnum):
    NOT_APPROVED = "email-not-approved"
    SAME = "email-same"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What decides whether somebody may unlock a card by themselves.

    ``has_questions``: answers are kept; whoever registered while none were asked has none.
    """

    registered: bool
    has_questions: bool
    failures: int
    blocked: bool

    @property
    def may_try(self) -> bool:
        """Whether a guess may still be counted."""
        return not self.blocked and self.failures < MOST_FAILURES

    def may_unlock(self, mode: Mode) -> bool:
        if mode is Mode.OFF or not self.registered or not self.may_try:
            return False
        return self.has_questions or not mode.asks_questions


def approved(email: str, domains: Iterable[str]) -> bool:
    """Say whether an address is at, or under, one of these domains, label by label.

    "a@nhs.net" and "a@south.nhs.net" are at nhs.net; "a@xnhs.net" and "a@nhs.net.example" are not.
    An address may be quoted ('"a@nhs.net"@example.org' is at example.org) or internationalised.
    """
    local, at, domain = email.rpartition("@")
    if not at or not local:
        return False
    labels = _labels(domain)
    if not labels:
        return False
    for each in domains:
        wanted = _labels(each)
        if wanted and labels[-len(wanted) :] == wanted:
            return True
    return False


def _labels(domain: str) -> list[str]:
    """The labels of a domain as the name system has them (RFC 3490); none where it is none."""
    if any(unicodedata.category(c)[0] in "CZ" for c in domain):
        return []
    try:
        ascii_form = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return []
    labels = ascii_form.casefold().removesuffix(".").split(".")
    well_formed = all(
        label and all(c.isalnum() or c == "-" for c in label) and len(label) < 64
        for label in labels
    )
    return labels if well_formed else []
