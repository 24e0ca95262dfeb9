"""Which PUKs are tried, and in which order: against a card, for every row of lost answers."""

import itertools

import pytest

from app.domain.puk import Puk, PukDoubt

C, P = Puk.CURRENT, Puk.PENDING


def test_before_anything_was_sent_the_card_has_the_current_one() -> None:
    assert PukDoubt().candidates() == [C]


@pytest.mark.parametrize(("sent", "order"), [(1, [P, C]), (2, [C, P]), (3, [P, C]), (4, [C, P])])
def test_the_second_change_tries_the_pending_one_first_the_third_the_current_one(
    sent: int, order: list[Puk]
) -> None:
    assert PukDoubt(sent=sent).candidates() == order


def test_a_current_one_that_was_refused_is_out_for_good() -> None:
    doubt = PukDoubt(sent=1).after_refusal([C])
    for _ in range(3):
        assert doubt.candidates() == [P]
        doubt = doubt.after_sending()


def test_a_pending_one_that_was_refused_is_out_until_the_change_is_sent_again() -> None:
    doubt = PukDoubt(sent=1).after_refusal([P])
    assert doubt.candidates() == [C]
    assert doubt.after_sending().candidates() == [C, P]


def test_a_card_that_refused_both_has_a_puk_of_somebody_else() -> None:
    doubt = PukDoubt(sent=1).after_refusal([P, C])
    assert doubt.unknown
    assert doubt.candidates() == []
    assert doubt.after_sending().unknown


class Chip:
    """A card that has one PUK and counts wrong tries, as the bridge meets it."""

    def __init__(self, tries: int) -> None:
        self.has, self.left, self.tries = C, tries, tries

    def change(self, order: list[Puk], commands: int) -> bool:
        """Try in order until a number of commands has been sent; say whether it went through.

        The bridge does not spend the last try where two are in doubt.
        """
        if self.left == 1 and len(order) > 1:
            return False
        for each in itertools.islice(order, commands):
            if each is self.has:
                self.has, self.left = P, self.tries
                return True
            self.left -= 1
        return False


LOST = list(itertools.product((0, 1, 2), repeat=6))  # after how many commands each change is cut


def after(cuts: tuple[int, ...], tries: int) -> tuple[Chip, list[Puk]]:
    """A card, and what is tried next, when none of the answers has arrived."""
    chip, doubt = Chip(tries), PukDoubt()
    for commands in cuts:
        order = doubt.candidates()
        doubt = doubt.after_sending()
        chip.change(order, commands)
    return chip, doubt.candidates()


def test_no_row_of_lost_answers_blocks_a_card_of_three_tries() -> None:
    assert all(after(cuts, 3)[0].left >= 1 for cuts in LOST)


@pytest.mark.parametrize("tries", [5, 10])
def test_a_card_of_more_tries_is_unlocked_after_any_row_of_lost_answers(tries: int) -> None:
    for cuts in LOST:
        chip, order = after(cuts, tries)
        assert chip.change(order, len(order)), cuts


def test_a_card_of_three_tries_is_unlocked_after_any_two_lost_answers() -> None:
    for cuts in itertools.product((0, 1, 2), repeat=2):
        chip, order = after(cuts, 3)
        assert chip.change(order, len(order)), cuts
