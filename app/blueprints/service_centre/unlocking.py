"""An unlock at the Service Centre, from the card's proof to the confirmation.

Where it stands is in the journal. A page that is asked for out of turn shows the step that is due.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from flask import (
    Response,
    flash,
    get_flashed_messages,
    make_response,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.bodies import posted
from app.blueprints.browsers import browser_digest
from app.blueprints.code_form import CodeForm
from app.blueprints.fragments import go_to, page_or_fragment
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import open_to_all
from app.blueprints.service_centre.blueprint import bp
from app.blueprints.service_centre.forms import AnswersForm
from app.card_operations import unlock
from app.card_operations.answers import CardAnswered
from app.card_operations.office import current_office
from app.card_operations.refusals import CardNotVerified, OtherAnswer, StepPassed
from app.domain.errors import RateLimited, RuleBroken
from app.domain.one_time_code import DELIVERED_WITHIN, CodeRefused
from app.domain.self_service import MOST_FAILURES
from app.models import CardOperation
from app.services import presented_cards, unlock_attempts
from app.services import service_centre as centre
from app.services.self_service_state import mode
from app.services.service_centre import Step
from app.services.unlock_attempts import AttemptOver, Wrong

WRONG = "answers-wrong"  # told once, on the page that comes next

StepView = Callable[[CardOperation], ResponseReturnValue]


def at_step(due: Step) -> Callable[[StepView], Callable[[str], ResponseReturnValue]]:
    """Give a view this browser's unlock while ``due`` is its step; else show where it stands."""

    def wrap(view: StepView) -> Callable[[str], ResponseReturnValue]:
        @wraps(view)
        def shown(operation: str) -> ResponseReturnValue:
            row = _row(operation)
            if row is None or _step(row) is not due:
                return _back_to(operation)
            return view(row)

        return shown

    return wrap


@bp.get("/service-centre/unlock/<operation>")
@open_to_all
def step(operation: str) -> ResponseReturnValue:
    """Show where the unlock stands: whichever step is due, or its end."""
    row = _row(operation)
    if row is None:
        return _over()
    return _show(row)


@bp.post("/service-centre/unlock/<operation>/answers")
@open_to_all
@at_step(Step.QUESTIONS)
def answers(row: CardOperation) -> ResponseReturnValue:
    """Judge the answers. A wrong one is counted, and which it was is never said."""
    form = AnswersForm.asking(unlock_attempts.questions_for(row))
    if not form.complete():
        return _questions(row, form=form, status=422)
    with suppress(AttemptOver):  # the page that comes next says so
        said = centre.answer(row, form.typed(), address=request.remote_addr, now=clock.now())
        if isinstance(said, Wrong):  # else the page that comes next is another one
            flash(WRONG)
    return _back_to(row.public_id)


@bp.post("/service-centre/unlock/<operation>/code")
@open_to_all
@at_step(Step.CODE)
def code(row: CardOperation) -> ResponseReturnValue:
    """Judge the code that was mailed; the right one opens the last step for fifteen minutes."""
    form = CodeForm()
    try:
        if not form.validate():
            return _code(row, form=form, status=422)
        typed = form.code.data or ""
        centre.redeem(row, typed, address=request.remote_addr, now=clock.now())
    except CodeRefused as refusal:
        form.tell(refusal)
        return _code(row, form=form, status=422)
    except AttemptOver:
        pass  # the page that comes next says so
    return _back_to(row.public_id)


@bp.post("/service-centre/unlock/<operation>/resend")
@open_to_all
@at_step(Step.CODE)
def resend(row: CardOperation) -> ResponseReturnValue:
    try:
        unlock_attempts.send_code(row, clock.now())
    except RateLimited as error:
        return _code(row, form=CodeForm.after_too_many(error, clock.now()), status=429)
    except AttemptOver:
        pass  # as above
    return _back_to(row.public_id)


