"""What was tried very often goes on under a new name, and nothing known of the card is forgotten.

An operation has a limit of steps, and a ticket needs no card: it must not close a card for good.
"""

import pytest
from sqlalchemy import select

from app.card_operations import journal, sealed
from app.card_operations.answers import Answer, Finished, NextTicket
from app.card_operations.refusals import OperationOver
from app.card_operations.which_passcode import asked_at, in_doubt, passcode_hint
from app.domain.roles import Role
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Card, CardOperation, CardOperationStep, Person
from app.services import service_centre as centre
from tests.card_operations import (
    test_change_passcode_with_help,
    test_erase,
    test_issue,
    test_repair,
    test_service_centre,
    test_unlock,
)
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_unlock import NEW, issued, lock, must_be_unlocked, put_in_again
from tests.parts.renewing import an_agent, make_older, must_be_renewed
from tests.parts.self_service import registered


def standing(kind: str) -> CardOperation:
    begun = select(CardOperation).filter_by(kind=kind, finished_at=None)
    return db.session.scalars(begun).one()


def tried_very_often(kind: str, times: int = journal.MOST_STEPS) -> CardOperation:
    """As if its last step had been asked for again and again, and never been answered."""
    row = standing(kind)
    last = row.steps[-1]
    for number in range(len(row.steps) + 1, times + 1):
        row.steps.append(
            CardOperationStep(
                number=number, name=last.name, jti=f"again-{number}", ticket_at=last.ticket_at
            )
        )
    db.session.commit()
    return row


def go(counter: Counter, ticket: NextTicket, many: int, **typed: str) -> NextTicket:
    """Go on for some steps; the card then does the one after, and its answer is lost."""
    answer: Answer = ticket
    for _ in range(many):
        assert isinstance(answer, NextTicket)
        answer = counter.bring(answer.operation, counter.page.step(answer, **typed))
    assert isinstance(answer, NextTicket)
    counter.page.step(answer, **typed)
    put_in_again(counter)
    return answer


def must_have_gone_on(before: CardOperation, facts: tuple[str, ...] = ()) -> None:
    """Under a new name, with what was known under the old one, which is over."""
    of_kind = select(CardOperation).filter_by(kind=before.kind, card_id=before.card_id)
    old, new = db.session.scalars(of_kind.order_by(CardOperation.id)).all()
    assert (old, old.state) == (before, OperationState.ABANDONED)
    assert new.person_id == old.person_id
    assert {name: new.facts.get(name) for name in facts} == {
        name: old.facts[name] for name in facts
    }


@pytest.mark.both_databases
def test_a_locked_card_is_unlocked_however_often_that_was_begun(
    counter: Counter, holder: Person
) -> None:
    card = issued(counter, holder)
    lock(counter, card)
    for _ in range(journal.MOST_STEPS):
        test_unlock.start(counter, card)
    test_unlock.unlocked(counter, card)
    must_be_unlocked(counter, card)


@pytest.mark.both_databases
def test_an_unlock_remembers_which_puk_was_sent(counter: Counter, holder: Person) -> None:
    card = issued(counter, holder)
    lock(counter, card)
    go(counter, test_unlock.start(counter, card), 1, new_passcode=NEW)
    pending = sealed.pending_puk(counter.office.vault, card)
    before = tried_very_often("unlock")
    test_unlock.unlocked(counter, card)
    must_be_unlocked(counter, card)
    assert sealed.current_puk(counter.office.vault, card) == pending
    must_have_gone_on(before)


@pytest.mark.both_databases
@pytest.mark.parametrize("many", range(3))
def test_an_erasing_remembers_what_was_done_to_the_card(
    counter: Counter, holder: Person, many: int
) -> None:
    card = test_erase.cancelled(counter, holder)
    go(counter, test_erase.start(counter, card), many)
    before = tried_very_often("erase")
    known = {"emptying", "key_sent", "puk_sent", "emptied", "puk_is_back", "left"}
    told = tuple(sorted(known & set(before.facts)))
    assert len(told) == (0, 3, 6)[many]
    test_erase.start(counter, card)
    must_have_gone_on(before, told)
    test_erase.erased(counter, card)
    test_erase.must_be_blank(counter, card)
    test_erase.must_be_issuable(counter)


def test_an_erasing_remembers_whose_issue_was_given_up(counter: Counter, holder: Person) -> None:
    counter.put_in()
    go(counter, counter.start_issue(holder), 2, new_passcode=PASSCODE)
    card = db.session.scalars(select(Card)).one()
    standing("issue").session_id = None
    standing("issue").state = OperationState.WAITING
    db.session.commit()
    counter.sign_in_agent(holder.organisation)
    test_erase.start(counter, card)
    before = tried_very_often("erase")
    test_erase.erased(counter, card)
    assert before.person_id == holder.id
    must_have_gone_on(before)


@pytest.mark.both_databases
@pytest.mark.parametrize("many", range(5))
def test_an_issue_remembers_what_was_sent_to_the_card(
    counter: Counter, holder: Person, many: int
) -> None:
    counter.put_in()
    go(counter, counter.start_issue(holder), many, new_passcode=PASSCODE)
    before = tried_very_often("issue")
    card = counter.issue(holder)
    assert card == before.card
    test_issue.must_be_issued(counter, card)
    must_have_gone_on(before, tuple({"key_sent", "puk_sent"} & set(before.facts)))


@pytest.mark.both_databases
def test_a_change_of_passcode_remembers_since_when_it_is_in_doubt(
    counter: Counter, holder: Person
) -> None:
    card = issued(counter, holder)
    again = test_change_passcode_with_help.start
    counter.page.step(
        again(counter, card), passcode=PASSCODE, new_passcode=NEW
    )  # the answer is lost
    before = tried_very_often("change-passcode")
    since = asked_at(before)
    ticket = again(counter, card)
    must_have_gone_on(before)
    doubt = in_doubt(card)
    assert doubt is not None
    assert (doubt.public_id, doubt.step, asked_at(doubt)) == (ticket.operation, "confirm", since)
    assert passcode_hint(card) == "new-then-old"
    assert isinstance(counter.run(ticket, passcode=NEW), Finished)
    assert passcode_hint(card) is None


def test_a_repair_goes_on_with_its_approval(counter: Counter, holder: Person) -> None:
    counter.put_in()
    card = counter.issue(holder)
    make_older(counter, card, 731)
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now)
    go(counter, test_repair.start(counter, card), 2, passcode=PASSCODE)
    before = tried_very_often("repair")
    ticket = test_repair.start(counter, card, approved=False)
    must_have_gone_on(before, ("approval", "approved_by", "algorithms"))
    assert isinstance(counter.run(ticket, passcode=PASSCODE), Finished)
    must_be_renewed(counter, card, self_renewals=0)


@pytest.mark.both_databases
def test_at_the_service_centre_the_card_proves_itself_anew(
    counter: Counter, holder: Person
) -> None:
    card = issued(counter, holder)
    registered(holder, counter.now)
    lock(counter, card)
    counter.actor = None
    first = test_service_centre.proven(counter)
    counter.ticket(test_service_centre.allow(counter, first))
    before = tried_very_often("unlock")
    with pytest.raises(OperationOver):
        counter.ticket(before.public_id)
    db.session.rollback()
    assert not centre.goes_on(before, now=counter.now)
    again = test_service_centre.proven(counter)
    done = test_unlock.as_page(counter, counter.ticket(test_service_centre.allow(counter, again)))
    assert isinstance(done, Finished)
    must_be_unlocked(counter, card)
    must_have_gone_on(before)
