"""Self-service as a signed-in person looks after it: registering, changing, ending it.

A change is begun, its passcode shown (``app.card_operations.register``), and its steps saved one by
one in a draft that outlives the session. What a draft says counts with its last step, in one
transaction. Any step may be done twice or in two tabs: nothing is doubled or lost.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from app import audit
from app.card_operations import register, unlock
from app.card_operations.base import Turn, when_done
from app.domain.errors import Invalid
from app.domain.one_time_code import Purpose
from app.domain.principal import Principal
from app.domain.self_service import (
    AddressProblem,
    Change,
    ChangeNotOffered,
    NothingBegun,
    PasscodeNeeded,
    StepNeeded,
    WizardStep,
    approved,
    steps,
)
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import CardOperation, Person, SelfService, SelfServiceDraft
from app.services import alerts, one_time_codes, people, security_answers
from app.services.self_service_rows import locked_draft, locked_row, new_draft, plain_draft
from app.services.self_service_state import (
    PURPOSES,
    SelfServiceState,
    approved_domains,
    code_of,
    draft_of,
    mode,
    state_of,
)

__all__ = [
    "SelfServiceState",
    "approved_domains",
    "begin",
    "close_draft",
    "code_of",
    "confirm_code",
    "deregister",
    "draft_of",
    "mode",
    "resend",
    "save_email",
    "save_questions",
    "state_of",
]


def begin(principal: Principal, change: Change, now: datetime) -> None:
    """Begin a change, or go on with one that was begun.

    Raises:
        ChangeNotOffered: it cannot be made now.
    """
    if change not in state_of(principal.person_id).open:
        raise ChangeNotOffered(change=change)
    new_draft(principal.person_id, change, now)
    db.session.commit()


@when_done(register.KIND)
def passcode_is_shown(turn: Turn) -> None:
    """The card has checked the passcode and signed: this session may go on with the change."""
    operation = turn.operation
    assert operation.person_id is not None
    draft = locked_draft(operation.person_id, Change(operation.facts["change"]))
    if draft is None:  # another tab has ended what was begun
        return
    draft.proven_session_id = operation.session_id
    draft.proven_at = draft.updated_at = turn.now


def save_questions(
    principal: Principal, change: Change, chosen: Sequence[tuple[str, str]], now: datetime
) -> None:
    """Keep four questions and their answers; of a change of questions, this is the last step.

    An answer that is left empty stays as it is kept.

    Raises:
        NothingBegun, PasscodeNeeded, ChangeNotOffered: it is not this step's turn.
        AnswersRefused: says what is wrong at each place.
    """
    _demand_offered(change, WizardStep.QUESTIONS)
    while True:
        before = _demanded(principal, change, plain_draft(principal.person_id, change))
        kept, version = _kept(before)
        db.session.rollback()  # nothing is hashed while a transaction is open
        hashes = security_answers.hashed(chosen, kept)
        if change is Change.QUESTIONS:
            locked_row(principal.person_id)  # always before the draft
        draft = _demanded(principal, change, locked_draft(principal.person_id, change))
        if _kept(draft)[1] == version:
            break
        db.session.rollback()  # another tab has saved others meanwhile: compare with those
    draft.updated_at = now
    if change is Change.QUESTIONS:
        _change_questions(principal, draft, hashes, now)
    else:
        security_answers.keep_in_draft(draft, hashes)
    db.session.commit()


def save_email(principal: Principal, change: Change, email: str, now: datetime) -> None:
    """Keep the address, and send a code to it.

    Raises:
        NothingBegun, PasscodeNeeded, StepNeeded, ChangeNotOffered: it is not this step's turn.
        Invalid: "email" is none (people.EmailProblem), or cannot be taken (AddressProblem).
        RateLimited: five codes were sent within the hour.
    """
    _demand_offered(change, WizardStep.EMAIL)
    _demanded(principal, change, plain_draft(principal.person_id, change))
    address = _address(email)
    if change is Change.EMAIL and _same(address, state_of(principal.person_id).email):
        raise Invalid({"email": AddressProblem.SAME})
    _send(principal, change, address, now)


def resend(principal: Principal, change: Change, now: datetime) -> None:
    """Send another code to the address that is kept; the one before counts no more.

    Raises:
        NothingBegun, PasscodeNeeded, StepNeeded, ChangeNotOffered: it is not this step's turn.
        RateLimited: five codes were sent within the hour.
    """
    _demand_offered(change, WizardStep.CODE)
    draft = _demanded(principal, change, plain_draft(principal.person_id, change))
    if draft.email is None:
        raise StepNeeded(WizardStep.EMAIL)
    _send(principal, change, draft.email, now)


def confirm_code(principal: Principal, change: Change, typed: str, now: datetime) -> None:
    """Take the code: with it the person is registered, or their address is changed.

    Where another tab has done it already, there is nothing left to do.

    Raises:
        NothingBegun, PasscodeNeeded, StepNeeded, ChangeNotOffered: it is not this step's turn.
        CodeRefused: it is not the code, or none counts any more.
    """
    _demand_offered(change, WizardStep.CODE)
    if _done_elsewhere(principal, change):
        return
    _demanded(principal, change, plain_draft(principal.person_id, change))
    sent = one_time_codes.guess(principal.person_id, PURPOSES[change], typed, now=now)
    locked_row(principal.person_id, make=change is Change.REGISTER)  # always before the draft
    draft = locked_draft(principal.person_id, change)
    if draft is None and _done_elsewhere(principal, change):
        db.session.rollback()
        return
    draft = _demanded(principal, change, draft)
    one_time_codes.demand_used(sent.id, now=now)
    if change is Change.REGISTER:
        _register(principal, draft, sent.sent_to, now)
    else:
        _change_email(principal, draft, sent.sent_to, now)
    db.session.commit()


def close_draft(principal: Principal, change: Change, now: datetime) -> None:
    """Forget what was begun: answers, address and code. Nothing that counts is changed."""
    db.session.execute(
        delete(SelfServiceDraft).where(
            SelfServiceDraft.person_id == principal.person_id, SelfServiceDraft.change == change
        )
    )
    if change in PURPOSES:
        one_time_codes.end_all(principal.person_id, PURPOSES[change], now=now)
    db.session.commit()


def deregister(principal: Principal, now: datetime) -> None:
    """End one's own registration: answers, address, drafts and codes go. Failures stay.

    An unlocking that was begun with it is given up.

    Raises:
        ChangeNotOffered: the person is not registered.
    """
    begun = locked_unlocks(principal.person_id)
    row = locked_row(principal.person_id)
    if row is None or row.registered_at is None:
        db.session.rollback()
        raise ChangeNotOffered
    before = row.email
    forget(row, begun, now)
    _record("self-service.ended", principal, now)
    alerts.alert(row.person, "self-service-ended", now=now, also=[before], by=None)
    db.session.commit()


def locked_unlocks(person_id: int) -> list[CardOperation]:
    """What a person has begun at the Smartcard Service Centre, locked: a code that was typed
    already would open their card for a while longer. Always before the row of their self-service.
    """
    rows = db.session.scalars(
        select(CardOperation)
        .where(
            CardOperation.person_id == person_id,
            CardOperation.kind == unlock.KIND,
            CardOperation.finished_at.is_(None),
        )
        .order_by(CardOperation.id)
        .with_for_update()
    )
    return [each for each in rows if each.facts["mode"] == unlock.SELF_SERVICE]


def forget(row: SelfService, begun: Sequence[CardOperation], now: datetime) -> None:
    """Take away all that a registration consists of, and give up what was ``begun`` with it. Part
    of the caller's action.
    """
    for operation in begun:
        operation.give_up(now)
    row.registered_at = row.questions_changed_at = row.email = row.asked = None
    row.answers.clear()
    db.session.execute(delete(SelfServiceDraft).where(SelfServiceDraft.person_id == row.person_id))
    one_time_codes.end_all(row.person_id, *Purpose, now=now)


def _demand_offered(change: Change, step: WizardStep) -> None:
    if step not in steps(change, mode()):
        raise ChangeNotOffered(change=change)


def _demanded(
    principal: Principal, change: Change, draft: SelfServiceDraft | None
) -> SelfServiceDraft:
    """Return the draft, where the person may go on with it in this session."""
    if draft is None:
        db.session.rollback()
        raise NothingBegun(change=change)
    if draft.proven_session_id != principal.session_id:
        db.session.rollback()
        raise PasscodeNeeded
    return draft


def _kept(draft: SelfServiceDraft) -> tuple[security_answers.Hashes, object]:
    """The answers that may be left as they are, and what changes when others are saved."""
    kept = security_answers.kept_in_draft(draft)
    if kept or draft.change is not Change.QUESTIONS:
        return kept, draft.answers_sealed
    row = db.session.scalar(select(SelfService).filter_by(person_id=draft.person_id))
    if row is None:
        return {}, None
    return security_answers.kept_in(row), [each.ref for each in row.answers]


def _address(text: str) -> str:
    try:
        address = people.email_written(text)
    except people.NoEmail as error:
        raise Invalid({"email": error.problem}) from error
    if not approved(address, approved_domains()):
        raise Invalid({"email": AddressProblem.NOT_APPROVED})
    return address


def _same(address: str, other: str | None) -> bool:
    return len(alerts.different([address, other])) == 1 and other is not None


def _send(principal: Principal, change: Change, to: str, now: datetime) -> None:
    purpose = PURPOSES[change]
    prepared = one_time_codes.prepare(principal.person_id, purpose, now)
    draft = _demanded(principal, change, locked_draft(principal.person_id, change))
    if WizardStep.QUESTIONS in steps(change, mode()) and not draft.questions:
        db.session.rollback()
        raise StepNeeded(WizardStep.QUESTIONS)
    draft.email, draft.updated_at = to, now
    person = db.session.get_one(Person, principal.person_id)
    one_time_codes.send(prepared, person, purpose, to=to, actor=principal, now=now)
    db.session.commit()


def _done_elsewhere(principal: Principal, change: Change) -> bool:
    """Whether a change that has no draft any more has been made."""
    state = state_of(principal.person_id)
    return change not in state.begun and state.registered


def _register(principal: Principal, draft: SelfServiceDraft, email: str, now: datetime) -> None:
    asks = mode().asks_questions
    if asks and not draft.questions:
        db.session.rollback()
        raise StepNeeded(WizardStep.QUESTIONS)
    row = locked_row(principal.person_id)
    assert row is not None, "made before the draft was locked"
    row.email, row.registered_at, row.asked = email, now, None
    if asks:
        security_answers.keep(row, security_answers.kept_in_draft(draft))
        row.questions_changed_at = now
    db.session.delete(draft)
    _record("self-service.registered", principal, now)
    alerts.alert(row.person, "self-service-registered", now=now, email=email)


def _change_email(principal: Principal, draft: SelfServiceDraft, email: str, now: datetime) -> None:
    row = _registered(principal)
    before, row.email = row.email, email
    db.session.delete(draft)
    _record("self-service.email-changed", principal, now)
    alerts.alert(row.person, "self-service-email-changed", now=now, also=[before], email=email)


def _change_questions(
    principal: Principal, draft: SelfServiceDraft, hashes: security_answers.Hashes, now: datetime
) -> None:
    row = _registered(principal)
    security_answers.keep(row, hashes)
    row.questions_changed_at, row.asked = now, None
    db.session.delete(draft)
    _record("self-service.questions-changed", principal, now)
    alerts.alert(row.person, "self-service-questions-changed", now=now)


def _registered(principal: Principal) -> SelfService:
    row = locked_row(principal.person_id)
    if row is None or row.registered_at is None:
        db.session.rollback()
        raise ChangeNotOffered
    return row


def _record(event: str, principal: Principal, now: datetime) -> None:
    audit.record(
        event,
        outcome=Outcome.DONE,
        actor=principal,
        subject_person_id=principal.person_id,
        now=now,
    )
