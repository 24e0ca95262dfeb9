"""The demonstration: nobody real, everything that a tour needs, and never among real people."""

from collections import Counter
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import func, select

from app.domain.identity import is_card_number, is_uuid
from app.domain.passcode import Alphabet, PasscodeRule, forbidden_numbers
from app.domain.roles import Role
from app.domain.security_questions import CHOSEN, QUESTIONS, check_answers, fold
from app.domain.self_service import Change, approved
from app.domain.statuses import PersonStatus
from app.extensions import db
from app.models import (
    Assignment,
    Organisation,
    Person,
    PersonPhoto,
    Position,
    SelfService,
    TermsVersion,
)
from app.services import people, security_answers, sessions
from app.services.demonstration import (
    ANSWERS,
    PLAN,
    REGISTRATIONS,
    NotADemonstration,
    PlannedState,
    seed,
)
from app.services.demonstration.people import PEOPLE
from app.services.demonstration.portraits import portrait
from app.services.self_service_rows import plain_draft

UUIDS = {planned.uuid for planned in PEOPLE}


@pytest.fixture
def seeded(app, db_session, clock):
    app.config["DEMONSTRATION"] = True
    return seed(clock())


def test_it_refuses_where_this_is_no_demonstration(app, db_session, clock):
    app.config["DEMONSTRATION"] = False
    with pytest.raises(NotADemonstration):
        seed(clock())
    assert db.session.scalar(select(func.count(Person.id))) == 0


def test_doing_it_again_changes_nothing(seeded, clock):
    assert seeded.people == 40
    again = seed(clock.advance(days=1))
    assert (again.organisations, again.positions, again.people, again.terms) == (0, 0, 0, 0)
    assert db.session.scalar(select(func.count(TermsVersion.id))) == 1


def test_one_organisation_is_the_child_of_the_other(seeded):
    parents = {row.code: row.parent for row in db.session.scalars(select(Organisation))}
    assert sorted(code for code, parent in parents.items() if parent is None) == ["RZ9"]
    assert len(parents) == 2


def test_every_ra_role_is_somebody_s_today(seeded, clock):
    held = set(
        db.session.scalars(
            select(Position.role).join(Assignment, Assignment.position_id == Position.id)
        )
    )
    assert held >= set(Role)


def test_there_is_one_person_of_each_kind_that_a_tour_needs(seeded, clock):
    rows = {row.uuid: row for row in db.session.scalars(select(Person))}

    def current(number: int) -> int:
        person = rows[f"500200300{number}"]
        return len(sessions.current_assignments(person.id, now=clock()))

    assert current(101) > 1
    assert current(107) == 1
    assert current(108) == 0
    assert rows["500200300118"].status is PersonStatus.CLOSED


def test_everybody_but_the_first_and_the_retired_has_a_line_manager(seeded):
    without = db.session.scalars(select(Person.uuid).where(Person.line_manager_id.is_(None))).all()
    assert sorted(without) == ["500200300101", "500200300118"]


def test_everybody_has_a_photo_that_opens(seeded):
    photos = db.session.scalars(select(PersonPhoto)).all()
    assert len(photos) == 40
    assert Image.open(BytesIO(photos[0].image)).size == (240, 300)


def test_contact_details_pass_the_service_s_own_rules(seeded):
    for person in db.session.scalars(select(Person)):
        kept = people.contact_details(
            email=person.email, telephone=person.telephone, mobile=person.mobile
        )
        assert kept == {
            "email": person.email,
            "telephone": person.telephone,
            "mobile": person.mobile,
        }


def test_national_insurance_numbers_are_of_a_prefix_that_is_never_given_out(seeded):
    for person in db.session.scalars(select(Person)):
        nino = people.opened_nino(person.uuid, person.nino_sealed)
        assert nino.startswith("QQ")
        assert len(nino) == 9


