"""The Service Centre's front page, its first step, and the check of a card; the old address."""

from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.at_the_bridge import at_the_bridge, guid_meant
from app.blueprints.bodies import posted
from app.blueprints.browsers import browser_digest
from app.blueprints.fragments import go_to
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import open_to_all
from app.blueprints.service_centre.blueprint import bp
from app.card_operations import wire
from app.card_operations.answers import CardAnswered, Finished, Waiting
from app.card_operations.office import current_office
from app.card_operations.service_centre import KIND
from app.domain.days import day_of
from app.domain.errors import RuleBroken
from app.domain.renewal import LEAD
from app.domain.self_service import Mode
from app.models import CardOperation
from app.services import presented_cards
from app.services import service_centre as centre
from app.services.self_service_state import mode
from reader_bridge.contract import Slot

LONGEST_CERTIFICATE = 3000  # of base64url


@bp.get("/service-centre")
@open_to_all
def show() -> ResponseReturnValue:
    return render_template("service_centre/page.html", mode=mode(), standing=_standing())


@bp.get("/selfservicewebapp/unlockCardStart")
@open_to_all
def old_address() -> ResponseReturnValue:
    """What people have among their favourites leads to the page that does it now."""
    return redirect(url_for("service_centre.unlock"), 301)


@bp.get("/service-centre/unlock")
@open_to_all
def unlock() -> ResponseReturnValue:
    return render_template("service_centre/unlock.html", mode=mode(), standing=_standing())


@bp.post("/service-centre/unlock/card")
@open_to_all
def card() -> ResponseReturnValue:
    """Show how to start with the card that the page has read. Nobody looks the card up here."""
    body = posted()
    cards, chosen = presented_cards.from_page(
        body.get("cards"), body.get("seat"), issuer=current_office().issuer, now=clock.now()
    )
    if chosen is None:
        return render_template("auth/_choose_card.html", cards=cards)
    if chosen.error is not None or chosen.guid is None:
        return render_template("service_centre/_look.html", card=chosen)
    certificate = chosen.certificates.get(Slot.CARD_AUTHENTICATION)
    return _start_form(
        start_url=url_for("service_centre.start"),
        seat=chosen.seat,
        guid=chosen.guid,
        uuid=chosen.uuid,
        certificate=wire.to_text(certificate) if certificate else None,
    )


@bp.post("/service-centre/unlock/start")
@open_to_all
def start() -> ResponseReturnValue:
    """Give the ticket with which the card proves itself: to every card."""
    body = posted()
    ticket = centre.start(
        (guid_meant(body) or "").lower() or None,
        _certificate(body),
        address=request.remote_addr,
        **at_the_bridge(body),
    )
    return jsonify(ticket.for_page())


@bp.get("/service-centre/check")
@open_to_all
def check() -> ResponseReturnValue:
    return render_template("service_centre/check.html", mode=mode())


@bp.post("/service-centre/check/card")
@open_to_all
def checked() -> ResponseReturnValue:
    """Say of the cards what they say of themselves, and what to do next."""
    now, office = clock.now(), current_office()
    cards, _ = presented_cards.from_page(posted().get("cards"), None, issuer=office.issuer, now=now)
    return render_template(
        "service_centre/_checked.html",
        cards=cards,
        today=day_of(now),
        mode=mode(),
        window=LEAD.days,
        virtual_allowed=office.virtual_cards_allowed,
    )


def show_answer(answer: Shown, row: CardOperation) -> ResponseReturnValue:
    """Lead whoever may go on to their next step; tell everybody else one and the same."""
    if isinstance(answer, Finished):
        if "unlock" not in answer.facts:
            return refused()
        unlock = answer.facts["unlock"]
        centre.begun(unlock, browser=browser_digest(), now=clock.now())
        return go_to(url_for("service_centre.step", operation=unlock))
    if isinstance(answer, Waiting):
        return _again(row, in_hand=centre.free_at(answer.facts))
    assert isinstance(answer, CardAnswered)
    return _again(row, code=answer.code, facts=answer.facts)


def show_refusal(_operation: str, error: RuleBroken) -> ResponseReturnValue:
    """What came back is none of a bridge's: no more is told than to anybody else."""
    return refused()


def show_standing(row: CardOperation) -> ResponseReturnValue:
    return go_to(url_for("service_centre.unlock"))


shows(KIND, Showing(answer=show_answer, stands=show_standing, refusal=show_refusal))


def refused() -> str:
    """The one answer to every card that cannot be unlocked here: the same bytes for all."""
    return render_template("service_centre/_refused.html")


def _again(row: CardOperation, **said: Any) -> str:
    """The card may be asked once more, in the place of the form."""
    start_url = url_for("card_operations.ticket", operation=row.public_id)
    return _start_form(seat=row.seat, guid=row.facts["shown_guid"], start_url=start_url, **said)


def _start_form(**context: Any) -> str:
    return render_template("service_centre/_start.html", **context)


def _standing() -> CardOperation | None:
    """The unlock that this browser can go on with."""
    if mode() is Mode.OFF:
        return None
    return centre.unfinished_here(browser_digest(), now=clock.now())


def _certificate(body: dict[str, Any]) -> bytes | None:
    text = body.get("certificate")
    if not isinstance(text, str) or len(text) > LONGEST_CERTIFICATE:
        return None
    try:
        return wire.to_bytes(text)
    except wire.Malformed:
        return None
