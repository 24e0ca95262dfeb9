"""Signing in with a card, choosing the role, accepting the terms, signing out."""

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.at_the_bridge import at_the_bridge, tries_left
from app.blueprints.auth import session_box
from app.blueprints.bodies import posted
from app.blueprints.browsers import browser_digest
from app.blueprints.fragments import go_to, page_or_fragment
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import open_to_all, principal, requires, show_to_nobody, signed_in
from app.card_operations import journal, renew, sign_terms
from app.card_operations.answers import CardAnswered
from app.card_operations.office import current_office
from app.card_operations.sign_in import KIND
from app.domain.days import day_of
from app.domain.errors import NotFound, RuleBroken, SignInRefused
from app.domain.presented_card import Look, PresentedCard
from app.domain.roles import Permission
from app.domain.statuses import SessionEnd
from app.models import CardOperation
from app.services import presented_cards, profile, renewals, sessions
from app.services import sign_in as signing_in
from app.services.sign_in import AcceptTerms, ChooseRole, Next, TermsChanged
from reader_bridge.contract import Code

bp = Blueprint("auth", __name__)
bp.record(lambda state: session_box.init_app(state.app))

# What a page may say of the end of its session, and how the session remembers it.
REASONS = {
    "card-removed": SessionEnd.CARD_REMOVED,
    "card-removed-working": SessionEnd.CARD_REMOVED,
    "agent-card-removed": SessionEnd.CARD_REMOVED,
    "bridge-restarted": SessionEnd.PRESENCE_LOST,
    "idle": SessionEnd.IDLE,
}


@bp.get("/sign-in")
@open_to_all
def sign_in() -> ResponseReturnValue:
    if signed_in() is not None:
        return go_to(url_for("dashboard.show"))
    return render_template("auth/sign_in.html")


@bp.post("/sign-in/card")
@open_to_all
def card() -> ResponseReturnValue:
    """Say of the cards that the page has read what can be said before a passcode."""
    body = posted()
    now = clock.now()
    office = current_office()
    cards, chosen = presented_cards.from_page(
        body.get("cards"), body.get("seat"), issuer=office.issuer, now=now
    )
    if chosen is None:
        return render_template("auth/_choose_card.html", cards=cards)
    look = chosen.look(day_of(now))
    if look is Look.UNREADABLE:
        return render_template("auth/_unreadable.html", card=chosen)
    if look is not Look.LOCKED and renew.goes_on_at_sign_in(chosen.guid):
        return render_template(
            "auth/_continue.html", guid=chosen.guid, seat=chosen.seat, rule=chosen.rule
        )
    if look is not Look.READY and not (look.is_of_certificate and renew.signs_in(chosen.guid)):
        return _turned_away(chosen, look.value, expired_on=chosen.expires_on)
    known = signing_in.recognise(
        chosen.guid, chosen.certificate, tries_left=chosen.tries_left, office=office, now=now
    )
    if known.refusal is not None:
        return _turned_away(chosen, known.refusal.reason, **known.refusal.facts)
    return render_template(
        "auth/_passcode.html",
        start_url=url_for("auth.start"),
        seat=chosen.seat,
        guid=chosen.guid,
        uuid=chosen.uuid,
        rule=chosen.rule,
        tries_left=chosen.tries_left,
        virtual=known.virtual,
        hint=known.hint.use,
        since=known.hint.since,
    )


@bp.post("/sign-in/start")
@open_to_all
def start() -> ResponseReturnValue:
    body = posted()
    try:
        ticket = signing_in.start(
            guid=str(body.get("card") or "")[:32],
            tries_left=tries_left(body),
            use=str(body.get("use")),
            address=request.remote_addr,
            **at_the_bridge(body),
        )
    except SignInRefused as refusal:
        return _refused(refusal.reason, **refusal.facts), 409
    return jsonify(ticket.for_page())


@bp.post("/sign-in/continue")
@open_to_all
def continue_renewal() -> ResponseReturnValue:
    """Go on with a renewal that was cut off where the card cannot sign in: that, and no more."""
    body = posted()
    ticket = renewals.continue_at_sign_in(
        str(body.get("card") or "")[:32],
        address=request.remote_addr,
        **at_the_bridge(body),
    )
    return jsonify(ticket.for_page())


@bp.get("/sign-in/<operation>")
@open_to_all
def carry_on(operation: str) -> ResponseReturnValue:
    """Show where a sign-in stands after a reload: the card has proven itself already."""
    return show_next(proceed(operation))


@bp.post("/sign-in/<operation>/role")
@open_to_all
def role(operation: str) -> ResponseReturnValue:
    chosen = request.form.get("assignment", type=int) or 0
    try:
        following = signing_in.choose_role(
            operation, chosen, browser=browser_digest(), now=clock.now()
        )
    except NotFound as error:
        if error.kind != "assignment":
            raise
        return show_next(proceed(operation), missing=True, status=422)
    return show_next(following)


@bp.post("/sign-in/<operation>/terms")
@open_to_all
def terms(operation: str) -> ResponseReturnValue:
    """Give the ticket with which the card signs the terms that are due."""
    body = posted()
    version = str(body.get("version"))
    try:
        ticket = signing_in.accept_terms(
            operation,
            version=int(version) if version.isdecimal() and len(version) < 10 else 0,
            **at_the_bridge(body),
        )
    except TermsChanged:
        return show_next(proceed(operation), status=409, changed=True)
    return jsonify(ticket.for_page())


