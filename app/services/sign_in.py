"""Signing in, from the card in the reader to the session: who may, which role, which terms."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app import audit
from app.card_operations import journal, renew, sign_terms, wire
from app.card_operations import sign_in as operation
from app.card_operations.answers import NextTicket
from app.card_operations.office import Office, current_office
from app.card_operations.receipts import DONE
from app.card_operations.refusals import OperationOver, StepPassed, WorkstationBlocked
from app.card_operations.sign_in import SignInCard, recognise
from app.domain.days import day_of
from app.domain.errors import Conflict, NotFound, RateLimited, SignInRefused
from app.domain.renewal import renewal_state
from app.domain.sign_in import SignInRefusal
from app.domain.statuses import OperationState, Outcome, WorkstationStatus
from app.extensions import db
from app.models import Assignment, Card, CardOperation, Person, Workstation
from app.services import keys, limits, sessions, terms
from app.services.terms import Due

# How long a browser that lost the answer to its last step is told it once more
ANSWER_KEPT = timedelta(minutes=2)

__all__ = [
    "AcceptTerms",
    "ChooseRole",
    "Next",
    "SignInCard",
    "SignedIn",
    "TermsChanged",
    "recognise",
]


MOST_STARTS, STARTS_WINDOW = 300, timedelta(minutes=1)  # from one address, behind which many sit
REFUSAL_WINDOW = timedelta(hours=1)  # the same refusal of the same insertion is one event
PROOF_HOLDS = timedelta(minutes=5)  # from the card's answer to the beginning of the session


@dataclass(frozen=True)
class ChooseRole:
    """The card is proven; its holder has more than one position to act in."""

    operation: str
    assignments: list[Assignment]


@dataclass(frozen=True)
class AcceptTerms:
    """The terms are due, and the session begins when they are accepted."""

    operation: str
    due: Due


@dataclass(frozen=True)
class SignedIn:
    """``token`` goes into the browser's signed cookie; the database has only its digest.

    ``expires_soon`` says that the holder is to be reminded of the end of their certificates.
    """

    operation: str
    token: str
    expires_soon: bool


class TermsChanged(Conflict):
    """A newer text came into force while the person was reading."""

    reason = "terms-changed"


Next = ChooseRole | AcceptTerms | SignedIn


def start(
    *,
    sid: str,
    seat: str,
    guid: str | None,
    browser: str,
    office: Office,
    now: datetime,
    tries_left: int | None = None,
    use: str | None = None,
    address: str | None = None,
) -> NextTicket:
    """Ask a card to prove itself. A refusal is kept in the audit log.

    ``tries_left`` is what the chip said of its passcode when the page read it, ``use`` which one
    the page asks for where that is in doubt. ``address`` is where the page is, None on the command
    line.

    Raises:
        RateLimited: too many came from this address.
        SignInRefused: nobody may sign in with this card now.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    if address is not None:
        limits.count_try(f"sign-in {address}", limit=MOST_STARTS, window=STARTS_WINDOW, now=now)
    card = _card_that_says(guid)
    person_id = card.person_id if card else None
    try:
        return operation.start(
            sid=sid,
            seat=seat,
            guid=guid,
            browser=browser,
            tries_left=tries_left,
            use=use,
            hold_passcode=person_id is not None and terms.due(person_id, now=now) is not None,
            office=office,
            now=now,
        )
    except (SignInRefused, WorkstationBlocked) as error:
        db.session.rollback()
        _keep_refusal(card, guid, error.reason, now)
        raise


def turned_away(
    guid: str | None, reason: str, *, seat: str, browser: str, address: str | None, now: datetime
) -> None:
    """Keep that a card was refused before a passcode was asked for, once for each insertion.

    What a page says of a card is not proven: the event names it, and it changes nothing.
    """
    try:
        limits.count_try(
            f"refused {wire.digest([browser, seat, guid, reason])}",
            limit=1,
            window=REFUSAL_WINDOW,
            now=now,
        )
        limits.count_try(f"refused {address}", limit=MOST_STARTS, window=STARTS_WINDOW, now=now)
    except RateLimited:
        return
    _keep_refusal(_card_that_says(guid), guid, reason, now)


