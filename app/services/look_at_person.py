"""Looking at another person's record: what an agent sees of it, and the event that it leaves."""

from dataclasses import dataclass
from datetime import datetime

from app import audit, scope
from app.domain.card_lifecycle import CardStatus
from app.domain.card_services import CardService, Offer, offer_to_issue
from app.domain.days import day_of
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.domain.statuses import Outcome, PersonStatus
from app.extensions import db
from app.models import Person
from app.services import lifting, profile, requests, unfinished
from app.services.lifting import SeenByAgent
from app.services.profile import Profile
from app.services.requests import RequestRow
from app.services.unfinished import Stopped

CURRENT = frozenset(
    {CardStatus.ISSUED, CardStatus.LOCKED, CardStatus.SUSPENDED, CardStatus.EXPIRED}
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What an agent sees of a person. ``own``: the person is the agent."""

    person: Profile
    own: bool
    issue: Offer
    requests: list[RequestRow]
    half_done: list[Stopped]
    self_service: SeenByAgent


def look(actor: Principal, uuid: str, *, now: datetime) -> Look:
    """Return a person's record for an agent whose role reaches them. Leaves an event.

    Raises:
        NotAllowed: the actor may not look at people.
        NotFound: there is no such person, or they are out of reach: both look the same.
    """
    row = looked_at(actor, uuid, now=now)
    shown = profile.read(row.id, today=day_of(now))
    own = row.id == actor.person_id
    current = next((card.number for card in shown.cards if card.status in CURRENT), None)
    half_done = unfinished.of_person(row.id, now=now)
    issue = offer_to_issue(
        role=actor.role,
        own=own,
        in_scope=True,
        holder_closed=shown.status is PersonStatus.CLOSED,
        replaces=current,
        unfinished=any(each.service is CardService.ISSUE for each in half_done),
    )
    filed = requests.about(row.id, reader=actor)
    closed = shown.status is PersonStatus.CLOSED
    return Look(
        person=shown,
        own=own,
        issue=issue,
        requests=filed,
        half_done=half_done,
        self_service=lifting.seen_by_agent(actor, row.id, holder_closed=closed),
    )


def looked_at(actor: Principal, uuid: str, *, now: datetime) -> Person:
    """Return the row of a person whom the actor's role reaches, and record that it was looked at.

    Looking at oneself leaves no event. Commits.

    Raises:
        NotAllowed: the actor may not look at people.
        NotFound: there is no such person, or they are out of reach: both look the same.
    """
    actor.demand(Permission.FIND_PERSON)
    row = scope.person(actor, uuid, today=day_of(now))
    if row.id != actor.person_id:
        audit.record(
            "person.looked-at",
            outcome=Outcome.DONE,
            actor=actor,
            subject_person_id=row.id,
            now=now,
        )
        db.session.commit()
    return row


def photo(actor: Principal, uuid: str, *, now: datetime) -> tuple[bytes, str]:
    """Return a person's photo and its content type.

    Raises:
        NotAllowed: the actor may not look at people.
        NotFound: no such person, out of reach, or no photo: all look the same.
    """
    actor.demand(Permission.FIND_PERSON)
    return profile.photo(scope.person(actor, uuid, today=day_of(now)).id)
