"""Unlocking beyond the straight way: half renewed, under another name, and what nobody may read."""

import logging
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import select
from websockets.sync.client import ClientConnection

from app.card_operations import renew, sealed, unlock
from app.card_operations.answers import Finished
from app.cli.bridge_page import BridgePage
from app.domain.errors import Conflict
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, CardOperationStep, OutboxMessage, Person
from reader_bridge.piv import objects
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_unlock import (
    NEW,
    as_page,
    cut_after_step,
    issued,
    lock,
    must_be_unlocked,
    put_in_again,
    unlocked,
)
from tests.parts.people import a_card, a_person
from tests.parts.renewing import do, expiring, start_renewal


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    return issued(counter, holder)


def the_event(name: str) -> AuditEvent:
    return db.session.scalars(select(AuditEvent).filter_by(event=name)).one()


# Half renewed


@pytest.mark.parametrize(
    ("steps", "performed", "slots"),
    [
        (0, True, {"9a"}),  # nothing was made yet
        (1, True, {"9a"}),  # 9C unproven: the old 9A speaks
        (2, True, {"9c"}),  # the new 9C is known, 9A is whichever
        (3, False, {"9a"}),  # the new 9A is known
    ],
)
def test_a_card_whose_renewal_was_cut_off_is_unlocked_by_whichever_key_is_known(
    counter: Counter, holder: Person, steps: int, performed: bool, slots: set[str]
) -> None:
    counter.put_in()
    card = expiring(counter, counter.issue(holder))
    counter.sign_in(card)
    ticket = do(counter, start_renewal(counter, card), steps, PASSCODE)
    if performed:
        counter.page.step(ticket, passcode=PASSCODE)
    put_in_again(counter)
    lock(counter, card)
    counter.sign_in_agent(holder.organisation)
    unlocked(counter, card)
    must_be_unlocked(counter, card)
    assert the_event("card.unlocked").facts["slot"] in slots
    counter.actor = None
    going_on = renew.interrupted(card.guid)
    if going_on is not None:
        first = renew.continue_at_sign_in(
            card.guid, office=counter.office, now=counter.now, **counter.at_the_bridge()
        )
        assert isinstance(counter.run(first, passcode=NEW), Finished)


# What other software has written


def test_a_card_that_shows_another_identifier_is_unlocked_by_its_card_key(
    counter: Counter, card: Card
) -> None:
    shown = uuid4()
    chip = counter.chip()
    chip.objects[objects.CHUID] = objects.Chuid(shown.bytes).encode()
    chip.save()
    put_in_again(counter)
    assert counter.page.read_card(counter.reader)["guid"] == shown.hex
    assert counter.actor is not None
    ticket = unlock.start_assisted(
        counter.actor, card, guid=shown.hex,
        office=counter.office, now=counter.now, **counter.at_the_bridge(),
    )  # fmt: skip
    assert isinstance(as_page(counter, ticket), Finished)
    must_be_unlocked(counter, card)


def test_another_card_s_identifier_is_that_other_card(counter: Counter, card: Card) -> None:
    other = a_card(a_person())
    assert counter.actor is not None
    with pytest.raises(Conflict, match="another-card"):
        unlock.start_assisted(
            counter.actor, card, guid=other.guid,
            office=counter.office, now=counter.now, **counter.at_the_bridge(),
        )  # fmt: skip


# What nobody may read


class Overheard:
    """The socket of a page, and all that went over it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.frames: list[str] = []

    def send(self, frame: str) -> None:
        self.frames.append(frame)
        self._socket.send(frame)

    def recv(self, timeout: float | None = None) -> str:
        frame = str(self._socket.recv(timeout=timeout))
        self.frames.append(frame)
        return frame


def overheard(page: BridgePage) -> Overheard:
    socket = Overheard(page._connection)
    page._connection = cast(Any, socket)
    return socket


def test_no_puk_is_in_a_message_a_log_the_journal_or_the_audit_log(
    counter: Counter,
    card: Card,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    heard = overheard(counter.page)
    vault = counter.office.vault
    puks = {sealed.current_puk(vault, card)}
    lock(counter, card)
    cut_after_step(counter, card)
    puks.add(sealed.pending_puk(vault, card))
    unlocked(counter, card, "Amber519")
    puks.add(sealed.current_puk(vault, card))
    assert len(puks) == 2
    said = "".join(heard.frames) + caplog.text + "".join(capfd.readouterr())
    for model in (CardOperation, CardOperationStep, AuditEvent, OutboxMessage):
        for row in db.session.scalars(select(model)):
            said += str(
                {column.name: getattr(row, column.name) for column in row.__table__.columns}
            )
    assert heard.frames
    for puk in puks:
        assert puk not in said
