"""`flask cards check`: everything that does not fit together is found, and nothing else."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.domain.card_lifecycle import CardStatus
from app.domain.days import end_of
from app.domain.statuses import CertificateStatus, KeyState, OperationState
from app.extensions import db
from app.models import Card, CardKey
from app.services import card_check
from app.services.card_check import Problem
from tests.parts.certificates import a_certificate
from tests.parts.clock import START
from tests.parts.operations import an_operation
from tests.parts.people import a_card, a_person

pytestmark = pytest.mark.usefixtures("db_session")

LAST_DAY = START.date() + timedelta(days=400)


def sound() -> Card:
    """A card that is as it ought to be."""
    card = a_card(
        a_person(), expires_on=LAST_DAY, management_key_sealed=b"sealed", puk_sealed=b"sealed"
    )
    for slot in ("9a", "9c", "9e"):
        certificate = a_certificate(card, slot=slot, not_after=end_of(LAST_DAY))
        certificate.key.slot, certificate.key.state = slot, KeyState.CURRENT
    db.session.commit()
    return card


def certificate(card: Card, slot: str):
    return next(each for each in card.certificates if each.slot == slot)


def another_day(card: Card) -> None:
    card.expires_on += timedelta(days=1)


def no_card_key(card: Card) -> None:
    certificate(card, "9e").key.state = KeyState.SUPERSEDED
    certificate(card, "9e").status = CertificateStatus.REVOKED
    certificate(card, "9e").revoked_at = START


def key_gone(card: Card) -> None:
    certificate(card, "9c").key.state = KeyState.SUPERSEDED


def no_certificate(card: Card) -> None:
    certificate(card, "9a").status = CertificateStatus.REVOKED
    certificate(card, "9a").revoked_at = START


def held(card: Card) -> None:
    a_certificate(card, status=CertificateStatus.HELD)


def twice(card: Card) -> None:
    key = certificate(card, "9c").key
    a_certificate(card, slot="9c", key=key)


def cancelled(card: Card) -> None:
    card.status = CardStatus.CANCELLED


def without(column: str) -> Callable[[Card], None]:
    return lambda card: setattr(card, column, None)


def pending(card: Card) -> None:
    card.puk_pending_sealed = b"sealed"


def expired(card: Card) -> None:
    card.expires_on = START.date() - timedelta(days=1)
    certificate(card, "9a").not_after = end_of(card.expires_on)


def stopped(card: Card) -> None:
    an_operation(card, "renew", "first", state=OperationState.WAITING)


WRONG = {
    Problem.OTHER_DAY: another_day,
    Problem.NO_CARD_KEY: no_card_key,
    Problem.NOT_OF_ITS_KEY: key_gone,
    Problem.NO_CERTIFICATE: no_certificate,
    Problem.HELD: held,
    Problem.TWO_CERTIFICATES: twice,
    Problem.CERTIFICATE_OF_NO_USE: cancelled,
    Problem.NO_MANAGEMENT_KEY: without("management_key_sealed"),
    Problem.NO_PUK: without("puk_sealed"),
    Problem.PENDING_PUK: pending,
    Problem.EXPIRED: expired,
    Problem.UNFINISHED: stopped,
}


def test_every_problem_has_its_test():
    assert set(WRONG) == set(Problem)


def test_sound_cards_and_blank_ones_have_nothing_to_tell(clock):
    sound()
    a_card(None)
    assert list(card_check.check(clock())) == []


@pytest.mark.parametrize(("problem", "make"), WRONG.items())
def test_what_is_wrong_with_a_card_is_found(clock, problem, make):
    sound()
    card = sound()
    make(card)
    db.session.commit()
    found = {(each.problem, each.card_id) for each in card_check.check(clock())}
    assert found == {(problem, card.id)}


def test_what_an_operation_is_about_to_complete_is_not_wrong(clock):
    card = sound()
    held(card)
    no_certificate(card)
    pending(card)
    stopped(card)
    an_operation(card, "unlock", "unlock", state=OperationState.WAITING)
    db.session.commit()
    problems = [each.problem for each in card_check.check(clock())]
    assert problems == [Problem.UNFINISHED, Problem.UNFINISHED]


def test_a_key_that_is_pending_belongs_to_nobody_s_certificate_yet(clock):
    card = sound()
    db.session.add(
        CardKey(
            card_id=card.id,
            slot="9a",
            algorithm="ES256",
            public_key=b"k",
            jkt="j",
            created_at=START,
        )
    )
    db.session.commit()
    assert list(card_check.check(clock())) == []
