"""Pages of people: who may see them, whom they show, and what each look leaves behind."""

import re

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.domain.roles import Role
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import (
    AuditEvent,
    Card,
    CardOperation,
    CardOperationStep,
    Organisation,
    Person,
    PersonPhoto,
)
from app.services import people
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment, an_organisation
from tests.web.visits import sends, signs_in

pytestmark = pytest.mark.usefixtures("db_session")


def an_agent(client: FlaskClient, role: Role = Role.RA_AGENT) -> Organisation:
    """Sign an agent in, and return the organisation of their role."""
    person = a_person(given_name="Agnes", family_name="Agent")
    organisation = person.organisation
    signs_in(client, a_card(person), assignment_id=an_assignment(person, role).id)
    return db.session.merge(organisation)


def a_holder(organisation: Organisation, **columns: object) -> Card:
    person = a_person(
        **{"given_name": "Grace", "family_name": "Hopper", "organisation": organisation, **columns}
    )
    return a_card(person)


def events(name: str) -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.event == name)))


@pytest.mark.parametrize("address", ["/people", "/people/500200300107"])
def test_a_card_holder_has_no_pages_of_people(client: FlaskClient, address: str) -> None:
    signs_in(client, a_card(a_person()))
    assert client.get(address).status_code == 403
    assert "/people" not in client.get("/").text


@pytest.mark.parametrize("role", Role)
def test_every_role_finds_people_and_sees_their_cards(client: FlaskClient, role: Role) -> None:
    card = a_holder(an_agent(client, role))
    assert card.person
    uuid, number = card.person.uuid, card.number
    listed = client.get("/people?search=hop")
    assert f'href="/people/{uuid}"' in listed.text
    page = client.get(f"/people/{uuid}")
    assert page.status_code == 200
    assert number[:4] in page.text


@pytest.mark.parametrize("typed", ["uuid", "nino"])
def test_a_number_leads_straight_to_its_person(client: FlaskClient, typed: str) -> None:
    holder = a_holder(an_agent(client)).person
    assert holder
    people.seal_nino(holder, "QQ123456C")
    db.session.commit()
    uuid = holder.uuid
    answer = sends(client, "/people", search=uuid if typed == "uuid" else "qq 12 34 56 c")
    assert (answer.status_code, answer.location) == (303, f"/people/{uuid}")


def test_a_name_leads_to_a_list_that_can_be_reloaded(client: FlaskClient) -> None:
    an_agent(client)
    answer = sends(client, "/people", search="Grace Hopper")
    assert (answer.status_code, answer.location) == (303, "/people?search=Grace+Hopper")


