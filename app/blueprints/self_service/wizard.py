"""Where a person stands in a change of their self-service: what is done, and what may be shown."""

from dataclasses import dataclass

from app.domain.self_service import Change, WizardStep


@dataclass(frozen=True, kw_only=True)
class Wizard:
    """``begun`` says that there is a draft; ``done`` are the steps whose answers it keeps.

    There are no ``steps`` where the person cannot make this change now. ``questions`` are the keys
    of those whose answers are kept, ``email`` the address to which a code was sent.
    """

    change: Change
    steps: list[WizardStep]
    begun: bool
    done: frozenset[WizardStep]
    questions: list[str]
    email: str | None

    @property
    def proven(self) -> bool:
        """Whether the passcode was shown in this session."""
        return WizardStep.PASSCODE in self.done

    @property
    def kept(self) -> bool:
        """Whether the passcode alone is to be shown again, because another session began."""
        return not self.proven and bool(self.done)

    @property
    def due(self) -> WizardStep:
        """The first step that is not done."""
        return next((step for step in self.steps if step not in self.done), self.steps[-1])

    def may_show(self, step: WizardStep) -> bool:
        """Whether every step before this one is done."""
        return step in self.steps and self.steps.index(step) <= self.steps.index(self.due)

    def before(self, step: WizardStep) -> WizardStep | None:
        at = self.steps.index(step)
        return self.steps[at - 1] if at else None

    def after(self, step: WizardStep) -> WizardStep | None:
        at = self.steps.index(step) + 1
        return self.steps[at] if at < len(self.steps) else None
