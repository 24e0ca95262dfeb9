"""Issuing a blank card to a person at an agent's second reader, after an identity check."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import scope
from app.card_operations import approvals, approve, issue
from app.card_operations.answers import NextTicket
from app.card_operations.issue import BlankCard
from app.card_operations.office import Office
from app.card_operations.refusals import ApprovalNeeded
from app.domain import identity_check
from app.domain.approval import Act, ActKind
from app.domain.card_services import Offer, demand, offer_to_issue
from app.domain.days import day_of
from app.domain.errors import Invalid
from app.domain.identity_check import Document
from app.domain.passcode import LONGEST, SHORTEST, Alphabet
from app.domain.principal import Principal
from app.domain.statuses import PersonStatus
from app.extensions import db
from app.models import CardOperation, Person
from app.services import giving_up, profile
from app.services.look_at_person import CURRENT, looked_at
from app.services.profile import Profile
from reader_bridge.contract import Algorithm

GUID_DIGITS = 32


@dataclass(frozen=True)
class Issuing:
    """Whom a card is to be issued to. ``begun`` is an issue that stands still.

    ``only_give_up``: the account was closed after a card was begun, which can only be given up.
    """

    row: Person
    person: Profile
    offer: Offer
    begun: CardOperation | None
    goes_on: bool  # the agent has begun it in this session: their approval stands
    only_give_up: bool


def read(
    actor: Principal, uuid: str, *, now: datetime, look: bool = False, or_give_up: bool = False
) -> Issuing:
    """Return whom a card is to be issued to. ``look`` leaves an event, and commits.

    ``or_give_up``: a card that was begun for a person whose account is closed by now will do, too.

    Raises:
        NotFound: no such person, or out of reach.
        NotAllowed, CardServiceRefused: no card may be issued to them now, or not by this agent.
    """
    today = day_of(now)
    row = looked_at(actor, uuid, now=now) if look else scope.person(actor, uuid, today=today)
    shown = profile.read(row.id, today=today)
    begun = _begun(row)
    closed = shown.status is PersonStatus.CLOSED
    only_give_up = closed and or_give_up and giving_up.stands(row)
    offer = offer_to_issue(
        role=actor.role,
        own=row.id == actor.person_id,
        in_scope=True,
        holder_closed=closed and not only_give_up,
        replaces=next((card.number for card in shown.cards if card.status in CURRENT), None),
        unfinished=begun is not None,
    )
    demand(offer)
    goes_on = begun is not None and _approved(begun, actor)
    return Issuing(row, shown, offer, begun, goes_on=goes_on, only_give_up=only_give_up)


def start_approval(
    actor: Principal,
    uuid: str,
    seen: list[Document],
    *,
    sid: str,
    seat: str,
    guid: str | None,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Ask the agent's own card to sign that the person's identity was checked. Commits.

    Raises: what ``read`` and ``approve.start`` raise.
    """
    whom = read(actor, uuid, now=now)
    return approve.start(
        actor,
        Act(
            act=ActKind.ISSUE,
            person_id=whom.row.id,
            reason="identity-checked",
            note=identity_check.evidence(seen),
        ),
        sid=sid, seat=seat, guid=guid, browser=browser, office=office, now=now,
    )  # fmt: skip


def start(
    actor: Principal,
    uuid: str,
    reading: Mapping[str, Any],
    *,
    approval: str,
    sid: str,
    seat: str,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Issue the blank card in the second reader, or go on with its issue. Commits.

    ``reading`` is what the page says of that card. An approval is used up when a card is begun;
    whoever goes on with the same card in the same session needs no other.

    Raises:
        ApprovalNeeded: none was given.
        Conflict: the card in the reader is issued already.
        NotFound, ApprovalSpent, ApprovalTooOld: about the approval.
        and what ``read`` and ``issue.start`` raise.
    """
    whom = read(actor, uuid, now=now)
    blank = _blank(reading)
    begun = issue.unfinished_with(whom.row, blank)
    evidence: Mapping[str, Any] | None = None
    if begun is None or not _approved(begun, actor):
        if not approval:
            raise ApprovalNeeded
        act = Act(act=ActKind.ISSUE, person_id=whom.row.id)
        evidence = approvals.spend(approval, act=act, principal=actor, now=now).evidence
    return issue.start(
        whom.row,
        blank,
        sid=sid,
        seat=seat,
        browser=browser,
        algorithm=Algorithm.ES256,
        actor=actor,
        office=office,
        now=now,
        approved=evidence,
    )


def _begun(person: Person) -> CardOperation | None:
    return db.session.scalar(
        select(CardOperation)
        .where(
            CardOperation.kind == issue.KIND,
            CardOperation.person_id == person.id,
            CardOperation.finished_at.is_(None),
        )
        .order_by(CardOperation.id.desc())
        .limit(1)
    )


def _approved(begun: CardOperation, actor: Principal) -> bool:
    return begun.session_id == actor.session_id and bool(begun.facts.get("approved"))


def _blank(reading: Mapping[str, Any]) -> BlankCard:
    """What the page says of the card, as far as it can be meant.

    Raises:
        Invalid: it is nothing that a bridge says.
    """
    rule = reading.get("rule")
    low, high, alphabet = (
        (rule.get(name) for name in ("min_length", "max_length", "alphabet"))
        if isinstance(rule, Mapping)
        else (None, None, None)
    )
    guid, serial, profile_name = (reading.get(name) for name in ("guid", "serial", "profile"))
    if (
        not (isinstance(low, int) and isinstance(high, int))
        or not (1 <= low <= high and low <= LONGEST and high >= SHORTEST)
        or not isinstance(profile_name, str)
    ):
        raise Invalid({})
    return BlankCard(
        guid=guid.lower() if isinstance(guid, str) and len(guid) == GUID_DIGITS else None,
        virtual=reading.get("virtual") is not False,
        profile=profile_name[:40],
        manufacturer=str(reading.get("manufacturer") or "")[:100],
        serial=serial[:64] if isinstance(serial, str) else None,
        min_length=low,
        max_length=high,
        alphabet=Alphabet.DIGITS if alphabet == Alphabet.DIGITS else Alphabet.ASCII,
    )
