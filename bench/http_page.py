"""What a page does to sign in, without the browser: requests and a websocket, nothing else."""

import http.client
import http.cookies
import json
import re
from typing import Any

from app.cli.bridge_page import BridgePage
from reader_bridge.contract import HOST, Say
from tests.parts.desk import READER_1

TOKEN = re.compile(r"X-CSRFToken(?:&#34;|&quot;|\")\s*:\s*(?:&#34;|&quot;|\")([^&\"]+)")


class HttpPage:
    """One browser's conversation with the server, over one connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=30)
        self.cookies: dict[str, str] = {}
        self._token = ""

    def get(self, address: str) -> str:
        """Fetch a page, and keep its token for what is posted next."""
        status, text, _ = self._ask("GET", address, None)
        assert status == 200, f"{address}: {status}"
        found = TOKEN.search(text)
        self._token = found[1] if found else ""
        return text

    def post(self, address: str, body: dict[str, Any]) -> tuple[int, str, str]:
        """Post JSON, and return status, text and where the answer leads."""
        return self._ask("POST", address, json.dumps(body))

    def _ask(self, method: str, address: str, body: str | None) -> tuple[int, str, str]:
        headers = {
            "Accept": "application/json, text/html",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        if body is not None:
            headers |= {"Content-Type": "application/json", "X-CSRFToken": self._token}
            headers |= {"HX-Request": "true"}
        self._connection.request(method, address, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode(errors="replace")
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in http.cookies.SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return answer.status, text, answer.headers.get("HX-Redirect", "")


def introduce(page: HttpPage, bridge: BridgePage) -> None:
    """Come to the sign-in page, and bring the bridge's hello to the server."""
    page.get("/sign-in")
    status, text, _ = page.post("/bridge/hello", {"hello": bridge.hello})
    assert status == 200, text


def sign_in(page: HttpPage, bridge: BridgePage, guid: str, passcode: str) -> str:
    """What happens once the passcode is typed; return where the last answer leads."""
    body = {"sid": bridge.sid, "seat": bridge.seats[READER_1], "card": guid}
    status, text, leads_to = page.post("/sign-in/start", body)
    while status == 200 and text.startswith("{"):
        told = json.loads(text)
        if "ticket" not in told:
            return str(told.get("location", ""))
        answer = bridge.ask(Say.STEP, ticket=told["ticket"], passcode=passcode)
        assert "ok" in answer, answer
        result = {"step": told["step"], **answer["ok"]}
        status, text, leads_to = page.post(told["result_url"], result)
    assert leads_to, f"{status}: {text[:500]}"
    return leads_to
