"""A holder who registers for self-service in a browser, and reads their mail."""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from app.services.demonstration import registrations as demonstration
from tests.parts.service import Service
from tests.parts.visitor import CARDS, HOLDER, Visitor

ANSWERS = tuple(
    (question, demonstration.ANSWERS[question])
    for question in ("first-teacher", "childhood-toy", "best-holiday", "first-dish")
)
REGISTERED = "priya-venkataraman"
BLOCKED = "owen-pritchard"
CODE = re.compile(r"^(\d{3}) (\d{3})\s*$", re.MULTILINE)  # on a line of its own


@dataclass(frozen=True)
class Registrar:
    """Takes the steps one by one; each leaves the next page on the screen."""

    visitor: Visitor

    @property
    def page(self) -> Page:
        return self.visitor.page

    @property
    def service(self) -> Service:
        return self.visitor.service

    def at(self, step: str, of: int = 4) -> None:
        """The page of a step is on the screen, with its place among the others."""
        heading = self.page.get_by_role("heading", level=1)
        expect(heading).to_contain_text(step)
        expect(heading).to_contain_text(re.compile(rf"step\s\d\sof\s{of}"))

    def press(self, button: str) -> None:
        self.page.locator("main").get_by_role("button", name=button, exact=True).click()

    def open(self, card: str = HOLDER) -> None:
        """Sign in and press Register on the profile."""
        self.visitor.sign_in(card)
        self.page.goto("/profile")
        self.page.get_by_role("button", name="Register", exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Register for self-service")

    def show_passcode(self, passcode: str | None = None, card: str = HOLDER) -> None:
        self.visitor.type_passcode(passcode or CARDS[card].passcode)
        self.press("Continue")

    def fill_questions(self, answers: Sequence[tuple[str, str]] = ANSWERS) -> None:
        for number, (question, answer) in enumerate(answers, 1):
            self.page.get_by_label(f"Question {number}", exact=True).select_option(question)
            self.page.get_by_label(f"Answer to question {number}").fill(answer)

    def fill_email(self, address: str) -> None:
        self.page.get_by_label("Email address").fill(address)
        self.press("Continue")

    def come_to_passcode(self) -> None:
        self.open()
        self.press("Continue")
        self.at("Passcode")

    def come_to_questions(self) -> None:
        self.come_to_passcode()
        self.show_passcode()
        self.at("Security questions")

    def come_to_email(self) -> None:
        self.come_to_questions()
        self.fill_questions()
        self.press("Continue")
        self.at("Email")

    def come_to_code(self) -> None:
        """With the address of the contact details."""
        self.come_to_email()
        self.press("Continue")
        self.at("Registration code")

    @property
    def address(self) -> str:
        """Where the code page says that the code goes."""
        return self.page.locator("#sending strong").inner_text()

    def change_rows(self, statement: str, *values: str) -> None:
        """Let time pass for what the service has written down."""
        with closing(sqlite3.connect(self.service.database, timeout=10)) as rows:
            rows.execute(statement, values)
            rows.commit()

    def let_code_wait(self, minutes: int) -> None:
        """The newest code was asked for so many minutes ago."""
        self.change_rows(
            "UPDATE one_time_code SET created_at = datetime(created_at, ?) WHERE ended_at IS NULL",
            f"-{minutes} minutes",
        )

    def let_code_expire(self) -> None:
        """The mail server took the message a quarter of an hour ago."""
        self.change_rows(
            "UPDATE outbox_message SET delivered_at = datetime(delivered_at, ?)", "-15 minutes"
        )

    def send_new_code(self) -> None:
        self.press("Send a new code")
        expect(self.page.locator("main")).to_contain_text("A new code is on its way")

    def deliver(self) -> None:
        """Have the service hand over the mail that waits."""
        self.service.deliver_mail()

    def sees_sent(self) -> None:
        """The page has asked by itself where the code is."""
        sent = "We sent a registration code to"
        expect(self.page.locator("main")).to_contain_text(sent)

    def code_mailed_to(self, address: str) -> str:
        """Return the code of the newest message to ``address``, as its reader finds it."""
        message = self.service.mail.wait_for(address)
        plain = message.get_body(("plain",))
        assert plain is not None
        found = CODE.search(plain.get_content())
        assert found, plain.get_content()
        return found[1] + found[2]

    def enter_code(self, code: str) -> None:
        self.page.get_by_label("Code from the email").fill(code)
        self.press("Confirm")

    def registered(self) -> None:
        expect(self.page.get_by_role("heading", name="You are registered", level=1)).to_be_visible()
