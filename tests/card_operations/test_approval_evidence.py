"""Approvals that prove something later, and those that were tampered with."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.card_operations import approve
from app.card_operations.answers import Finished
from app.cli.audit import WORDS
from app.domain.approval import Act, ActKind, digest
from app.domain.principal import Principal
from app.extensions import db
from app.models import AuditEvent, Card, Certificate, Person
from app.services.approval_evidence import Checked, Flaw, findings
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_2
from tests.parts.people import a_card


@pytest.fixture
def agent(counter: Counter, holder: Person) -> Principal:
    return counter.sign_in_agent(holder.organisation)


@pytest.fixture
def event(counter: Counter, agent: Principal, holder: Person) -> AuditEvent:
    """A card was cancelled with an agent's approval."""
    card = a_card(holder)
    act = Act(act=ActKind.CANCEL, person_id=holder.id, card_id=card.id, reason="lost")
    ticket = approve.start(
        agent, act, guid=None,
        office=counter.office, now=counter.now, **counter.at_the_bridge(READER_2),
    )  # fmt: skip
    assert isinstance(counter.run(ticket, passcode=PASSCODE), Finished)
    return db.session.scalars(select(AuditEvent).filter_by(event="card.cancelled")).one()


def flaws(counter: Counter) -> list[Flaw]:
    checked = Checked()
    found = [each.flaw for each in findings(counter.office.issuer, checked)]
    assert checked.approvals == 1
    return found


def forged(event: AuditEvent) -> dict[str, Any]:
    """Another text with a digest that fits it."""
    text = event.facts["text"].replace("lost", "stolen")
    return {"facts": {**event.facts, "text": text, "sha256": digest(text)}}


def test_a_kept_approval_is_verified_long_after(
    app: Flask, counter: Counter, event: AuditEvent
) -> None:
    assert flaws(counter) == []
    said = app.test_cli_runner().invoke(args=["audit", "approvals"])
    assert (said.exit_code, said.output) == (0, "1 approvals, 0 proving nothing\n")


def test_what_its_card_keeps_apart_is_verified_too(counter: Counter, event: AuditEvent) -> None:
    apart = {**event.facts, "statement": event.statement}
    change(event, event="card.issued", facts={"approved": apart}, statement=None)
    assert flaws(counter) == []


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        (lambda event: {"facts": {**event.facts, "text": "Act: none"}}, Flaw.TEXT_CHANGED),
        (lambda event: forged(event), Flaw.NOT_SIGNED),
        (lambda event: {"statement": None}, Flaw.NOT_SIGNED),
        (lambda event: {"statement": event.statement[:-4] + "AAAA"}, Flaw.NOT_SIGNED),
        (lambda event: {"actor_card_id": None}, Flaw.NO_CARD),
        (lambda event: {"actor_card_id": event.subject_card_id}, Flaw.KEY_NOT_CERTIFIED),
        (lambda event: {"actor_uuid": "500200300999"}, Flaw.KEY_NOT_CERTIFIED),
    ],
)
def test_what_was_tampered_with_is_found(
    app: Flask,
    counter: Counter,
    event: AuditEvent,
    changes: Callable[[AuditEvent], dict[str, Any]],
    flaw: Flaw,
) -> None:
    change(event, **changes(event))
    assert flaws(counter) == [flaw]
    said = app.test_cli_runner().invoke(args=["audit", "approvals"])
    assert said.exit_code == 1
    assert WORDS[flaw] in said.output


def test_a_key_that_our_authority_never_certified_proves_nothing(
    counter: Counter, agent: Principal, event: AuditEvent
) -> None:
    card = db.session.get_one(Card, agent.card_id)
    db.session.execute(
        update(Certificate).where(Certificate.card_id == card.id).values(der=b"none")
    )
    db.session.commit()
    assert flaws(counter) == [Flaw.KEY_NOT_CERTIFIED]


def test_every_flaw_has_its_words() -> None:
    assert set(WORDS) == set(Flaw)


def change(row: AuditEvent, /, **values: Any) -> None:
    db.session.execute(update(AuditEvent).where(AuditEvent.id == row.id).values(**values))
    db.session.commit()