def test_a_portrait_is_always_the_same_and_people_look_different():
    faces = {planned.uuid: portrait(planned.uuid, title=planned.title) for planned in PEOPLE}
    assert len(set(faces.values())) == len(PEOPLE)
    assert portrait(PEOPLE[0].uuid, title=PEOPLE[0].title) == faces[PEOPLE[0].uuid]


def test_the_plan_has_a_card_in_every_state_and_names_each_once():
    assert {card.state for card in PLAN} == set(PlannedState)
    for each in ("name", "number"):
        assert max(Counter(getattr(card, each) for card in PLAN).values()) == 1
    assert {card.algorithm for card in PLAN} == {"ES256", "RS256"}
    assert any(card.digits_only for card in PLAN)


@pytest.mark.parametrize("card", PLAN, ids=lambda card: card.name)
def test_a_planned_card_is_somebody_s_and_its_passcode_keeps_the_rule(card):
    assert is_card_number(card.number)
    assert (card.uuid is None) is (card.state is PlannedState.BLANK)
    if card.uuid is None:
        return
    assert is_uuid(card.uuid)
    assert card.uuid in UUIDS
    rule = PasscodeRule()
    if card.digits_only:
        rule = rule.narrowed(min_length=6, max_length=8, alphabet=Alphabet.DIGITS)
        assert card.passcode.isdigit()
    assert rule.min_length <= len(card.passcode) <= rule.max_length
    assert not any(card.passcode in n for n in forbidden_numbers((card.uuid, card.number)))


def test_who_is_registered_can_be_unlocked_with_the_answers_that_are_shown(seeded):
    for planned in REGISTRATIONS:
        person = db.session.scalars(select(Person).where(Person.uuid == planned.uuid)).one()
        draft = plain_draft(person.id, Change.REGISTER)
        row = db.session.scalar(select(SelfService).where(SelfService.person_id == person.id))
        assert (draft is not None) is (row is None) is planned.half_done
        if row is not None:
            assert approved(row.email, ["nhs.net", "nhs.uk"])
            assert (row.blocked_at is not None) is planned.blocked
            kept = security_answers.kept_in(row)
        else:
            kept = security_answers.kept_in_draft(draft)
        assert len(kept) == CHOSEN
        shown = dict(planned.answers)
        given = {question: shown[QUESTIONS[question]].upper() for question in kept}
        db.session.commit()
        assert security_answers.all_right(given, kept)


def test_the_demonstration_has_an_answer_to_every_question_and_none_is_refused():
    assert list(ANSWERS) == list(QUESTIONS)
    keys = list(QUESTIONS)
    for first in range(0, len(keys), CHOSEN):
        check_answers([(key, ANSWERS[key]) for key in keys[first : first + CHOSEN]])
    assert len({fold(answer) for answer in ANSWERS.values()}) == len(ANSWERS)


def test_a_tour_finds_locked_expired_and_blocked_cards_of_people_who_are_registered():
    state = {card.uuid: card.state for card in PLAN}
    found = {(state[each.uuid], each.blocked) for each in REGISTRATIONS if not each.half_done}
    assert found >= {
        (PlannedState.LOCKED, False),
        (PlannedState.EXPIRED, False),
        (PlannedState.ISSUED, False),
        (PlannedState.NEAR_LOCKED, True),
    }


def test_the_commands_make_people_and_deliver_mail(app, seeded):
    runner = app.test_cli_runner()
    assert "0 people" in runner.invoke(args=["demonstration", "people"]).output
    assert "grace-adeyemi" in runner.invoke(args=["demonstration", "passcodes"]).output
    assert "Captain Buttons" in runner.invoke(args=["demonstration", "answers"]).output
    assert "0 delivered" in runner.invoke(args=["mail", "deliver"]).output
    assert runner.invoke(args=["tidy"]).exit_code == 0
    app.config["DEMONSTRATION"] = False
    refused = runner.invoke(args=["demonstration", "people"])
    assert refused.exit_code == 1
    assert "DEMONSTRATION is off" in refused.output
