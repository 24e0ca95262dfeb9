"""What the card in the second reader is to the agent who holds their own in the first."""

import pytest

from app.domain.identity_check import DOCUMENTS, Document, evidence, seen_in
from app.domain.second_card import SecondCard, chosen_beforehand, second_card

HELD = {
    "unreadable": False,
    "virtual_refused": False,
    "known": True,
    "blank": False,
    "same": False,
    "issued": True,
    "holder_is_agent": False,
    "has_holder": True,
    "in_scope": True,
}


@pytest.mark.parametrize(
    ("facts", "is_"),
    [
        ({}, SecondCard.HELD),
        ({"unreadable": True}, SecondCard.UNREADABLE),
        ({"same": True, "holder_is_agent": True}, SecondCard.SAME),
        ({"same": True, "virtual_refused": True}, SecondCard.SAME),
        ({"holder_is_agent": True}, SecondCard.OWN),
        ({"holder_is_agent": True, "in_scope": False}, SecondCard.OWN),
        ({"virtual_refused": True}, SecondCard.VIRTUAL),
        ({"in_scope": False}, SecondCard.OUT_OF_SCOPE),
        ({"in_scope": False, "issued": False}, SecondCard.OUT_OF_SCOPE),
        ({"issued": False}, SecondCard.HALF_ISSUED),
        ({"has_holder": False, "issued": False}, SecondCard.BLANK),
        ({"known": False, "blank": True}, SecondCard.BLANK),
        ({"known": False}, SecondCard.NOT_OURS),
    ],
)
def test_each_card_is_one_thing_to_the_agent(facts: dict[str, bool], is_: SecondCard) -> None:
    assert second_card(**{**HELD, **facts}) is is_


def test_the_latest_card_in_date_is_chosen_and_else_the_one_in_the_reader() -> None:
    assert chosen_beforehand([9, 4], in_reader=4) == 9
    assert chosen_beforehand([], in_reader=4) == 4


@pytest.mark.parametrize("seen", [[Document.PASSPORT], list(DOCUMENTS), []])
def test_an_identity_check_is_read_again_as_it_was_written(seen: list[Document]) -> None:
    assert seen_in(evidence(seen)) == seen
