"""Changing the passcode: the rule, the refusals, the lost answer, and the result on the card."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.parts.answers_on_the_way import leave_answers_alone, on_answers
from tests.parts.chromium import Complaints
from tests.parts.desk import READER_1
from tests.parts.service import Service
from tests.parts.visitor import HOLDER, Visitor

OLD, NEW = "tulip-42", "heron-77"


@pytest.fixture
def visitor(page: Page, service: Service) -> Visitor:
    visitor = Visitor(page, service)
    visitor.be_signed_in()
    visitor.open_change_passcode()
    return visitor


def said(page: Page, code: str) -> Locator:
    return page.locator(f"[data-code={code}]")


def test_the_new_passcode_signs_in_and_the_old_one_does_not(visitor: Visitor) -> None:
    visitor.type_new_passcode(OLD, NEW)
    expect(visitor.page.get_by_role("heading", name="Passcode changed")).to_be_visible()
    visitor.sign_out()
    visitor.page.goto("/sign-in")
    visitor.enter(OLD)
    expect(said(visitor.page, "wrong-passcode")).to_be_visible()
    visitor.enter(NEW)
    visitor.reach_dashboard()


def test_a_bridge_that_was_started_again_changes_it_on_the_page_as_it_stands(
    visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expect("ERR_CONNECTION_REFUSED")
    guard = visitor.page.locator("session-guard")
    before = guard.get_attribute("bridge")
    visitor.service.stop_bridge()
    visitor.service.start_bridge(**{READER_1: HOLDER})
    expect(guard).not_to_have_attribute("bridge", str(before))
    visitor.type_new_passcode(OLD, NEW)
    expect(visitor.page.get_by_role("heading", name="Passcode changed")).to_be_visible()


def test_the_rule_is_there_before_anything_is_typed(visitor: Visitor) -> None:
    expect(visitor.page.locator("main")).to_contain_text("4 to 8")


def test_a_new_passcode_that_is_refused_says_why(visitor: Visitor) -> None:
    for new, words in (
        ("abc", "too short"),
        ("Blue77421", "too long"),  # and never cut to what fits
        ("zzzz", "one character repeated"),
        ("4567", "a run"),
        ("003001", "anyone can read"),
        ("dcba", "a run"),
        (OLD, "same as your current"),
        ("pâté-99", "characters that this card does not take"),
    ):
        visitor.type_new_passcode(OLD, new)
        expect(said(visitor.page, "passcode-refused")).to_contain_text(words)
        expect(visitor.page.get_by_label("Current passcode", exact=True)).to_have_value("")


def test_a_wrong_current_passcode_says_how_many_tries_are_left(visitor: Visitor) -> None:
    visitor.type_new_passcode("wrong-99", NEW)
    expect(said(visitor.page, "wrong-passcode")).to_contain_text("2 tries are left")
    visitor.type_new_passcode(OLD, NEW)
    expect(visitor.page.get_by_role("heading", name="Passcode changed")).to_be_visible()


def test_two_new_passcodes_that_differ_never_reach_the_card(visitor: Visitor) -> None:
    visitor.type_new_passcode(OLD, NEW, "heron-78")
    expect(visitor.page.get_by_text("The two new passcodes are not the same")).to_be_visible()
    left = {card["card"]: card["passcode_left"] for card in visitor.service.desk.cards()}
    assert left[HOLDER] == 3


def test_back_and_close_lead_to_the_card_and_to_the_profile(visitor: Visitor) -> None:
    page = visitor.page
    page.locator("main").get_by_role("button", name="Back").click()
    expect(page).to_have_url(re.compile("/service$"))
    page.get_by_role("link", name="Change passcode", exact=True).click()
    page.get_by_role("button", name="Close").click()
    expect(page).to_have_url(re.compile("/profile$"))


def test_two_quick_presses_change_it_once(visitor: Visitor) -> None:
    page = visitor.page
    visitor.type_passcode(OLD, "Current passcode")
    visitor.type_passcode(NEW, "New passcode")
    visitor.type_passcode(NEW, "New passcode again")
    started = []
    page.on("request", lambda request: started.append(request.url))
    page.get_by_role("button", name="Confirm").dblclick()
    expect(page.get_by_role("heading", name="Passcode changed")).to_be_visible()
    assert len([url for url in started if url.endswith("/passcode/start")]) == 1


def test_somebody_elses_card_is_not_found(visitor: Visitor) -> None:
    answer = visitor.page.request.get("/profile/cards/1/passcode")
    assert answer.status == 404


def test_a_server_that_is_away_for_a_moment_stops_nothing(
    visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expect_status(503)
    missed = []

    def miss_the_first(route: Route) -> None:
        if missed:
            route.continue_()
            return
        missed.append(route.request.url)
        route.fulfill(status=503, body="")

    on_answers(visitor.page, miss_the_first)
    visitor.type_new_passcode(OLD, NEW)
    expect(visitor.page.get_by_role("heading", name="Passcode changed")).to_be_visible()
    assert len(missed) == 1


def test_a_server_that_stays_away_leaves_a_change_to_be_settled_with_the_new_passcode(
    visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expect_status(503, 409)
    page = visitor.page
    on_answers(page, lambda route: route.fulfill(status=503, body=""))
    visitor.type_new_passcode(OLD, NEW)
    expect(page.get_by_text("The service did not answer")).to_be_visible()
    leave_answers_alone(page)
    visitor.type_new_passcode(OLD, NEW)
    expect(said(page, "answer-lost")).to_be_visible()
    visitor.type_passcode(NEW, "New passcode")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Passcode changed")).to_be_visible()
    left = {card["card"]: card["passcode_left"] for card in visitor.service.desk.cards()}
    assert left[HOLDER] == 3


def test_a_passcode_that_was_refused_unheard_is_not_tried_again_before_the_card_is_asked(
    visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expect_status(500, 409)
    page = visitor.page
    failed = "The service has failed"
    on_answers(page, lambda route: route.fulfill(status=500, body=failed))  # not brought again
    visitor.type_new_passcode(OLD, NEW)
    expect(page.get_by_text(failed)).to_be_visible()
    visitor.sign_out()
    page.goto("/sign-in")
    which = page.locator("[data-use]")
    expect(which).to_contain_text("Use the new passcode. If it is refused, use the old one")
    visitor.enter(OLD)
    expect(page.get_by_text(failed)).to_be_visible()
    leave_answers_alone(page)
    visitor.enter(OLD)
    expect(which).to_contain_text("If that is the only one that you have typed since then")
    left = {card["card"]: card["passcode_left"] for card in visitor.service.desk.cards()}
    assert left[HOLDER] == 2
    visitor.enter(NEW)
    visitor.reach_dashboard()
    visitor.sign_out()
    page.goto("/sign-in")
    visitor.enter(OLD)
    expect(which).to_contain_text("use the same passcode as then")