def _card_that_says(guid: str | None) -> Card | None:
    return db.session.scalar(select(Card).where(Card.guid == (guid or "").lower()))


def _keep_refusal(card: Card | None, guid: str | None, reason: str, now: datetime) -> None:
    audit.record(
        "sign-in",
        outcome=Outcome.REFUSED,
        actor=None,
        subject_person_id=card.person_id if card else None,
        subject_card_id=card.id if card else None,
        now=now,
        reason=reason,
        guid=guid,
    )
    db.session.commit()


def proceed(public_id: str, *, browser: str, now: datetime) -> Next:
    """Say what is due after the card was proven, or begin the session when nothing is.

    The same question again, soon after the session has begun, gets the same session.

    Raises:
        NotFound: no such sign-in in this browser.
        StepPassed: the card is not proven yet.
        OperationOver: this sign-in has ended, or the card has proven itself too long ago.
        SignInRefused, WorkstationBlocked: what was decided about card, person or PC meanwhile.
    """
    row = _row(public_id, browser)
    if (begun := _begun(row, now)) is not None:
        return begun
    _be_proven(row)
    assert row.person_id is not None
    choices = sessions.current_assignments(row.person_id, now=now)
    chosen = row.facts.get("assignment_id")
    if chosen is None and len(choices) > 1:
        _still_fresh(row, now)
        return ChooseRole(public_id, choices)
    due = terms.due(row.person_id, now=now)
    if due is not None and sign_terms.can_sign(row):
        return AcceptTerms(public_id, due)  # read as long as you like: the card signs once more
    _still_fresh(row, now)
    if chosen is None and choices:
        chosen = choices[0].id
    return _begin_session(row, chosen, now)


def choose_role(public_id: str, assignment_id: int, *, browser: str, now: datetime) -> Next:
    """Keep the position in which to act, and say what is due then.

    Raises:
        NotFound: no such sign-in, or no such current position of this person.
    """
    row = _proven(public_id, browser)
    assert row.person_id is not None
    choices = sessions.current_assignments(row.person_id, now=now)
    if assignment_id not in {each.id for each in choices}:
        raise NotFound("assignment", assignment_id)
    row.facts["assignment_id"] = assignment_id
    row.updated_at = now
    db.session.commit()
    return proceed(public_id, browser=browser, now=now)


