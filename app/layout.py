"""What the frame around every page needs: where its links lead, and how htmx is set.

A page is offered to whoever may use it.
"""

import json
from dataclasses import dataclass

from flask import Flask, current_app, request, url_for
from flask_wtf.csrf import generate_csrf

from app.blueprints.permissions import browser, may, signed_in
from app.domain.roles import Permission


@dataclass(frozen=True)
class Destination:
    """A page that the header leads to. ``permission`` is what its reader needs to have."""

    title: str
    endpoint: str
    permission: Permission


DESTINATIONS = (
    Destination("Dashboard", "dashboard.show", Permission.OWN_PROFILE),
    Destination("People", "people.search", Permission.FIND_PERSON),
    Destination("Manage Smartcard", "manage_smartcard.page", Permission.FIND_PERSON),
    Destination("Requests", "requests.awaiting", Permission.DECIDE_REQUEST),
    Destination("My profile", "profile.show", Permission.OWN_PROFILE),
)

FOOTER = (
    ("Terms and conditions", "terms.show"),
    ("Help and contacts", "help.contacts"),
)

# An answer of 409 or 422 is swapped in: the form says what is wrong. 40x would keep a 409 out.
HTMX_SETTINGS = json.dumps(
    {
        "includeIndicatorCSS": False,
        "noSwap": [204, 304, 400, 401, 403, 404, "41x", "5xx"],
        "defaultTimeout": 15000,
        "history": "reload",
        "defaultFocusScroll": True,
    }
)


def exists(endpoint: str) -> bool:
    """Say whether a page is part of this service."""
    return endpoint in current_app.view_functions


def navigation_items() -> list[dict[str, object]]:
    """Return the header's navigation for whoever is signed in, this page's part marked."""
    if signed_in() is None:
        return []
    here = (request.endpoint or "").partition(".")[0]
    return [
        {
            "text": place.title,
            "href": url_for(place.endpoint),
            "current": request.endpoint == place.endpoint,
            "active": here == place.endpoint.partition(".")[0],
        }
        for place in DESTINATIONS
        if may(place.permission)
    ]


def footer_items() -> list[dict[str, str]]:
    """Return the pages that everybody may need, signed in or not."""
    return [{"text": title, "href": url_for(endpoint)} for title, endpoint in FOOTER]


def home() -> str:
    """Return where the service's name leads."""
    return url_for("dashboard.show" if signed_in() else "auth.sign_in")


def page_headers() -> str:
    """Return the headers that the page's requests carry, as JSON; marks this browser as seen."""
    browser()
    return json.dumps({"X-CSRFToken": generate_csrf()})


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(
        exists=exists,
        footer_items=footer_items,
        home=home,
        htmx_settings=HTMX_SETTINGS,
        navigation_items=navigation_items,
        page_headers=page_headers,
    )
