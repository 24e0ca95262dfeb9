"""The person with whom an installation begins."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.errors import Invalid
from app.domain.roles import Role
from app.domain.statuses import PersonStatus
from app.extensions import db
from app.models import AuditEvent, Organisation, Person
from app.services import sessions
from app.services.first_manager import ManagerThere, UuidTaken, create_first_manager
from tests.parts.people import a_person, a_principal, an_organisation

pytestmark = pytest.mark.usefixtures("db_session")

FIRST: dict[str, Any] = {
    "uuid": "500200300901",
    "title": "Ms",
    "given_name": "Zoë",
    "family_name": "O’Brien",
    "email": "zoe.obrien@northmere.nhs.uk",
    "organisation_code": "RX9",
    "organisation_name": "Northmere Hospital",
}


def test_the_first_manager_may_act_in_their_organisation_from_today_on(clock) -> None:
    made = create_first_manager(**FIRST, now=clock())
    (held,) = sessions.current_assignments(made.id, now=clock())
    assert held.position.role is Role.RA_MANAGER
    assert (held.position.organisation.code, made.organisation.code) == ("RX9", "RX9")
    assert (made.given_folded, made.family_folded) == ("zoe", "obrien")
    event = db.session.scalars(select(AuditEvent)).one()
    assert event.event == "person.first-manager-created"
    assert event.subject_person_id == made.id


def test_an_organisation_that_is_there_is_used_as_it_is(clock) -> None:
    there = an_organisation(code="RX9", name="Its name")
    assert create_first_manager(**FIRST, now=clock()).organisation is there
    assert db.session.query(Organisation).count() == 1
    assert there.name == "Its name"


def test_where_somebody_is_manager_nobody_else_is_made_from_outside(clock) -> None:
    manager = a_principal(Role.RA_MANAGER)
    with pytest.raises(ManagerThere) as refused:
        create_first_manager(**FIRST, now=clock())
    assert refused.value.uuid == manager.uuid
    assert db.session.query(Person).count() == 1


def test_an_installation_whose_managers_have_all_left_can_begin_again(clock) -> None:
    gone = create_first_manager(**FIRST, now=clock())
    (held,) = gone.assignments
    held.end = clock().date()
    db.session.commit()
    other = {**FIRST, "uuid": "500200300902"}
    with pytest.raises(ManagerThere):
        create_first_manager(**other, now=clock())
    assert create_first_manager(**other, now=clock() + timedelta(days=1))


def test_a_closed_account_is_no_manager(clock) -> None:
    create_first_manager(**FIRST, now=clock()).status = PersonStatus.CLOSED
    db.session.commit()
    assert create_first_manager(**{**FIRST, "uuid": "500200300902"}, now=clock())


def test_a_uuid_is_never_used_twice(clock) -> None:
    a_person(uuid=FIRST["uuid"])
    with pytest.raises(UuidTaken):
        create_first_manager(**FIRST, now=clock())


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("uuid", "012345678901", "uuid"),
        ("given_name", "  ", "given-name"),
        ("family_name", "x" * 101, "family-name"),
        ("email", "nobody", "email"),
        ("organisation_code", "rx 9", "organisation-code"),
        ("organisation_name", "", "organisation-name"),
    ],
)
def test_a_value_that_cannot_be_kept_is_named_and_nothing_is_made(
    clock, field: str, value: str, named: str
) -> None:
    with pytest.raises(Invalid) as refused:
        create_first_manager(**{**FIRST, field: value}, now=clock())
    assert list(refused.value.problems) == [named]
    assert db.session.query(Person).count() == 0
