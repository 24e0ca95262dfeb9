"""Signing in with a card: through the real bridge, to the session."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.card_operations import certificates, journal
from app.card_operations.answers import CardAnswered, NextTicket, Waiting
from app.card_operations.certificates import active_certificate, issue_for
from app.card_operations.refusals import (
    CardNotVerified,
    OperationOver,
    StepPassed,
)
from app.card_operations.sign_in import DECIDED
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.days import day_of
from app.domain.errors import NotFound, SignInRefused
from app.domain.revocation import RevocationReason
from app.domain.statuses import (
    CertificateStatus,
    Outcome,
    PersonStatus,
)
from app.domain.terms_rule import TermsDue
from app.extensions import db
from app.models import AuditEvent, Card, Person, Session, TermsAcceptance
from app.services import sessions, sign_in, terms
from app.services.sign_in import AcceptTerms, ChooseRole, SignedIn, TermsChanged
from app.services.terms_evidence import Checked, findings
from reader_bridge.contract import Algorithm, Slot
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_1
from tests.parts.people import an_assignment


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    counter.put_in()
    return counter.issue(holder)


def proven(counter: Counter, card: Card, passcode: str = PASSCODE) -> Waiting:
    answer = counter.run(counter.start_sign_in(card), passcode=passcode)
    assert isinstance(answer, Waiting), answer
    return answer


def proceed(counter: Counter, operation: str) -> sign_in.Next:
    return sign_in.proceed(operation, browser=counter.page.browser, now=counter.now)


def accept_terms(counter: Counter, operation: str, version: int = 1) -> NextTicket:
    return sign_in.accept_terms(
        operation,
        version=version,
        office=counter.office,
        now=counter.now,
        **counter.at_the_bridge(),
    )


def events(name: str) -> list[tuple[Outcome, str | None]]:
    rows = db.session.scalars(select(AuditEvent).where(AuditEvent.event == name))
    return [(row.outcome, row.facts.get("reason")) for row in rows]


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_card_and_passcode_lead_to_a_session_of_that_card_and_seat(
    counter: Counter, holder: Person, algorithm: Algorithm
) -> None:
    counter.put_in()
    card = counter.issue(holder, algorithm=algorithm)
    waiting = proven(counter, card)
    assert waiting.reason == "authenticated"
    following = proceed(counter, waiting.operation)
    assert isinstance(following, SignedIn)
    principal = sessions.load(following.token, counter.now)
    assert principal is not None
    assert (principal.uuid, principal.card_guid) == (holder.uuid, card.guid)
    assert principal.seat == counter.seat
    assert principal.role is None
    assert events("sign-in") == [(Outcome.DONE, None)]
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.event == "sign-in")).one()
    assert event.statement is not None
    assert event.actor_uuid == holder.uuid


def test_a_wrong_passcode_says_how_many_tries_are_left_and_may_be_typed_again(
    counter: Counter, card: Card
) -> None:
    answer = counter.run(counter.start_sign_in(card), passcode="wrong-00")
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts) == ("wrong-passcode", {"left": 2})
    with pytest.raises(StepPassed):
        proceed(counter, answer.operation)
    again = counter.run(counter.ticket(answer.operation), passcode=PASSCODE)
    assert isinstance(again, Waiting)
    assert isinstance(proceed(counter, again.operation), SignedIn)


def test_the_last_wrong_passcode_locks_the_card_for_the_service_too(
    counter: Counter, card: Card
) -> None:
    for _ in range(3):
        answer = counter.run(counter.start_sign_in(card), passcode="wrong-00")
    assert isinstance(answer, CardAnswered)
    assert answer.code == "passcode-locked"
    db.session.refresh(card)
    assert card.status is CardStatus.LOCKED
    with pytest.raises(SignInRefused, match="locked"):
        counter.start_sign_in(card)
    assert events("card.locked") == [(Outcome.DONE, None)]
    assert events("sign-in") == [(Outcome.REFUSED, "locked")]


def test_a_card_that_is_cancelled_meanwhile_is_not_locked_instead(
    counter: Counter, card: Card
) -> None:
    for _ in range(2):
        counter.run(counter.start_sign_in(card), passcode="wrong-00")
    ticket = counter.start_sign_in(card)
    last = counter.page.step(ticket, passcode="wrong-00")
    assert card.status is CardStatus.ISSUED  # as a worker has it that read it just before
    with db.engine.begin() as another:
        another.execute(update(Card).values(status=CardStatus.CANCELLED))
    counter.bring(ticket.operation, last)
    db.session.refresh(card)
    assert card.status is CardStatus.CANCELLED


def test_a_page_alone_cannot_have_a_card_taken_for_locked(counter: Counter, card: Card) -> None:
    ticket = counter.start_sign_in(card)
    body = {"step": ticket.step, "error": {"code": "passcode-locked"}, "receipt": None}
    counter.bring(ticket.operation, body)
    db.session.refresh(card)
    assert card.status is CardStatus.ISSUED


def test_only_what_the_workstation_signed_is_kept_of_a_wrong_passcode(
    counter: Counter, card: Card
) -> None:
    ticket = counter.start_sign_in(card)
    said = {"code": "wrong-passcode", "left": 1}
    counter.bring(ticket.operation, {"step": ticket.step, "error": said, "receipt": None})
    assert events("card.wrong-passcode") == []
    counter.run(counter.start_sign_in(card), passcode="wrong-00")
    assert [outcome for outcome, _ in events("card.wrong-passcode")] == [Outcome.REFUSED]


def test_an_operation_is_not_continued_without_end(counter: Counter, card: Card) -> None:
    ticket = counter.start_sign_in(card)
    for _ in range(journal.MOST_STEPS - 1):
        counter.ticket(ticket.operation)
    with pytest.raises(OperationOver):
        counter.ticket(ticket.operation)


def test_who_holds_several_positions_chooses_one_of_them(counter: Counter, card: Card) -> None:
    assert card.person is not None
    first, second = an_assignment(card.person), an_assignment(card.person)
    waiting = proven(counter, card)
    following = proceed(counter, waiting.operation)
    assert isinstance(following, ChooseRole)
    assert {each.id for each in following.assignments} == {first.id, second.id}
    with pytest.raises(NotFound):
        sign_in.choose_role(waiting.operation, 999, browser=counter.page.browser, now=counter.now)
    chosen = sign_in.choose_role(
        waiting.operation, second.id, browser=counter.page.browser, now=counter.now
    )
    assert isinstance(chosen, SignedIn)
    principal = sessions.load(chosen.token, counter.now)
    assert principal is not None
    assert principal.assignment_id == second.id


def test_terms_that_are_due_are_signed_with_the_passcode_that_is_held(
    counter: Counter, card: Card
) -> None:
    text = terms.publish(title="Terms", text="Be careful.", actor=None, now=counter.now)
    waiting = proven(counter, card)
    due = proceed(counter, waiting.operation)
    assert isinstance(due, AcceptTerms)
    assert (due.due.terms.id, due.due.why) == (text.id, TermsDue.FIRST)
    assert db.session.query(Session).count() == 0
    ticket = accept_terms(counter, waiting.operation)
    accepted = counter.run(ticket)
    assert isinstance(accepted, Waiting)
    assert accepted.reason == "terms-accepted"
    assert isinstance(proceed(counter, waiting.operation), SignedIn)
    kept = db.session.scalars(select(TermsAcceptance)).one()
    assert kept.terms_id == text.id
    assert events("terms.accepted") == [(Outcome.DONE, None)]
    checked = Checked()
    assert list(findings(counter.office.issuer, checked)) == []
    assert checked.acceptances == 1
    again = proven(counter, card)
    assert isinstance(proceed(counter, again.operation), SignedIn)


def test_the_passcode_is_asked_for_again_when_it_is_no_longer_held(
    counter: Counter, card: Card
) -> None:
    terms.publish(title="Terms", text="Be careful.", actor=None, now=counter.now)
    waiting = proven(counter, card)
    counter.page.desk("remove", reader=READER_1)
    counter.page.desk("insert", card="one", reader=READER_1)
    ticket = accept_terms(counter, waiting.operation)
    answer = counter.run(ticket)
    assert isinstance(answer, CardAnswered)
    assert answer.code == "passcode-needed"
    accepted = counter.run(counter.ticket(answer.operation), passcode=PASSCODE)
    assert isinstance(accepted, Waiting)


def test_a_text_that_is_newer_than_the_one_shown_is_not_signed_unread(
    counter: Counter, card: Card
) -> None:
    terms.publish(title="Terms", text="Be careful.", actor=None, now=counter.now)
    waiting = proven(counter, card)
    newer = terms.publish(title="Terms", text="Be very careful.", actor=None, now=counter.now)
    with pytest.raises(TermsChanged):
        accept_terms(counter, waiting.operation, version=1)
    shown = proceed(counter, waiting.operation)
    assert isinstance(shown, AcceptTerms)
    assert shown.due.terms.id == newer.id
    assert isinstance(counter.run(accept_terms(counter, waiting.operation, version=2)), Waiting)
    assert isinstance(proceed(counter, waiting.operation), SignedIn)


@pytest.mark.parametrize(
    ("days_left", "reminded"), [(91, False), (90, True), (23, True), (0, True)]
)
def test_the_holder_is_reminded_from_the_90th_day_before_expiry_through_that_day(
    counter: Counter, card: Card, days_left: int, reminded: bool
) -> None:
    card.expires_on = day_of(counter.now) + timedelta(days=days_left)
    db.session.commit()
    for _ in range(2):  # at every sign-in
        following = proceed(counter, proven(counter, card).operation)
        assert isinstance(following, SignedIn)
        assert following.expires_soon is reminded


def test_who_declines_the_terms_is_not_signed_in(counter: Counter, card: Card) -> None:
    terms.publish(title="Terms", text="Be careful.", actor=None, now=counter.now)
    waiting = proven(counter, card)
    refusal = sign_in.decline_terms(
        waiting.operation, browser=counter.page.browser, now=counter.now
    )
    assert refusal.reason == "terms-declined"
    assert events("sign-in") == [(Outcome.REFUSED, "terms-declined")]
    with pytest.raises(OperationOver):
        proceed(counter, waiting.operation)


def suspend(card: Card, counter: Counter) -> None:
    card.apply(CardEvent.SUSPEND, now=counter.now)


def cancel(card: Card, counter: Counter) -> None:
    card.apply(CardEvent.CANCEL, now=counter.now)


def close(card: Card, counter: Counter) -> None:
    assert card.person is not None
    card.person.status = PersonStatus.CLOSED


def revoke(card: Card, counter: Counter) -> None:
    for each in card.certificates:
        each.status, each.revoked_at = CertificateStatus.REVOKED, counter.now


def allow_no_virtual_cards(card: Card, counter: Counter) -> None:
    counter.office.config["ALLOW_VIRTUAL_CARDS"] = False


REFUSALS = [
    (suspend, "suspended"),
    (cancel, "cancelled"),
    (close, "account-closed"),
    (revoke, "revoked"),
    (allow_no_virtual_cards, "virtual-card"),
]


@pytest.mark.parametrize(("happens", "reason"), REFUSALS)
def test_a_refused_card_is_told_why_before_its_passcode_is_typed(
    counter: Counter, card: Card, happens, reason: str
) -> None:
    shown = active_certificate(card, Slot.AUTHENTICATION).der
    happens(card, counter)
    db.session.commit()
    seen = sign_in.recognise(card.guid, shown, office=counter.office, now=counter.now)
    assert seen.refusal is not None
    assert seen.refusal.reason == reason


@pytest.mark.parametrize(("happens", "reason"), REFUSALS)
def test_what_was_decided_about_a_card_is_told_to_nobody_who_knows_no_more_than_its_number(
    counter: Counter, card: Card, happens, reason: str
) -> None:
    other = active_certificate(card, Slot.SIGNATURE).der
    happens(card, counter)
    db.session.commit()
    decided = reason in DECIDED
    for shown in (None, other):
        seen = sign_in.recognise(card.guid, shown, office=counter.office, now=counter.now)
        assert (seen.refusal is None) is decided
    if decided:
        ticket = counter.start_sign_in(card)
        with pytest.raises(SignInRefused, match=reason):
            counter.run(ticket, passcode=PASSCODE)
    else:
        with pytest.raises(SignInRefused, match=reason):
            counter.start_sign_in(card)
    assert events("sign-in") == [(Outcome.REFUSED, reason)]


def test_a_certificate_that_was_never_placed_keeps_nobody_out(counter: Counter, card: Card) -> None:
    """It is newer than the active one, and revoked."""
    key = active_certificate(card, Slot.AUTHENTICATION).key
    unused = issue_for(
        card, key, uuid=card.person.uuid, issuer=counter.office.issuer, now=counter.now
    )
    certificates.revoke(unused, RevocationReason.SUPERSEDED, counter.now)
    db.session.commit()
    assert counter.sign_in(card).card_id == card.id


@pytest.mark.parametrize(("happens", "reason"), REFUSALS)
def test_what_happens_while_the_passcode_is_typed_still_counts(
    counter: Counter, card: Card, happens, reason: str
) -> None:
    ticket = counter.start_sign_in(card)
    result = counter.page.step(ticket, passcode=PASSCODE)
    happens(card, counter)
    db.session.commit()
    with pytest.raises(SignInRefused, match=reason):
        counter.bring(ticket.operation, result)
    assert events("sign-in") == [(Outcome.REFUSED, reason)]


def test_an_expired_card_is_refused_with_its_day(counter: Counter, card: Card) -> None:
    later = counter.now + timedelta(days=731)
    seen = sign_in.recognise(card.guid, None, office=counter.office, now=later)
    assert seen.refusal is not None
    assert seen.refusal.reason == "expired"
    assert seen.refusal.facts == {"expired_on": card.expires_on}


def test_cards_that_the_service_does_not_know_are_told_from_cards_of_other_issuers(
    counter: Counter, card: Card
) -> None:
    ours = counter.page.read_card(READER_1)["certificates"]["9a"]
    for certificate, reason in ((None, "unknown-card"), (b"none of ours", "unknown-issuer")):
        seen = sign_in.recognise("ab" * 16, certificate, office=counter.office, now=counter.now)
        assert seen.refusal is not None
        assert seen.refusal.reason == reason
    assert ours


def test_a_card_that_another_program_unlocked_signs_in_again(counter: Counter, card: Card) -> None:
    card.apply(CardEvent.LOCK, now=counter.now)
    db.session.commit()
    with pytest.raises(SignInRefused, match="locked"):
        counter.start_sign_in(card)
    answer = counter.run(counter.start_sign_in(card, tries_left=3), passcode=PASSCODE)
    assert isinstance(answer, Waiting)
    db.session.refresh(card)
    assert card.status is CardStatus.ISSUED


def test_a_card_with_the_guid_of_another_proves_nothing(counter: Counter, card: Card) -> None:
    """Whoever copies a GUID onto a card of their own cannot sign with the other's key."""
    false = counter.chip()
    assert false.path is not None
    false.path = false.path.with_name("impostor.json")
    false.keys["9a"] = false.keys["9e"]
    false.save()
    counter.page.desk("insert", card="impostor", reader=READER_1)
    with pytest.raises(CardNotVerified):
        counter.run(counter.start_sign_in(card), passcode=PASSCODE)
    row = db.session.scalars(select(AuditEvent).where(AuditEvent.event == "sign-in")).one()
    assert row.facts["problem"].startswith("signature")
