"""Every way of saying no becomes a page, a fragment or JSON here. The templates have the words."""

import structlog
from flask import (
    Flask,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.blueprints.fragments import page_on_screen, start_again, wants_fragment
from app.domain.errors import (
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RateLimited,
    RuleBroken,
)
from app.domain.statuses import SessionEnd
from app.extensions import db
from app.vault import VaultError

log = structlog.get_logger("app.errors")

STATUS: dict[type[RuleBroken], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    Invalid: 422,
    RateLimited: 429,
    RuleBroken: 409,
}
IN_WORDS = frozenset({400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503})


def wants_json() -> bool:
    """Say whether the page's script asked, which understands JSON only."""
    accepted = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return accepted == "application/json"


def answer(status: int, reason: str, /, **facts: object) -> Response:
    """Say no as whoever asked can understand it."""
    shown = status if status in IN_WORDS else (500 if status >= 500 else 400)
    if wants_json():
        return make_response(jsonify(error=reason), status)
    template = "errors/_problem.html" if wants_fragment() else "errors/page.html"
    page = render_template(template, status=shown, reason=reason, facts=facts)
    return make_response(page, status)


def way_in(reason: str | None = None) -> str:
    """Return where to sign in, or where it says why somebody was signed out."""
    if reason in set(SessionEnd):
        return url_for("auth.signed_out", reason=reason)
    return url_for("auth.sign_in")


def not_signed_in(error: NotSignedIn) -> ResponseReturnValue:
    """Lead to the sign-in page: at once, unless a form was sent that the person should know of."""
    session.pop("token", None)
    if wants_fragment():
        return start_again(way_in(error.reason))
    if request.method == "GET" and not wants_json():
        return redirect(way_in(error.reason), 303)
    return answer(401, error.reason)


def rule_broken(error: RuleBroken) -> ResponseReturnValue:
    """The rules say no."""
    db.session.rollback()
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    log.info("refused", reason=error.reason, status=status)
    response = answer(status, error.reason, **error.facts)
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def csrf_failed(error: CSRFError) -> ResponseReturnValue:
    """The form is older than the session, or not ours."""
    log.warning("refused", reason="csrf", why=error.description)
    if wants_fragment():
        return start_again(page_on_screen() or way_in())
    return answer(400, "csrf")


def http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    response = answer(error.code, error.name.lower().replace(" ", "-"))
    for name, value in error.get_headers(request.environ):
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def vault_closed(error: VaultError) -> ResponseReturnValue:
    """A secret does not open: those who run the service have to set the right key."""
    log.error("vault", why=str(error))
    db.session.rollback()
    return answer(503, "vault-closed")


def unforeseen(error: Exception) -> ResponseReturnValue:
    """Something broke. It goes to the log; the person is told whom to turn to."""
    log.error("failed", exc_info=error)
    db.session.rollback()
    return answer(500, "failed")


def init_app(app: Flask) -> None:
    app.register_error_handler(NotSignedIn, not_signed_in)
    app.register_error_handler(RuleBroken, rule_broken)
    app.register_error_handler(CSRFError, csrf_failed)
    app.register_error_handler(VaultError, vault_closed)
    app.register_error_handler(HTTPException, http_error)
    if not app.config.get("PROPAGATE_EXCEPTIONS"):
        app.register_error_handler(Exception, unforeseen)
