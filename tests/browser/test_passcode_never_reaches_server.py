"""A passcode is seen by page, bridge and card; never by the server, a log, a table, an address.

A PUK is seen by bridge and card, sealed by the server: never by the page.
"""

import base64
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote, quote_plus

import pytest
from playwright.sync_api import BrowserContext, Page, Request, WebSocket, expect

from reader_bridge.virtual.state import CardState
from tests.parts.at_the_centre import AtTheCentre
from tests.parts.renewer import EXPIRING, renew
from tests.parts.service import Service
from tests.parts.visitor import CARDS, NEW, WRONG, Visitor


def traces(secret: str) -> set[bytes]:
    """Return what gives ``secret`` away: itself, and the usual ways of writing it."""
    plain = secret.encode()
    written = {plain, plain.hex().encode(), quote(secret).encode(), quote_plus(secret).encode()}
    for before in range(3):  # base64 looks different at each of three places
        encoded = base64.b64encode(bytes(before) + plain)
        start, end = -(-before * 4 // 3), len(encoded) - (4 if (before + len(plain)) % 3 else 0)
        written |= {encoded[start:end], base64.urlsafe_b64encode(bytes(before) + plain)[start:end]}
    return written | {trace.upper() for trace in written} | {plain + b"\xff" * (8 - len(plain))}


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b'{"passcode":"'])
def test_the_traces_find_a_passcode_in_base64(before: bytes) -> None:
    hidden = base64.b64encode(before + NEW.encode() + b'"}')
    assert any(trace in hidden for trace in traces(NEW))


class Heard:
    """Everything that one browser has sent to the server."""

    def __init__(self, context: BrowserContext) -> None:
        self.requests: list[Request] = []
        context.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def everything(self) -> Iterator[bytes]:
        for request in self.requests:
            yield request.url.encode()
            yield request.post_data_buffer or b""
            for name, value in request.all_headers().items():
                yield f"{name}: {value}".encode()


def kept_by(service: Service) -> Iterator[bytes]:
    """What server and bridge have kept: every file but the cards' own, and every row."""
    folder = service.installation.folder
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_relative_to(service.installation.cards):
            yield file.read_bytes()
    with closing(sqlite3.connect(service.database)) as database:
        for line in database.iterdump():
            yield line.encode()


def test_a_passcode_is_never_sent_logged_or_kept(
    context: BrowserContext, page: Page, service: Service
) -> None:
    heard = Heard(context)
    visitor = Visitor(page, service)
    card = visitor.show_card()
    visitor.enter(WRONG)
    expect(page.get_by_role("alert").first).to_contain_text("passcode")
    visitor.enter(card.passcode)
    visitor.reach_dashboard()
    visitor.change_passcode(card.passcode, NEW)
    visitor.sign_out()
    page.goto("/sign-in")
    visitor.enter(NEW)
    visitor.reach_dashboard()

    secrets = {trace for secret in (card.passcode, WRONG, NEW) for trace in traces(secret)}
    sent = b"\n".join(heard.everything())
    assert b"/sign-in/start" in sent, "the sign-in was not recorded"
    assert b"/passcode/start" in sent, "the change of the passcode was not recorded"
    assert [trace for trace in secrets if trace in sent] == []
    kept = b"\n".join(kept_by(service))
    assert b"passcode-changed" in kept, "the audit was not searched"
    assert [trace for trace in secrets if trace in kept] == []


def test_a_passcode_typed_for_a_renewal_is_never_sent_logged_or_kept(
    context: BrowserContext, page: Page, service: Service
) -> None:
    heard = Heard(context)
    renew(Visitor(page, service))
    secrets = traces(CARDS[EXPIRING].passcode)
    sent = b"\n".join(heard.everything())
    assert b"/renew/start" in sent, "the renewal was not recorded"
    assert [trace for trace in secrets if trace in sent] == []
    kept = b"\n".join(kept_by(service))
    assert b"card.renewed" in kept, "the audit was not searched"
    assert [trace for trace in secrets if trace in kept] == []


def test_an_unlock_sends_no_passcode_to_the_server_and_shows_the_page_no_puk(
    context: BrowserContext, page: Page, service: Service
) -> None:
    heard, frames = Heard(context), frames_of(page)
    nadia = AtTheCentre(page, service)
    puks = {puk_in(service, nadia.card)}
    nadia.be_at("passcode")
    nadia.choose_passcode("zyxwvuts")  # refused before the card is touched
    expect(page.locator("[data-code=passcode-refused]")).to_be_visible()
    shown = page.content()
    nadia.choose_passcode(NEW)
    nadia.expect_heading("Your Smartcard is unlocked")
    puks.add(puk_in(service, nadia.card))
    assert len(puks) == 2, "the PUK was not replaced"

    unseen = {trace for puk in puks for trace in traces(puk)}
    said = b"\n".join(frames)
    assert b"puk_candidates" in base64_opened(said), "the frames were not recorded"
    assert [trace for trace in unseen if trace in said + base64_opened(said)] == []
    assert not any(puk in shown + page.content() for puk in puks)
    secrets = unseen | traces(NEW) | traces("zyxwvuts")
    sent = b"\n".join(heard.everything())
    assert b"/ticket" in sent, "the unlock was not recorded"
    assert [trace for trace in secrets if trace in sent] == []
    kept = b"\n".join(kept_by(service))
    assert b"card.unlocked" in kept, "the audit was not searched"
    assert [trace for trace in secrets if trace in kept] == []


def frames_of(page: Page) -> list[bytes]:
    """What goes over the page's websockets from now on, in both directions."""
    frames: list[bytes] = []

    def note(payload: str | bytes) -> None:
        frames.append(payload.encode() if isinstance(payload, str) else payload)

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", note)
        socket.on("framereceived", note)

    page.on("websocket", listen)
    return frames


def base64_opened(said: bytes) -> bytes:
    """Every long enough word in base64url, opened: tickets, receipts, sealed values."""
    words = re.findall(rb"[A-Za-z0-9_-]{16,}", said)
    whole = (word[: -(len(word) % 4) or None] for word in words)
    return b"\n".join(base64.urlsafe_b64decode(word) for word in whole)


def puk_in(service: Service, card: str) -> str:
    """The PUK that is in a virtual card."""
    return CardState.load(service.installation.cards / f"{card}.json").puk.value.decode()


def test_nothing_of_a_passcode_stays_in_the_browser(page: Page, service: Service) -> None:
    visitor = Visitor(page, service)
    card = visitor.show_card()
    visitor.enter(card.passcode)
    visitor.reach_dashboard()
    stored = page.evaluate(
        "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, "
        "document.documentElement.outerHTML])"
    )
    assert card.passcode not in stored
