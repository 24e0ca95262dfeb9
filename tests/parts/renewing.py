"""Cards on their way to new certificates, for the tests of card operations."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from app.card_operations import age, approve, renew, sealed, wire
from app.card_operations.answers import Answer, Finished, NextTicket
from app.domain.card_lifecycle import CardStatus
from app.domain.days import day_of
from app.domain.principal import Principal
from app.domain.renewal import LIFE
from app.domain.roles import Role
from app.domain.statuses import CertificateStatus, KeyState, OperationState
from app.extensions import db
from app.models import Card, CardOperation, Person
from app.services import sessions
from reader_bridge.contract import Slot
from tests.parts.bridge import READER_1
from tests.parts.people import a_card, a_person, a_session, an_assignment

PAIR = {Slot.AUTHENTICATION.value, Slot.SIGNATURE.value}


def make_older(counter: Any, card: Card, days: int) -> None:
    """Bring a card's certificates nearer to their end, as the demonstration does."""
    first = age.start(
        card, days, actor=None, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )
    assert isinstance(counter.run(first), Finished)


def expiring(counter: Any, card: Card, days_left: int = 20) -> Card:
    """Bring a card into the window."""
    make_older(counter, card, LIFE.days - days_left)
    db.session.refresh(card)
    assert card.expires_on == day_of(counter.now) + timedelta(days=days_left)
    return card


def put_in_again(counter: Any, name: str = "one") -> None:
    counter.page.desk("remove", reader=READER_1)
    counter.page.desk("insert", card=name, reader=READER_1)


def start_renewal(counter: Any, card: Card) -> NextTicket:
    """As the holder who is signed in does."""
    return renew.start_own(
        counter.actor,
        guid=card.guid,
        office=counter.office,
        now=counter.now,
        **counter.at_the_bridge(),
    )


def renewal_of(card: Card) -> CardOperation:
    return db.session.query(CardOperation).filter_by(card_id=card.id, kind=renew.KIND).one()


def do(counter: Any, ticket: NextTicket, steps: int, passcode: str) -> NextTicket:
    """Do some steps whose answers arrive."""
    for _ in range(steps):
        answer = counter.bring(ticket.operation, counter.page.step(ticket, passcode=passcode))
        assert isinstance(answer, NextTicket), answer
        ticket = answer
    return ticket


def continue_at_sign_in(counter: Any, card: Card) -> NextTicket:
    return renew.continue_at_sign_in(
        card.guid, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )


def way_forward(counter: Any, card: Card, passcode: str) -> Answer:
    """What a holder does whose renewal was cut off: put the card in, sign in, go on."""
    counter.actor = None
    if renew.interrupted(card.guid) is not None:
        return counter.run(continue_at_sign_in(counter, card), passcode=passcode)
    counter.sign_in(card, passcode)
    return counter.run(start_renewal(counter, card), passcode=passcode)


def must_be_renewed(counter: Any, card: Card, *, self_renewals: int = 1, file: str = "one") -> None:
    """Service, card and database agree: a new pair, the old one superseded, all in order."""
    db.session.expire_all()
    assert card.status is CardStatus.ISSUED
    assert card.expires_on == day_of(counter.now) + LIFE
    assert card.self_renewals_in_row == self_renewals
    must_be_sound(counter, card, file=file)
    states: dict[str, list[CertificateStatus]] = {}
    for each in sorted(card.certificates, key=lambda each: each.id):
        states.setdefault(each.slot, []).append(each.status)
        if each.status is CertificateStatus.REVOKED:
            assert each.revocation_reason == "superseded"
    for slot in PAIR:
        assert set(states[slot][:-1]) == {CertificateStatus.REVOKED}
        assert states[slot][-1] is CertificateStatus.ACTIVE


def must_be_sound(counter: Any, card: Card, *, file: str = "one") -> None:
    """What the service believes, and what is in the chip, are one and the same."""
    db.session.expire_all()
    read = counter.page.read_card(READER_1)["certificates"]
    chip = counter.chip(file)
    assert chip.guid is not None
    assert chip.guid.hex() == card.guid
    assert chip.management_key == sealed.management_key(counter.office.vault, card).key
    current = {key.slot for key in card.keys if key.state is KeyState.CURRENT}
    active = {
        each.slot: each for each in card.certificates if each.status is CertificateStatus.ACTIVE
    }
    assert current == set(active) == set(read) == {"9a", "9c", "9e"}
    for slot, certificate in active.items():
        assert wire.to_bytes(read[slot]) == certificate.der
        assert certificate.key.state is KeyState.CURRENT


def an_agent(role: Role, holder: Person, now: datetime) -> Principal:
    """Somebody signed in who acts in a role where the holder belongs."""
    person = a_person(now, organisation=holder.organisation)
    assignment = an_assignment(person, role)
    token = a_session(a_card(person, now), now, assignment_id=assignment.id)
    principal = sessions.load(token, now)
    assert principal is not None
    return principal


def approved_repair(agent: Principal, card: Card, now: datetime) -> str:
    """The name of a repair that the agent's own card has signed for a moment ago."""
    row = CardOperation(
        public_id=str(uuid4()),
        kind=approve.KIND,
        state=OperationState.DONE,
        step=approve.SIGN,
        person_id=agent.person_id,
        actor_person_id=agent.person_id,
        session_id=agent.session_id,
        browser="b" * 64,
        facts={
            "act": {
                "act": "repair",
                "person_id": card.person_id,
                "card_id": card.id,
                "reason": "expired",
                "note": "",
                "replacement": False,
            },
            "text": "Repair a Smartcard",
            "sha256": "0" * 64,
            "statement": "signed.by.the-agent",
        },
        started_at=now,
        updated_at=now,
        finished_at=now,
    )
    db.session.add(row)
    db.session.commit()
    return row.public_id
