"""The Workstations pages: who sees them, what they ask and refuse, and what they show once."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from app.domain.roles import Role
from app.domain.statuses import WorkstationStatus
from app.models import AuditEvent, InstallCode, Workstation
from app.services import install_codes
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment
from tests.parts.workstations import a_workstation
from tests.web.visits import sends, signs_in

Database = scoped_session[Session]
FRAGMENT = {"HX-Request": "true"}


def signs_in_as(client: FlaskClient, role: Role | None, workstation: int | None = None) -> None:
    person = a_person()
    held = an_assignment(person, role).id if role else None
    signs_in(client, a_card(person), assignment_id=held, workstation_id=workstation)


@pytest.fixture
def manager(client: FlaskClient, db_session: Database) -> None:
    signs_in_as(client, Role.RA_MANAGER)


@pytest.fixture
def pc(db_session: Database) -> str:
    return a_workstation("WARD4 <PC>").thumbprint


def status_of(database: Database, thumbprint: str) -> WorkstationStatus:
    database.rollback()
    found = database.scalar(select(Workstation.status).where(Workstation.thumbprint == thumbprint))
    assert found is not None
    return found


@pytest.mark.parametrize("role", [None, *(each for each in Role if each is not Role.RA_MANAGER)])
def test_in_any_other_role_there_is_neither_a_page_nor_a_link_to_it(
    client: FlaskClient, pc: str, role: Role | None
) -> None:
    signs_in_as(client, role)
    assert 'href="/workstations"' not in client.get("/").text
    for address in ("", f"/{pc}", f"/{pc}/block", "/install-codes"):
        assert client.get(f"/workstations{address}").status_code == 403
    for address in (f"/{pc}/enrol", "/install-codes", "/install-codes/1/withdraw"):
        assert sends(client, f"/workstations{address}", name="x").status_code == 403


@pytest.mark.usefixtures("manager")
def test_an_ra_manager_comes_from_the_dashboard_to_a_pc(client: FlaskClient, pc: str) -> None:
    assert 'href="/workstations"' in client.get("/").text
    text = client.get("/workstations").text
    assert "WARD4 &lt;PC&gt;" in text
    assert f'href="/workstations/{pc}"' in text
    assert "Nobody yet" in text
    page = client.get(f"/workstations/{pc}").text
    assert pc in page
    assert f'href="/workstations/{pc}/enrol"' in page
    assert f'href="/workstations/{pc}/unblock"' not in page


@pytest.mark.usefixtures("manager")
def test_the_list_says_what_a_pc_may_do_that_is_not_enrolled(client: FlaskClient) -> None:
    text = client.get("/workstations").text
    assert "to sign in, to stay signed in, and to change a passcode" in text


@pytest.mark.usefixtures("manager", "pc")
@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("search=ward4", True),
        ("search=ward5", False),
        ("state=seen", True),
        ("state=blocked", False),
        ("state=nonsense", True),
        ("after=nonsense", True),
        ("search=%00", True),
    ],
)
def test_the_list_is_searched_and_narrowed(client: FlaskClient, question: str, found: bool) -> None:
    text = client.get(f"/workstations?{question}").text
    assert ("WARD4" in text) is found
    if not found:
        assert "No workstation matches" in text


@pytest.mark.usefixtures("manager")
def test_a_page_shows_25_and_leads_to_the_rest_with_the_same_question(client: FlaskClient) -> None:
    for number in range(26):
        a_workstation(f"PC-{number:02}")
    text = client.get("/workstations?search=pc&state=seen").text
    assert len(re.findall(r">PC-\d\d<", text)) == 25
    further = re.search(r'rel="next" href="([^"]+)"', text)
    assert further
    rest = client.get(further[1].replace("&amp;", "&")).text
    assert re.findall(r">PC-\d\d<", rest) == [">PC-00<"]
    assert "First page" in rest


@pytest.mark.usefixtures("manager")
def test_a_pc_is_enrolled_after_its_thumbprint_was_shown_for_comparison(
    client: FlaskClient, db_session: Database, pc: str
) -> None:
    question = client.get(f"/workstations/{pc}/enrol").text
    assert pc in question
    assert "--show-workstation" in question
    assert 'value="WARD4 &lt;PC&gt;"' in question
    answer = sends(client, f"/workstations/{pc}/enrol", name="Ward 4, bay 2")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/workstations/{pc}")
    page = client.get(f"/workstations/{pc}").text
    assert "This PC is enrolled." in page
    assert "Ward 4, bay 2" in page
    assert "by Ada Lovelace" in page
    assert status_of(db_session, pc) is WorkstationStatus.ENROLLED


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize(
    ("decision", "field", "value", "words"),
    [
        ("block", "reason", "", "Enter why you are blocking this PC"),
        ("block", "reason", "x" * 201, "200 characters or fewer"),
        ("enrol", "name", " ", "Enter a name for this PC"),
        ("enrol", "name", "x" * 101, "100 characters or fewer"),
    ],
)
def test_what_is_missing_is_asked_for_and_nothing_is_changed(
    client: FlaskClient,
    db_session: Database,
    pc: str,
    decision: str,
    field: str,
    value: str,
    words: str,
) -> None:
    answer = sends(client, f"/workstations/{pc}/{decision}", **{field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert "<title>Error: " in answer.text
    assert status_of(db_session, pc) is WorkstationStatus.SEEN


@pytest.mark.usefixtures("manager")
def test_the_reason_of_a_block_is_shown_until_it_is_lifted(
    client: FlaskClient, db_session: Database, pc: str
) -> None:
    sends(client, f"/workstations/{pc}/block", reason="Stolen <from> the ward")
    assert "Stolen &lt;from&gt; the ward" in client.get(f"/workstations/{pc}").text
    assert "Stolen &lt;from&gt; the ward" in client.get(f"/workstations/{pc}/unblock").text
    assert sends(client, f"/workstations/{pc}/unblock").status_code == 303
    assert "Stolen" not in client.get(f"/workstations/{pc}").text
    assert status_of(db_session, pc) is WorkstationStatus.SEEN


@pytest.mark.usefixtures("manager")
def test_what_somebody_else_decided_meanwhile_is_a_409(client: FlaskClient, pc: str) -> None:
    sends(client, f"/workstations/{pc}/block", reason="Stolen")
    assert client.get(f"/workstations/{pc}/enrol").status_code == 409
    answer = sends(client, f"/workstations/{pc}/enrol", name="Ward 4")
    assert answer.status_code == 409


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize("address", ["/" + "u" * 43, "/x%00y", "/" + "u" * 43 + "/block"])
def test_a_pc_that_was_never_seen_is_not_found(client: FlaskClient, address: str) -> None:
    assert client.get(f"/workstations{address}").status_code == 404


@pytest.mark.usefixtures("manager")
def test_there_is_no_decision_but_those_of_the_table(client: FlaskClient, pc: str) -> None:
    assert client.get(f"/workstations/{pc}/sell").status_code == 404
    assert sends(client, f"/workstations/{pc}/sell").status_code == 404


def test_whoever_blocks_the_pc_they_sit_at_is_warned_and_then_signed_out_with_the_reason(
    client: FlaskClient, db_session: Database
) -> None:
    own = a_workstation(status=WorkstationStatus.ENROLLED)
    thumbprint = own.thumbprint
    signs_in_as(client, Role.RA_MANAGER, own.id)
    assert "You are using this PC" in client.get(f"/workstations/{thumbprint}/block").text
    answer = sends(client, f"/workstations/{thumbprint}/block", reason="Test")
    after = client.get(answer.headers["Location"])
    assert after.headers["Location"] == "/signed-out?reason=workstation-blocked"
    assert "This PC has been blocked" in client.get(after.headers["Location"]).text


# Install codes


@pytest.mark.usefixtures("manager")
def test_a_code_is_shown_once_in_the_answer_that_makes_it(
    client: FlaskClient, db_session: Database
) -> None:
    answer = sends(client, "/workstations/install-codes", label="Ward <4>", uses="3")
    assert answer.status_code == 200
    found = re.search(r"\b([0-9A-Z]{4}(?:-[0-9A-Z]{4}){4})\b", answer.text)
    assert found
    assert f"--enrol {found[1]}" in answer.text
    assert "Ward &lt;4&gt;" in answer.text
    assert "24 November 2026" in answer.text
    assert found[1] not in client.get("/workstations/install-codes").text
    cookies = str(client.get_cookie("cis"))
    assert found[1] not in cookies
    row = db_session.scalars(select(InstallCode)).one()
    assert (row.label, row.uses, row.used) == ("Ward <4>", 3, 0)


@pytest.mark.usefixtures("manager")
def test_a_fragment_holds_what_the_page_does(client: FlaskClient) -> None:
    fragment = sends(
        client, "/workstations/install-codes", headers=FRAGMENT, label="Ward 4", uses="1"
    ).text
    assert fragment.lstrip().startswith('<section id="install-codes"')
    assert "It is shown only now" in fragment
    assert fragment.count('id="install-codes"') == 1


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize(
    ("label", "uses", "words"),
    [
        ("", "1", "Enter what the code is for"),
        ("x" * 101, "1", "100 characters or fewer"),
        ("Ward 4", "0", "from 1 to 500"),
        ("Ward 4", "501", "from 1 to 500"),
        ("Ward 4", "", "from 1 to 500"),
        ("Ward 4", "many", "from 1 to 500"),
        ("Ward 4", "9" * 40, "from 1 to 500"),
    ],
)
def test_a_code_for_nothing_or_nobody_is_not_made(
    client: FlaskClient, db_session: Database, label: str, uses: str, words: str
) -> None:
    answer = sends(client, "/workstations/install-codes", label=label, uses=uses)
    assert answer.status_code == 422
    assert words in answer.text
    assert db_session.scalars(select(InstallCode)).all() == []


@pytest.mark.usefixtures("manager")
def test_a_code_is_withdrawn_from_the_list(client: FlaskClient, db_session: Database) -> None:
    install_codes.make(label="Ward 4", uses=1, actor=None, now=START)
    number = db_session.scalars(select(InstallCode.id)).one()
    db_session.remove()
    assert "Can be used" in client.get("/workstations/install-codes").text
    answer = sends(client, f"/workstations/install-codes/{number}/withdraw")
    assert answer.status_code == 303
    text = client.get(answer.headers["Location"]).text
    assert "The install code is withdrawn" in text
    assert "Can be used" not in text
    assert sends(client, f"/workstations/install-codes/{number + 1}/withdraw").status_code == 404
    told = db_session.scalars(select(AuditEvent.event)).all()
    assert told.count("install-code.withdrawn") == 1
