"""Issuing a card: through the real bridge, on virtual cards that differ as real ones do."""

import pytest

from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import CertificateStatus, KeyState
from app.models import Person
from reader_bridge.contract import Algorithm
from tests.card_operations.conftest import Counter

SLOTS = {"9a", "9c", "9e"}


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_an_issued_card_has_three_keys_with_active_certificates(
    counter: Counter, holder: Person, algorithm: Algorithm
) -> None:
    counter.put_in()
    card = counter.issue(holder, algorithm=algorithm)
    assert card.status is CardStatus.ISSUED
    assert card.person == holder
    assert {(key.slot, key.state, key.algorithm) for key in card.keys} == {
        (slot, KeyState.CURRENT, algorithm.value) for slot in SLOTS
    }
    assert {(each.slot, each.status) for each in card.certificates} == {
        (slot, CertificateStatus.ACTIVE) for slot in SLOTS
    }
    read = counter.page.read_card("Virtual reader 1")
    assert read["guid"] == card.guid
    assert set(read["certificates"]) == SLOTS
