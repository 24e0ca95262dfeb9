"""A person at the Smartcard Service Centre: on its pages, or already some steps further.

The steps that a test is not about are not taken in the browser: the card makes the same statements,
the forms are sent as its pages send them, and the browser is given the cookie.
"""

import html
import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from app.cli.bridge_page import bridge_page
from app.domain.security_questions import QUESTIONS
from app.services.demonstration.registrations import ANSWERS
from tests.parts.codes import code_in
from tests.parts.desk import READER_1
from tests.parts.http_person import Answer, Person
from tests.parts.service import Service
from tests.parts.visitor import Visitor

NADIA = "nadia-rahman"  # registered, and her card is locked
KEYS = {words: key for key, words in QUESTIONS.items()}


def asked_in(page: str) -> dict[str, str]:
    """The fields of a page's questions, each with the right answer."""
    labels = re.findall(r'<label[^>]*for="(answer_\d)"[^>]*>\s*(.*?)\s*</label>', page, re.S)
    return {name: ANSWERS[KEYS[html.unescape(words)]] for name, words in labels}


@dataclass
class AtTheCentre:
    """Somebody with one browser and one card, at home in all five steps."""

    page: Page
    service: Service
    card: str = NADIA

    def insert(self) -> None:
        Visitor(self.page, self.service).insert(self.card)

    def start(self) -> None:
        """Step 1, in the browser."""
        self.page.goto("/service-centre/unlock")
        self.page.get_by_role("button", name="Start", exact=True).click()

    def answer(self, answer: str | None = None) -> None:
        """Step 2, in the browser: right, or with one wrong answer for all."""
        expect(self.page.locator("input[name=answer_1]")).to_be_visible()
        for name, right in asked_in(self.page.content()).items():
            self.page.locator(f"input[name={name}]").fill(answer or right)
        self.page.get_by_role("button", name="Continue").click()

    def mailed_code(self) -> str:
        """The newest code that arrived, after what waits was delivered."""
        self.service.deliver_mail()
        codes = [each for each in self.service.mail.messages if "code" in str(each["Subject"])]
        body = codes[-1].get_body(("plain",))
        assert body is not None
        return code_in(body.get_content())

    def enter_code(self, code: str) -> None:
        """Step 3, in the browser."""
        self.page.get_by_label("Code from the email").fill(code)
        self.page.get_by_role("button", name="Continue").click()

    def choose_passcode(self, new: str, again: str | None = None) -> None:
        """Step 4, in the browser."""
        self.page.get_by_label("New passcode", exact=True).fill(new)
        self.page.get_by_label("New passcode again", exact=True).fill(again or new)
        self.page.get_by_role("button", name="Unlock the card").click()

    def expect_heading(self, words: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(words)

    # Steps that are not taken in the browser

    def be_at(self, step: str) -> None:
        """Open the page of a step: "questions", "code" or "passcode"."""
        self.insert()
        installation = self.service.installation
        with bridge_page(installation.bridge_listens_on, installation.origin) as bridge:
            person = Person(bridge, (installation.port, installation.port))
            address = self._prove(person)
            if step != "questions":
                self._send(person, f"{address}/answers", asked_in(person.get(address).text))
            if step == "passcode":
                self._send(person, f"{address}/code", {"code": self.mailed_code()})
        self._take_over(person)
        self.page.goto(address)

    def _prove(self, person: Person) -> str:
        person.open("/service-centre/unlock")
        card = person.page.read_card(READER_1)
        told = {"sid": person.page.sid, "seat": card["seat"], "card": card["guid"]}
        told["certificate"] = card["certificates"].get("9e")
        ticket = person.post("/service-centre/unlock/start", told).json
        answer = person.post(ticket["result_url"], person.step(ticket))
        assert answer.goes_to, answer.text
        return answer.goes_to

    @staticmethod
    def _send(person: Person, address: str, fields: dict[str, str]) -> Answer:
        answer = person.fill_in(address, fields)
        assert answer.goes_to, answer.text
        return answer

    def _take_over(self, person: Person) -> None:
        self.page.context.add_cookies(
            [
                {"name": name, "value": value, "url": self.service.origin, "httpOnly": True}
                for name, value in person.cookies.items()
            ]
        )
