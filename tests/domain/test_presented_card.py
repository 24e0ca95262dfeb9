"""What may be said of a card in the reader before its holder has typed a passcode."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.domain.passcode import PasscodeRule
from app.domain.presented_card import Look, PresentedCard

LAST_DAY = date(2028, 3, 4)
GOOD = PresentedCard(
    reader="Reader",
    seat="seat",
    guid="ab" * 16,
    error=None,
    blank=False,
    profile_title="Standard PIV",
    certificate=b"DER",
    uuid="500200300107",
    expires_on=LAST_DAY,
    tries_left=3,
    rule=PasscodeRule(),
)


@pytest.mark.parametrize(
    ("days", "look"), [(-1, Look.READY), (0, Look.READY), (1, Look.EXPIRED), (400, Look.EXPIRED)]
)
def test_a_card_is_good_through_its_last_day(days: int, look: Look) -> None:
    assert GOOD.look(LAST_DAY + timedelta(days=days)) is look


@pytest.mark.parametrize(
    ("changed", "look"),
    [
        ({"error": "card-busy"}, Look.UNREADABLE),
        ({"guid": None}, Look.BLANK),
        ({"blank": True}, Look.BLANK),
        ({"certificate": None, "expires_on": None, "uuid": None}, Look.NOT_OURS),
        ({"tries_left": 0}, Look.LOCKED),
        ({"tries_left": None}, Look.READY),
        ({"tries_left": 1}, Look.READY),
    ],
)
def test_a_card_looks_as_its_chip_says(changed: dict[str, object], look: Look) -> None:
    assert replace(GOOD, **changed).look(LAST_DAY) is look


def test_a_locked_card_that_has_expired_too_is_locked_first() -> None:
    locked = replace(GOOD, tries_left=0)
    assert locked.look(LAST_DAY + timedelta(days=1)) is Look.LOCKED
