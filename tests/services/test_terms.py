"""The terms in force, and who has to accept them."""

import hashlib
from datetime import timedelta

import pytest

from app.domain.errors import NotAllowed, NotFound
from app.domain.roles import Role
from app.domain.terms_rule import TermsDue
from app.extensions import db
from app.models import CardKey, TermsAcceptance
from app.services import sessions, terms
from tests.parts.people import a_card, a_person, a_principal, a_session

pytestmark = pytest.mark.usefixtures("db_session")


def published(clock, text="Keep your card with you."):
    return terms.publish(title="Terms", text=text, actor=None, now=clock())


def accept(person, version, now) -> CardKey:
    card = a_card(person)
    key = CardKey(
        card_id=card.id,
        slot="9c",
        algorithm="ES256",
        public_key=b"",
        jkt="j" * 43,
        created_at=now,
    )
    db.session.add(key)
    db.session.flush()
    again(person, version, key, now)
    return key


def again(person, version, key, now) -> None:
    db.session.add(
        TermsAcceptance(
            person_id=person.id,
            terms_id=version.id,
            card_id=key.card_id,
            statement="a.b.c",
            key_id=key.id,
            accepted_at=now,
        )
    )
    db.session.commit()


def test_before_the_first_text_nothing_is_due(clock):
    assert terms.current() is None
    assert terms.due(a_person().id, now=clock()) is None


def test_the_newest_text_is_in_force_and_its_digest_is_of_its_bytes(clock):
    published(clock)
    second = published(clock, "Keep your card with you – always.")
    assert terms.current().version == second.version == 2
    assert second.sha256 == hashlib.sha256("Keep your card with you – always.".encode()).hexdigest()


def test_an_acceptance_lasts_until_the_text_changes(clock):
    person, first = a_person(), published(clock)
    assert terms.due(person.id, now=clock()).terms is first
    accept(person, first, clock())
    assert terms.due(person.id, now=clock()) is None
    second = published(clock, "Something new.")
    due = terms.due(person.id, now=clock())
    assert (due.terms, due.why) == (second, TermsDue.NEW_VERSION)


def test_an_acceptance_lasts_12_months(clock):
    person, text = a_person(), published(clock)
    accept(person, text, clock())
    assert terms.due(person.id, now=clock() + timedelta(days=365)) is None
    due = terms.due(person.id, now=clock() + timedelta(days=366))
    assert (due.terms, due.why) == (text, TermsDue.TOO_LONG_AGO)
    assert due.last_accepted_at == clock()


def test_what_one_person_accepted_counts_for_nobody_else(clock):
    text = published(clock)
    accept(a_person(), text, clock())
    assert terms.due(a_person().id, now=clock()).terms is text


def test_only_an_ra_manager_publishes(clock):
    with pytest.raises(NotAllowed):
        terms.publish(title="T", text="t", actor=a_principal(Role.RA_AGENT), now=clock())
    assert terms.publish(title="T", text="t", actor=a_principal(Role.RA_MANAGER), now=clock())


def test_a_version_that_was_never_published_is_not_found(clock):
    published(clock)
    assert terms.version(1).version == 1
    with pytest.raises(NotFound):
        terms.version(2)


def test_a_text_is_published_under_the_number_that_its_publisher_expects_or_not_at_all(clock):
    published(clock)
    for wrong in (1, 3):
        with pytest.raises(terms.OtherVersion) as refused:
            terms.publish(title="T", text="t", actor=None, now=clock(), version=wrong)
        assert refused.value.following == 2
    terms.publish(title="T", text="t", actor=None, now=clock(), version=2)
    assert [each.version for each in terms.published()] == [2, 1]


def test_a_text_without_words_is_not_published(clock):
    with pytest.raises(terms.EmptyTerms):
        published(clock, " \n\n")
    assert terms.current() is None


def test_the_list_of_versions_counts_each_person_once(clock):
    first, person = published(clock), a_person()
    key = accept(person, first, clock())
    again(person, first, key, clock())
    accept(a_person(), first, clock())
    published(clock, "Something new.")
    assert [(each.version, each.accepted) for each in terms.published()] == [(2, 0), (1, 2)]


def test_who_is_signed_in_when_a_new_text_comes_into_force_is_asked_at_the_next_sign_in(clock):
    person, first = a_person(), published(clock)
    key = accept(person, first, clock())
    token = a_session(key.card)
    published(clock, "Something new.")
    assert sessions.load(token, clock()) is not None
    assert terms.due(person.id, now=clock()).why is TermsDue.NEW_VERSION