def test_a_nino_in_an_address_finds_nobody_and_is_not_shown_again(client: FlaskClient) -> None:
    holder = a_holder(an_agent(client)).person
    assert holder
    people.seal_nino(holder, "QQ123456C")
    db.session.commit()
    page = client.get("/people?search=QQ123456C").text
    assert "QQ123456C" not in page
    assert "Hopper" not in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter a name"),
        ("12345", "12 digits"),
        ("QQ123456", "A to D"),
        ("a\x01b", "characters that cannot be shown"),
        ("x" * 201, "200 characters or fewer"),
    ],
)
def test_what_asks_for_nobody_is_said_at_the_box(
    client: FlaskClient, typed: str, said: str
) -> None:
    an_agent(client)
    answer = sends(client, "/people", search=typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Error: " in answer.text


@given(typed=st.text(max_size=220))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_whatever_is_typed_is_answered_in_words(client: FlaskClient, typed: str) -> None:
    if not client.get_cookie("cis"):
        an_agent(client)
    posted = sends(client, "/people", search=typed.encode("utf-8", "replace").decode())
    assert posted.status_code in (200, 303, 422)
    asked = client.get("/people", query_string={"search": typed.encode("utf-8", "replace")})
    assert asked.status_code in (200, 422)


def test_nobody_found_says_whom_to_ask(client: FlaskClient) -> None:
    an_agent(client)
    for answer in (
        client.get("/people?search=nobody"),
        sends(client, "/people", search="199999999999"),
    ):
        assert answer.status_code == 200
        assert "Nobody was found" in answer.text


def test_a_list_goes_on_after_25(client: FlaskClient) -> None:
    organisation = an_agent(client)
    for number in range(26):
        a_person(given_name=f"Given{number:02}", family_name="Same", organisation=organisation)
    first = client.get("/people?search=same").text
    assert "26 people found" in first
    assert first.count('href="/people/') == 25
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    second = client.get(following[1].replace("&amp;", "&")).text
    assert "Given25" in second
    assert second.count('href="/people/') == 1


# One person


def test_unknown_and_out_of_reach_look_the_same(client: FlaskClient) -> None:
    an_agent(client)
    stranger = a_person(organisation=an_organisation())
    pages = []
    for uuid in (stranger.uuid, "199999999999", "nonsense"):
        answer = client.get(f"/people/{uuid}")
        assert answer.status_code == 404
        own = r'<span class="app-reference">.*?</span>|hx-headers:inherited="[^"]*"|nonce.*?"'
        pages.append(re.sub(own, "", answer.text))  # without what each answer has of its own
    assert pages[0] == pages[1] == pages[2]
    assert not events("person.looked-at")


def test_every_look_at_another_persons_record_leaves_one_event(client: FlaskClient) -> None:
    holder = a_holder(an_agent(client)).person
    assert holder
    client.get(f"/people/{holder.uuid}")
    (event,) = events("person.looked-at")
    assert event.subject_person_id == holder.id
    assert event.actor_role is Role.RA_AGENT


def test_a_look_at_oneself_leaves_none_and_says_so(client: FlaskClient) -> None:
    an_agent(client)
    agnes = db.session.scalars(select(Person).where(Person.given_name == "Agnes")).one()
    page = client.get(f"/people/{agnes.uuid}").text
    assert "This is your own record" in page
    assert not events("person.looked-at")


def test_a_nino_is_shown_by_its_end(client: FlaskClient) -> None:
    holder = a_holder(an_agent(client)).person
    assert holder
    people.seal_nino(holder, "QQ123456C")
    db.session.commit()
    page = client.get(f"/people/{holder.uuid}").text
    assert "56C" in page
    assert "QQ1234" not in page


def test_a_persons_page_costs_the_same_however_many_cards_they_have(
    client: FlaskClient, count_queries
) -> None:
    card = a_holder(an_agent(client))
    person = card.person
    assert person
    costs, address = [], f"/people/{person.uuid}"
    for _ in range(2):
        with count_queries() as queries:
            client.get(address)
        costs.append(len([query for query in queries if query.startswith("SELECT")]))
        for _ in range(3):
            a_card(person, status="cancelled")
    assert costs[0] == costs[1] <= 10


@pytest.mark.parametrize("kind", ["renew", "repair", "issue", "unlock", "erase"])
def test_what_stands_still_on_a_card_is_shown_with_the_way_on(
    client: FlaskClient, kind: str
) -> None:
    card = a_holder(an_agent(client))
    assert card.person
    uuid = card.person.uuid
    for moment in (None, START):
        db.session.add(
            CardOperation(
                public_id=f"operation-{moment}",
                kind=kind,
                state=OperationState.WAITING,
                step="two",
                steps=[
                    CardOperationStep(number=1, name="two", jti=f"jti-{moment}", ticket_at=START)
                ],
                card_id=card.id,
                person_id=card.person_id,
                browser="b" * 64,
                started_at=START,
                updated_at=START,
                finished_at=moment,
            )
        )
    db.session.commit()
    page = client.get(f"/people/{uuid}").text
    assert page.count(f'data-unfinished="{kind}"') == 1
    way_on = "issue" if kind == "issue" else f"cards/{card.id}"
    words = "Put right" if kind == "repair" else "Continue"
    assert re.search(rf'href="/people/{uuid}/{way_on}">{words}', page)


@pytest.mark.parametrize(("role", "offered"), [(Role.RA_AGENT, True), (Role.SPONSOR, False)])
def test_a_new_card_is_offered_or_says_which_role_it_needs(
    client: FlaskClient, role: Role, offered: bool
) -> None:
    card = a_holder(an_agent(client, role))
    assert card.person
    page = client.get(f"/people/{card.person.uuid}").text
    assert (f'href="/people/{card.person.uuid}/issue"' in page) is offered
    assert ("Needs the role RA Agent" in page) is not offered


# Photos


@pytest.fixture
def photographed(client: FlaskClient) -> Person:
    person = a_holder(an_agent(client)).person
    assert person
    db.session.add(
        PersonPhoto(
            person_id=person.id, content_type="image/png", image=b"photo", taken_on=START.date()
        )
    )
    db.session.commit()
    return person


def photo_of(client: FlaskClient, person: Person) -> str:
    found = re.search(
        r'src="(/people/[^"]+/photo/[^"]+)"', client.get(f"/people/{person.uuid}").text
    )
    assert found
    return found[1]


def test_a_photo_is_fetched_by_the_page_that_shows_it(
    client: FlaskClient, photographed: Person
) -> None:
    answer = client.get(photo_of(client, photographed))
    assert (answer.data, answer.mimetype) == (b"photo", "image/png")
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_photo_without_a_look_at_the_record_does_not_exist(
    client: FlaskClient, photographed: Person
) -> None:
    other = a_holder(photographed.organisation, given_name="Other").person
    assert other
    address = photo_of(client, photographed)
    for wrong in (
        f"/people/{photographed.uuid}/photo/x",
        address.replace(photographed.uuid, other.uuid),
        address[:-2],
    ):
        assert client.get(wrong).status_code == 404


def test_a_photos_address_is_worth_nothing_in_another_session(
    client: FlaskClient, photographed: Person
) -> None:
    address = photo_of(client, photographed)
    colleague = a_person(organisation=photographed.organisation)
    assignment = an_assignment(colleague, Role.RA_AGENT)
    signs_in(client, a_card(colleague), assignment_id=assignment.id)
    assert client.get(address).status_code == 404
