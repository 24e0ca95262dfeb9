"""A service, a real bridge with virtual cards on a port of its own, and a page between them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session, scoped_session

from app.card_operations import hello, issue, journal
from app.card_operations.answers import Answer, Finished, NextTicket, Waiting
from app.card_operations.office import Office
from app.card_operations.which_passcode import hint_at_sign_in
from app.cli.bridge_page import BridgePage, bridge_page
from app.domain.principal import Principal
from app.domain.roles import Role
from app.domain.statuses import WorkstationStatus
from app.extensions import db
from app.models import Card, Organisation, Person
from app.pki.authority import BuiltInAuthority
from app.services import sessions, sign_in
from app.services.sign_in import SignedIn
from reader_bridge.contract import Algorithm
from reader_bridge.virtual.behaviour import Behaviour, named
from reader_bridge.virtual.state import CardState
from tests.parts.bridge import (
    ORIGIN,
    READER_1,
    READER_2,
    RunningBridge,
    bridge_settings,
    running_bridge,
)
from tests.parts.people import a_person, an_assignment

PASSCODE = "Blue7742"


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority") / "pki"
    BuiltInAuthority.create(folder, b"of the tests", now=datetime.now(UTC))
    return folder


@pytest.fixture
def office(app: Flask, db_session: scoped_session[Session], pki_folder: Path) -> Office:
    """The service's part. Its clock is the machine's: a bridge is a program of its own."""
    app.config.update(
        ORIGIN=ORIGIN,
        PKI_FOLDER=str(pki_folder),
        ISSUER_PASSPHRASE="of the tests",
        ALLOW_VIRTUAL_CARDS=True,
        DEMONSTRATION=True,
    )
    office = Office(app.config)
    app.extensions["card_office"] = office
    return office


@pytest.fixture
def bridge(tmp_path: Path, office: Office) -> Iterator[RunningBridge]:
    with running_bridge(bridge_settings(tmp_path, *office.tickets.public)) as running:
        yield running


class Counter:
    """A page at the bridge, introduced to the service, and whoever acts there."""

    def __init__(self, page: BridgePage, office: Office, cards: Path) -> None:
        self.page = page
        self.office = office
        self.actor: Principal | None = None
        self.reader = READER_1  # where the card is that is worked on
        self._cards = cards
        self.introduce()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def introduce(self, status: WorkstationStatus = WorkstationStatus.ENROLLED) -> None:
        connection = hello.receive(
            self.page.hello, origin=ORIGIN, browser=self.page.browser, now=self.now
        )
        connection.workstation.status = status
        db.session.commit()

    def put_in(
        self, behaviour: str | Behaviour = "default", name: str = "one", serial: int = 4711
    ) -> None:
        """A card as it leaves its factory, put into the reader."""
        wanted = named(behaviour) if isinstance(behaviour, str) else behaviour
        path = self._cards / f"{name}.json"
        CardState.blank(wanted, label=name, serial=serial, path=path).save()
        self.page.desk("insert", card=name, reader=self.reader)

    def chip(self, name: str = "one") -> CardState:
        """What is in the card itself."""
        return CardState.load(self._cards / f"{name}.json")

    @property
    def seat(self) -> str:
        return self.page.seats[self.reader]

    def at_the_bridge(self, reader: str | None = None) -> dict[str, Any]:
        """Who brings what: sid, seat and browser, as every start wants them."""
        seat = self.page.seats[reader or self.reader]
        return {"sid": self.page.sid, "seat": seat, "browser": self.page.browser}

    def bring(self, operation: str, body: dict[str, Any], browser: str | None = None) -> Answer:
        """Post a result to the service, as the page does."""
        return journal.result(
            operation,
            body,
            browser=browser or self.page.browser,
            actor=self.actor,
            office=self.office,
            now=self.now,
        )

    def run(self, first: NextTicket, **passcodes: str | None) -> Answer:
        return self.page.run(first, self.bring, **passcodes)

    def ticket(self, operation: str) -> NextTicket:
        """Go on with an operation that stands still."""
        return journal.ticket(
            operation, actor=self.actor, office=self.office, now=self.now, **self.at_the_bridge()
        )

    def start_sign_in(self, card: Card, tries_left: int | None = None) -> NextTicket:
        return sign_in.start(
            guid=card.guid,
            tries_left=tries_left,
            use=hint_at_sign_in(card, tries_left=tries_left, now=self.now).use,
            office=self.office,
            now=self.now,
            **self.at_the_bridge(),
        )

    def sign_in(
        self, card: Card, passcode: str = PASSCODE, tries_left: int | None = None
    ) -> Principal:
        """Sign the card's holder in, who acts from then on."""
        answer = self.run(self.start_sign_in(card, tries_left), passcode=passcode)
        assert isinstance(answer, Waiting), answer
        following = sign_in.proceed(answer.operation, browser=self.page.browser, now=self.now)
        assert isinstance(following, SignedIn), following
        self.actor = sessions.load(following.token, self.now)
        assert self.actor is not None
        return self.actor

    def sign_in_agent(
        self, organisation: Organisation, role: Role | None = Role.RA_AGENT, name: str = "agents"
    ) -> Principal:
        """Sign an agent in with a card of their own in the other reader, who acts from then on."""
        person = a_person(given_name="Grace", family_name="Hopper", organisation=organisation)
        an_assignment(person, role)
        working_at, self.reader = self.reader, READER_2
        self.put_in(name=name)
        agent = self.sign_in(self.issue(person))
        self.reader = working_at
        return agent

    def start_issue(
        self, person: Person, algorithm: Algorithm = Algorithm.ES256, **more: Any
    ) -> NextTicket:
        return issue.start(
            person,
            self.page.blank_card(self.reader),
            algorithm=algorithm,
            actor=None,
            office=self.office,
            now=self.now,
            **self.at_the_bridge(),
            **more,
        )

    def issue(self, person: Person, passcode: str = PASSCODE, **more: Any) -> Card:
        """Issue the card in the reader to a person."""
        done = self.run(self.start_issue(person, **more), new_passcode=passcode)
        assert isinstance(done, Finished), done
        return db.session.query(Card).filter_by(guid=done.facts["guid"]).one()


@pytest.fixture
def counter(tmp_path: Path, bridge: RunningBridge, office: Office) -> Iterator[Counter]:
    with bridge_page(bridge.port, ORIGIN) as page:
        yield Counter(page, office, tmp_path / "cards")


@pytest.fixture
def another_page(bridge: RunningBridge) -> Iterator[Callable[[], BridgePage]]:
    """Opens more pages at the same bridge."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(bridge_page(bridge.port, ORIGIN))


@pytest.fixture
def holder(office: Office) -> Person:
    return a_person()
