"""What the server answers when a page brings a result: what pages are shown from."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class NextTicket:
    """The card is asked for more, at once. ``step`` comes back with the result."""

    operation: str
    kind: str
    step: int
    ticket: str
    result_url: str
    stages: list[str] = field(default_factory=list)

    def for_page(self) -> dict[str, Any]:
        """The JSON that <card-step> reads."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The operation stands still until a person does something. ``reason`` says what is due."""

    operation: str
    kind: str
    step: str
    reason: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CardAnswered:
    """The card or the bridge said no; ``code`` is one of ``reader_bridge.contract.Code``.

    The same step may be tried again with a new ticket, unless ``facts`` say that nothing is left.
    """

    operation: str
    kind: str
    step: str
    code: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The operation is done, or over because a rule says no: ``facts`` then say so."""

    operation: str
    kind: str
    facts: dict[str, Any] = field(default_factory=dict)


Answer = NextTicket | Waiting | CardAnswered | Finished

_TYPES: dict[str, type[NextTicket] | type[Waiting] | type[CardAnswered] | type[Finished]] = {
    "ticket": NextTicket,
    "waiting": Waiting,
    "card": CardAnswered,
    "finished": Finished,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}


def to_journal(answer: Answer) -> dict[str, Any]:
    """The answer as the journal keeps it, so that the same result gets the same answer."""
    return {"type": _NAMES[type(answer)], **asdict(answer)}


def from_journal(kept: dict[str, Any]) -> Answer:
    values = {name: value for name, value in kept.items() if name != "type"}
    return _TYPES[str(kept["type"])](**values)
