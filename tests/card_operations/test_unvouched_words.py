"""What a workstation has signed that nobody answers for: its key may be anybody's own."""

import base64
import json
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from sqlalchemy import func, select

from app.card_operations import hello, journal, permitted, wire
from app.card_operations.answers import CardAnswered, Finished
from app.card_operations.which_passcode import hint_at_sign_in
from app.domain.card_lifecycle import CardStatus
from app.domain.card_services import CardService
from app.domain.errors import SignInRefused
from app.domain.statuses import Outcome, WorkstationStatus
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, OutboxMessage, Person
from app.services import sign_in
from reader_bridge.contract import Typ
from reader_bridge.workstation import Workstation
from tests.card_operations import test_which_passcode
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_change_passcode import lose_the_answer, start
from tests.card_operations.test_service_centre import allow, begin
from tests.card_operations.test_unlock import as_page, must_be_unlocked
from tests.parts.bridge import ORIGIN
from tests.parts.self_service import registered

BROWSER = "e" * 64


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    counter.put_in()
    return counter.issue(holder)


def said_by_a_key_of_ones_own(counter: Counter, card: Card, **error: Any) -> None:
    """Somebody without a card, who knows its identifier, plays bridge and page at once."""
    of_ones_own = Workstation(OKPKey.generate_key("Ed25519"), "nobody's")
    ek = OKPKey.generate_key("X25519").as_dict(private=False)
    sid = wire.random_text()
    token = of_ones_own.hello(
        sid=sid,
        ek={name: ek[name] for name in ("kty", "crv", "x")},
        origin=ORIGIN,
        instance=wire.random_text(),
        capabilities=[],
    )
    met = hello.receive(token, origin=ORIGIN, browser=BROWSER, now=counter.now)
    assert met.workstation.status is WorkstationStatus.SEEN
    db.session.commit()
    first = sign_in.start(
        guid=card.guid,
        tries_left=None,
        use="new-then-old",
        sid=sid,
        seat="s" * 20,
        browser=BROWSER,
        office=counter.office,
        now=counter.now,
    )
    part = first.ticket.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    facts = {name: value for name, value in error.items() if name != "code"}
    receipt = of_ones_own.sign(
        Typ.RECEIPT,
        {
            "aud": ORIGIN,
            "sid": sid,
            "op": first.operation,
            "step": first.step,
            "jti": claims["jti"],
            "outcome": error["code"],
            "facts": facts,
            "digest": "",
        },
    )
    journal.result(
        first.operation,
        {"step": first.step, "error": error, "receipt": receipt},
        browser=BROWSER,
        actor=None,
        office=counter.office,
        now=counter.now,
    )
    db.session.refresh(card)


def events(name: str) -> list[tuple[Outcome, str | None]]:
    rows = db.session.scalars(select(AuditEvent).where(AuditEvent.event == name))
    return [(row.outcome, row.actor_uuid) for row in rows]


def mails() -> int:
    return db.session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def lock_at_sign_in(counter: Counter, card: Card) -> CardAnswered:
    for _ in range(3):
        answer = counter.run(counter.start_sign_in(card), passcode="wrong-00")
    assert isinstance(answer, CardAnswered)
    return answer


@pytest.mark.both_databases
def test_nobody_locks_a_card_with_a_key_of_their_own(counter: Counter, card: Card) -> None:
    mailed = mails()
    said_by_a_key_of_ones_own(counter, card, code="passcode-locked")
    assert card.status is CardStatus.ISSUED
    assert events("card.locked") == []
    assert events("card.told-locked") == [(Outcome.REFUSED, None)]
    assert mails() == mailed
    assert card.person is not None
    agent = counter.sign_in_agent(card.person.organisation)
    assert permitted.demand(agent, card, CardService.CHANGE_PASSCODE, now=counter.now).available
    counter.actor = None
    counter.sign_in(card)


def test_a_wrong_passcode_is_told_as_what_an_unknown_pc_says(counter: Counter, card: Card) -> None:
    said_by_a_key_of_ones_own(counter, card, code="wrong-passcode", left=1)
    assert events("card.wrong-passcode") == []
    assert events("card.told-wrong-passcode") == [(Outcome.REFUSED, None)]


def test_nobody_has_a_new_passcode_taken_for_refused_with_a_key_of_their_own(
    counter: Counter, card: Card
) -> None:
    test_which_passcode.sign_in(counter, card)
    lose_the_answer(counter, changed=True)
    assert hint_at_sign_in(card, tries_left=3, now=counter.now).use == "new-then-old"
    said_by_a_key_of_ones_own(counter, card, code="wrong-passcode", left=2)
    assert not card.new_passcode_refused


def test_a_pc_that_was_only_seen_still_tells_whoever_is_there(counter: Counter, card: Card) -> None:
    """The card is locked for sure, its chip says so, and whoever holds it is told."""
    counter.introduce(WorkstationStatus.SEEN)
    assert lock_at_sign_in(counter, card).code == "passcode-locked"
    db.session.refresh(card)
    assert card.status is CardStatus.ISSUED
    read = counter.page.read_card(counter.reader)
    assert read["passcode_left"] == 0
    with pytest.raises(SignInRefused, match="locked"):
        counter.start_sign_in(card, tries_left=read["passcode_left"])
    # One whose chip does not say how many are left is asked once more, and answers the same
    again = counter.run(counter.start_sign_in(card), passcode=PASSCODE)
    assert isinstance(again, CardAnswered)
    assert again.code == "passcode-locked"


def test_whoever_is_signed_in_answers_for_the_pc(counter: Counter, card: Card) -> None:
    counter.introduce(WorkstationStatus.SEEN)
    counter.sign_in(card)
    for _ in range(3):
        answer = counter.run(start(counter), passcode="wrong-00", new_passcode="Green815")
    assert isinstance(answer, CardAnswered)
    assert answer.code == "passcode-locked"
    db.session.refresh(card)
    assert card.status is CardStatus.LOCKED
    assert [outcome for outcome, _ in events("card.locked")] == [Outcome.DONE]


def test_a_card_locked_where_nobody_answers_for_it_is_unlocked_at_the_service_centre(
    counter: Counter, card: Card
) -> None:
    assert card.person is not None
    registered(card.person, counter.now)
    counter.introduce(WorkstationStatus.SEEN)
    lock_at_sign_in(counter, card)
    counter.introduce()
    answer = counter.run(begin(counter))
    assert isinstance(answer, Finished)
    operation = db.session.scalars(
        select(CardOperation).filter_by(public_id=answer.facts["unlock"])
    ).one()
    done = as_page(counter, counter.ticket(allow(counter, operation)))
    assert isinstance(done, Finished)
    must_be_unlocked(counter, card)
