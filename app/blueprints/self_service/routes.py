"""My profile, Self Service: how it stands, the steps of each change, and ending a registration.

Each step is a form, a redirect and a page. Where a person stands is in the database: a page that is
asked for out of turn leads to the step that is due.
"""

from typing import Any

from flask import Response, flash, render_template, session, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.code_form import CodeForm, too_many_codes
from app.blueprints.fragments import go_to, page_or_fragment
from app.blueprints.permissions import principal, requires
from app.blueprints.self_service.blueprint import (
    DONE,
    at_step,
    bp,
    change_named,
    lead,
    state,
    wizard_of,
)
from app.blueprints.self_service.forms import (
    QuestionsForm,
    RegisteredEmailForm,
)
from app.blueprints.self_service.wizard import Wizard
from app.domain.errors import Invalid, RateLimited
from app.domain.one_time_code import DELIVERED_WITHIN, LASTS, MOST_SENT, CodeRefused
from app.domain.roles import Permission
from app.domain.security_questions import CHOSEN, QUESTIONS, SHORTEST, AnswersRefused
from app.domain.self_service import Change, WizardStep
from app.services import profile, self_service, self_service_state


@bp.get("")
@requires(Permission.OWN_SELF_SERVICE)
def show() -> ResponseReturnValue:
    return render_template("self_service/page.html", state=state())


