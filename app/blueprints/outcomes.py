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

    ``answer`` shows what became of a result: a fragment, or JSON with a location. ``stands`` shows
    where an operation stands, after a reload. ``refusal`` shows a rule that said no; without it,
    the service's own page for refusals does.
    """

    answer: Callable[[Shown], ResponseReturnValue]
    stands: Callable[[CardOperation], ResponseReturnValue]
    refusal: Callable[[str, RuleBroken], ResponseReturnValue] | None = None


_SHOWINGS: dict[str, Showing] = {}


def shows(kind: str, showing: Showing) -> None:
    """Say how operations of this kind are shown."""
    _SHOWINGS[kind] = showing


def showing_of(kind: str) -> Showing | None:
    return _SHOWINGS.get(kind)
