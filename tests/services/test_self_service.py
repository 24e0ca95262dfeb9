"""Registering for self-service, changing it and ending it, on both databases."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.domain.errors import Invalid
from app.domain.one_time_code import CodeRefused
from app.domain.principal import Principal
from app.domain.security_questions import QUESTIONS, AnswerProblem, AnswersRefused
from app.domain.self_service import (
    AddressProblem,
    Change,
    ChangeNotOffered,
    NothingBegun,
    PasscodeNeeded,
    StepNeeded,
)
from app.extensions import db
from app.models import (
    AuditEvent,
    Base,
    Card,
    OneTimeCode,
    OutboxMessage,
    SecurityAnswer,
    SelfService,
    SelfServiceDraft,
)
from app.services import people, security_answers, self_service
from tests.parts.at_once import at_once
from tests.parts.clock import FrozenClock
from tests.parts.codes import mailed_code
from tests.parts.hashing import counting
from tests.parts.people import a_card, a_person, signed_in

pytestmark = pytest.mark.usefixtures("db_session")

CONTACT, NHS = "ada@home.example", "ada@nhs.net"
Q = list(QUESTIONS)
ANSWERS = ["Mrs Patel", "Tunde Okoye", "Mr Snuffles", "Pip-squeak"]
CHOSEN = list(zip(Q, ANSWERS, strict=False))


@dataclass
class Ada:
    """Somebody who is signed in, and what they do."""

    principal: Principal
    clock: FrozenClock

    def prove(self, change: Change = Change.REGISTER) -> None:
        """Begin, and have the card check the passcode in this session."""
        self_service.begin(self.principal, change, self.clock())
        db.session.execute(
            update(SelfServiceDraft)
            .where(SelfServiceDraft.person_id == self.principal.person_id)
            .values(proven_session_id=self.principal.session_id, proven_at=self.clock())
        )
        db.session.commit()

    def answer(self, chosen: list[tuple[str, str]], change: Change = Change.REGISTER) -> None:
        self_service.save_questions(self.principal, change, chosen, self.clock())

    def write_to(self, email: str, change: Change = Change.REGISTER) -> str:
        """Have a code sent, and return it."""
        self_service.save_email(self.principal, change, email, self.clock())
        return mailed_code(email)

    def confirm(self, code: str, change: Change = Change.REGISTER) -> None:
        self_service.confirm_code(self.principal, change, code, self.clock())

    def register(self) -> None:
        self.prove()
        self.answer(CHOSEN)
        self.confirm(self.write_to(NHS))

    @property
    def state(self) -> self_service.SelfServiceState:
        return self_service.state_of(self.principal.person_id)


@pytest.fixture
def ada(clock: FrozenClock) -> Ada:
    return Ada(signed_in(a_card(a_person(email=CONTACT))), clock)


def events() -> list[str]:
    found = db.session.scalars(select(AuditEvent.event).order_by(AuditEvent.id))
    return [each for each in found if each.startswith("self-service.")]


def told(template: str) -> set[str]:
    return set(db.session.scalars(select(OutboxMessage.to).filter_by(template=template)))


def kept_answers() -> dict[str, str]:
    row = db.session.scalars(select(SelfService)).one()
    found = security_answers.kept_in(row)
    db.session.rollback()
    return found


def right(answers: dict[str, str]) -> bool:
    kept = kept_answers()
    return list(kept) == list(answers) and security_answers.all_right(answers, kept)


def test_four_steps_register_a_person_who_is_told_at_both_addresses(ada: Ada) -> None:
    assert not ada.state.registered
    ada.register()
    assert (ada.state.registered, ada.state.email, ada.state.begun) == (True, NHS, frozenset())
    assert right(dict(CHOSEN))
    assert right({**dict(CHOSEN), Q[0]: "MRS. PÁTEL"})
    assert events() == ["self-service.code-sent", "self-service.registered"]
    assert told("self-service-registered") == {CONTACT, NHS}
    assert db.session.scalar(select(func.count()).select_from(SelfServiceDraft)) == 0


def test_no_step_is_taken_before_the_passcode_was_shown_in_this_session(ada: Ada) -> None:
    steps: list[Callable[[], object]] = [
        lambda: ada.answer(CHOSEN),
        lambda: ada.write_to(NHS),
        lambda: ada.confirm("123456"),
        lambda: self_service.resend(ada.principal, Change.REGISTER, ada.clock()),
    ]
    for step in steps:
        with pytest.raises(NothingBegun):
            step()
    self_service.begin(ada.principal, Change.REGISTER, ada.clock())
    for step in steps:
        with pytest.raises(PasscodeNeeded):
            step()


def test_another_session_shows_the_passcode_again_and_goes_on_with_what_is_kept(ada: Ada) -> None:
    ada.prove()
    ada.answer(CHOSEN)
    again = Ada(signed_in(db.session.get_one(Card, ada.principal.card_id)), ada.clock)
    with pytest.raises(PasscodeNeeded):
        again.write_to(NHS)
    draft = self_service.draft_of(again.principal, Change.REGISTER)
    assert draft is not None
    assert (draft.proven, draft.questions) == (False, Q[:4])
    again.prove()
    again.confirm(again.write_to(NHS))
    assert right(dict(CHOSEN))


def test_the_steps_come_in_their_order(ada: Ada) -> None:
    ada.prove()
    with pytest.raises(StepNeeded):
        ada.write_to(NHS)
    ada.answer(CHOSEN)
    with pytest.raises(StepNeeded):
        self_service.resend(ada.principal, Change.REGISTER, ada.clock())
    with pytest.raises(CodeRefused):
        ada.confirm("123456")


def test_a_kept_answer_stays_when_it_is_left_empty_and_none_repeats_it(ada: Ada) -> None:
    ada.prove()
    ada.answer(CHOSEN)
    with pytest.raises(AnswersRefused) as refusal:
        ada.answer([(Q[0], ""), (Q[5], "mrs patel"), (Q[2], ""), (Q[3], "")])
    assert refusal.value.problems == {1: AnswerProblem.SAME}
    assert refusal.value.same_as == {1: 0}
    changed = [(Q[0], ""), (Q[5], "Zinedine"), (Q[2], ""), (Q[3], "Pip")]
    ada.answer(changed)
    ada.confirm(ada.write_to(NHS))
    assert right({Q[0]: "Mrs Patel", Q[5]: "Zinedine", Q[2]: "Mr Snuffles", Q[3]: "Pip"})


def test_a_repeated_answer_is_refused_and_nothing_is_kept(ada: Ada) -> None:
    ada.prove()
    with pytest.raises(AnswersRefused):
        ada.answer([(Q[0], "Tunde"), (Q[1], "TUNDE"), *CHOSEN[2:]])
    draft = self_service.draft_of(ada.principal, Change.REGISTER)
    assert draft is not None
    assert draft.questions == []


@pytest.mark.parametrize(
    ("email", "problem"),
    [
        ("", people.EmailProblem.MISSING),
        ("ada", people.EmailProblem.INVALID),
        ("zoë@nhs.net", people.EmailProblem.LETTERS),
        ("ada@home.example", AddressProblem.NOT_APPROVED),
        ("ada@nhs.net.example", AddressProblem.NOT_APPROVED),
        ('"ada@nhs.net"@example.org', people.EmailProblem.INVALID),
    ],
)
def test_a_code_goes_to_approved_domains_alone(ada: Ada, email: str, problem: str) -> None:
    ada.prove()
    ada.answer(CHOSEN)
    with pytest.raises(Invalid) as refusal:
        ada.write_to(email)
    assert refusal.value.problems == {"email": problem}
    assert db.session.scalar(select(func.count()).select_from(OneTimeCode)) == 0


def test_another_address_supersedes_the_code_of_the_first(ada: Ada) -> None:
    ada.prove()
    ada.answer(CHOSEN)
    first = ada.write_to("typo@nhs.net")
    second = ada.write_to(NHS)
    if first != second:
        with pytest.raises(CodeRefused):
            ada.confirm(first)
    ada.confirm(second)
    assert ada.state.email == NHS


def test_the_code_confirmed_in_two_tabs_registers_once(app: Flask, ada: Ada) -> None:
    ada.prove()
    ada.answer(CHOSEN)
    code = ada.write_to(NHS)
    db.session.remove()
    done = at_once(app, 4, lambda: ada.confirm(code))
    assert [each for each in done if each is not None and not isinstance(each, CodeRefused)] == []
    assert done.count(None) >= 1
    assert events().count("self-service.registered") == 1
    assert len(db.session.scalars(select(SecurityAnswer)).all()) == 4
    ada.confirm("000000")  # a late tab: there is nothing left to do
    assert events().count("self-service.registered") == 1


def test_questions_saved_in_many_tabs_at_once_are_one_set(app: Flask, ada: Ada) -> None:
    ada.prove()
    ada.answer(CHOSEN)
    kept = [(question, "") for question, _ in CHOSEN]
    db.session.remove()
    done = at_once(app, 4, lambda: ada.answer([*kept[:3], (Q[3], "Another One")]))
    assert done == [None] * 4
    ada.confirm(ada.write_to(NHS))
    assert right({**dict(CHOSEN), Q[3]: "another one"})


def test_registering_twice_is_not_offered_nor_changing_before(ada: Ada) -> None:
    for change in (Change.QUESTIONS, Change.EMAIL):
        with pytest.raises(ChangeNotOffered):
            self_service.begin(ada.principal, change, ada.clock())
    ada.register()
    with pytest.raises(ChangeNotOffered):
        self_service.begin(ada.principal, Change.REGISTER, ada.clock())
    assert ada.state.open == {Change.QUESTIONS, Change.EMAIL}


def test_changed_questions_count_at_once_and_keep_what_was_left_empty(ada: Ada) -> None:
    ada.register()
    db.session.execute(update(SelfService).values(asked=Q[:3]))
    ada.prove(Change.QUESTIONS)
    draft = self_service.draft_of(ada.principal, Change.QUESTIONS)
    assert draft is not None
    assert draft.questions == Q[:4]
    with pytest.raises(AnswersRefused) as refusal:
        ada.answer([(Q[0], ""), (Q[1], ""), (Q[2], "MRS PATEL"), (Q[7], "Dream")], Change.QUESTIONS)
    assert refusal.value.problems == {2: AnswerProblem.SAME}
    ada.answer([(Q[0], ""), (Q[1], ""), (Q[6], "The Hobbit"), (Q[7], "Dream")], Change.QUESTIONS)
    assert right({**dict(CHOSEN[:2]), Q[6]: "the hobbit", Q[7]: "dream"})
    assert db.session.scalars(select(SelfService)).one().asked is None
    assert told("self-service-questions-changed") == {CONTACT, NHS}
    with pytest.raises(NothingBegun):
        ada.answer(CHOSEN, Change.QUESTIONS)


def test_a_changed_address_is_told_at_the_old_the_new_and_the_contact_address(ada: Ada) -> None:
    ada.register()
    ada.prove(Change.EMAIL)
    with pytest.raises(Invalid) as refusal:
        ada.write_to("Ada@NHS.net", Change.EMAIL)
    assert refusal.value.problems == {"email": AddressProblem.SAME}
    code = ada.write_to("ada@ward.nhs.uk", Change.EMAIL)
    assert ada.state.email == NHS, "nothing has changed before the code"
    ada.confirm(code, Change.EMAIL)
    assert ada.state.email == "ada@ward.nhs.uk"
    assert told("self-service-email-changed") == {CONTACT, NHS, "ada@ward.nhs.uk"}


def test_ending_takes_everything_but_the_failures_and_the_block(ada: Ada) -> None:
    ada.register()
    ada.prove(Change.EMAIL)
    ada.write_to("ada@ward.nhs.uk", Change.EMAIL)
    db.session.execute(
        update(SelfService).values(failed_attempts=3, blocked_at=ada.clock(), asked=Q[:3])
    )
    self_service.deregister(ada.principal, ada.clock())
    state = ada.state
    assert (state.registered, state.email, state.begun) == (False, None, frozenset())
    assert (state.failures, state.blocked_since) == (3, ada.clock())
    for model in (SecurityAnswer, SelfServiceDraft):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0
    live = select(func.count()).select_from(OneTimeCode).where(OneTimeCode.ended_at.is_(None))
    assert db.session.scalar(live) == 0
    assert told("self-service-ended") == {CONTACT, NHS}
    with pytest.raises(ChangeNotOffered):
        self_service.deregister(ada.principal, ada.clock())
    ada.register()
    assert ada.state.blocked_since == ada.clock()


def test_where_no_questions_are_asked_none_are_kept_and_they_are_missed_later(
    app: Flask, ada: Ada
) -> None:
    app.config["SELF_SERVICE_MODE"] = "code"
    ada.prove()
    with pytest.raises(ChangeNotOffered):
        ada.answer(CHOSEN)
    ada.confirm(ada.write_to(NHS))
    assert (ada.state.registered, ada.state.needs_questions) == (True, False)
    app.config["SELF_SERVICE_MODE"] = "questions-and-code"
    assert ada.state.needs_questions
    ada.prove(Change.QUESTIONS)
    ada.answer(CHOSEN, Change.QUESTIONS)
    assert not ada.state.needs_questions
    app.config["SELF_SERVICE_MODE"] = "off"
    assert ada.state.open == frozenset()
    with pytest.raises(ChangeNotOffered):
        self_service.begin(ada.principal, Change.EMAIL, ada.clock())


def test_what_was_begun_stands_still_while_self_service_is_off(app: Flask, ada: Ada) -> None:
    ada.prove()
    ada.answer(CHOSEN)
    code = ada.write_to(NHS)
    app.config["SELF_SERVICE_MODE"] = "off"
    for step in (lambda: ada.write_to(NHS), lambda: ada.confirm(code)):
        with pytest.raises(ChangeNotOffered):
            step()
    app.config["SELF_SERVICE_MODE"] = "questions-and-code"
    ada.confirm(code)


def test_a_draft_that_is_closed_is_gone_with_its_code(ada: Ada) -> None:
    ada.prove()
    ada.answer(CHOSEN)
    code = ada.write_to(NHS)
    self_service.close_draft(ada.principal, Change.REGISTER, ada.clock())
    ada.prove()
    with pytest.raises(CodeRefused) as refusal:
        ada.confirm(code)
    assert refusal.value.reason == "code-given-up"


def test_neither_answers_nor_codes_can_be_read_anywhere_in_the_database(ada: Ada) -> None:
    ada.prove()
    ada.answer(CHOSEN)
    code = ada.write_to(NHS)
    unreadable(code)
    ada.confirm(code)
    ada.prove(Change.QUESTIONS)
    unreadable(code)


def unreadable(code: str) -> None:
    """Look through every column of every row."""
    secrets = [code, f"{code[:3]} {code[3:]}", "argon2"]
    for answer in ANSWERS:
        secrets += [answer, answer.casefold(), answer.casefold().replace(" ", "").strip("-")]
    for table in Base.metadata.sorted_tables:
        for row in db.session.execute(select(table)):
            kept = " ".join(map(repr, row))
            assert [each for each in secrets if each in kept] == [], table.name


def test_each_answer_is_hashed_once_and_compared_with_the_kept_ones_alone(
    app: Flask, ada: Ada
) -> None:
    ada.prove()
    with counting(app) as counted:
        ada.answer(CHOSEN)
        assert (counted.made, counted.judged) == (4, 0)
        ada.answer([(Q[0], ""), (Q[1], ""), (Q[2], ""), (Q[8], "Cluedo")])
        assert (counted.made, counted.judged) == (5, 3)


def test_the_state_is_read_with_one_query(ada: Ada, count_queries: Callable[[], object]) -> None:
    ada.register()
    with count_queries() as queries:  # type: ignore[attr-defined]
        assert ada.state.registered
    assert len(queries) == 1


def test_a_person_without_anything_has_a_state(clock: FrozenClock) -> None:
    state = self_service.state_of(a_person().id)
    assert (state.registered, state.failures, state.blocked_since) == (False, 0, None)
    assert state.open == {Change.REGISTER}


def test_a_third_failure_that_was_never_judged_blocks_all_the_same(ada: Ada) -> None:
    ada.register()
    db.session.execute(update(SelfService).values(failed_attempts=3, attempted_at=ada.clock()))
    db.session.commit()
    assert ada.state.blocked_since == ada.clock()
