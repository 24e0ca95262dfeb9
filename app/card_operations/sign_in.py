"""Signing in: who may, and the card's proof. Role, terms and session come afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.card_operations import base, journal, renew, sign_terms
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Move, Operation, Pause, Result, Turn
from app.card_operations.keys_on_card import key_on
from app.card_operations.office import Office
from app.card_operations.refusals import StepPassed
from app.card_operations.statements import StatementRefused
from app.card_operations.which_passcode import HINTS, Hint, hint_at_sign_in, settle, told_which
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.errors import SignInRefused
from app.domain.sign_in import CardFacts, CertificateFacts, SignInRefusal, sign_in_refusal
from app.domain.statuses import CertificateStatus, KeyState
from app.extensions import db
from app.models import Card, CardKey, CardOperation, Certificate
from app.pki import validation
from app.pki.validation import CertificateRefused, PathProblem
from reader_bridge.contract import Hold, Purpose, Slot, Stage

KIND = "sign-in"
PROVE, CHOOSE = "prove", "choose"
_HELD = CertificateStatus.HELD
STAGES = (Stage.CHECKING_CARD, Stage.CHECKING_PASSCODE, Stage.SIGNING)


# What the service has decided, and the card does not show
DECIDED = frozenset(
    {SignInRefusal.CANCELLED, SignInRefusal.SUSPENDED, SignInRefusal.ACCOUNT_CLOSED}
)
_AUTHENTICATION = Slot.AUTHENTICATION.value


@dataclass(frozen=True, kw_only=True)
class SignInCard:
    """What the sign-in page may know of a card before its holder has proven anything.

    ``refusal`` is why nobody may sign in with it, or None. ``hint`` says which passcode to type
    where a change of it left a doubt.
    """

    guid: str | None
    virtual: bool
    refusal: SignInRefused | None
    hint: Hint


def recognise(
    guid: str | None,
    certificate: bytes | None,
    *,
    office: Office,
    now: datetime,
    tries_left: int | None = None,
) -> SignInCard:
    """Look at a card that a page has read. ``certificate`` is that of slot 9A (DER), if any.

    ``tries_left`` is what the chip says of its passcode, None where it does not say. What has been
    decided about card or holder is told where the card's own certificate is shown; whoever has no
    more than its number hears of it when the card has proven itself.
    """
    card = _find(guid)
    if card is None:
        reason = SignInRefusal.UNKNOWN_CARD
        if certificate is not None and not _is_ours(certificate, office, now):
            reason = SignInRefusal.UNKNOWN_ISSUER
        return SignInCard(guid=guid, virtual=False, refusal=SignInRefused(reason), hint=Hint())
    refusal = None
    try:
        check(card, tries_left=tries_left, office=office, now=now)
    except SignInRefused as error:
        if error.reason not in DECIDED or _is_its_own(certificate, card):
            refusal = error
    return SignInCard(
        guid=card.guid,
        virtual=card.virtual,
        refusal=refusal,
        hint=hint_at_sign_in(card, tries_left=tries_left, now=now),
    )


def check(card: Card | None, *, tries_left: int | None, office: Office, now: datetime) -> None:
    """Say whether a holder may sign in with this card now, apart from proving it.

    Raises:
        SignInRefused: its ``reason`` is a SignInRefusal.
    """
    facts = None
    if card is not None:
        facts = CardFacts(
            status=card.status,
            person=card.person.status if card.person else None,
            certificate=_certificate_facts(card, office, now),
            virtual=card.virtual,
            tries_left=tries_left,
        )
    refusal = sign_in_refusal(facts, now=now, virtual_allowed=office.virtual_cards_allowed)
    if refusal is SignInRefusal.EXPIRED and card is not None:
        raise SignInRefused(refusal, expired_on=card.expires_on)
    if refusal is not None:
        raise SignInRefused(refusal)


class SignIn(Operation):
    kind = KIND
    event = "sign-in"
    first_step = PROVE

    def ask(self, turn: Turn) -> Ask:
        if turn.step.name == sign_terms.STEP:
            return sign_terms.ask(turn)
        key = key_on(turn.card, Slot.AUTHENTICATION)
        if key is None:
            raise SignInRefused(SignInRefusal.UNFINISHED)
        hold = Hold.PASSCODE if turn.operation.facts.get("hold_passcode") else Hold.NOTHING
        work = [turn.sign(key, Purpose.SIGN_IN)]
        return Ask(work=work, card=turn.card.guid, hold=hold, stages=STAGES)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        if turn.step.name == sign_terms.STEP:
            sign_terms.accept(turn, results)
            return Pause(CHOOSE, "terms-accepted")
        key = key_on(turn.card, Slot.AUTHENTICATION)
        if key is None:
            raise StatementRefused("no authentication key")
        made = turn.statement(results[0], key, Purpose.SIGN_IN)
        # The chip has just taken its passcode: it is not locked.
        check(turn.card, tries_left=1, office=turn.office, now=turn.now)
        if turn.card.status is CardStatus.LOCKED:
            turn.card.apply(CardEvent.UNLOCK, now=turn.now)
        settle(turn)
        turn.operation.facts["statement"] = made.token
        return Pause(CHOOSE, "authenticated")

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        return Pause(turn.step.name, code, told_which(turn, code, facts, sure))

    def resumes_at(self, operation: CardOperation) -> str:
        if operation.step == CHOOSE:
            raise StepPassed
        return operation.step


def start(
    *,
    sid: str,
    seat: str,
    guid: str | None,
    browser: str,
    tries_left: int | None,
    use: str | None,
    hold_passcode: bool,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Ask the card in this seat to prove itself with its authentication key.

    ``tries_left`` is what the chip said of its passcode, ``use`` which one the page asks for: both
    are kept for ``hint_at_sign_in``, in case that nobody hears the answer.

    A card about which something was decided is asked, too: it is refused when it has proven itself.

    Raises:
        SignInRefused: nobody may sign in with this card now.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    card = _find(guid)
    try:
        check(card, tries_left=tries_left, office=office, now=now)
    except SignInRefused as error:
        if error.reason not in DECIDED:
            raise
    assert card is not None
    return journal.begin(
        SIGN_IN,
        sid=sid,
        seat=seat,
        browser=browser,
        card=card,
        person_id=card.person_id,
        actor=None,
        office=office,
        now=now,
        facts={
            "hold_passcode": hold_passcode,
            "left": tries_left,
            "use": use if use in HINTS else None,
        },
    )


def _find(guid: str | None) -> Card | None:
    if not guid:
        return None
    return db.session.scalar(select(Card).where(Card.guid == guid.lower()))


def _is_its_own(certificate: bytes | None, card: Card) -> bool:
    return certificate is not None and any(
        each.der == certificate for each in card.certificates if each.slot == _AUTHENTICATION
    )


def _certificate_facts(card: Card, office: Office, now: datetime) -> CertificateFacts | None:
    """Those of the authentication certificate that counts, also where it is no longer good.

    That is the one of A1 as soon as a renewal has proven it: the card has this key, whatever came
    of writing its certificate.
    """
    rows = db.session.execute(
        select(Certificate, CardKey.state)
        .join(CardKey, CardKey.id == Certificate.key_id)
        .where(Certificate.card_id == card.id, Certificate.slot == Slot.AUTHENTICATION.value)
        .order_by(Certificate.id.desc())
    ).all()
    held = [row for row, key in rows if row.status is _HELD and key is KeyState.PENDING]
    known = [row for row, _ in rows if row.status is not _HELD]
    active = [row for row in known if row.status is CertificateStatus.ACTIVE]
    if held and journal.unfinished(card, renew.KIND) is not None:
        counts, status = held[0], CertificateStatus.ACTIVE
    elif known:
        counts = (active or known)[0]
        status = counts.status
    else:
        return None
    return CertificateFacts(
        status=status,
        not_before=counts.not_before,
        not_after=counts.not_after,
        issuer_known=_is_ours(counts.der, office, now),
    )


def _is_ours(certificate: bytes, office: Office, now: datetime) -> bool:
    try:
        validation.check(certificate, Slot.AUTHENTICATION, office.issuer, now=now)
    except CertificateRefused as error:
        return error.problem in (PathProblem.EXPIRED, PathProblem.NOT_YET_VALID)
    return True


SIGN_IN = base.register(SignIn())
