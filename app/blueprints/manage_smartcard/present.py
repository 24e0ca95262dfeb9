"""Two readers side by side: whose card is in the second, and what can be done with it."""

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from app import clock, scope
from app.blueprints.bodies import posted
from app.blueprints.manage_smartcard.blueprint import bp
from app.blueprints.permissions import principal, requires
from app.card_operations import permitted
from app.card_operations.office import current_office
from app.domain.days import day_of
from app.domain.presented_card import PresentedCard
from app.domain.roles import Permission
from app.domain.second_card import SecondCard, chosen_beforehand
from app.domain.statuses import PersonStatus
from app.models import Person
from app.services import lifting, look_at_person, presented_cards, profile, second_reader
from app.services.second_reader import Found


@bp.get("/manage-smartcard")
@requires(Permission.FIND_PERSON)
def page() -> ResponseReturnValue:
    return render_template("manage_smartcard/page.html")


@bp.post("/manage-smartcard/card")
@requires(Permission.FIND_PERSON)
def card() -> ResponseReturnValue:
    """Say whose card the page has found in the second reader."""
    shown, others = presented()
    if shown is None:
        return in_reader("choose", cards=others)
    found = second_reader.look(principal(), shown, office=current_office(), now=clock.now())
    if found.person is None or found.card is None:
        return in_reader(found.what, card=shown)
    return held(shown, found)


@bp.get("/people/<uuid>/cards/<int:card_id>")
@requires(Permission.FIND_PERSON)
def card_services(uuid: str, card_id: int) -> ResponseReturnValue:
    """Show what can be done with a card that was found through its holder."""
    now = clock.now()
    row = look_at_person.looked_at(principal(), uuid, now=now)
    device = scope.card(principal(), uuid, card_id, today=day_of(now))
    return render_template(
        "manage_smartcard/card_services.html",
        person=profile.read(row.id, today=day_of(now)),
        device=profile.own_card(device.id, today=day_of(now)),
        offers=permitted.offers_to_agent(principal(), device, now=now),
        seen=lifting.seen_by_agent(principal(), row.id, holder_closed=is_closed(row)),
    )


def held(shown: PresentedCard, found: Found) -> str:
    """Show a person's card, with the services of the one of theirs that is chosen beforehand."""
    now = clock.now()
    assert found.person is not None
    assert found.card is not None
    person = profile.read(found.person.id, today=day_of(now))
    chosen = chosen_beforehand([each.id for each in person.cards if each.in_date], found.card.id)
    device = second_reader.card(chosen)
    tries_left = shown.tries_left if device.id == found.card.id else None
    return render_template(
        "manage_smartcard/_card.html",
        shown=shown,
        person=person,
        card=found.card,
        device=profile.own_card(device.id, today=day_of(now)) if device.issued_at else found.card,
        half_issued=found.what is SecondCard.HALF_ISSUED,
        offers=permitted.offers_to_agent(principal(), device, now=now, tries_left=tries_left),
        seen=lifting.seen_by_agent(
            principal(), found.person.id, holder_closed=is_closed(found.person)
        ),
    )


def is_closed(person: Person) -> bool:
    return person.status is PersonStatus.CLOSED


def presented() -> tuple[PresentedCard | None, list[PresentedCard]]:
    """Return the card that the page means, if it is one alone or was chosen, and all it found."""
    body = posted()
    cards, chosen = presented_cards.from_page(
        body.get("cards"), body.get("seat"), issuer=current_office().issuer, now=clock.now()
    )
    return chosen, cards


def in_reader(what: str, **context: Any) -> str:
    """Say why nothing can be done with what is in the second reader, and what to do."""
    return render_template("manage_smartcard/_reader.html", what=what, **context)