@bp.post("/service-centre/unlock/<operation>/card")
@open_to_all
def card_again(operation: str) -> ResponseReturnValue:
    """The card that was begun with is found among those in the readers, wherever it is now."""
    row = _row(operation)
    if row is None or row.card is None or _step(row) is not Step.PASSCODE:
        return _back_to(operation)
    body = posted()
    cards, _ = presented_cards.from_page(
        body.get("cards"), None, issuer=current_office().issuer, now=clock.now()
    )
    shown = row.facts["shown_guid"]
    meant = next((card for card in cards if card.guid == shown and not card.error), None)
    if meant is None:
        unreadable = next((card for card in cards if card.error), None)
        return render_template(
            "service_centre/_look.html", card=unreadable, other=True, number=row.card.number
        )
    return _passcode(row, seat=meant.seat, cut=row.card.puk_pending_sealed is not None)


def show_answer(answer: Shown, row: CardOperation) -> ResponseReturnValue:
    """Show what came of the last step at the card."""
    if not isinstance(answer, CardAnswered):
        return _back_to(answer.operation)
    return _passcode(row, seat=row.seat, code=answer.code, facts=answer.facts)


def show_refusal(operation: str, error: RuleBroken) -> ResponseReturnValue:
    """A rule said no while the card was at work: show where the unlock stands now."""
    if isinstance(error, StepPassed | OtherAnswer | CardNotVerified):
        raise error
    return _back_to(operation)


def show_standing(row: CardOperation) -> ResponseReturnValue:
    return _back_to(row.public_id)


shows(unlock.KIND, Showing(answer=show_answer, stands=show_standing, refusal=show_refusal))


def _row(operation: str) -> CardOperation | None:
    return centre.find(operation, browser=browser_digest())


def _step(row: CardOperation) -> Step:
    return centre.step_of(row, now=clock.now())


def _back_to(operation: str) -> ResponseReturnValue:
    return go_to(url_for("service_centre.step", operation=operation))


def _over() -> Response:
    return make_response(render_template("service_centre/over.html"))


def _show(row: CardOperation) -> ResponseReturnValue:
    match _step(row):
        case Step.QUESTIONS:
            return _questions(row)
        case Step.CODE:
            return _code(row)
        case Step.PASSCODE:
            return _page("passcode", row, minutes=unlock.ALLOWED_FOR.seconds // 60)
        case Step.BLOCKED:
            return make_response(render_template("service_centre/blocked.html"))
        case Step.DONE:
            return _done(row)
    return _over()


def _questions(
    row: CardOperation, *, form: AnswersForm | None = None, status: int = 200
) -> ResponseReturnValue:
    wrong = WRONG in get_flashed_messages()
    form = form or AnswersForm.asking(unlock_attempts.questions_for(row), empty=True)
    return _page("questions", row, status=status, form=form, wrong=wrong)


def _code(
    row: CardOperation, *, form: CodeForm | None = None, status: int = 200
) -> ResponseReturnValue:
    sent, now = centre.sent_code(row, clock.now()), clock.now()
    return page_or_fragment(
        "service_centre/code.html",
        "service_centre/_sending.html",
        status=status,
        form=form or CodeForm(formdata=None),
        sent=sent,
        was_waiting="By-Itself" in request.headers,
        late=sent is not None and sent.is_late(now),
        give_up_at=sent.created_at + DELIVERED_WITHIN if sent is not None else None,
        **_common("code", row),
    )


def _passcode(row: CardOperation, **said: Any) -> str:
    assert row.card is not None
    return render_template(
        "service_centre/_passcode.html",
        operation=row.public_id,
        guid=row.facts["shown_guid"],
        rule=row.card.passcode_rule,
        **said,
    )


def _done(row: CardOperation) -> ResponseReturnValue:
    assert row.card is not None
    return render_template(
        "service_centre/done.html",
        number=row.card.number,
        expired=centre.needs_repair(row.card, clock.now()),
        mode=mode(),
    )


def _page(name: str, row: CardOperation, *, status: int = 200, **context: Any) -> Response:
    page = f"service_centre/{name}.html"
    return make_response(render_template(page, **_common(name, row), **context), status)


def _common(name: str, row: CardOperation) -> dict[str, Any]:
    """What the pages of all steps show."""
    return {
        "step": name,
        "operation": row.public_id,
        "mode": mode(),
        "tries_left": centre.tries_left(row),
        "most_tries": MOST_FAILURES,
    }
