"""A row of the table of states, and the usual ways in which a person comes to see a page."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.parts.visitor import HOLDER, Visitor


@dataclass(frozen=True)
class State:
    """A page in a state: how a person comes to see it, and what then is on the screen."""

    name: str
    endpoint: str
    show: Callable[[Visitor], None]
    sees: str
    status: int | None = None  # of the answer, where it is not that of a page that went well
    complains: str | None = None  # what the page may complain of (``Complaints.expect``)


def at(address: str) -> Callable[[Visitor], None]:
    """Show what anybody sees at ``address``."""

    def show(visitor: Visitor) -> None:
        visitor.page.goto(address)

    return show


def with_card(card: str) -> Callable[[Visitor], None]:
    """Show the sign-in page with ``card`` in the reader."""

    def show(visitor: Visitor) -> None:
        visitor.show_card(card)

    return show


def signed_in(
    card: str = HOLDER, role: str | None = None, *, address: str = "/"
) -> Callable[[Visitor], None]:
    """Show what the holder of ``card`` sees at ``address``."""

    def show(visitor: Visitor) -> None:
        visitor.be_signed_in(card, role)
        visitor.page.goto(address)

    return show
