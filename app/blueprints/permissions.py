"""The only gate: every endpoint says who may use it, and one that does not is refused."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, request, session

from app import clock
from app.domain.errors import NotSignedIn
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.services import sessions

View = TypeVar("View", bound=Callable[..., Any])

OPEN_TO_ALL = "open-to-all"

# A page sends this with what it does by itself (js/session-guard.js): that keeps nobody signed in.
BY_ITSELF = "By-Itself"


class Unmarked(Exception):
    """An endpoint does not say who may use it."""


def requires(permission: Permission) -> Callable[[View], View]:
    """Mark a view: only a signed-in person who has ``permission`` may use it."""

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]  # read back by `permission_of`
        return view

    return mark


def open_to_all(view: View) -> View:
    """Mark a view: nobody needs to be signed in."""
    view.permission = OPEN_TO_ALL  # type: ignore[attr-defined]  # read back by `permission_of`
    return view


def permission_of(app: Flask, endpoint: str) -> Permission | str | None:
    """Return the mark of an endpoint; ``None`` if it has none."""
    return getattr(app.view_functions[endpoint], "permission", None)


def signed_in() -> Principal | None:
    """Return who is signed in, if anybody is. Asks the database once in a request."""
    if "principal" not in g:
        token = session.get("token")
        active = BY_ITSELF not in request.headers
        g.principal = sessions.load(token, clock.now(), active=active) if token else None
    loaded: Principal | None = g.principal
    return loaded


def show_to_nobody() -> None:
    """Render this page as for somebody who is not signed in, whose session is just ending."""
    g.principal = None


def principal() -> Principal:
    """Return who is signed in.

    Raises:
        NotSignedIn: nobody is.
    """
    someone = signed_in()
    if someone is None:
        token = session.get("token")
        ended = sessions.end_reason(token) if token else None
        raise NotSignedIn(ended or "not-signed-in")
    return someone


def may(permission: Permission) -> bool:
    """Say whether whoever is signed in has ``permission``, somewhere."""
    someone = signed_in()
    return someone is not None and someone.may(permission)


def browser() -> str:
    """Return this browser's identifier from before anybody signs in; make it if it has none."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(32)
    identifier: str = session["browser"]
    return identifier


def check(app: Flask) -> None:
    """Refuse to start while a view does not say who may use it.

    Raises:
        Unmarked: and names them all.
    """
    unmarked = [name for name in app.view_functions if permission_of(app, name) is None]
    if unmarked:
        raise Unmarked(", ".join(sorted(unmarked)))


def gate() -> None:
    """Let this request pass, or say why not. Runs before every view.

    Raises:
        Unmarked: the endpoint does not say who may use it.
        NotSignedIn: and somebody has to be.
        NotAllowed: not in the role in which this person acts.
    """
    if request.endpoint is None:
        return  # 404 or 405: there is no view to guard
    permission = permission_of(current_app, request.endpoint)
    if permission is None:
        raise Unmarked(request.endpoint)
    if permission == OPEN_TO_ALL:
        return
    principal().demand(Permission(permission))


def init_app(app: Flask) -> None:
    """Set the gate. Static files that do not exist are looked for by Flask's own view."""
    open_to_all(app.view_functions["static"])
    app.before_request(gate)
    app.jinja_env.globals["may"] = may
    app.context_processor(lambda: {"principal": signed_in()})
