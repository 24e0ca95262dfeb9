"""What all pages of self-service share: where the person stands, and the way to what is due."""

from collections.abc import Callable
from functools import wraps

from flask import Blueprint, request, session, url_for
from flask.typing import ResponseReturnValue

from app.blueprints.fragments import go_to
from app.blueprints.permissions import principal
from app.blueprints.self_service.wizard import Wizard
from app.domain.errors import NotFound, RuleBroken
from app.domain.self_service import (
    Change,
    NothingBegun,
    PasscodeNeeded,
    StepNeeded,
    WizardStep,
    steps,
)
from app.services import self_service_state
from app.services.self_service_state import SelfServiceState

StepView = Callable[[Wizard], ResponseReturnValue]
DONE = "self-service-done"  # in the session: the change that was made last; a reload says so again

bp = Blueprint("self_service", __name__, url_prefix="/profile/self-service")


def change_named(name: str) -> Change:
    """Return the change that an address names.

    Raises:
        NotFound: there is none of that name.
    """
    if name not in set(Change):
        raise NotFound("change", name)
    return Change(name)


def state() -> SelfServiceState:
    return self_service_state.state_of(principal().person_id)


def wizard_of(name: str) -> Wizard:
    """Return where the person stands in the change that an address names.

    Raises:
        NotFound: there is none of that name.
    """
    change, standing = change_named(name), state()
    draft = self_service_state.draft_of(principal(), change) if change in standing.begun else None
    done: set[WizardStep] = set()
    if draft is not None and draft.proven:
        done.add(WizardStep.PASSCODE)
    if draft is not None and draft.questions and change is Change.REGISTER:
        done.add(WizardStep.QUESTIONS)
    if draft is not None and draft.email:
        done.add(WizardStep.EMAIL)
    return Wizard(
        change=change,
        steps=steps(change, standing.mode) if change in standing.open else [],
        begun=draft is not None,
        done=frozenset(done),
        questions=draft.questions if draft else [],
        email=draft.email if draft else None,
    )


def lead(wizard: Wizard) -> ResponseReturnValue:
    """Send the browser to the step that is due, or to where the change begins.

    To whom made the change in another tab, say that it is done.
    """
    if not wizard.begun and session.get(DONE) == wizard.change:
        return go_to(url_for("self_service.done", change=wizard.change))
    if not wizard.steps:
        return go_to(url_for("self_service.show"))
    if wizard.change is Change.REGISTER and not wizard.begun:
        return go_to(url_for("self_service.begin", change=wizard.change))
    return go_to(url_for(f"self_service.{wizard.due}", change=wizard.change))


def at_step(step: WizardStep) -> Callable[[StepView], Callable[[str], ResponseReturnValue]]:
    """Give a view the wizard of its address while ``step`` may be shown; else lead on."""

    def wrap(view: StepView) -> Callable[[str], ResponseReturnValue]:
        @wraps(view)
        def shown(change: str) -> ResponseReturnValue:
            wizard = wizard_of(change)
            return view(wizard) if wizard.may_show(step) else lead(wizard)

        return shown

    return wrap


@bp.errorhandler(NothingBegun)
@bp.errorhandler(PasscodeNeeded)
@bp.errorhandler(StepNeeded)
def out_of_turn(_refusal: RuleBroken) -> ResponseReturnValue:
    """Another tab, or the end of a session, was quicker than this form: go to what is due."""
    named = request.view_args or {}
    return lead(wizard_of(str(named.get("change"))))
