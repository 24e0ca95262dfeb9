"""Renewing the certificates of a card: by its holder in the window, or by an agent with the holder.

The signature pair first: a failure shows while sign-in still works, and where the authentication
key is lost it is the *new* signature key C1 that vouches for the card. A0 and C0 are the keys
before, A1 and C1 the new ones.

=========  ==========================================================  ===========================
step       card work                                                   cut: way forward
=========  ==========================================================  ===========================
open       A0 signs the consent; witness of the management key. Once   C1 not issued yet: sign in
           C1 is issued it is C1 that signs (renewal-continue)         with A0, again. C1 issued:
                                                                       C1 goes on at sign-in
first      answer to the witness; then as ``keys``                     again from ``open``
keys       write and prove what is certified; make the next key,       certified: written again;
           proven by itself and by the key before it: A0 vouches       not certified: made again
           for C1, C1 for A1
the last   A1 signs, its certificate written: C1 and A1 active, A0     A1 signs in; written and
           and C0 superseded, the renewal counted                      proven again
=========  ==========================================================  ===========================
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.card_operations import (
    base,
    journal,
    management_session,
    permitted,
    sealed,
    stopping,
)
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, GoOn, Move, Operation, Pause, Result, Turn, key_row
from app.card_operations.certificates import (
    activate,
    active_certificate,
    drop_unplaced,
    held_certificate,
    key_being_made,
)
from app.card_operations.new_keys import NewKeys
from app.card_operations.office import Office
from app.card_operations.refusals import VouchingKeyEnded
from app.card_operations.statements import KnownKey, Statement, StatementRefused
from app.card_operations.tickets import Work
from app.card_operations.which_card import demand_own
from app.card_operations.which_passcode import told_which
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.card_services import (
    CardFacts,
    CardService,
    CardServiceRefused,
    WhyNot,
    demand,
    offer_to_holder,
)
from app.domain.days import day_of
from app.domain.errors import NotFound
from app.domain.principal import Principal
from app.domain.renewal import renewals_after
from app.domain.statuses import Outcome, PersonStatus
from app.extensions import db
from app.models import Card, CardOperation, Certificate
from reader_bridge.contract import Hold, Purpose, Slot, Stage

KIND = "renew"
OPEN, FIRST, KEYS = "open", "first", "keys"

RENEWED = (Slot.SIGNATURE, Slot.AUTHENTICATION)
NEW_KEYS = NewKeys(RENEWED, Purpose.RENEWAL)
OPENING = (Stage.CHECKING_CARD, Stage.CHECKING_PASSCODE, Stage.SIGNING, Stage.PROVING)


class Renew(Operation):
    kind = KIND
    event = "card.renew"
    first_step = OPEN
    # It sends none. But that a new key is in the card is the bridge's word: it must be one of ours.
    sends_secrets = True
    survives_refusal = True
    exclusive = True

    def ask(self, turn: Turn) -> Ask:
        if turn.step.name == OPEN:
            _vouching_certificate(turn.card, turn.now)
            key, purpose = _vouching_key(turn)
            opening = [turn.sign(key, purpose), management_session.witness_work()]
            return Ask(work=opening, card=turn.card.guid, hold=Hold.CARD, stages=OPENING)
        work: list[Work] = []
        if turn.step.name == FIRST:
            management_key = sealed.management_key(turn.office.vault, turn.card)
            work.append(management_session.answer_work(turn, management_key))
        hold = Hold.CARD if NEW_KEYS.makes_one(turn) else Hold.NOTHING
        stages = NEW_KEYS.stages(turn)
        work += NEW_KEYS.work(turn, _key_before(turn))
        return Ask(work=work, card=turn.card.guid, hold=hold, continues=True, stages=stages)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        _vouching_certificate(card_as_it_is_now(turn, CardService.RENEW), turn.now)
        if turn.step.name == OPEN:
            return self._accept_opening(turn, results)
        if turn.step.name == FIRST:
            management_key = sealed.management_key(turn.office.vault, turn.card)
            management_session.check_response(turn, results[0], management_key)
            results = results[1:]
        assert turn.operation.person is not None
        made = NEW_KEYS.accept(turn, results, _key_before(turn), uuid=turn.operation.person.uuid)
        return GoOn(KEYS) if made is None else _finish(turn, made)

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        return Pause(OPEN, code, told_which(turn, code, facts, sure))

    def resumes_at(self, operation: CardOperation) -> str:
        return OPEN

    def _accept_opening(self, turn: Turn, results: list[Result]) -> Move:
        key, purpose = _vouching_key(turn)
        made = turn.statement(results[0], key, purpose)
        name = "consent" if purpose is Purpose.RENEWAL else "continued"
        turn.operation.facts[name] = made.token
        management_session.note_witness(turn, results[1])
        return GoOn(FIRST)


RENEW = base.register(Renew())


# Beginning and going on


def start_own(
    principal: Principal,
    *,
    sid: str,
    seat: str,
    guid: str | None,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Renew the certificates of the holder's own card, in this seat, or go on with it. Commits.

    Raises:
        Conflict: the card in the reader is not the one that is signed in.
        CardServiceRefused, TooEarly: the card or the calendar does not allow it.
        VouchingKeyEnded: the certificate of the key that vouches for the new ones is good no more.
        CardInHand: somebody else is at work on the card.
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
    """
    card = _as_it_stands(principal.card_id)
    demand_own(principal, guid)
    permitted.demand_of_holder(principal, card, CardService.RENEW, now=now)
    return _begin_or_go_on(
        card, sid=sid, seat=seat, browser=browser, actor=principal, office=office, now=now
    )


