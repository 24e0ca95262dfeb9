"""The headers that every answer carries: pages, fragments, JSON and errors alike, and, where they
mean something there, the files that pages are made of.

They are set around the whole application, so that no route, error or file can be without them.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.datastructures import Headers

from reader_bridge.contract import HOST, PORTS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.+?)</script>", re.DOTALL)


def script_hashes(page: str) -> list[str]:
    """Return the policy's source for each inline script in ``page``."""
    return [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in INLINE_SCRIPT.findall(page)
    ]


def content_security_policy(script_sources: Iterable[str], first_port: int) -> str:
    """Return the policy: ourselves, the given inline scripts, and the reader bridge's addresses."""
    # http too: browsers hold websockets back after failed ones, so the page asks which of the
    # ports answers before it opens a websocket there.
    ports = range(first_port, first_port + PORTS)
    bridge = [f"{scheme}://{HOST}:{port}" for scheme in ("ws", "http") for port in ports]
    directives = {
        "default-src": ["'self'"],
        "script-src": ["'self'", *script_sources],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *bridge],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


# What a browser uses within a page and never shows as one: most of the headers say nothing about
# it, and would be a third of what a first visit fetches. An SVG could hold scripts: none may run.
PARTS = ("text/css", "text/javascript", "image/")
POLICY_OF_PARTS = "default-src 'none'; frame-ancestors 'none'"
FOR_PARTS = (
    "Cache-Control",
    "Cross-Origin-Resource-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
)


class SecurityHeaders:
    """A WSGI application around another, that adds the headers that are not there yet."""

    def __init__(self, application: "WSGIApplication", headers: dict[str, str]) -> None:
        self._application = application
        self._headers = headers
        self._of_parts = {
            "Content-Security-Policy": POLICY_OF_PARTS,
            **{name: value for name, value in headers.items() if name in FOR_PARTS},
        }

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        def start(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            complete = Headers(headers)
            is_part = complete.get("Content-Type", "").startswith(PARTS)
            for name, value in (self._of_parts if is_part else self._headers).items():
                complete.setdefault(name, value)
            return start_response(status, complete.to_wsgi_list(), exc_info)

        return self._application(environ, start)


def init_app(app: Flask) -> None:
    """Wrap the application. The template package's one inline script is allowed by its hash."""
    skeleton = app.jinja_env.get_template("nhsuk/template.jinja").render()
    headers = {
        "Content-Security-Policy": content_security_policy(
            script_hashes(skeleton), app.config["BRIDGE_PORT"]
        ),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if app.config["SESSION_COOKIE_SECURE"]:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    app.wsgi_app = SecurityHeaders(app.wsgi_app, headers)  # type: ignore[method-assign]  # as Flask documents it
