"""A bridge with two virtual readers, a card in the first, a page, and the service's tickets."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parts.bridge import (
    Page,
    RunningBridge,
    TicketOffice,
    bridge_settings,
    running_bridge,
)
from tests.parts.issued import IssuedCard, issued_card


@pytest.fixture
def office() -> TicketOffice:
    return TicketOffice()


@pytest.fixture
def bridge(tmp_path: Path, office: TicketOffice) -> Iterator[RunningBridge]:
    with running_bridge(bridge_settings(tmp_path, office.jwk)) as running:
        yield running


@pytest.fixture
def page(bridge: RunningBridge) -> Iterator[Page]:
    with bridge.page() as page:
        yield page


@pytest.fixture
def make_card(tmp_path: Path) -> Callable[..., IssuedCard]:
    """Makes a card in the folder of the bridge's cards: ``make_card("name", ...)``."""

    def make(name: str = "one", **options: Any) -> IssuedCard:
        return issued_card(tmp_path / "cards" / f"{name}.json", **options)

    return make


@pytest.fixture
def issued(make_card: Callable[..., IssuedCard]) -> IssuedCard:
    return make_card()


@pytest.fixture
def card(bridge: RunningBridge, page: Page, issued: IssuedCard) -> dict[str, Any]:
    """The card in the first reader, as the bridge read it."""
    bridge.insert("one")
    page.until_event("card-inserted")
    return page.read_card()