@bp.get("/<change>")
@requires(Permission.OWN_SELF_SERVICE)
def begin(change: str) -> ResponseReturnValue:
    """The instructions. Of a later change there is no more to say than what its steps say."""
    wizard = wizard_of(change)
    session.pop(DONE, None)
    if not wizard.steps or wizard.change is not Change.REGISTER:
        return lead(wizard)
    return render_template(
        "self_service/instructions.html",
        wizard=wizard,
        chosen=CHOSEN,
        offered=len(QUESTIONS),
        domains=self_service_state.approved_domains(),
        minutes=int(LASTS.total_seconds() // 60),
    )


@bp.get("/<change>/questions")
@requires(Permission.OWN_SELF_SERVICE)
@at_step(WizardStep.QUESTIONS)
def questions(wizard: Wizard) -> ResponseReturnValue:
    form = QuestionsForm(formdata=None)
    form.show_kept(wizard.questions)
    return _questions(wizard, form)


@bp.post("/<change>/questions")
@requires(Permission.OWN_SELF_SERVICE)
@at_step(WizardStep.QUESTIONS)
def save_questions(wizard: Wizard) -> ResponseReturnValue:
    form = QuestionsForm()
    if not form.validate():
        return _questions(wizard, form, 422)
    try:
        self_service.save_questions(principal(), wizard.change, form.chosen(), clock.now())
    except AnswersRefused as refusal:
        form.tell(refusal)
        return _questions(wizard, form, 422)
    return _go_on(wizard, WizardStep.QUESTIONS)


@bp.get("/<change>/email")
@requires(Permission.OWN_SELF_SERVICE)
@at_step(WizardStep.EMAIL)
def email(wizard: Wizard) -> ResponseReturnValue:
    known = wizard.email
    from_contact = known is None and wizard.change is Change.REGISTER
    if from_contact:
        known = profile.contact(principal().person_id).email
    form = RegisteredEmailForm(formdata=None, email=known)
    return _email(wizard, form, from_contact=bool(known) and from_contact)


@bp.post("/<change>/email")
@requires(Permission.OWN_SELF_SERVICE)
@at_step(WizardStep.EMAIL)
def save_email(wizard: Wizard) -> ResponseReturnValue:
    """Keep the address, and send a code to it."""
    form = RegisteredEmailForm()
    if not form.validate():
        return _email(wizard, form, 422)
    try:
        self_service.save_email(principal(), wizard.change, form.email.data or "", clock.now())
    except Invalid as refusal:
        form.tell(refusal, self_service_state.approved_domains())
        return _email(wizard, form, 422)
    except RateLimited as refusal:
        form.email.errors = [too_many_codes(refusal, clock.now())]
        return _email(wizard, form, 429)
    return _go_on(wizard, WizardStep.EMAIL)


@bp.get("/<change>/code")
@requires(Permission.OWN_SELF_SERVICE)
@at_step(WizardStep.CODE)
def code(wizard: Wizard) -> ResponseReturnValue:
    return _code(wizard, CodeForm(formdata=None))


@bp.post("/<change>/code")
@requires(Permission.OWN_SELF_SERVICE)
@at_step(WizardStep.CODE)
def confirm_code(wizard: Wizard) -> ResponseReturnValue:
    form = CodeForm()
    if not form.validate():
        return _code(wizard, form, 422)
    try:
        self_service.confirm_code(principal(), wizard.change, form.code.data or "", clock.now())
    except CodeRefused as refusal:
        form.tell(refusal)
        return _code(wizard, form, 422)
    return _go_on(wizard, WizardStep.CODE)


@bp.post("/<change>/resend")
@requires(Permission.OWN_SELF_SERVICE)
@at_step(WizardStep.CODE)
def resend(wizard: Wizard) -> ResponseReturnValue:
    try:
        self_service.resend(principal(), wizard.change, clock.now())
    except RateLimited as refusal:
        return _code(wizard, CodeForm.after_too_many(refusal, clock.now()), 429)
    flash("code-sent-again")
    return go_to(url_for("self_service.code", change=wizard.change))


@bp.get("/<change>/done")
@requires(Permission.OWN_SELF_SERVICE)
def done(change: str) -> ResponseReturnValue:
    """Say that it is done, also after a reload; to whom nothing was done, how things stand."""
    named, standing = change_named(change), state()
    if not standing.registered or session.get(DONE) != named:
        return go_to(url_for("self_service.show"))
    return render_template("self_service/done.html", change=named, state=standing)


@bp.post("/<change>/give-up")
@requires(Permission.OWN_SELF_SERVICE)
def give_up(change: str) -> ResponseReturnValue:
    """Remove what was begun and is not to be gone on with."""
    self_service.close_draft(principal(), change_named(change), clock.now())
    flash("self-service-given-up")
    return go_to(url_for("self_service.show"))


@bp.get("/end")
@requires(Permission.OWN_SELF_SERVICE)
def end() -> ResponseReturnValue:
    standing = state()
    if not standing.registered:
        return go_to(url_for("self_service.show"))
    return render_template("self_service/end.html", state=standing)


@bp.post("/end")
@requires(Permission.OWN_SELF_SERVICE)
def deregister() -> ResponseReturnValue:
    if state().registered:  # else another tab has done it
        self_service.deregister(principal(), clock.now())
        flash("self-service-ended")
    return go_to(url_for("self_service.show"))


def _go_on(wizard: Wizard, step: WizardStep) -> ResponseReturnValue:
    after = wizard.after(step)
    if after is None:
        session[DONE] = wizard.change.value
    return go_to(url_for(f"self_service.{after or 'done'}", change=wizard.change))


def _questions(wizard: Wizard, form: QuestionsForm, status: int = 200) -> Response:
    form.say_kept(wizard.questions)
    return _page("questions", wizard, form, status, shortest=SHORTEST)


def _email(
    wizard: Wizard, form: RegisteredEmailForm, status: int = 200, *, from_contact: bool = False
) -> Response:
    form.say_approved(self_service_state.approved_domains())
    return _page("email", wizard, form, status, from_contact=from_contact)


def _code(wizard: Wizard, form: CodeForm, status: int = 200) -> Response:
    now = clock.now()
    sent = self_service_state.code_of(principal(), wizard.change, now)
    return page_or_fragment(
        "self_service/code.html",
        "self_service/_sending.html",
        status=status,
        wizard=wizard,
        step=WizardStep.CODE,
        form=form,
        sent=sent,
        late=sent is not None and sent.is_late(now),
        delivered_within=DELIVERED_WITHIN,
        most_sent=MOST_SENT,
        lasts=LASTS,
    )


def _page(step: str, wizard: Wizard, form: Any, status: int, **context: Any) -> Response:
    page = render_template(
        f"self_service/{step}.html", wizard=wizard, step=WizardStep(step), form=form, **context
    )
    return Response(page, status)
