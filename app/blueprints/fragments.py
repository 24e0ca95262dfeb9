"""Page or fragment: what htmx asked for, and what it is told. No other file names an HX- header."""

from typing import Any
from urllib.parse import urlsplit

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.extensions import htmx


def wants_fragment() -> bool:
    """Say whether this request replaces one region of a page already on screen.

    A boosted link and a history restore also come from htmx, but both need the whole page.
    """
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page_or_fragment(page: str, fragment: str, /, *, status: int = 200, **context: Any) -> Response:
    """Render ``fragment`` for htmx and ``page``, which includes it, for everybody else."""
    response = make_response(
        render_template(fragment if wants_fragment() else page, **context), status
    )
    response.vary.add("HX-Request")
    return response


def go_to(location: str) -> ResponseReturnValue:
    """Send the browser to another page, also when htmx asked: it must not swap a page into one."""
    if wants_fragment():
        return Response(status=204, headers={"HX-Redirect": location})
    return redirect(location, 303)


def start_again(location: str) -> Response:
    """Answer a fragment request whose session or token is no longer good."""
    return Response(status=401, headers={"HX-Redirect": location})


def page_on_screen() -> str | None:
    """Return path and query of the page that htmx was on, if it was one of ours."""
    current = urlsplit(htmx.current_url or "")
    if not current.path.startswith("/") or current.netloc != request.host:
        return None
    return current.path + (f"?{current.query}" if current.query else "")


def vary(response: Response) -> Response:
    """Tell caches that pages and fragments share addresses."""
    if response.mimetype == "text/html":
        response.vary.add("HX-Request")
    return response
