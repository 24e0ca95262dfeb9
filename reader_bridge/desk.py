"""The card desk: putting virtual cards into virtual readers, from a page of the demonstration."""

from typing import Any

from reader_bridge.errors import UnknownRequest
from reader_bridge.readers.virtual import NoSuchBehaviour, NoSuchCard, VirtualReaders


def answer(readers: VirtualReaders | None, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a page asks of the desk, and return what then is where.

    Args:
        readers: None where the settings allow no desk.

    Raises:
        UnknownRequest: there is no desk, or no such action or card.
        NoReader: there is no such virtual reader.
    """
    if readers is None:
        raise UnknownRequest("there is no card desk here")
    action = request.get("action")
    try:
        if action == "insert":
            readers.insert(_text(request, "card"), _text(request, "reader"))
        elif action == "remove":
            readers.remove(_text(request, "reader"))
        elif action == "lock":
            readers.lock(_text(request, "card"))
        elif action == "make":
            readers.make(_text(request, "card"), behaviour=_text(request, "behaviour"))
        elif action != "list":
            raise UnknownRequest("action")
    except NoSuchCard as error:
        raise UnknownRequest("card") from error
    except NoSuchBehaviour as error:
        raise UnknownRequest("behaviour") from error
    return {
        "readers": [{"reader": reader, "card": card} for reader, card in readers.content().items()],
        "cards": [
            {
                "card": card.name,
                "label": card.label,
                "guid": card.guid,
                "reader": card.reader,
                "passcode_left": card.passcode_left,
            }
            for card in readers.cards()
        ],
    }


def _text(request: dict[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise UnknownRequest(name)
    return value
