"""Unlocking without an agent where requests reach two servers: limits hold across them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.domain.one_time_code import MOST_SENT
from app.domain.self_service import MOST_FAILURES
from tests.parts.at_the_centre import asked_in
from tests.parts.codes import code_in
from tests.parts.desk import READER_1
from tests.parts.http_person import Answer, Person
from tests.parts.smtp import mail_catcher
from tests.workers.conftest import Cluster
from tests.workers.test_two_servers import at_once

CARD, UUID = "nadia-rahman", "500200300114"
SERVERS = (0, 1)
GUESSES = 50
OWN = "FROM self_service JOIN person ON person.id = person_id WHERE uuid = :uuid"


class Unlocker:
    """Somebody at the Service Centre with a card, and no browser but requests."""

    def __init__(self, person: Person, cluster: Cluster) -> None:
        self.person = person
        self.cluster = cluster
        self.at = ""

    def start(self) -> None:
        """The card proves itself at one server, the other hears of it."""
        self.person.open("/service-centre/unlock")
        card = self.person.page.read_card(READER_1)
        told = {"sid": self.person.page.sid, "seat": card["seat"], "card": card["guid"]}
        told["certificate"] = card["certificates"].get("9e")
        ticket = self.person.post("/service-centre/unlock/start", told, 0).json
        answer = self.person.post(ticket["result_url"], self.person.step(ticket), 1)
        assert answer.goes_to, answer.text
        self.at = answer.goes_to

    def asked(self) -> dict[str, str]:
        """The fields of the page of questions, with the right answers."""
        return asked_in(self.person.get(self.at).text)

    def answer(self, fields: dict[str, str], server: int = 0) -> Answer:
        return self.person.fill_in(f"{self.at}/answers", fields, server)

    def value(self, what: str) -> object:
        return self.cluster.value(f"SELECT {what} {OWN}", uuid=UUID)


@pytest.fixture
def unlocker(cluster: Cluster) -> Iterator[Unlocker]:
    cluster.desk.insert(CARD)
    someone = Unlocker(cluster.person(), cluster)
    someone.start()
    yield someone
    cluster.value("UPDATE self_service SET failed_attempts = 0, blocked_at = NULL, asked = NULL")
    cluster.value("DELETE FROM one_time_code")
    cluster.value("DELETE FROM rate_limit")


def test_fifty_guesses_at_two_servers_have_three_tries_in_all(unlocker: Unlocker) -> None:
    asked = unlocker.asked()
    before = unlocker.cluster.value("SELECT count(*) FROM audit_event")
    at_once(
        *(
            lambda number=number: unlocker.answer(
                dict.fromkeys(asked, f"guess {number}"), number % 2
            )
            for number in range(GUESSES)
        )
    )
    assert unlocker.value("failed_attempts") == MOST_FAILURES
    assert unlocker.value("blocked_at") is not None
    judged = "SELECT count(*) FROM audit_event WHERE event = 'self-service.answers-wrong'"
    assert unlocker.cluster.value(judged) == MOST_FAILURES
    assert unlocker.cluster.value("SELECT count(*) FROM audit_event") == int(str(before)) + 4
    assert unlocker.cluster.value("SELECT count(*) FROM one_time_code") == 0


def test_codes_are_limited_and_one_counts_whichever_server_sends_them(
    unlocker: Unlocker,
) -> None:
    unlocker.answer(unlocker.asked(), server=1)
    resend = f"{unlocker.at}/resend"
    at_once(
        *(
            lambda server=server: unlocker.person.fill_in(resend, {}, server)
            for server in SERVERS * 4
        )
    )
    sent = "SELECT count(*) FROM audit_event WHERE event = 'self-service.code-sent'"
    assert 1 < int(str(unlocker.cluster.value(sent))) <= MOST_SENT
    live = "SELECT count(*) FROM one_time_code WHERE ended_at IS NULL"
    assert unlocker.cluster.value(live) == 1
    with mail_catcher() as catcher:
        replace(unlocker.cluster.installation, mail_port=catcher.port).flask("mail", "deliver")
        [message] = [each for each in catcher.messages if "unlock code" in str(each["Subject"])]
    plain = message.get_body(("plain",))
    assert plain is not None
    code = code_in(plain.get_content().replace("\r", ""))
    done = at_once(
        *(
            lambda server=server: (
                unlocker.person.fill_in(f"{unlocker.at}/code", {"code": code}, server).goes_to
            )
            for server in SERVERS * 2
        )
    )
    assert unlocker.at in done, done
    redeemed = "SELECT count(*) FROM audit_event WHERE event = 'self-service.code-redeemed'"
    assert unlocker.cluster.value(redeemed) == 1
    assert "Choose a new passcode" in unlocker.person.get(unlocker.at, 1).text
