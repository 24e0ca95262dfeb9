"""Reporting one's own card: what is asked, what follows, and what is refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.card_operations import renew
from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import CertificateStatus, KeyState, OperationState
from app.extensions import db
from app.models import Card, CardKey, OutboxMessage, Person, Request
from app.models import Session as SignedIn
from tests.parts.certificates import a_certificate
from tests.parts.operations import an_operation
from tests.parts.people import START, a_card, a_person
from tests.web.visits import sends, signs_in

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def card(client: FlaskClient) -> Card:
    """The card with which its holder is signed in."""
    manager = a_person(given_name="Joan", email="joan@nhs.net")
    holder = a_person(email="ada@nhs.net", line_manager_id=manager.id)
    card = a_card(holder)
    signs_in(client, card)
    return db.session.merge(card)


@pytest.fixture
def missing(client: FlaskClient, card: Card) -> Card:
    """That card, while the session is with another one in the reader."""
    other = a_card(a_person())
    db.session.execute(update(SignedIn).values(card_id=other.id))
    db.session.commit()
    return card


def stands_still(card: Card) -> None:
    """Its renewal was begun: the new signature key is made, and its certificate is held."""
    an_operation(card, renew.KIND, "open", state=OperationState.WAITING)
    new = ec.generate_private_key(ec.SECP256R1()).public_key()
    written = new.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = CardKey(
        card=card, slot="9c", state=KeyState.PENDING, algorithm="ES256",
        public_key=written, jkt="j" * 43, created_at=START,
    )  # fmt: skip
    a_certificate(card, slot="9c", key=key, status=CertificateStatus.HELD)


def status_of(card: Card) -> CardStatus:
    db.session.expire_all()
    return db.session.get_one(Card, card.id).status


def templates() -> set[str]:
    return set(db.session.scalars(select(OutboxMessage.template)))


def test_the_services_of_a_card_lead_to_the_report(client: FlaskClient, card: Card) -> None:
    address = f'href="/profile/cards/{card.id}/report"'
    assert address in client.get(f"/profile/cards/{card.id}/service").text
    assert address in client.get("/profile").text


def test_the_card_in_the_reader_is_neither_lost_nor_stolen_and_the_page_says_so(
    client: FlaskClient, card: Card
) -> None:
    page = client.get(f"/profile/cards/{card.id}/report").text
    assert 'value="damaged"' in page
    assert 'value="misused"' in page
    assert 'value="lost"' not in page
    assert "because it is in the reader" in page
    assert client.get(f"/profile/cards/{card.id}/report/lost").status_code == 409
    assert sends(client, f"/profile/cards/{card.id}/report/lost").status_code == 409
    assert status_of(card) is CardStatus.ISSUED


@pytest.mark.parametrize("what", ["", "eaten", "lost"])
def test_nothing_sensible_chosen_is_said_at_the_choice(
    client: FlaskClient, card: Card, what: str
) -> None:
    answer = sends(client, f"/profile/cards/{card.id}/report", what=what)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text


def test_a_choice_leads_to_what_will_follow_and_changes_nothing(
    client: FlaskClient, card: Card
) -> None:
    answer = sends(client, f"/profile/cards/{card.id}/report", what="damaged")
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "This cannot be undone" in page
    assert "you will be signed out" in page
    assert status_of(card) is CardStatus.ISSUED
    assert templates() == set()


def test_a_damaged_card_is_cancelled_and_its_holder_signed_out(
    client: FlaskClient, card: Card
) -> None:
    answer = sends(
        client, f"/profile/cards/{card.id}/report/damaged", note="The chip broke", replacement="y"
    )
    assert answer.status_code == 200
    assert "The card is cancelled" in answer.text
    assert "you are signed out" in answer.text
    assert "Sign out" not in answer.text
    request = db.session.scalars(select(Request)).one()
    assert f"request {request.id}" in answer.text
    assert status_of(card) is CardStatus.CANCELLED
    assert templates() == {"card-cancelled", "card-cancelled-ra"}
    assert client.get("/profile").status_code == 303
    assert db.session.scalars(select(SignedIn.ended_at)).one() is not None


def test_no_new_card_is_requested_for_whoever_needs_none(client: FlaskClient, card: Card) -> None:
    answer = sends(client, f"/profile/cards/{card.id}/report/damaged")
    assert "No new card has been requested" in answer.text
    assert db.session.scalar(select(func.count()).select_from(Request)) == 0


@pytest.mark.parametrize("what", ["lost", "stolen"])
def test_another_card_that_is_lost_or_stolen_is_cancelled_and_the_session_goes_on(
    client: FlaskClient, missing: Card, what: str
) -> None:
    assert f'value="{what}"' in client.get(f"/profile/cards/{missing.id}/report").text
    answer = sends(client, f"/profile/cards/{missing.id}/report/{what}", replacement="y")
    assert "If you find the card again" in answer.text
    assert "Sign out" in answer.text
    assert status_of(missing) is CardStatus.CANCELLED


def test_misuse_is_told_leads_to_the_passcode_and_cancels_nothing(
    client: FlaskClient, card: Card
) -> None:
    answer = sends(client, f"/profile/cards/{card.id}/report/misused", note="On ward 3")
    assert (answer.status_code, answer.location) == (
        303,
        f"/profile/cards/{card.id}/report/misused/done",
    )
    page = client.get(answer.location).text
    assert f'href="/profile/cards/{card.id}/passcode"' in page
    assert "Cancel the card" in page
    assert status_of(card) is CardStatus.ISSUED
    assert templates() == {
        "card-misuse-reported",
        "card-misuse-reported-ra",
        "card-misuse-reported-manager",
    }


def test_misuse_of_a_card_that_is_locked_leads_to_unlocking_it(
    client: FlaskClient, card: Card
) -> None:
    card.status = CardStatus.LOCKED  # by the last of three wrong passcodes: the session goes on
    db.session.commit()
    answer = sends(client, f"/profile/cards/{card.id}/report/misused")
    page = client.get(answer.location).text
    assert f'href="/profile/cards/{card.id}/passcode"' not in page
    assert 'href="/service-centre/unlock"' in page
    assert "Cancel the card" in page


def test_misuse_of_a_card_whose_renewal_stands_still_leads_to_the_renewal(
    client: FlaskClient, card: Card
) -> None:
    stands_still(card)
    answer = sends(client, f"/profile/cards/{card.id}/report/misused")
    page = client.get(answer.location).text
    assert f'href="/profile/cards/{card.id}/passcode"' not in page
    assert f'href="/profile/cards/{card.id}/renew"' in page


def test_a_report_of_misuse_is_confirmed_once(client: FlaskClient, card: Card) -> None:
    address = f"/profile/cards/{card.id}/report/misused/done"
    assert client.get(address).location == f"/profile/cards/{card.id}/service"


def test_a_misused_card_is_cancelled_when_its_holder_asks(client: FlaskClient, card: Card) -> None:
    answer = sends(client, f"/profile/cards/{card.id}/report/misused/cancel", replacement="y")
    assert "The card is cancelled" in answer.text
    assert status_of(card) is CardStatus.CANCELLED
    assert db.session.scalars(select(Request.reason)).one() == "misused"


def test_what_is_said_has_an_end(client: FlaskClient, card: Card) -> None:
    for what in ("damaged", "misused"):
        answer = sends(client, f"/profile/cards/{card.id}/report/{what}", note="x" * 501)
        assert answer.status_code == 422
        assert "500 characters or fewer" in answer.text
    assert status_of(card) is CardStatus.ISSUED


@pytest.mark.parametrize("page", ["", "/damaged", "/misused", "/misused/done", "/eaten"])
def test_somebody_elses_card_is_no_card(client: FlaskClient, card: Card, page: str) -> None:
    other = a_card(a_person())
    assert client.get(f"/profile/cards/{other.id}/report{page}").status_code == 404
    assert client.get(f"/profile/cards/{card.id}/report/eaten").status_code == 404


def test_a_cancelled_card_cannot_be_reported_again(client: FlaskClient, card: Card) -> None:
    old = a_card(db.session.get_one(Person, card.person_id), status=CardStatus.CANCELLED)
    answer = client.get(f"/profile/cards/{old.id}/report")
    assert answer.status_code == 409
    assert "cannot be undone" in answer.text
