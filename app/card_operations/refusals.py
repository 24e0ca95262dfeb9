"""Why a conversation with a card goes no further, beyond what ``app.domain.errors`` has."""

from app.domain.errors import Conflict, RuleBroken


class CardNotVerified(RuleBroken):
    """What came back does not prove the card. Every cause looks the same to the page.

    ``problem`` says which it was, for the audit log alone.
    """

    reason = "card-not-verified"

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


class ConnectionUnknown(RuleBroken):
    """No reader bridge of this browser said hello with this ``sid``, or too long ago."""

    reason = "bridge-not-connected"


class WorkstationNotEnrolled(RuleBroken):
    """This operation sends sealed secrets, and this PC is not enrolled to receive them."""

    reason = "workstation-not-enrolled"


class WorkstationBlocked(RuleBroken):
    """An administrator has blocked this PC."""

    reason = "workstation-blocked"


class OtherWorkstation(RuleBroken):
    """A session stays on the PC where it began."""

    reason = "other-workstation"


class VirtualCardRefused(RuleBroken):
    """A card in software, where only real ones are allowed."""

    reason = "virtual-card"


class CardInHand(Conflict):
    """Somebody is at work on this card in another browser. ``free_at`` is when that ends."""

    reason = "card-in-hand"


class PasscodeInDoubt(Conflict):
    """Nobody knows what came of the new passcode: the card has to say how many tries are left.

    ``helped`` says that an agent helps the holder.
    """

    reason = "passcode-in-doubt"


class VouchingKeyEnded(RuleBroken):
    """The certificate of the key that would vouch for the new ones has ended: a repair is due."""

    reason = "vouching-key-ended"


class OwnCardUnfinished(Conflict):
    """The agent's own signature key is not known: a renewal of their card was cut off."""

    reason = "own-card-unfinished"


class ApprovalNeeded(RuleBroken):
    """The agent's own card has to sign for this first."""

    reason = "approval-needed"


class OperationOver(Conflict):
    """The operation is done, refused or abandoned: there is no next step."""

    reason = "operation-over"


class OtherAnswer(Conflict):
    """The step has been answered already, and differently."""

    reason = "step-answered-differently"


class StepPassed(Conflict):
    """The answer is to an earlier ticket than the one that counts now."""

    reason = "step-passed"


class CardNotBlank(RuleBroken):
    """The card knows neither a factory's management key nor one that we gave it."""

    reason = "card-not-blank"


class FactoryKeyFixed(RuleBroken):
    """The card keeps its factory's management key for ever: anybody could write to it."""

    reason = "factory-key-fixed"


class PukUnknown(Conflict):
    """The card has a PUK that the service never gave it: nobody can unlock it any more."""

    reason = "puk-unknown"


class UnlockNotAllowed(RuleBroken):
    """Whoever is at the card has not shown who they are, or too long ago."""

    reason = "unlock-not-allowed"


class ManagementKeyUnknown(RuleBroken):
    """The card has a management key that is neither its own nor its maker's."""

    reason = "management-key-unknown"