@bp.post("/sign-in/<operation>/decline")
@open_to_all
def decline(operation: str) -> ResponseReturnValue:
    refusal = signing_in.decline_terms(operation, browser=browser_digest(), now=clock.now())
    return _refused(refusal.reason)


@bp.app_errorhandler(SignInRefused)
def refused(refusal: SignInRefused) -> ResponseReturnValue:
    """Say what was decided against a card while its holder chose a role or read the terms."""
    return _region("auth/_refused.html", 409, reason=refusal.reason, **refusal.facts)


@bp.get("/expiry")
@requires(Permission.OWN_PROFILE)
def expiry() -> ResponseReturnValue:
    """Remind at sign-in that the certificates of the card end soon."""
    card = profile.own_card(principal().card_id, today=day_of(clock.now()))
    if renewals.standing(card.id) is not None:
        return go_to(url_for("renewal.show", card_id=card.id))
    if not card.renewal.should_remind:
        return go_to(url_for("dashboard.show"))
    return render_template("auth/expiry.html", card=card)


@bp.post("/stay-signed-in")
@requires(Permission.OWN_PROFILE)
def stay_signed_in() -> ResponseReturnValue:
    """The person is still there: any request that is theirs starts the idle time again."""
    return "", 204


@bp.post("/sign-out")
@open_to_all
def sign_out() -> ResponseReturnValue:
    reason = request.form.get("reason", "")
    someone = signed_in()
    if someone is not None:
        end = REASONS.get(reason, SessionEnd.SIGNED_OUT)
        sessions.end(someone.session_id, end, now=clock.now())
    session.clear()
    told = reason if reason in REASONS else None
    response = Response(status=303, headers={"Location": url_for("auth.signed_out", reason=told)})
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.get("/signed-out")
@open_to_all
def signed_out() -> ResponseReturnValue:
    """Say that the session is over. Other tabs come here while this one's is still ending it."""
    reason = request.args.get("reason")
    if signed_in() is not None and reason is None:
        return go_to(url_for("dashboard.show"))
    show_to_nobody()
    return render_template("auth/signed_out.html", reason=reason)


def proceed(operation: str) -> Next:
    return signing_in.proceed(operation, browser=browser_digest(), now=clock.now())


def show_next(following: Next, *, status: int = 200, **context: Any) -> ResponseReturnValue:
    """Show what the person is asked next, or begin their session and lead them to the dashboard.

    ``context`` is what the last answer had to say: a missing choice, a card's refusal.
    """
    if isinstance(following, ChooseRole):
        return _region(
            "auth/_role.html",
            status,
            operation=following.operation,
            assignments=following.assignments,
            **context,
        )
    if isinstance(following, AcceptTerms):
        row = journal.find(following.operation, browser=browser_digest())
        return _region(
            "auth/_terms.html",
            status,
            operation=following.operation,
            due=following.due,
            terms=following.due.terms,
            seat=row.seat,
            guid=row.card.guid if row.card else None,
            **context,
        )
    session.clear()
    session["token"] = following.token
    return go_to(url_for("auth.expiry" if following.expires_soon else "dashboard.show"))


def show_answer(answer: Shown, row: CardOperation) -> ResponseReturnValue:
    """Show what came of a card's work in a sign-in: what is due next, or why the card said no."""
    if not isinstance(answer, CardAnswered):
        return show_next(proceed(answer.operation))
    said: dict[str, Any] = {"code": answer.code, "facts": answer.facts}
    if answer.code == Code.PASSCODE_LOCKED:
        return _refused("locked")
    if answer.step == sign_terms.STEP:
        return show_next(proceed(answer.operation), ask_passcode=True, **said)
    assert row.card is not None
    return render_template(
        "auth/_passcode.html",
        start_url=url_for("card_operations.ticket", operation=answer.operation),
        seat=row.seat,
        guid=row.card.guid,
        uuid=row.person.uuid if row.person else None,
        rule=row.card.passcode_rule,
        virtual=row.card.virtual,
        **said,
    )


def show_refusal(operation: str, error: RuleBroken) -> ResponseReturnValue:
    """Show why nobody is signed in with a card that has answered."""
    return _refused(error.reason, **error.facts), 409


def show_standing(row: CardOperation) -> ResponseReturnValue:
    return go_to(url_for("auth.sign_in"))


shows(KIND, Showing(answer=show_answer, stands=show_standing, refusal=show_refusal))


def _region(fragment: str, status: int, **context: Any) -> Response:
    return page_or_fragment(
        "auth/carry_on.html", fragment, status=status, fragment=fragment, **context
    )


def _turned_away(card: PresentedCard, reason: str, **facts: Any) -> str:
    signing_in.turned_away(
        card.guid,
        reason,
        seat=card.seat,
        browser=browser_digest(),
        address=request.remote_addr,
        now=clock.now(),
    )
    return _refused(reason, **facts)


def _refused(reason: str, **facts: Any) -> str:
    return render_template("auth/_refused.html", reason=reason, **facts)
