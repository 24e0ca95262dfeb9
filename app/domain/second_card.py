"""What the card in the second reader is to the agent who holds their own in the first."""

from collections.abc import Sequence
from enum import StrEnum


class SecondCard(StrEnum):
    """Each is a sentence, and a way forward, on the page *Manage Smartcard*."""

    UNREADABLE = "unreadable"  # the bridge could not read it; its error says why
    VIRTUAL = "virtual"  # in software, where only real ones are allowed
    SAME = "same"  # the very card that the agent is signed in with, twice
    OWN = "own"  # another card of the agent's own: nobody manages their own
    BLANK = "blank"  # nobody's: it can be issued
    HALF_ISSUED = "half-issued"  # being issued to somebody, which was cut off
    NOT_OURS = "not-ours"
    OUT_OF_SCOPE = "out-of-scope"  # of a person of another organisation
    HELD = "held"  # somebody's, whom the agent may look after


def second_card(
    *,
    unreadable: bool,
    virtual_refused: bool,
    known: bool,
    blank: bool,
    same: bool,
    issued: bool,
    holder_is_agent: bool,
    has_holder: bool,
    in_scope: bool,
) -> SecondCard:
    """Say what a card is that the page found beside the agent's own.

    ``known`` says that it is in the service's records, ``issued`` that it was finished for its
    holder; of one that is being issued, the holder is the person whom it is for.
    """
    if unreadable:
        return SecondCard.UNREADABLE
    if same:
        return SecondCard.SAME
    if virtual_refused:
        return SecondCard.VIRTUAL
    if not known:
        return SecondCard.BLANK if blank else SecondCard.NOT_OURS
    if not has_holder:
        return SecondCard.BLANK
    if holder_is_agent:
        return SecondCard.OWN
    if not in_scope:
        return SecondCard.OUT_OF_SCOPE
    return SecondCard.HELD if issued else SecondCard.HALF_ISSUED


def chosen_beforehand(in_date: Sequence[int], in_reader: int) -> int:
    """Return which of a person's cards is chosen beforehand: the latest one that is in date.

    ``in_date`` are those, the latest first. Where there is none, it is the card in the reader.
    """
    return in_date[0] if in_date else in_reader
