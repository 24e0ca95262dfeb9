"""What is said of a certificate follows from its own state and from its card's."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.domain.card_lifecycle import CardStatus
from app.domain.revocation import (
    GOOD,
    UNKNOWN,
    Known,
    RevocationReason,
    Standing,
    Verdict,
    shard_of,
    standing,
)
from app.domain.statuses import CertificateStatus

ISSUED, REVOKED, SUSPENDED = (datetime(2027, 1, day, tzinfo=UTC) for day in (1, 2, 3))
ACTIVE = Known(
    status=CertificateStatus.ACTIVE,
    not_before=ISSUED,
    revoked_at=None,
    reason=None,
    card=CardStatus.ISSUED,
    suspended_at=None,
)
LOST = replace(
    ACTIVE, status=CertificateStatus.REVOKED, revoked_at=REVOKED, reason="key-compromise"
)
HOLD = RevocationReason.CERTIFICATE_HOLD


def test_an_active_certificate_is_good_and_one_that_nobody_knows_is_unknown():
    assert standing(ACTIVE) == GOOD
    assert standing(None) == UNKNOWN


@pytest.mark.parametrize("card", [CardStatus.LOCKED, CardStatus.ISSUED])
def test_a_locked_card_keeps_its_certificates(card):
    assert standing(replace(ACTIVE, card=card)) == GOOD


def test_a_revoked_one_is_told_with_time_and_reason():
    expected = Standing(Verdict.REVOKED, REVOKED, RevocationReason.KEY_COMPROMISE)
    assert standing(LOST) == expected


@pytest.mark.parametrize("word", [None, "because"])
def test_a_reason_that_is_none_is_unspecified(word):
    assert standing(replace(LOST, reason=word)).reason is RevocationReason.UNSPECIFIED


def test_a_suspended_card_puts_its_certificates_on_hold_since_then():
    suspended = replace(ACTIVE, card=CardStatus.SUSPENDED, suspended_at=SUSPENDED)
    assert standing(suspended) == Standing(Verdict.REVOKED, SUSPENDED, HOLD)


def test_a_revoked_one_of_a_suspended_card_stays_revoked_for_its_own_reason():
    suspended = replace(LOST, card=CardStatus.SUSPENDED, suspended_at=SUSPENDED)
    assert standing(suspended).reason is RevocationReason.KEY_COMPROMISE


def test_a_certificate_is_on_hold_until_its_operation_is_done():
    held = replace(ACTIVE, status=CertificateStatus.HELD, card=CardStatus.BLANK)
    assert standing(held) == Standing(Verdict.REVOKED, ISSUED, HOLD)


@pytest.mark.parametrize(("serial", "shard"), [("7fab00", 0), ("a", 10), ("12ff", 255)])
def test_a_shard_is_the_last_byte_of_the_serial(serial, shard):
    assert shard_of(serial) == shard
