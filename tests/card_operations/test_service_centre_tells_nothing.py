"""At the Service Centre nobody learns from an answer who has a card, or uses self-service.

Whoever is turned away gets the same bytes, after the same questions to the database, without one
slow hash. A real card is in a real bridge; what is between them and the service is a page's HTTP.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.cli.bridge_page import BridgePage
from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import WorkstationStatus
from app.extensions import db
from app.models import Card, OutboxMessage, Person, SelfService, Workstation
from reader_bridge.contract import Say
from tests.card_operations.conftest import Counter
from tests.card_operations.test_service_centre import TURNED_AWAY
from tests.card_operations.test_unlock import issued, lock
from tests.parts.bridge import READER_1
from tests.parts.clock import FrozenClock
from tests.parts.hashing import counting
from tests.parts.self_service import REGISTERED_EMAIL, registered
from tests.web.visits import page_token

CHANCE = {"Set-Cookie", "X-Request-ID"}  # random in every answer

Queries = Callable[[], AbstractContextManager[list[str]]]


@dataclass
class Page:
    """A page at the Service Centre, and what the last answer cost the service."""

    client: FlaskClient
    bridge: BridgePage
    app: Flask
    count_queries: Queries
    card_id: int
    guid: str
    cost: int = 0
    hashes: int = 0

    def introduce(self) -> None:
        told = {"hello": self.bridge.hello}
        assert self._post("/bridge/hello", told).status_code == 200
        db.session.query(Workstation).update({"status": WorkstationStatus.ENROLLED})
        db.session.commit()

    def start(self, **more: Any) -> TestResponse:
        self.bridge.ask(Say.READ_CARD, reader=READER_1)  # hears what has come and gone meanwhile
        facts = self.bridge.read_card(READER_1)
        told = {
            "sid": self.bridge.sid,
            "seat": self.bridge.seats[READER_1],
            "card": facts["guid"],
            "certificate": facts["certificates"].get("9e"),
        }
        return self._post("/service-centre/unlock/start", {**told, **more})

    def prove(self, ticket: dict[str, Any], *, brought: int = 1) -> TestResponse:
        """Have the card sign, and bring its answer: more than once where the page hears nothing."""
        said = self.bridge.ask(Say.STEP, ticket=ticket["ticket"])
        body = {"step": ticket["step"], "receipt": said.get("receipt")}
        if "ok" in said:
            body |= {"results": said["ok"]["results"], "receipt": said["ok"]["receipt"]}
        else:
            body["error"] = said["error"]
        for _ in range(brought):
            answer = self._post(ticket["result_url"], body)
        # A card without a certificate is asked with the other algorithm, too
        return self.prove(answer.json) if answer.is_json else answer

    def _post(self, address: str, body: dict[str, Any]) -> TestResponse:
        headers = {"HX-Request": "true", "Accept": "text/html"}
        headers["X-CSRFToken"] = page_token(self.client)
        db.session.remove()
        with self.count_queries() as queries, counting(self.app) as hashed:
            answer = self.client.post(address, json=body, headers=headers)
        self.cost, self.hashes = len(queries), hashed.judged + hashed.made
        return answer


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    card = issued(counter, holder)
    registered(holder, counter.now)
    lock(counter, card)
    counter.actor = None
    return card


@pytest.fixture
def page(
    app: Flask, card: Card, another_page: Callable[[], BridgePage], count_queries: Queries
) -> Page:
    page = Page(app.test_client(), another_page(), app, count_queries, card.id, card.guid)
    page.introduce()
    return page


def without_chance(answer: TestResponse) -> tuple[Any, ...]:
    """An answer without what is random in every one of them."""
    headers = {name: value for name, value in answer.headers if name not in CHANCE}
    return answer.status_code, headers, answer.data


@pytest.mark.both_databases
def test_whoever_is_turned_away_gets_the_same_bytes_at_the_same_cost(
    page: Page, counter: Counter
) -> None:
    """One after the other, on one service: each change is undone before the next."""
    seen, starts = {}, {}
    for change in sorted(TURNED_AWAY, key=lambda each: TURNED_AWAY[each] == "not-proven"):
        change(counter, db.session.get_one(Card, page.card_id))
        db.session.commit()
        begun = page.start()
        assert begun.status_code == 200
        start = re.sub(r'"(ticket|operation|result_url)":"[^"]*"', "", begun.text)
        starts[change.__name__] = (start, len(begun.json["ticket"]), page.cost, page.hashes)
        answer = page.prove(begun.json)
        seen[change.__name__] = (*without_chance(answer), page.cost, page.hashes)
        assert "data-refused" in answer.text
        assert page.guid not in answer.text
        restore(counter, page.card_id)
    assert len(set(map(repr, seen.values()))) == 1, {
        name: (status, cost, hashes) for name, (status, _, _, cost, hashes) in seen.items()
    }
    assert len(set(starts.values())) == 1, starts
    assert next(iter(seen.values()))[-1] == 0  # no slow hash


def test_the_start_is_the_same_for_every_number_and_for_none(page: Page) -> None:
    seen = set()
    for guid in (page.guid, "0" * 32, "f" * 32, "x", "%00" * 9, None):
        begun = page.start(card=guid, certificate=None)
        seen.add((begun.status_code, tuple(begun.json), page.cost, page.hashes))
    assert len(seen) == 1, seen


def test_on_a_pc_that_is_not_enrolled_every_card_is_told_so_before_it_is_asked(page: Page) -> None:
    db.session.query(Workstation).update({"status": WorkstationStatus.SEEN})
    db.session.commit()
    seen = set()
    for guid in (page.guid, "0" * 32):
        begun = page.start(card=guid)
        seen.add((begun.status_code, begun.data, page.cost))
        assert "has not been enrolled" in begun.text
        assert "telephone numbers" in begun.text
    assert len(seen) == 1


def test_a_result_that_is_none_of_a_bridge_s_is_answered_as_every_refusal_is(page: Page) -> None:
    begun = page.start().json
    answer = page._post(begun["result_url"], {"step": begun["step"], "results": [{}]})
    assert "data-refused" in answer.text
    assert (
        page.prove(page.start().json).headers["HX-Redirect"].startswith("/service-centre/unlock/")
    )


def test_with_the_code_alone_one_code_leaves_with_the_proof_however_often_that_is_brought(
    page: Page, clock: FrozenClock
) -> None:
    page.app.config["SELF_SERVICE_MODE"] = "code"
    goes_to = page.prove(page.start().json, brought=2).headers["HX-Redirect"]
    db.session.remove()
    message = db.session.scalars(select(OutboxMessage).filter_by(template="unlock-code")).one()
    assert message.to == REGISTERED_EMAIL
    shown = page.client.get(goes_to).text
    assert "step 2 of 4" in shown
    assert "An unlock code is on its way" in shown
    clock.advance(seconds=1)
    page.prove(page.start().json)  # begun anew: the newer code takes the place of the one before
    sent = select(func.count()).select_from(OutboxMessage).filter_by(template="unlock-code")
    assert db.session.scalar(sent) == 2


def restore(counter: Counter, card: int) -> None:
    """Undo what a change did to rows, all but the chip: those changes come last."""
    db.session.remove()
    row = db.session.get_one(Card, card)
    row.status = CardStatus.LOCKED
    row.puk_current_out = row.puk_pending_out = False
    assert row.person is not None
    row.person.status = type(row.person.status)("open")
    db.session.query(SelfService).delete()
    db.session.commit()
    registered(row.person, counter.now)
