"""What the database itself refuses, whatever the program does."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text, tuple_
from sqlalchemy.exc import IntegrityError, StatementError

from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.errors import TransitionRefused
from app.domain.statuses import CertificateStatus, KeyState
from app.extensions import db
from app.models import AuditEvent, CardKey, Certificate, Person
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment, an_organisation

pytestmark = pytest.mark.usefixtures("db_session")


def a_key(card, state=KeyState.CURRENT, slot="9a", **columns) -> CardKey:
    key = CardKey(
        **{
            "card_id": card.id,
            "slot": slot,
            "state": state,
            "algorithm": "ES256",
            "public_key": b"spki",
            "jkt": "j" * 43,
            "created_at": START,
            **columns,
        }
    )
    db.session.add(key)
    return key


def test_a_person_has_one_good_card_at_a_time():
    person = a_person()
    a_card(person)
    with pytest.raises(IntegrityError):
        a_card(person)


def test_an_old_card_is_cancelled_when_the_new_one_is_proven():
    person = a_person()
    old = a_card(person)
    new = a_card(person, status=CardStatus.BLANK)
    old.apply(CardEvent.CANCEL, now=START)
    new.apply(CardEvent.ISSUE, now=START)
    db.session.commit()
    assert (old.status, new.status) == (CardStatus.CANCELLED, CardStatus.ISSUED)


@pytest.mark.parametrize("status", ["issued", "locked", "suspended"])
def test_a_good_card_has_a_holder(status):
    with pytest.raises(IntegrityError):
        a_card(None, status=CardStatus(status))


def test_expired_is_never_stored():
    card = a_card(a_person())
    with pytest.raises(IntegrityError):
        db.session.execute(
            text("UPDATE card SET status = 'expired' WHERE id = :id"), {"id": card.id}
        )


def test_a_status_that_is_none_is_refused():
    card = a_card(a_person())
    with pytest.raises(IntegrityError):
        db.session.execute(text("UPDATE card SET status = 'lost' WHERE id = :id"), {"id": card.id})


def test_a_card_moves_as_the_table_says_and_keeps_when():
    card = a_card(a_person())
    card.apply(CardEvent.SUSPEND, now=START + timedelta(hours=1))
    assert card.modified_at == START + timedelta(hours=1)
    with pytest.raises(TransitionRefused):
        card.apply(CardEvent.ISSUE, now=START)


def test_a_slot_has_one_current_key_and_any_number_of_others():
    card = a_card(a_person())
    a_key(card)
    a_key(card, KeyState.SUPERSEDED)
    a_key(card, KeyState.SUPERSEDED)
    a_key(card, KeyState.PENDING)
    a_key(card, slot="9c")
    db.session.commit()
    a_key(card)
    with pytest.raises(IntegrityError):
        db.session.commit()


@pytest.mark.parametrize(
    ("status", "revoked_at"), [(CertificateStatus.REVOKED, None), (CertificateStatus.ACTIVE, START)]
)
def test_a_certificate_is_revoked_at_a_time_or_not_at_all(status, revoked_at):
    card = a_card(a_person())
    key = a_key(card)
    db.session.flush()
    db.session.add(
        Certificate(
            card_id=card.id,
            slot="9a",
            key_id=key.id,
            serial="01",
            issuer="CN=us",
            not_before=START,
            not_after=START,
            der=b"",
            status=status,
            revoked_at=revoked_at,
        )
    )
    with pytest.raises(IntegrityError):
        db.session.commit()


@pytest.mark.parametrize("column", ["uuid", "nino_index"])
def test_two_people_never_share_a_number(column):
    a_person(**{column: "500200300101"})
    with pytest.raises(IntegrityError):
        a_person(**{column: "500200300101"})


@pytest.mark.parametrize("uuid", ["50020030010", "000200300101", "50020030010a"])
def test_a_person_s_uuid_is_one(uuid):
    with pytest.raises(ValueError, match="UUID"):
        a_person(uuid=uuid)


@pytest.mark.parametrize(
    ("column", "value"), [("guid", "AB" * 16), ("guid", "0" * 32), ("number", "70020030010")]
)
def test_a_card_s_numbers_are_what_they_say(column, value):
    with pytest.raises(ValueError, match=r"no GUID|no card number"):
        a_card(a_person(), **{column: value})


def test_nobody_is_their_own_line_manager():
    person = a_person()
    person.line_manager_id = person.id
    with pytest.raises(IntegrityError):
        db.session.commit()


def test_an_organisation_is_not_its_own_parent():
    organisation = an_organisation()
    organisation.parent_id = organisation.id
    with pytest.raises(IntegrityError):
        db.session.commit()


def test_a_position_does_not_end_before_it_starts():
    day = START.date()
    an_assignment(a_person(), start=day, end=day)
    with pytest.raises(IntegrityError):
        an_assignment(a_person(), start=day, end=day - timedelta(days=1))


def test_a_row_cannot_name_one_that_is_not_there():
    with pytest.raises(IntegrityError):
        a_card(None, person_id=987_654, status=CardStatus.ISSUED)


def test_a_moment_comes_back_aware_and_in_utc():
    paris = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    person = a_person(created_at=paris)
    db.session.expire(person)
    assert person.created_at == datetime(2026, 7, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert person.created_at.tzinfo is UTC


def test_a_naive_moment_is_refused():
    with pytest.raises(StatementError, match="naive"):
        a_person(created_at=datetime(2026, 7, 1, 12))  # noqa: DTZ001 - that is the point


def test_names_sort_by_code_point_on_every_database():
    for name in ("zz", "ab", "a b", "aa"):
        a_person(family_name=name)
    found = db.session.scalars(select(Person.family_folded).order_by(Person.family_folded)).all()
    assert found == ["a b", "aa", "ab", "zz"]


def plan_of(statement) -> str:
    """How the database means to run a statement, on a table too small to make it choose itself."""
    on_sqlite = db.engine.dialect.name == "sqlite"
    if not on_sqlite:
        for setting in ("enable_seqscan", "enable_bitmapscan"):
            db.session.execute(text(f"SET LOCAL {setting} = off"))
    sql = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN"
    return str(db.session.execute(text(f"{explain} {sql}")).all())


def test_a_page_after_a_name_is_read_in_order_from_the_index():
    order = (Person.family_folded, Person.given_folded, Person.id)
    plan = plan_of(
        select(Person.id).where(tuple_(*order) > ("a", "b", 1)).order_by(*order).limit(25)
    )
    assert "ix_person_family_folded_given_folded_id" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_a_person_s_events_are_read_from_the_index_alone():
    plan = plan_of(
        select(AuditEvent.id, AuditEvent.at, AuditEvent.event, AuditEvent.actor_person_id)
        .where(AuditEvent.subject_person_id == 1)
        .order_by(AuditEvent.id.desc())
        .limit(25)
    )
    assert "ix_audit_event_subject_covering" in plan
    assert "COVERING INDEX" in plan or "Index Only Scan" in plan


def test_rows_do_not_print_names_or_secrets():
    person = a_person(given_name="Secretname", nino_sealed=b"sealed-nino")
    card = a_card(person, puk_sealed=b"sealed-puk")
    for row in (person, card):
        assert "Secretname" not in repr(row)
        assert "sealed" not in repr(row)
