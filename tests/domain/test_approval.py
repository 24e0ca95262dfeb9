"""The text that an agent's card signs."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.domain.approval import GOOD_FOR, Act, ActKind, Named, approval_text, digest, is_good
from app.domain.cancelling import REVOCATIONS, CancelReason

AT = datetime(2027, 3, 4, 14, 5, 6, tzinfo=UTC)
ACT = Act(act=ActKind.CANCEL, person_id=1, card_id=2, reason="lost", note="left on the bus")


def text(act: Act = ACT, at: datetime = AT) -> str:
    return approval_text(
        act,
        service="https://identity.test",
        at=at,
        by=Named(uuid="555012345678", name="Grace Hopper"),
        role="RA Agent",
        organisation="RX1 Test Hospital",
        on=Named(uuid="555098765432", name="Ada Lovelace"),
        card_number="700429581630",
    )


def test_the_text_is_written_so_and_never_otherwise() -> None:
    assert text() == (
        "Approval at: https://identity.test\n"
        "Date: 2027-03-04T14:05:06Z\n"
        "Approved by: 555012345678 Grace Hopper\n"
        "Role: RA Agent\n"
        "Organisation: RX1 Test Hospital\n"
        "Act: Cancel a Smartcard\n"
        "Person: 555098765432 Ada Lovelace\n"
        "Card: 700429581630\n"
        "Reason: lost\n"
        "Note: left on the bus\n"
        "New card wanted: no\n"
    )
    assert digest(text()) == hashlib.sha256(text().encode()).hexdigest()


def test_the_date_is_the_same_in_every_time_zone() -> None:
    assert text(at=AT.astimezone(timezone(timedelta(hours=5)))) == text()


def test_a_note_cannot_pretend_to_be_another_line() -> None:
    forged = text(replace(ACT, note="x\nReason: stolen"))
    assert forged.count("\n") == text().count("\n")
    assert "Note: x Reason: stolen\n" in forged


@pytest.mark.parametrize(
    ("after", "good"),
    [
        (timedelta(0), True),
        (GOOD_FOR, True),
        (GOOD_FOR + timedelta(seconds=1), False),
        (timedelta(seconds=-1), False),
    ],
)
def test_an_approval_is_good_until_its_last_second(after: timedelta, good: bool) -> None:
    assert is_good(AT, AT + after) is good


def test_every_reason_says_what_its_certificates_are_revoked_for() -> None:
    assert set(REVOCATIONS) == set(CancelReason)
