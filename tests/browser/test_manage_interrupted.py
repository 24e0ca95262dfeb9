"""Manage Smartcard when cards are pulled halfway, input is wrong, or a reader is missing."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.parts.answers_on_the_way import lose_one, on_answers
from tests.parts.chip_and_database import believed, guid_of, in_chip
from tests.parts.chromium import Complaints
from tests.parts.desk import READER_1, READER_2
from tests.parts.second_reader import AGENT, BLANK, EXPIRING, LOCKED, NEW, Counter
from tests.parts.service import Service
from tests.parts.visitor import CARDS, HOLDER, WRONG, Visitor


@pytest.fixture
def counter(page: Page, service: Service, complaints: Complaints) -> Counter:
    complaints.expect_status(422, 409)
    return Counter(Visitor(page, service))


def meanwhile(page: Page, do: Callable[[], None], *, answers: int = 1) -> None:
    """Do something after so many answers of the card, before the server hears the last of them."""
    heard = 0

    def hear(route: Route) -> None:
        nonlocal heard
        heard += 1
        if heard == answers:
            do()
        route.continue_()

    on_answers(page, hear)


def second(counter: Counter, what: str) -> None:
    expect(counter.main.locator(f"[data-second={what}]")).to_be_visible()


def test_the_users_card_pulled_halfway_is_put_back_and_renewed(counter: Counter) -> None:
    counter.open(EXPIRING)
    counter.choose("Renew certificates")
    meanwhile(counter.visitor.page, counter.user_takes_out, answers=2)
    counter.type_passcode(EXPIRING)
    counter.press("Continue")
    expect(counter.main.locator("[data-code=card-removed]")).to_contain_text("Nothing is lost")
    expect(counter.main.locator("[data-reader-state=card-removed]")).to_be_visible()
    expect(counter.main.locator("[data-second]")).to_have_count(0)
    counter.user_puts_in(EXPIRING)
    expect(counter.main.locator("[data-code=card-removed]")).to_have_count(0)
    expect(counter.main).to_contain_text("Continue here: it goes on where it stopped")
    counter.type_passcode(EXPIRING)
    counter.press("Continue")
    counter.sees_done("Certificates renewed")


def test_the_agents_own_card_pulled_halfway_signs_out_and_the_renewal_goes_on_later(
    counter: Counter, complaints: Complaints
) -> None:
    complaints.expect_status(401)
    page = counter.visitor.page
    counter.open(EXPIRING)
    counter.choose("Renew certificates")
    # The signature key is certified by then, whether this answer still arrives or not; the next one
    # would be the last, and the page may be quick enough to bring it
    lose_one(page, before=3, meanwhile=counter.agent_takes_out)
    counter.type_passcode(EXPIRING)
    counter.press("Continue")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(counter.main).to_contain_text("working on a user’s card")
    service = counter.visitor.service
    service.desk.clear()
    # In another tab: in this one the next answer is lost where the last one was never brought
    later = Counter(Visitor(page.context.new_page(), service))
    later.open(EXPIRING)
    later.choose("Renew certificates")
    expect(later.main).to_contain_text("Continue here: it goes on where it stopped")
    later.type_passcode(EXPIRING)
    later.press("Continue")
    later.sees_done("Certificates renewed")


@pytest.fixture
def half_issued(counter: Counter) -> Counter:
    """A card was pulled while it was issued, and put back."""
    page = counter.visitor.page
    counter.open(BLANK)
    page.goto("/people/500200300108/issue")
    counter.check_identity("Approve the issue")
    second(counter, "blank")
    meanwhile(page, counter.user_takes_out, answers=2)
    counter.type_new_passcode()
    counter.press("Issue this card")
    expect(counter.main.locator("[data-code=card-removed]")).to_contain_text("Nothing is lost")
    counter.user_puts_in(BLANK)
    return counter


def test_a_card_pulled_while_it_is_issued_goes_on_where_it_stopped(half_issued: Counter) -> None:
    main = half_issued.main
    expect(main.locator("[data-code=card-removed]")).to_have_count(0)
    expect(main).to_contain_text("It goes on where it stopped")
    half_issued.type_new_passcode()
    half_issued.press("Continue")
    half_issued.sees_done("Card issued")
    belief = believed(half_issued.visitor.service, guid_of(half_issued.visitor.service, BLANK))
    assert (belief.status, belief.has_holder, belief.unfinished) == ("issued", True, [])
    assert belief.certificates == in_chip(half_issued.visitor.service, BLANK)


def test_a_server_that_failed_halfway_goes_on_with_the_issue_on_the_page_as_it_stands(
    counter: Counter, complaints: Complaints
) -> None:
    complaints.expect_status(500)
    page = counter.visitor.page
    heard: list[str] = []

    def fail_once(route: Route) -> None:
        heard.append(route.request.url)
        if len(heard) == 3:  # the card shows its new number by now
            route.fulfill(status=500, body="")
        else:
            route.continue_()

    counter.open(BLANK)
    page.goto("/people/500200300108/issue")
    counter.check_identity("Approve the issue")
    second(counter, "blank")
    on_answers(page, fail_once)
    counter.type_new_passcode()
    counter.press("Issue this card")
    expect(counter.main.locator("[data-word=failed]").last).to_be_visible()
    counter.type_new_passcode()
    counter.press("Issue this card")
    counter.sees_done("Card issued")


def test_an_issue_that_was_given_up_leaves_a_blank_card(half_issued: Counter) -> None:
    service = half_issued.visitor.service
    guid = guid_of(service, BLANK)
    half_issued.visitor.page.goto("/manage-smartcard")
    half_issued.main.get_by_role("link", name="Put right").click()
    half_issued.press("Erase this card")
    half_issued.sees_done("Card erased")
    belief = believed(service, guid)
    assert (belief.status, belief.has_holder, belief.unfinished) == ("blank", False, [])
    assert (belief.certificates, in_chip(service, BLANK)) == ({}, {})
    half_issued.visitor.page.goto("/manage-smartcard")
    second(half_issued, "blank")


def test_while_the_users_card_works_the_agents_own_goes_on_proving_its_presence(
    counter: Counter,
) -> None:
    page = counter.visitor.page
    counter.open(EXPIRING)
    counter.choose("Renew certificates")
    counter.visitor.watches()

    def tick() -> None:
        page.evaluate(
            """async () => {
              const { theBridge } = await import(document.querySelector("script[type=module]").src
                .replace("app.js", "bridge-client.js"));
              theBridge().dispatchEvent(new CustomEvent("said", { detail: { event: "tick" } }));
            }"""
        )

    meanwhile(page, tick)
    counter.type_passcode(EXPIRING)
    with page.expect_request("**/presence"):
        counter.press("Continue")
    counter.sees_done("Certificates renewed")


def test_an_agent_needs_no_mouse(counter: Counter) -> None:
    page = counter.visitor.page
    counter.open(LOCKED)
    link = counter.main.get_by_role("link", name="Unlock", exact=True)
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Unlock", level=2)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type(NEW)
    page.keyboard.press("Tab")  # Show
    page.keyboard.press("Tab")
    page.keyboard.type(NEW)
    page.keyboard.press("Enter")
    counter.sees_done("Card unlocked")


@pytest.mark.parametrize(
    ("new", "again", "words"),
    [
        (NEW, "heron-78", "The two new passcodes are not the same"),
        ("4567", "4567", "which is easy to guess"),
        ("abc", "abc", "too short"),
        ("", "", "Enter a new passcode"),
    ],
)
def test_a_new_passcode_that_is_not_good_is_said_and_the_card_is_as_before(
    counter: Counter, new: str, again: str, words: str
) -> None:
    counter.open(LOCKED)
    counter.choose("Unlock")
    counter.type_new_passcode(new, again)
    counter.press("Unlock")
    expect(counter.main).to_contain_text(words)
    counter.type_new_passcode()
    counter.press("Unlock")
    counter.sees_done("Card unlocked")


def test_a_card_that_locks_itself_leads_to_unlocking_it(counter: Counter) -> None:
    counter.open("owen-pritchard")  # one try is left
    counter.choose("Change passcode")
    counter.visitor.type_passcode(WRONG, "User’s current passcode")
    counter.type_new_passcode()
    counter.press("Continue")
    expect(counter.main).to_contain_text("The user’s card is locked")
    counter.main.get_by_role("link", name="Unlock it").click()
    counter.type_new_passcode()
    counter.press("Unlock")
    counter.sees_done("Card unlocked")


def test_another_card_put_in_meanwhile_is_not_worked_on(counter: Counter) -> None:
    counter.open(EXPIRING)
    counter.choose("Renew certificates")
    counter.visitor.service.desk.swap(HOLDER, READER_2)
    second(counter, "other")
    expect(counter.main.locator("[data-passcode]")).to_have_count(0)
    counter.visitor.service.desk.swap(EXPIRING, READER_2)
    second(counter, "held")


def test_cards_come_and_go_without_a_reload(counter: Counter) -> None:
    counter.open(None)
    expect(counter.main.locator("[data-reader-state=no-card]")).to_be_visible()
    counter.user_puts_in(HOLDER)
    second(counter, "held")
    counter.user_takes_out()
    expect(counter.main.locator("[data-reader-state=card-removed]")).to_be_visible()
    counter.user_puts_in(BLANK)
    second(counter, "blank")


def test_with_one_reader_the_page_says_so_and_names_the_service_desk(counter: Counter) -> None:
    def one_reader(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def hear(message: str | bytes) -> None:
            if json.loads(message).get("reader") != READER_2:
                socket.send(message)

        server.on_message(hear)

    counter.open(None)
    counter.visitor.page.route_web_socket(re.compile("/v1$"), one_reader)
    counter.visitor.page.goto("/manage-smartcard")
    expect(counter.main).to_contain_text("There is only one reader on this PC")
    expect(counter.main.get_by_role("link", name="telephone numbers")).to_be_visible()


def test_without_a_tick_nothing_is_approved(counter: Counter) -> None:
    page = counter.visitor.page
    counter.open(None)
    page.goto("/people/500200300107/issue")
    counter.visitor.type_passcode(CARDS[AGENT].passcode, "Your own passcode")
    counter.press("Approve the issue")
    expect(counter.main).to_contain_text("Choose which documents you have seen")
    expect(counter.main).to_contain_text("Compare the photo")
    left = {card["card"]: card["passcode_left"] for card in counter.visitor.service.desk.cards()}
    assert left[AGENT] == 3


def test_the_reader_of_the_agents_own_card_may_be_either(counter: Counter) -> None:
    visitor = counter.visitor
    visitor.insert(AGENT, READER_2)
    visitor.page.goto("/sign-in")
    visitor.enter(CARDS[AGENT].passcode)
    visitor.reach_dashboard()
    visitor.insert(HOLDER, READER_1)
    visitor.page.goto("/manage-smartcard")
    expect(counter.main.get_by_role("region", name="Your card")).to_contain_text(READER_2)
    expect(counter.main.get_by_role("region", name="The user’s card")).to_contain_text("Grace")


def test_a_card_lost_while_it_is_issued_is_given_up_and_erased_when_it_turns_up(
    half_issued: Counter,
) -> None:
    page, main = half_issued.visitor.page, half_issued.main
    half_issued.user_takes_out()
    page.goto("/people/500200300108")
    main.get_by_role("link", name="The card is lost or broken").click()
    expect(page.get_by_role("heading", name="The card is lost or broken", level=1)).to_be_visible()
    half_issued.press("Give up this card")
    expect(main).to_contain_text("Choose what has happened to the card")
    page.get_by_label("It is lost").check()
    half_issued.press("Give up this card")
    expect(main).to_contain_text("The card is given up, and cancelled")
    page.goto("/people/500200300108")
    expect(main.locator("[data-unfinished]")).to_have_count(0)
    half_issued.user_puts_in(BLANK)
    page.goto("/manage-smartcard")
    # Chosen beforehand is the card that the person has in use
    main.get_by_role("row").filter(has_text="In the second reader").get_by_role("link").click()
    main.get_by_role("link", name="Erase", exact=True).click()
    half_issued.press("Erase this card")
    half_issued.sees_done("Card erased")
