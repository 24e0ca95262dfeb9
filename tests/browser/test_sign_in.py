"""Signing in with a card: every state of the readers, every answer of the card."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.parts.chromium import Complaints
from tests.parts.desk import READER_1, READER_2
from tests.parts.service import Service
from tests.parts.visitor import HOLDER, MANAGER, Visitor

WRONG = "wrong-99"


@pytest.fixture
def visitor(page: Page, service: Service) -> Visitor:
    return Visitor(page, service)


def state(page: Page, name: str) -> Locator:
    return page.locator(f"[data-reader-state={name}]")


def refused(page: Page, reason: str) -> Locator:
    return page.locator(f"[data-refused={reason}]")


def said(page: Page, code: str) -> Locator:
    """What the card said, in the box that has the focus."""
    return page.locator(f"[data-code={code}]")


def test_the_page_asks_for_a_card_and_then_for_its_passcode(visitor: Visitor) -> None:
    visitor.page.goto("/sign-in")
    expect(state(visitor.page, "no-card")).to_contain_text("Insert your Smartcard")
    visitor.insert()
    expect(visitor.page.get_by_label("Passcode", exact=True)).to_be_visible()
    expect(visitor.page.locator("main")).to_contain_text("4 to 8")


def test_a_holder_signs_in_accepts_the_terms_and_sees_the_dashboard(visitor: Visitor) -> None:
    visitor.enter(visitor.show_card(HOLDER).passcode)
    visitor.page.get_by_role("button", name="Accept and sign").click()
    expect(visitor.page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    box = visitor.page.get_by_role("complementary", name="Smartcard in use")
    expect(box).to_contain_text("Grace Adeyemi")
    expect(box).to_contain_text("Card holder")


def test_terms_once_accepted_are_not_asked_for_again(
    visitor: Visitor,
) -> None:
    visitor.sign_in_by_hand()
    visitor.sign_out()
    visitor.page.goto("/sign-in")
    visitor.type_passcode("tulip-42")
    visitor.page.get_by_role("button", name="Sign in", exact=True).click()
    dashboard = visitor.page.get_by_role("heading", name="Dashboard", level=1)
    expect(dashboard).to_be_visible()


def test_whoever_declines_the_terms_is_not_signed_in(visitor: Visitor) -> None:
    visitor.enter(visitor.show_card().passcode)
    visitor.page.get_by_role("button", name="Decline").click()
    expect(refused(visitor.page, "terms-declined")).to_be_visible()
    visitor.page.goto("/profile")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_person_with_several_positions_chooses_the_one_to_act_in(
    visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expect_status(422)
    visitor.enter(visitor.show_card(MANAGER).passcode)
    visitor.page.get_by_role("button", name="Continue").click()
    expect(visitor.page.get_by_text("Choose the role that you want to work in")).to_be_visible()
    visitor.choose_role("RA Manager")
    visitor.reach_dashboard()
    box = visitor.page.get_by_role("complementary", name="Smartcard in use")
    expect(box).to_contain_text("RA Manager")


def test_a_wrong_passcode_says_how_many_tries_are_left_until_the_card_is_locked(
    visitor: Visitor,
) -> None:
    visitor.show_card()
    for left in ("2 tries are left", "1 try is left"):
        visitor.enter(WRONG)
        expect(said(visitor.page, "wrong-passcode")).to_contain_text(left)
        expect(said(visitor.page, "wrong-passcode")).to_be_focused()
    visitor.enter(WRONG)
    expect(refused(visitor.page, "locked")).to_contain_text("This card is locked")
    visitor.page.reload()
    expect(refused(visitor.page, "locked")).to_be_visible()
    expect(visitor.page.get_by_label("Passcode", exact=True)).to_have_count(0)


def test_after_a_wrong_passcode_the_right_one_signs_in(visitor: Visitor) -> None:
    planned = visitor.show_card()
    visitor.enter(WRONG)
    expect(said(visitor.page, "wrong-passcode")).to_be_visible()
    visitor.enter(planned.passcode)
    visitor.reach_dashboard()


@pytest.mark.parametrize(
    ("card", "reason", "words"),
    [
        ("blank-1", "blank", "has not been issued"),
        ("nadia-rahman", "locked", "locked"),
        ("keira-osullivan", "expired", "expired"),
        ("lachlan-mackenzie", "suspended", "suspended"),
        ("mei-lin-zhao", "cancelled", "cancelled"),
        ("rosalind-thackeray", "account-closed", "closed"),
    ],
)
def test_a_card_that_cannot_sign_in_says_why_and_whom_to_ask(
    visitor: Visitor, card: str, reason: str, words: str
) -> None:
    visitor.show_card(card)
    box = refused(visitor.page, reason)
    expect(box).to_contain_text(words)
    expect(box).to_contain_text("Registration Authority")
    expect(box.get_by_role("link", name=re.compile("^0"))).not_to_have_count(0)
    expect(visitor.page.get_by_label("Passcode", exact=True)).to_have_count(0)


def test_a_card_pulled_before_the_passcode_is_asked_for_again(visitor: Visitor) -> None:
    visitor.show_card()
    visitor.type_passcode(WRONG)
    visitor.service.desk.remove()
    expect(state(visitor.page, "card-removed")).to_be_visible()
    visitor.insert()
    expect(visitor.page.get_by_label("Passcode", exact=True)).to_have_value("")


def test_a_card_pulled_after_the_proof_and_before_the_terms_signs_nobody_in(
    visitor: Visitor,
) -> None:
    visitor.enter(visitor.show_card().passcode)
    expect(visitor.page.get_by_role("button", name="Accept and sign")).to_be_visible()
    visitor.service.desk.remove()
    expect(state(visitor.page, "card-removed")).to_be_visible()
    visitor.page.goto("/profile")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_swapped_card_is_the_one_that_is_asked_for_its_passcode(visitor: Visitor) -> None:
    visitor.show_card(HOLDER)
    expect(visitor.page.locator("main")).to_contain_text("5002\u00a00030\u00a00107")
    visitor.service.desk.swap(MANAGER)
    expect(visitor.page.locator("main")).to_contain_text("5002\u00a00030\u00a00101")
    visitor.enter("tulip-42")
    expect(visitor.page.get_by_role("group", name="Choose your role")).to_be_visible()


def test_of_two_cards_the_person_says_which_one_is_theirs(visitor: Visitor) -> None:
    visitor.insert(MANAGER, READER_1)
    visitor.insert(HOLDER, READER_2)
    visitor.page.goto("/sign-in")
    visitor.page.get_by_role("button", name=re.compile(READER_2)).click()
    visitor.enter("tulip-42")
    visitor.reach_dashboard()
    box = visitor.page.get_by_role("complementary", name="Smartcard in use")
    expect(box).to_contain_text("Grace Adeyemi")


def test_without_a_bridge_the_page_says_so_and_goes_on_when_it_is_there(
    visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expect("ERR_CONNECTION_REFUSED")
    visitor.service.stop_bridge()
    visitor.page.goto("/sign-in")
    expect(state(visitor.page, "not-running")).to_contain_text("reader bridge is not running")
    visitor.service.start_bridge()
    expect(state(visitor.page, "no-card")).to_be_visible()
    visitor.insert()
    visitor.enter("tulip-42")
    visitor.reach_dashboard()


def test_a_person_without_a_card_finds_whom_to_call(visitor: Visitor) -> None:
    visitor.page.goto("/sign-in")
    visitor.page.get_by_text("Telephone numbers").click()
    expect(visitor.page.get_by_role("link", name=re.compile("^0")).first).to_be_visible()


def test_signing_in_works_by_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.page
    visitor.show_card(MANAGER)
    page.get_by_label("Passcode", exact=True).wait_for()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "passcode":
            break
    page.keyboard.type("tulip-42")
    page.keyboard.press("Enter")
    page.get_by_role("group", name="Choose your role").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Accept and sign").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def test_the_passcode_field_is_no_part_of_its_form_and_can_be_shown_and_hidden(
    visitor: Visitor,
) -> None:
    visitor.show_card()
    field = visitor.page.get_by_label("Passcode", exact=True)
    field.fill("abc")
    sent = field.evaluate("(field) => Object.fromEntries(new FormData(field.form))")
    assert sent == {"tries_left": "3"}
    visitor.page.get_by_role("button", name="Show passcode").click()
    expect(field).to_have_attribute("type", "text")
    visitor.page.get_by_role("button", name="Hide passcode").click()
    expect(field).to_have_attribute("type", "password")


def test_an_empty_passcode_is_asked_for_without_troubling_the_card(visitor: Visitor) -> None:
    visitor.show_card()
    visitor.enter("")
    field = visitor.page.get_by_label("Passcode", exact=True)
    expect(field).to_have_accessible_description(re.compile(r"Error:\s+Enter your passcode"))
    expect(field).to_be_focused()
    left = {card["card"]: card["passcode_left"] for card in visitor.service.desk.cards()}
    assert left[HOLDER] == 3


def test_a_card_that_was_swapped_faster_than_the_reader_tells_is_read_again(
    visitor: Visitor,
) -> None:
    """As PC/SC has it: the new card is there, and the first connection to it is a dead one."""
    questions: list[int] = []
    second: list[Callable[[], None]] = []

    def first_reading_fails(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def ask(message: str | bytes) -> None:
            asked = json.loads(message)
            if asked["command"] == "read-card":
                questions.append(asked["id"])
                if len(questions) == 2:  # it waits until what is said of the first was seen
                    second.append(lambda: server.send(message))
                    return
            server.send(message)

        def hear(message: str | bytes) -> None:
            said = json.loads(message)
            if questions and said.get("re") == questions[0]:
                gone = {"code": "card-removed", "outcome": "none"}
                message = json.dumps({"re": said["re"], "error": gone})
            socket.send(message)

        socket.on_message(ask)
        server.on_message(hear)

    visitor.page.route_web_socket(re.compile("/v1$"), first_reading_fails)
    visitor.show_card()
    expect(visitor.page.locator("main")).to_contain_text("The card was taken out")
    while not second:
        visitor.page.wait_for_timeout(20)
    second[0]()
    expect(visitor.page.get_by_label("Passcode", exact=True)).to_be_visible()
    assert len(questions) == 2
