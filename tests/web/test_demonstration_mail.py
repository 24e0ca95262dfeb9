"""What the mail catcher of a demonstration has caught, as its pages show it."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.parts.caught import catch
from tests.web.conftest import FRAGMENT

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def folder(app: Flask, tmp_path: Path) -> Path:
    app.config.update(DEMONSTRATION=True, INSTANCE=tmp_path)
    return tmp_path / "mail"


def test_before_any_mail_the_page_says_how_to_come_by_some(
    client: FlaskClient, folder: Path
) -> None:
    assert "No message has been sent yet" in client.get("/demo/mail").text


def test_the_newest_message_comes_first_with_its_address_and_moment(
    client: FlaskClient, folder: Path
) -> None:
    for number in range(52):
        catch(folder, subject=f"Message {number:02}")
    (folder / "20270304-140500-000099.part").write_bytes(b"half of one")
    (folder / "notes.eml").write_bytes(b"not of the mail catcher")
    page = client.get("/demo/mail").text
    assert page.index("Message 51") < page.index("Message 50") < page.index("Message 02")
    assert "Message 01" not in page
    assert "newest 50" in page
    assert "grace.adeyemi@northmere.nhs.uk" in page
    assert "4 March 2027 at 2:05pm" in page


def test_the_list_asks_by_itself_and_is_replaced_only_where_a_message_has_come(
    client: FlaskClient, folder: Path
) -> None:
    def asks(page: str) -> str:
        polled = re.search(r'id="messages" hx-get="([^"]+)" hx-trigger="every 3s"', page)
        assert polled, page
        assert '"By-Itself": "1"' in page
        return polled[1]

    empty = asks(client.get("/demo/mail").text)
    assert client.get(empty, headers=FRAGMENT).status_code == 204
    catch(folder, subject="Your <code>")
    part = client.get(empty, headers=FRAGMENT).text
    assert "<html" not in part
    assert 'data-announce="New message: Your &lt;code&gt;"' in part
    assert client.get(asks(part), headers=FRAGMENT).status_code == 204
    assert part.strip() in client.get("/demo/mail").text
    assert client.get(empty).status_code == 200, "without script it is a page"


def test_what_a_message_says_is_text_and_only_our_own_addresses_are_links(
    app: Flask, client: FlaskClient, folder: Path
) -> None:
    text = f"<script>alert(1)</script> {app.config['ORIGIN']}/sign-in https://elsewhere.example/"
    page = client.get(f"/demo/mail/{catch(folder, subject='<b>Hm</b>', text=text)}").text
    assert "<script>alert(1)" not in page
    assert "<b>Hm" not in page
    assert f'<a href="{app.config["ORIGIN"]}/sign-in">' in page
    assert 'href="https://elsewhere' not in page
    assert "as a mail program shows it" not in page


def test_the_html_of_a_message_is_shown_in_a_sandbox_of_its_own(
    client: FlaskClient, folder: Path
) -> None:
    name = catch(folder, html="<p style='color: red'>Hello</p><script>alert(1)</script>")
    assert f"/demo/mail/{name}/html" in client.get(f"/demo/mail/{name}").text
    answer = client.get(f"/demo/mail/{name}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "Hello" in answer.text
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert policy.endswith("sandbox")


@pytest.mark.parametrize("name", ["20270304-140500-000077", "notes", "..", "a/../../cis"])
def test_what_was_not_caught_is_not_found(client: FlaskClient, folder: Path, name: str) -> None:
    without = catch(folder)
    for address in (f"/demo/mail/{name}", f"/demo/mail/{without}/html"):
        assert client.get(address).status_code == 404


def test_desk_and_sign_in_page_lead_to_the_mail(client: FlaskClient, folder: Path) -> None:
    for address in ("/sign-in", "/demo/card-desk"):
        assert 'href="/demo/mail"' in client.get(address).text
