"""How each kind of card operation is shown: filled in by the blueprint that owns its pages.

``app.blueprints.card_operations`` receives the results of all kinds and asks here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from app.card_operations.answers import CardAnswered, Finished, Waiting
from app.domain.errors import RuleBroken
from app.models import CardOperation

Shown = Waiting | CardAnswered | Finished


@dataclass(frozen=True)
class Showing:
    """What a page shows of one kind.

    ``answer`` shows what became of a result of this operation: a fragment, or JSON with a location.
    ``stands`` shows where it stands, after a reload. ``refusal`` shows a rule that said no; without
    it, the service's own page for refusals does.
    """

    answer: Callable[[Shown, CardOperation], ResponseReturnValue]
    stands: Callable[[CardOperation], ResponseReturnValue]
    refusal: Callable[[str, RuleBroken], ResponseReturnValue] | None = None


_SHOWINGS: dict[tuple[str, bool], Showing] = {}


def shows(kind: str, showing: Showing, *, assisted: bool = False) -> None:
    """Say how operations of this kind are shown: to the holder of the card, or, ``assisted``, to
    somebody who works on another person's card. Who says nothing of the latter means both.
    """
    _SHOWINGS[kind, assisted] = showing


def showing_of(row: CardOperation) -> Showing | None:
    return _SHOWINGS.get((row.kind, row.is_assisted)) or _SHOWINGS.get((row.kind, False))