def start_for(
    agent: Principal,
    card: Card,
    *,
    sid: str,
    seat: str,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Renew a card with its holder, who types the passcode, or go on with it. Commits.

    ``seat`` is the card's, in the second reader. The holder's own renewals are counted from here on
    again.

    Raises:
        NotFound, NotAllowed: out of the agent's reach, not in this role, or the agent's own card.
        and what ``start_own`` raises.
    """
    permitted.demand(agent, card, CardService.RENEW, now=now)
    return _begin_or_go_on(
        _as_it_stands(card.id),
        sid=sid,
        seat=seat,
        browser=browser,
        actor=agent,
        office=office,
        now=now,
        assisted=True,
    )


def continue_at_sign_in(
    guid: str | None, *, sid: str, seat: str, browser: str, office: Office, now: datetime
) -> NextTicket:
    """Go on with a renewal whose card cannot sign in: C1 and the passcode open this one operation.

    Raises:
        NotFound: no such card is in the middle of a renewal.
        and what ``start_own`` raises.
    """
    card = interrupted(guid)
    if card is None:
        raise NotFound("renewal")
    _demand_of_card(card, CardService.RENEW, now)
    card = _as_it_stands(card.id)
    return _begin_or_go_on(
        card, sid=sid, seat=seat, browser=browser, actor=None, office=office, now=now
    )


def interrupted(guid: str | None) -> Card | None:
    """The card of this GUID, if a renewal was cut off where only C1 is known to be in it.

    Its authentication key is A0, A1 or another: nobody can tell. It is led to *Continue*.
    """
    card = _half_renewed(guid)
    if card is None or key_being_made(card, Slot.AUTHENTICATION) is not None:
        return None
    return card


def goes_on_at_sign_in(guid: str | None) -> bool:
    """Whether the sign-in page leads to *Continue*. A card that is suspended, or whose holder's
    account is closed, is told so instead."""
    card = interrupted(guid)
    if card is None or card.person is None:
        return False
    return card.status is CardStatus.ISSUED and card.person.status is PersonStatus.OPEN


def signs_in(guid: str | None) -> bool:
    """Whether a renewal of this card was cut off after A1 was proven: then A1 signs in, whatever
    came of writing its certificate."""
    return _half_renewed(guid) is not None and interrupted(guid) is None


def _half_renewed(guid: str | None) -> Card | None:
    card = db.session.scalar(select(Card).where(Card.guid == (guid or "").lower()))
    if card is None or key_being_made(card, Slot.SIGNATURE) is None:
        return None
    return card if journal.unfinished(card, KIND) is not None else None


def _as_it_stands(card_id: int) -> Card:
    """The card, read under the locks of what runs on it and of itself."""
    card = stopping.locked(card_id)
    if card is None:
        raise NotFound("card")
    return card


def _begin_or_go_on(
    card: Card,
    *,
    sid: str,
    seat: str,
    browser: str,
    actor: Principal | None,
    office: Office,
    now: datetime,
    assisted: bool = False,
) -> NextTicket:
    standing = journal.unfinished(card, KIND)
    if standing is not None:
        if assisted or key_being_made(card, Slot.SIGNATURE) is None:
            standing.facts["assisted"] = assisted
        return journal.take_over(
            standing, sid=sid, seat=seat, browser=browser, actor=actor, office=office, now=now
        )
    drop_unplaced(card, RENEWED, now=now)
    return journal.begin(
        RENEW,
        sid=sid,
        seat=seat,
        browser=browser,
        card=card,
        person_id=card.person_id,
        actor=actor,
        office=office,
        now=now,
        facts={
            "algorithms": {slot.value: _algorithm(card, slot) for slot in RENEWED},
            "written": [],
            "asked_to_make": [],
            "assisted": assisted,
        },
    )


def _algorithm(card: Card, slot: Slot) -> str:
    """A slot keeps its algorithm: one make of card keeps an old RSA key beside a new EC key."""
    row = key_row(card, slot)
    if row is None:
        raise CardServiceRefused(WhyNot.BLANK)
    return row.algorithm


# Who vouches


def _vouching_key(turn: Turn) -> tuple[KnownKey, Purpose]:
    """The key that opens the operation: C1 as soon as it is issued, A0 until then."""
    issued = key_being_made(turn.card, Slot.SIGNATURE)
    if issued is not None:
        return issued, Purpose.RENEWAL_CONTINUE
    return _key_before(turn), Purpose.RENEWAL


def _key_before(turn: Turn) -> KnownKey:
    """A0: the authentication key that the card had before."""
    key = base.key_of(turn.card, Slot.AUTHENTICATION)
    if key is None:
        raise StatementRefused("no authentication key")
    return key


def _vouching_certificate(card: Card, now: datetime) -> Certificate:
    """The certificate of the key that vouches for the next one.

    Raises:
        VouchingKeyEnded: it is good no more.
    """
    certificate = active_certificate(card, Slot.AUTHENTICATION)
    if key_being_made(card, Slot.SIGNATURE) is not None:
        certificate = held_certificate(card, Slot.SIGNATURE)
    if certificate is None or not certificate.not_before <= now <= certificate.not_after:
        raise VouchingKeyEnded
    return certificate


def card_as_it_is_now(turn: Turn, service: CardService) -> Card:
    """The card, locked: whatever was decided about it or its holder meanwhile counts, until the
    last answer.

    Raises:
        CardServiceRefused: it was suspended or cancelled, or the account closed.
    """
    card = turn.locked_card()
    _demand_of_card(card, service, turn.now)
    return card


def _demand_of_card(card: Card, service: CardService, now: datetime) -> None:
    """Ask the rules of the card alone, of something that was begun."""
    if card.person is None or card.person.status is PersonStatus.CLOSED:
        raise CardServiceRefused(WhyNot.HOLDER_CLOSED)
    facts = CardFacts(
        status=card.status,
        expires_on=card.expires_on,
        self_renewals_in_row=card.self_renewals_in_row,
        unfinished=service,
    )
    demand(offer_to_holder(service, facts, in_use=True, today=day_of(now)))


def _finish(turn: Turn, last: Statement) -> Move:
    """The new pair is proven: it counts from now on, and the old one no more."""
    card, own = turn.card, turn.operation.facts
    assisted = bool(own["assisted"])
    card.apply(CardEvent.RENEW, now=turn.now)
    card.expires_on = activate(card, RENEWED, now=turn.now)
    drop_unplaced(card, RENEWED, now=turn.now)
    card.self_renewals_in_row = renewals_after(card.self_renewals_in_row, assisted=assisted)
    turn.record(
        "card.renewed",
        Outcome.DONE,
        by_holder=True,
        assisted=assisted,
        expires_on=str(card.expires_on),
        consent=own.get("consent"),
        statement=last.token,
    )
    return Done({"guid": card.guid, "expires_on": card.expires_on.isoformat()})
