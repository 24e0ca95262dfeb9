"""The table of states: what lies between a page and a card, and what the reader check finds."""

import re
from collections.abc import Callable

from playwright.sync_api import Route

from reader_bridge.contract import MAX_CONNECTIONS
from tests.parts.state import State
from tests.parts.visitor import HOLDER, Visitor

SIGN_IN = "auth.sign_in"
READER_CHECK = "reader_check.show"
POLICY = "content-security-policy"

# Run in a page: connect to the bridge as many times as it takes, and wait until it has said no
CONNECT = """([port, most]) => {
  const connect = () => new Promise((done) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1`, "reader-bridge.v1");
    socket.onmessage = socket.onclose = done;
  });
  return Promise.all(Array.from({ length: most }, connect));
}"""
POLICY_FORBIDS = "connect-src|Content Security Policy"


def reader_check(card: str | None) -> Callable[[Visitor], None]:
    """Show what the reader check finds with this card in the reader."""

    def show(visitor: Visitor) -> None:
        if card is not None:
            visitor.insert(card)
        visitor.page.goto("/reader-check")

    return show


def without_bridge(address: str) -> Callable[[Visitor], None]:
    """The browser finds nothing on any of the ports, as where no bridge is running."""

    def show(visitor: Visitor) -> None:
        visitor.page.route("http://127.0.0.1:*/v1", lambda route: route.abort())
        visitor.page.route_web_socket(re.compile("/v1$"), lambda socket: socket.close())
        visitor.page.goto(address)

    return show


def browser_refuses(address: str) -> Callable[[Visitor], None]:
    """Somebody has said no when the browser asked."""

    def show(visitor: Visitor) -> None:
        devtools = visitor.page.context.new_cdp_session(visitor.page)
        target = devtools.send("Target.getTargetInfo")["targetInfo"]
        denied = {"permission": {"name": "loopback-network"}, "setting": "denied"}
        whose = {"origin": visitor.service.origin, "browserContextId": target["browserContextId"]}
        devtools.send("Browser.setPermission", denied | whose)
        without_bridge(address)(visitor)

    return show


def too_many_pages(address: str) -> Callable[[Visitor], None]:
    """As many pages are connected to the bridge as it takes."""

    def show(visitor: Visitor) -> None:
        others = visitor.page.context.new_page()
        others.goto("/help")
        port = visitor.service.installation.bridge_address.split(":")[-1].split("/")[0]
        others.evaluate(CONNECT, [int(port), MAX_CONNECTIONS])
        visitor.page.goto(address)

    return show


def policy_forbids(address: str) -> Callable[[Visitor], None]:
    """Something between the service and the browser has tightened the page's policy."""

    def tighten(route: Route) -> None:
        answer = route.fetch()
        policy = re.sub("connect-src [^;]*", "connect-src 'self'", answer.headers[POLICY])
        route.fulfill(response=answer, headers=answer.headers | {POLICY: policy})

    def show(visitor: Visitor) -> None:
        visitor.page.route(f"**{address}", tighten)
        visitor.page.goto(address)

    return show


READER_STATES = (
    State("no bridge", SIGN_IN, without_bridge("/sign-in"), "bridge is not running"),
    State("browser refuses", SIGN_IN, browser_refuses("/sign-in"), "browser does not let"),
    State(
        "policy forbids",
        SIGN_IN,
        policy_forbids("/sign-in"),
        "not allowed to reach the reader bridge",
        complains=POLICY_FORBIDS,
    ),
    State("too many pages", SIGN_IN, too_many_pages("/sign-in"), "Too many pages are using"),
    State("reader check, no card", READER_CHECK, reader_check(None), "There is none in a reader"),
    State("reader check", READER_CHECK, reader_check(HOLDER), "issued by this service"),
    State(
        "reader check, blank", READER_CHECK, reader_check("blank-1"), "not been issued to anyone"
    ),
    State("reader check, locked", READER_CHECK, reader_check("nadia-rahman"), "The card is locked"),
    State(
        "reader check, no bridge",
        READER_CHECK,
        without_bridge("/reader-check"),
        "It is not running on this PC",
    ),
    State(
        "reader check, refused",
        READER_CHECK,
        browser_refuses("/reader-check"),
        "cannot tell while the browser",
    ),
    State(
        "reader check, policy",
        READER_CHECK,
        policy_forbids("/reader-check"),
        "own rules forbid it",
        complains=POLICY_FORBIDS,
    ),
    State(
        "reader check, too many",
        READER_CHECK,
        too_many_pages("/reader-check"),
        "Too many pages are connected",
    ),
)
