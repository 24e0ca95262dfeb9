"""A person with a browser without script, who may turn to either of two servers."""

import json
import re
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from app.cli.bridge_page import BridgePage
from reader_bridge.contract import HOST, Say
from tests.parts.desk import READER_1

Message = dict[str, Any]
DASHBOARD, EXPIRY = "/", "/expiry"


class Answer:
    """What a server said."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self) -> Message:
        assert self.status == 200, (self.status, self.text)
        said: Message = json.loads(self.text)
        return said

    @property
    def goes_to(self) -> str | None:
        """Where the page is sent."""
        return self.headers.get("HX-Redirect") or self.headers.get("Location")


class Person:
    """One browser, its cookie and its connection to the bridge. ``0`` and ``1`` are the servers."""

    def __init__(self, page: BridgePage, ports: tuple[int, int]) -> None:
        self.page = page
        self._ports = ports
        self._cookies: dict[str, str] = {}
        self._csrf = ""

    def get(self, path: str, server: int = 0) -> Answer:
        return self._ask("GET", path, server, None)

    def post(self, path: str, body: Message, server: int = 0, *, keep: bool = True) -> Answer:
        """``keep=False``: the answer is lost on its way, and with it the cookie."""
        return self._ask("POST", path, server, body, keep=keep)

    def fill_in(self, path: str, fields: Message, server: int = 0) -> Answer:
        """Send a form of a page."""
        return self._ask("POST", path, server, fields, form=True)

    def choose_role(self, shown: Answer, role: str) -> Answer:
        """Choose the one of the positions shown that is called ``role``."""
        address = re.search(r"/sign-in/[^/\"]+/role", shown.text)
        choices = re.findall(r'value="(\d+)"[^>]*>\s*<label[^>]*>(.*?)</label>', shown.text, re.S)
        chosen = [number for number, label in choices if role in label]
        assert address, shown.text
        return self.fill_in(address[0], {"assignment": chosen[0]})

    def accept_terms(self, shown: Answer) -> Answer:
        """Have the card, whose passcode the bridge still has, sign the terms shown."""
        address = re.search(r"/sign-in/[^/\"]+/terms", shown.text)
        version = re.search(r'name="version" value="(\d+)"', shown.text)
        assert address, shown.text
        assert version
        seat = self.page.seats[READER_1]
        told = {"sid": self.page.sid, "seat": seat, "version": version[1]}
        ticket = self.post(address[0], told).json
        return self.post(ticket["result_url"], self.step(ticket))

    def come(self, server: int = 0) -> None:
        """Open the sign-in page and introduce the bridge."""
        self.open("/sign-in", server)

    def open(self, path: str, server: int = 0) -> None:
        """Open a page, which introduces the bridge that it is connected to."""
        self.arrive(self.get(path, server), server)

    def arrive(self, shown: Answer, server: int = 0) -> None:
        """Be on a page that was opened: it introduces the bridge that it is connected to."""
        self._read_token(shown)
        self.introduce(server)

    def introduce(self, server: int = 0) -> None:
        """Bring the hello of the bridge."""
        assert self.post("/bridge/hello", {"hello": self.page.hello}, server).status == 200

    def prove_card(self, passcode: str, server: int = 0) -> tuple[str, Message]:
        """Have the card answer the first ticket; return where the result goes, and the result."""
        card = self.page.read_card(READER_1)
        told = {"sid": self.page.sid, "seat": card["seat"], "card": card["guid"]}
        ticket = self.post("/sign-in/start", told, server).json
        return ticket["result_url"], self.step(ticket, passcode=passcode)

    def step(self, ticket: Message, **typed: str) -> Message:
        said = self.page.ask(Say.STEP, ticket=ticket["ticket"], **typed)
        assert "ok" in said, said
        done = said["ok"]
        return {"step": ticket["step"], "results": done["results"], "receipt": done["receipt"]}

    def sign_in(self, passcode: str, server: int = 0, result_to: int = 1) -> Answer:
        """Go all the way; the result goes to the other server than the start."""
        answer = self.bring_card(passcode, server, result_to)
        assert answer.goes_to == DASHBOARD, (answer.status, answer.text)
        self._read_token(self.get("/profile", server))
        return answer

    def bring_card(self, passcode: str, server: int = 0, result_to: int = 0) -> Answer:
        """Go as far as the card's word goes: to the dashboard, or to what is asked before it."""
        self.come(server)
        address, result = self.prove_card(passcode, server)
        return self.post(address, result, result_to)

    @property
    def cookies(self) -> dict[str, str]:
        return dict(self._cookies)

    def is_signed_in(self, server: int) -> bool:
        """Without telling the browser: a refusal would take its cookie away."""
        return self._ask("GET", "/profile", server, None, keep=False).status == 200

    def _read_token(self, answer: Answer) -> None:
        found = re.search(r"X-CSRFToken&#34;: &#34;([^&]+)&#34;", answer.text)
        assert found, (answer.status, answer.text[:200])
        self._csrf = found[1]

    def _ask(
        self,
        method: str,
        path: str,
        server: int,
        body: Message | None,
        *,
        keep: bool = True,
        form: bool = False,
    ) -> Answer:
        headers = {"Cookie": "; ".join(f"{n}={v}" for n, v in self._cookies.items())}
        sent = None
        if body is not None:
            sent = urlencode(body) if form else json.dumps(body)
            headers |= {
                "Content-Type": f"application/{'x-www-form-urlencoded' if form else 'json'}",
                "Accept": "text/html",
                "HX-Request": "true",
                "X-CSRFToken": self._csrf,
            }
        connection = HTTPConnection(HOST, self._ports[server], timeout=30)
        try:
            connection.request(method, path, sent, headers)
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        if keep:
            for line in answer.headers.get_all("Set-Cookie") or ():
                for name, morsel in SimpleCookie(line).items():
                    self._cookies[name] = morsel.value
        return answer