def accept_terms(
    public_id: str,
    *,
    version: int,
    sid: str,
    seat: str,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Ask the card's signature key to sign the text that is due. ``version`` is the one shown.

    Raises:
        NotFound: no such sign-in, or nothing is due.
        TermsChanged: another version is due than the one shown.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    row = _proven(public_id, browser)
    assert row.person_id is not None
    due = terms.due(row.person_id, now=now)
    if due is None:
        raise NotFound("terms")
    if due.terms.version != version:
        db.session.rollback()
        raise TermsChanged
    row.facts["terms_id"] = due.terms.id
    row.step = sign_terms.STEP
    return journal.ticket(
        public_id, sid=sid, seat=seat, browser=browser, actor=None, office=office, now=now
    )


def decline_terms(public_id: str, *, browser: str, now: datetime) -> SignInRefused:
    """End the sign-in: nobody works without the terms. Return the refusal to show."""
    row = _proven(public_id, browser)
    row.state = OperationState.REFUSED
    row.finished_at = row.updated_at = now
    refusal = SignInRefused(SignInRefusal.TERMS_DECLINED)
    audit.record(
        "sign-in",
        outcome=Outcome.REFUSED,
        actor=None,
        subject_person_id=row.person_id,
        subject_card_id=row.card_id,
        now=now,
        reason=refusal.reason,
        operation=row.public_id,
    )
    db.session.commit()
    return refusal


def _proven(public_id: str, browser: str) -> CardOperation:
    row = _row(public_id, browser)
    _be_proven(row)
    return row


def _row(public_id: str, browser: str) -> CardOperation:
    row = db.session.scalar(
        select(CardOperation).where(CardOperation.public_id == public_id).with_for_update()
    )
    if row is None or row.browser != browser or row.kind != operation.KIND:
        db.session.rollback()
        raise NotFound("sign-in", public_id)
    return row


def _be_proven(row: CardOperation) -> None:
    if row.state.is_over:
        raise OperationOver(state=row.state.value)
    if row.step not in (operation.CHOOSE, sign_terms.STEP):
        raise StepPassed(step=row.step)


def _begun(row: CardOperation, now: datetime) -> SignedIn | None:
    """What was answered a moment ago, for a browser that did not hear it and asks again."""
    if row.state is not OperationState.DONE or row.sealed is None or row.finished_at is None:
        return None
    if now - row.finished_at > ANSWER_KEPT:
        return None
    token = keys.vault().open(row.sealed, **_place(row)).decode()
    return SignedIn(row.public_id, token, expires_soon=_expires_soon(row, now))


def _place(row: CardOperation) -> dict[str, str]:
    return {"table": "card_operation", "column": "sealed", "row": row.public_id}


def _begin_session(row: CardOperation, assignment_id: int | None, now: datetime) -> SignedIn:
    assert row.card is not None
    assert row.connection is not None
    assert isinstance(row.person, Person)
    _still_welcome(row, now)
    token = sessions.begin(
        person=row.person,
        card=row.card,
        assignment_id=assignment_id,
        seat=str(row.seat),
        bridge_instance=row.connection.instance,
        workstation_id=row.connection.workstation_id,
        browser=row.browser,
        now=now,
    )
    row.state = OperationState.DONE
    row.finished_at = row.updated_at = now
    row.sealed = keys.vault().seal(token.encode(), **_place(row))
    audit.record(
        "sign-in",
        outcome=Outcome.DONE,
        actor=row.person,
        actor_card_id=row.card_id,
        subject_person_id=row.person_id,
        subject_card_id=row.card_id,
        workstation_id=row.connection.workstation_id,
        now=now,
        statement=row.facts.get("statement"),
        operation=row.public_id,
    )
    db.session.commit()
    return SignedIn(row.public_id, token, expires_soon=_expires_soon(row, now))


def _expires_soon(row: CardOperation, now: datetime) -> bool:
    assert row.card is not None
    renewal = renewal_state(
        status=row.card.status,
        expires_on=row.card.expires_on,
        self_renewals_in_row=row.card.self_renewals_in_row,
        today=day_of(now),
    )
    return renewal.should_remind or journal.unfinished(row.card, renew.KIND) is not None


def _still_fresh(row: CardOperation, now: datetime) -> None:
    """End a sign-in whose card proved itself too long ago: it may have been taken out since.

    Raises:
        OperationOver: it did.
    """
    proofs = [step.answered_at for step in row.steps if step.answered_at and step.outcome == DONE]
    if proofs and now - max(proofs) < PROOF_HOLDS:
        return
    row.give_up(now)
    db.session.commit()
    raise OperationOver(state=row.state.value)


def _still_welcome(row: CardOperation, now: datetime) -> None:
    """Refuse what was decided against while somebody signed in: about the card, its holder, the PC.

    The PC's row is held until the end.

    Raises:
        SignInRefused: the card or the account is good no more.
        WorkstationBlocked: the PC was blocked.
    """
    assert row.connection is not None
    status = db.session.scalar(
        select(Workstation.status)
        .where(Workstation.id == row.connection.workstation_id)
        .with_for_update()
    )
    refusal: SignInRefused | WorkstationBlocked
    try:
        if status is WorkstationStatus.BLOCKED:
            raise WorkstationBlocked
        # The chip has taken its passcode a moment ago: it is not locked.
        operation.check(row.card, tries_left=1, office=current_office(), now=now)
        return
    except (SignInRefused, WorkstationBlocked) as error:
        refusal = error
    row.state = OperationState.REFUSED
    row.finished_at = row.updated_at = now
    audit.record(
        "sign-in",
        outcome=Outcome.REFUSED,
        actor=None,
        subject_person_id=row.person_id,
        subject_card_id=row.card_id,
        workstation_id=row.connection.workstation_id,
        now=now,
        reason=refusal.reason,
        operation=row.public_id,
    )
    db.session.commit()
    raise refusal
