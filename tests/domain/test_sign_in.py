"""Whether a card may sign in: every status of card and person, and the edges of the certificate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.card_lifecycle import CardStatus
from app.domain.sign_in import CardFacts, CertificateFacts, SignInRefusal, sign_in_refusal
from app.domain.statuses import CertificateStatus, PersonStatus

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CERTIFICATE = CertificateFacts(
    status=CertificateStatus.ACTIVE,
    not_before=NOW - timedelta(days=1),
    not_after=NOW + timedelta(days=1),
    issuer_known=True,
)
CARD = CardFacts(
    status=CardStatus.ISSUED,
    person=PersonStatus.OPEN,
    certificate=CERTIFICATE,
    virtual=False,
)


def refusal(card: CardFacts | None, *, now: datetime = NOW, virtual_allowed: bool = False):
    return sign_in_refusal(card, now=now, virtual_allowed=virtual_allowed)


def with_certificate(**changed) -> CardFacts:
    return replace(CARD, certificate=replace(CERTIFICATE, **changed))


def test_an_issued_card_with_a_good_certificate_signs_in():
    assert refusal(CARD) is None


def test_a_card_that_nobody_knows_is_refused():
    assert refusal(None) is SignInRefusal.UNKNOWN_CARD


@pytest.mark.parametrize("person", [None, *PersonStatus])
@pytest.mark.parametrize("status", CardStatus)
def test_only_an_issued_card_of_an_open_account_signs_in(status, person):
    by_status = {
        CardStatus.BLANK: SignInRefusal.NOT_ISSUED,
        CardStatus.CANCELLED: SignInRefusal.CANCELLED,
        CardStatus.SUSPENDED: SignInRefusal.SUSPENDED,
        CardStatus.EXPIRED: SignInRefusal.EXPIRED,
    }
    by_person = {None: SignInRefusal.NOT_ISSUED, PersonStatus.CLOSED: SignInRefusal.ACCOUNT_CLOSED}
    expected = by_status.get(status) or by_person.get(person)
    if expected is None and status is CardStatus.LOCKED:
        expected = SignInRefusal.LOCKED
    assert refusal(replace(CARD, status=status, person=person)) is expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (CERTIFICATE.not_before - SECOND, SignInRefusal.NOT_YET_VALID),
        (CERTIFICATE.not_before, None),
        (CERTIFICATE.not_after, None),
        (CERTIFICATE.not_after + SECOND, SignInRefusal.EXPIRED),
    ],
)
def test_a_certificate_is_good_from_its_first_second_through_its_last(now, expected):
    assert refusal(CARD, now=now) is expected


@pytest.mark.parametrize("status", CertificateStatus)
def test_only_an_active_certificate_signs_in(status):
    expected = {
        CertificateStatus.ACTIVE: None,
        CertificateStatus.REVOKED: SignInRefusal.REVOKED,
    }.get(status, SignInRefusal.UNFINISHED)
    assert refusal(with_certificate(status=status)) is expected


def test_a_certificate_by_an_unknown_issuer_is_refused_before_anything_it_says():
    foreign = with_certificate(issuer_known=False, status=CertificateStatus.REVOKED)
    assert refusal(foreign) is SignInRefusal.UNKNOWN_ISSUER


def test_a_card_without_a_certificate_is_in_the_middle_of_something():
    assert refusal(replace(CARD, certificate=None)) is SignInRefusal.UNFINISHED


def test_a_virtual_card_signs_in_only_where_it_is_allowed():
    virtual = replace(CARD, virtual=True)
    assert refusal(virtual) is SignInRefusal.VIRTUAL_CARD
    assert refusal(virtual, virtual_allowed=True) is None


@pytest.mark.parametrize(
    ("status", "tries_left", "expected"),
    [
        (CardStatus.ISSUED, 0, SignInRefusal.LOCKED),
        (CardStatus.ISSUED, 1, None),
        (CardStatus.LOCKED, None, SignInRefusal.LOCKED),
        (CardStatus.LOCKED, 3, None),  # unlocked since, as the chip knows
    ],
)
def test_a_locked_card_is_refused_and_the_chip_knows_best(status, tries_left, expected):
    assert refusal(replace(CARD, status=status, tries_left=tries_left)) is expected


def test_the_gravest_reason_is_the_one_that_is_told():
    worst = CardFacts(
        status=CardStatus.CANCELLED,
        person=PersonStatus.CLOSED,
        certificate=replace(CERTIFICATE, status=CertificateStatus.REVOKED),
        virtual=True,
        tries_left=0,
    )
    assert refusal(worst) is SignInRefusal.CANCELLED
