"""An agent helps with somebody's self-service: lifts a block, ends a registration."""

from enum import StrEnum

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField
from wtforms.validators import Length

from app import clock, scope
from app.blueprints.forms import Form, tell
from app.blueprints.people.routes import bp
from app.blueprints.permissions import principal, requires
from app.domain import self_service_help
from app.domain.days import day_of
from app.domain.errors import Invalid
from app.domain.roles import Permission
from app.domain.self_service_help import Help
from app.domain.statuses import PersonStatus
from app.services import lifting, look_at_person
from app.services.lifting import REASON_LENGTH, ReasonProblem

ADDRESS = "/<uuid>/self-service"
DOES = {Help.LIFT_BLOCK: lifting.lift_block, Help.END_REGISTRATION: lifting.end_registration}

TOO_LONG = f"It must be {REASON_LENGTH} characters or fewer"
PROBLEMS: dict[StrEnum, str] = {
    ReasonProblem.MISSING: "Enter why, in a few words",
    ReasonProblem.TOO_LONG: TOO_LONG,
}


class LiftForm(Form):
    reason = TextAreaField(
        "Why is the block lifted?",
        [Length(max=REASON_LENGTH, message=TOO_LONG)],
        description="For example, how you made sure who asks for it. It is kept in the audit log",
    )


class EndForm(Form):
    reason = TextAreaField(
        "Why is the registration ended?",
        [Length(max=REASON_LENGTH, message=TOO_LONG)],
        description="It is kept in the audit log",
    )


FORMS: dict[Help, type[Form]] = {Help.LIFT_BLOCK: LiftForm, Help.END_REGISTRATION: EndForm}


@bp.get(f"{ADDRESS}/lift")
@requires(Permission.FIND_PERSON)
def lift_block(uuid: str) -> ResponseReturnValue:
    return ask(uuid, Help.LIFT_BLOCK)


@bp.post(f"{ADDRESS}/lift")
@requires(Permission.FIND_PERSON)
def do_lift_block(uuid: str) -> ResponseReturnValue:
    return do(uuid, Help.LIFT_BLOCK)


@bp.get(f"{ADDRESS}/end")
@requires(Permission.FIND_PERSON)
def end_registration(uuid: str) -> ResponseReturnValue:
    return ask(uuid, Help.END_REGISTRATION)


@bp.post(f"{ADDRESS}/end")
@requires(Permission.FIND_PERSON)
def do_end_registration(uuid: str) -> ResponseReturnValue:
    return do(uuid, Help.END_REGISTRATION)


def ask(
    uuid: str, wanted: Help, form: Form | None = None, status: int = 200
) -> ResponseReturnValue:
    """Ask why. Who may not do it, or where it is not possible, is told so instead of asked."""
    person = look_at_person.looked_at(principal(), uuid, now=clock.now())
    closed = person.status is PersonStatus.CLOSED
    seen = lifting.seen_by_agent(principal(), person.id, holder_closed=closed)
    self_service_help.demand(seen.offers[wanted])
    page = render_template(
        "people/self_service.html",
        form=form or FORMS[wanted](formdata=None),
        person=person,
        seen=seen,
        wanted=wanted,
    )
    return page, status


def do(uuid: str, wanted: Help) -> ResponseReturnValue:
    form = FORMS[wanted]()
    if not form.validate():
        return ask(uuid, wanted, form, 422)
    now = clock.now()
    person = scope.person(principal(), uuid, today=day_of(now))
    try:
        DOES[wanted](principal(), person.id, form["reason"].data or "", now)
    except Invalid as refusal:
        tell(form, refusal, PROBLEMS)
        return ask(uuid, wanted, form, 422)
    flash(wanted)
    return redirect(url_for("people.show", uuid=uuid), 303)
