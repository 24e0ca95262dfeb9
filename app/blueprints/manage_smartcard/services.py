"""What is done to a user's card in the second reader: a page, the card, its operation, the end."""

from collections.abc import Callable
from typing import Any

from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.at_the_bridge import at_the_bridge, guid_shown, serial_told, tries_left
from app.blueprints.bodies import posted
from app.blueprints.fragments import go_to
from app.blueprints.manage_smartcard import issuing, repairing
from app.blueprints.manage_smartcard.about import About, about, about_after
from app.blueprints.manage_smartcard.blueprint import bp
from app.blueprints.manage_smartcard.present import in_reader, presented
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import principal, requires
from app.card_operations import (
    change_passcode,
    erase,
    erased,
    journal,
    renew,
    repair,
    unlock,
    which_passcode,
)
from app.card_operations.answers import CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.office import current_office
from app.domain.card_services import CardService
from app.domain.errors import NotFound
from app.domain.roles import Permission
from app.domain.second_card import SecondCard
from app.models import Card, CardOperation
from app.services import second_reader

ADDRESS = "/people/<uuid>/cards/<int:card_id>/<service>"

# The operation of each service, begun or gone on with. Each asks the rules for itself.
STARTS: dict[CardService, Callable[..., NextTicket]] = {
    CardService.RENEW: renew.start_for,
    CardService.UNLOCK: unlock.start_assisted,
    CardService.CHANGE_PASSCODE: change_passcode.start_assisted,
    CardService.REPAIR: repair.start,
    CardService.ERASE: erase.start,
}
# Those that are told what the chip says of its passcode
TOLD_OF_TRIES = frozenset({CardService.UNLOCK, CardService.CHANGE_PASSCODE})
# Those that prove the card by a key, whatever identifier it shows
KNOWN_BY_KEY = frozenset({CardService.UNLOCK, CardService.ERASE})


@bp.get(ADDRESS)
@requires(Permission.FIND_PERSON)
def service(uuid: str, card_id: int, service: str) -> ResponseReturnValue:
    """Ask for the card in the second reader. The service's own permission is the rules' to ask."""
    wanted = wanted_service(service)
    whose = about(uuid, card_id, wanted)
    return render_template("manage_smartcard/service.html", service=wanted, **whose.shown())


@bp.post(f"{ADDRESS}/card")
@requires(Permission.FIND_PERSON)
def service_card(uuid: str, card_id: int, service: str) -> ResponseReturnValue:
    """Say whether the card in the second reader is the one, and how to go on with it."""
    wanted = wanted_service(service)
    whose = about(uuid, card_id, wanted)
    shown, others = presented()
    if shown is None:
        return in_reader("choose", cards=others)
    found = second_reader.look(principal(), shown, office=current_office(), now=clock.now())
    # A card that is half erased shows no longer which one it is
    emptied = wanted is CardService.ERASE and found.what is SecondCard.BLANK
    if found.card is None and not (emptied and erased.may_be(whose.card, shown.guid, shown.serial)):
        other = emptied and erased.is_another_chip(whose.card, shown.serial)
        return in_reader("other" if other else found.what, card=shown, wanted=whose.card)
    if found.card is not None and found.card.id != card_id:
        return in_reader("other", card=shown, wanted=whose.card)
    return render_template(
        "manage_smartcard/_work.html",
        shown=shown,
        lost=_is_lost(whose.card),
        approval=request.args.get("approval"),
        **_working(whose, wanted),
    )


@bp.post(f"{ADDRESS}/start")
@requires(Permission.FIND_PERSON)
def start_service(uuid: str, card_id: int, service: str) -> ResponseReturnValue:
    wanted = wanted_service(service)
    whose = about(uuid, card_id, wanted)
    body = posted()
    more: dict[str, Any] = {}
    if wanted in TOLD_OF_TRIES:
        more["tries_left"] = tries_left(body)
    if wanted is CardService.REPAIR:
        more |= repairing.told(whose.card, body)
    if wanted in KNOWN_BY_KEY:
        more["guid"] = guid_shown(body)
    if wanted is CardService.ERASE:
        more["serial"] = serial_told(body)
    ticket = STARTS[wanted](
        principal(),
        whose.card,
        **at_the_bridge(body),
        **more,
    )
    return jsonify(ticket.for_page())


@bp.get("/manage-smartcard/done/<operation>")
@requires(Permission.FIND_PERSON)
def done(operation: str) -> ResponseReturnValue:
    """Say what was done, and what comes next."""
    row = second_reader.done_by(principal(), operation)
    return render_template(
        "manage_smartcard/done.html",
        kind=row.kind,
        act=row.facts.get("act", {}),
        **second_reader.done_facts(row, now=clock.now()),
    )


def wanted_service(word: str) -> CardService:
    """Return the service that an address names.

    Raises:
        NotFound: it is none that is done here.
    """
    if word not in STARTS:
        raise NotFound("service", word)
    return CardService(word)


def _working(whose: About, service: CardService) -> dict[str, Any]:
    return {
        "service": service,
        "rule": whose.card.passcode_rule,
        "guid": whose.card.guid,
        **whose.shown(),
    }


def _is_lost(card: Card) -> bool:
    """Whether a change of passcode stands still, of which nobody knows whether it happened."""
    begun = journal.unfinished(card, change_passcode.KIND)
    in_doubt = which_passcode.in_doubt(card) is not None and not card.new_passcode_refused
    return begun is not None and in_doubt


def show_answer(answer: Shown, row: CardOperation) -> ResponseReturnValue:
    """Show what the user's card answered, in the place of its form."""
    if isinstance(answer, Finished):
        return jsonify(location=url_for("manage_smartcard.done", operation=answer.operation))
    assert row.card is not None
    assert row.person is not None
    said: dict[str, Any] = {"facts": answer.facts}
    if isinstance(answer, CardAnswered):
        said["code"] = answer.code
    elif isinstance(answer, Waiting):
        said["waiting"] = answer.reason
    if row.card.person_id is None:
        return issuing.show_giving_up(row, **said)
    whose = about_after(row.card, CardService(row.kind))
    return render_template(
        "manage_smartcard/_working.html",
        lost=row.kind == change_passcode.KIND and answer.step == which_passcode.CONFIRM,
        **_working(whose, CardService(row.kind)),
        **said,
    )


def show_standing(row: CardOperation) -> ResponseReturnValue:
    """After a reload: the page of the service, which begins anew or goes on."""
    assert row.person is not None
    if row.state.is_over:
        return go_to(url_for("manage_smartcard.done", operation=row.public_id))
    if row.card is not None and row.card.person_id is None:
        return go_to(url_for("manage_smartcard.issue", uuid=row.person.uuid))
    return go_to(
        url_for(
            "manage_smartcard.service",
            uuid=row.person.uuid,
            card_id=row.card_id,
            service=row.kind,
        )
    )


for _service in STARTS:
    shows(_service.value, Showing(answer=show_answer, stands=show_standing), assisted=True)
