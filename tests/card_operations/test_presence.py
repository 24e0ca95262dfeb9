"""Proofs of presence: from a bridge that was started again, of a busy card, of another's card."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.card_operations.answers import CardAnswered, Finished, NextTicket
from app.card_operations.office import Office
from app.card_operations.refusals import OtherWorkstation
from app.cli.bridge_page import bridge_page
from app.domain.principal import Principal
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, Person, Session
from app.services import presence
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import ORIGIN, READER_1, RunningBridge, bridge_settings, running_bridge
from tests.parts.people import a_person

LATER = timedelta(seconds=60)


@pytest.fixture
def bridge(tmp_path: Path, office: Office) -> Iterator[RunningBridge]:
    """It waits only a moment for a card that somebody else has."""
    settings = bridge_settings(tmp_path, *office.tickets.public, busy=0.2)
    with running_bridge(settings) as running:
        yield running


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    counter.put_in()
    return counter.issue(holder)


@pytest.fixture
def signed_in(counter: Counter, card: Card) -> Session:
    return db.session.get_one(Session, counter.sign_in(card).session_id)


def prove(counter: Counter, *, seat: str | None = None) -> NextTicket | None:
    """What the server answers to a page, a minute after the last proof."""
    actor = counter.actor
    assert isinstance(actor, Principal)
    row = db.session.get_one(Session, actor.session_id)
    row.last_presence_at -= LATER
    db.session.commit()
    return presence.prove(
        actor,
        sid=counter.page.sid,
        seat=seat,
        browser=counter.page.browser,
        office=counter.office,
        now=counter.now,
    )


def events(name: str) -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.event == name)))


@pytest.fixture
def started_again(
    counter: Counter, bridge: RunningBridge, tmp_path: Path, office: Office, signed_in: Session
) -> Iterator[Counter]:
    """The bridge of this PC was started again; the card is in another seat there."""
    bridge.stop()
    with (
        running_bridge(bridge_settings(tmp_path, *office.tickets.public)) as bridge,
        bridge_page(bridge.port, ORIGIN) as page,
    ):
        page.browser = counter.page.browser
        again = Counter(page, office, tmp_path / "cards")
        again.actor = counter.actor
        page.desk("insert", card="one", reader=READER_1)
        yield again


def test_a_session_follows_its_card_to_a_bridge_that_was_started_again(
    started_again: Counter, signed_in: Session
) -> None:
    old = (signed_in.seat, signed_in.bridge_instance)
    ticket = prove(started_again, seat=started_again.seat)
    assert ticket is not None
    assert (signed_in.seat, signed_in.bridge_instance) == old
    assert isinstance(started_again.run(ticket), Finished)
    db.session.refresh(signed_in)
    assert signed_in.seat == started_again.seat != old[0]
    assert signed_in.bridge_instance != old[1]
    assert len(events("session.bridge-restarted")) == 1


def test_a_session_goes_on_proving_its_card_at_the_bridge_that_was_started_again(
    started_again: Counter, signed_in: Session
) -> None:
    ticket = prove(started_again, seat=started_again.seat)
    assert ticket is not None
    started_again.run(ticket)
    db.session.refresh(signed_in)
    assert isinstance(started_again.actor, Principal)
    started_again.actor = replace(
        started_again.actor, seat=signed_in.seat, bridge_instance=signed_in.bridge_instance
    )
    following = prove(started_again)
    assert following is not None
    before = signed_in.last_presence_at
    assert isinstance(started_again.run(following), Finished)
    db.session.refresh(signed_in)
    assert signed_in.last_presence_at > before
    assert len(events("session.bridge-restarted")) == 1


def test_another_card_in_the_bridge_that_was_started_again_does_not_take_the_session(
    started_again: Counter, signed_in: Session
) -> None:
    started_again.page.desk("remove", reader=READER_1)
    started_again.put_in(name="another")
    started_again.issue(a_person())
    old = (signed_in.seat, signed_in.bridge_instance, signed_in.last_presence_at)
    ticket = prove(started_again, seat=started_again.seat)
    assert ticket is not None
    answer = started_again.run(ticket)
    assert isinstance(answer, CardAnswered)
    assert answer.code == "card-changed"
    db.session.refresh(signed_in)
    assert (signed_in.seat, signed_in.bridge_instance) == old[:2]
    assert signed_in.last_presence_at < old[2]


def test_a_session_does_not_follow_its_card_to_another_pc(
    counter: Counter, office: Office, signed_in: Session, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    with (
        running_bridge(bridge_settings(other, *office.tickets.public)) as bridge,
        bridge_page(bridge.port, ORIGIN) as page,
    ):
        page.browser = counter.page.browser
        there = Counter(page, office, other / "cards")
        there.actor = counter.actor
        with pytest.raises(OtherWorkstation):
            prove(there, seat="seat-elsewhere")


def test_a_card_that_another_program_has_is_seen_and_waited_for(
    bridge: RunningBridge, counter: Counter, signed_in: Session
) -> None:
    ticket = prove(counter)
    assert ticket is not None
    before = counter.now
    with bridge.occupied():
        answer = counter.run(ticket)
    assert isinstance(answer, CardAnswered)
    assert answer.code == "card-busy"
    db.session.refresh(signed_in)
    assert signed_in.busy_since is not None
    assert signed_in.busy_since >= before


def test_the_next_proof_forgets_that_the_card_was_busy(
    counter: Counter, signed_in: Session
) -> None:
    signed_in.busy_since = counter.now
    ticket = prove(counter)
    assert ticket is not None
    assert isinstance(counter.run(ticket), Finished)
    db.session.refresh(signed_in)
    assert signed_in.busy_since is None
    assert signed_in.presence_asked_at is None


def test_a_page_alone_cannot_have_a_card_taken_for_busy(
    counter: Counter, signed_in: Session
) -> None:
    ticket = prove(counter)
    assert ticket is not None
    body = {"step": ticket.step, "error": {"code": "card-busy"}, "receipt": None}
    counter.bring(ticket.operation, body)
    db.session.refresh(signed_in)
    assert signed_in.busy_since is None


def test_another_persons_card_proves_nothing_for_the_agent_who_works_on_it(
    counter: Counter, signed_in: Session
) -> None:
    counter.page.desk("remove", reader=READER_1)
    before = signed_in.last_presence_at
    counter.put_in(name="of-another-person")
    first = counter.start_issue(a_person())
    db.session.execute(
        update(CardOperation)
        .where(CardOperation.public_id == first.operation)
        .values(session_id=signed_in.id)
    )
    db.session.commit()
    assert isinstance(counter.run(first, new_passcode=PASSCODE), Finished)
    db.session.refresh(signed_in)
    assert signed_in.last_presence_at == before


@pytest.mark.parametrize("year", [1970, 2106])
def test_a_pc_whose_clock_is_years_off_signs_in_and_proves_presence(
    bridge: RunningBridge, counter: Counter, card: Card, year: int
) -> None:
    wrong = datetime(year, 1, 2, tzinfo=UTC).timestamp()
    bridge.server.around.wall_clock = lambda: wrong
    before = counter.now
    session = db.session.get_one(Session, counter.sign_in(card).session_id)
    assert before <= session.started_at <= counter.now
    ticket = prove(counter)
    assert ticket is not None
    assert isinstance(counter.run(ticket), Finished)
    db.session.refresh(session)
    assert before <= session.last_presence_at <= counter.now
    [event] = events("sign-in")
    assert before <= event.at <= counter.now
