"""Registering for self-service, as the guide has it: in the browser, with real mail."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.parts.at_the_centre import AtTheCentre
from tests.parts.chromium import Complaints
from tests.parts.registrar import ANSWERS, Registrar
from tests.parts.service import Service
from tests.parts.sound import demand_sound
from tests.parts.visitor import CARDS, HOLDER, NEW, WRONG, Visitor

FOREIGN = "grace@hospital.example"


@pytest.fixture
def registrar(page: Page, service: Service) -> Registrar:
    return Registrar(Visitor(page, service))


def summary(page: Page) -> Locator:
    return page.locator(".nhsuk-error-summary")


def said(page: Page, code: str) -> Locator:
    return page.locator(f"[data-code={code}]")


def contact_address(page: Page) -> str:
    return page.get_by_label("Email address").input_value()


def test_the_whole_guide_with_each_refusal_on_the_way_and_then_the_unlock(
    registrar: Registrar, complaints: Complaints
) -> None:
    complaints.expect_status(422)
    page = registrar.page
    registrar.open()
    expect(page.locator("main")).to_contain_text("15 minutes")
    registrar.press("Continue")

    registrar.at("Passcode")
    registrar.show_passcode(WRONG)
    expect(said(page, "wrong-passcode")).to_contain_text("2 tries are left")
    demand_sound(page)
    registrar.show_passcode()

    registrar.at("Security questions")
    same = (ANSWERS[0], ANSWERS[0], ("childhood-toy", "aa"), ("first-film", "!!!"))
    registrar.fill_questions(same)
    registrar.press("Continue")
    for words in ("same as question 1", "at least 3 letters", "answer to question 4"):
        expect(summary(page)).to_contain_text(words)
    expect(page.get_by_label("Answer to question 1")).to_have_value(ANSWERS[0][1])
    page.get_by_role("link", name="Question 2 is the same").click()
    expect(page.get_by_label("Question 2", exact=True)).to_be_focused()
    registrar.fill_questions((*ANSWERS[:3], ("first-dish", "robin hoods BAY!")))
    registrar.press("Continue")
    expect(summary(page)).to_contain_text("same as that to question 3")
    registrar.fill_questions()
    registrar.press("Continue")

    registrar.at("Email")
    address = contact_address(page)
    registrar.fill_email(FOREIGN)
    expect(summary(page)).to_contain_text("nhs.net")
    expect(page.get_by_label("Email address")).to_have_value(FOREIGN)
    demand_sound(page)
    registrar.fill_email(address)

    registrar.at("Registration code")
    expect(page.locator("main")).to_contain_text("Junk")
    registrar.deliver()
    registrar.sees_sent()
    demand_sound(page)
    first = registrar.code_mailed_to(address)
    registrar.enter_code("12345")
    expect(summary(page)).to_contain_text("6 digits")
    registrar.enter_code(other_than(first))
    expect(summary(page)).to_contain_text("4 tries are left")
    demand_sound(page)
    registrar.send_new_code()
    registrar.deliver()
    registrar.sees_sent()
    registrar.enter_code(first)
    expect(summary(page)).to_contain_text("only the newest counts")
    second = registrar.code_mailed_to(address)
    registrar.enter_code(f"{second[:3]} {second[3:]}")

    registrar.registered()
    demand_sound(page)
    expect(page.locator("#service-centre")).to_have_text(
        f"{registrar.service.origin}/service-centre"
    )
    page.reload()
    registrar.registered()
    registrar.press("Go to My profile")
    expect(page.locator("#self-service")).to_contain_text("You are registered")
    expect(page.locator("#self-service")).to_contain_text(address)
    demand_sound(page)
    unlock_with_what_was_registered(registrar.visitor)


def test_by_keyboard_alone(registrar: Registrar) -> None:
    page, keyboard = registrar.page, registrar.page.keyboard
    registrar.visitor.sign_in()
    page.goto("/profile")

    def reach(what: Locator) -> None:
        """Come to a control with the Tab key, as everybody without a mouse does."""
        for _ in range(60):
            if what.evaluate("(element) => element === document.activeElement"):
                return
            keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {what}")

    def press(button: str) -> None:
        reach(page.locator("main").get_by_role("button", name=button, exact=True))
        keyboard.press("Enter")

    press("Register")
    press("Continue")
    registrar.at("Passcode")
    reach(page.get_by_label("Passcode", exact=True))
    keyboard.type(CARDS[HOLDER].passcode)
    keyboard.press("Enter")
    registrar.at("Security questions")
    for number, (question, answer) in enumerate(ANSWERS, 1):
        choice = page.get_by_label(f"Question {number}", exact=True)
        reach(choice)
        for _ in choice.locator("option").all():
            if choice.input_value() != question:
                keyboard.press("ArrowDown")
        expect(choice).to_have_value(question)
        reach(page.get_by_label(f"Answer to question {number}"))
        keyboard.type(answer)
    keyboard.press("Enter")
    registrar.at("Email")
    address = contact_address(page)
    reach(page.get_by_label("Email address"))
    keyboard.press("Enter")
    registrar.at("Registration code")
    registrar.deliver()
    reach(page.get_by_label("Code from the email"))
    keyboard.type(registrar.code_mailed_to(address))
    keyboard.press("Enter")
    registrar.registered()
    press("Go to My profile")
    expect(page.locator("#self-service")).to_contain_text("You are registered")


def test_back_a_reload_and_a_second_tab_lose_and_double_nothing(
    registrar: Registrar, context: BrowserContext
) -> None:
    page = registrar.page
    before = registrations(registrar.service)
    registrar.come_to_email()
    registrar.press("Back")
    registrar.at("Security questions")
    for number, (question, _) in enumerate(ANSWERS, 1):
        choice = page.get_by_label(f"Question {number}", exact=True)
        expect(choice).to_have_value(question)
    page.reload()
    expect(page.locator("main")).to_contain_text("Your answer is kept")
    demand_sound(page)
    registrar.press("Back")
    expect(page.locator("main")).to_contain_text("Your passcode has been checked")
    registrar.press("Continue")
    registrar.press("Continue")  # all four are kept
    registrar.at("Email")
    address = contact_address(page)
    registrar.press("Continue")
    registrar.at("Registration code")

    other = Registrar(Visitor(context.new_page(), registrar.service))
    other.page.goto("/profile")
    other.press("Continue registration")
    other.press("Continue")
    other.at("Registration code")
    other.page.goto("/profile/self-service/register/done")
    expect(other.page.locator("main")).to_contain_text("You are not registered")
    other.page.goto("/profile/self-service/register/code")

    page.reload()
    page.go_back()
    page.go_forward()
    registrar.at("Registration code")
    registrar.deliver()
    assert len(registrar.service.mail.to(address)) == 1
    code = registrar.code_mailed_to(address)
    other.page.reload()  # it does not ask any more, and so does not go on by itself
    other.sees_sent()
    registrar.enter_code(code)
    registrar.registered()
    other.enter_code(code)
    other.registered()
    assert registrations(registrar.service) == before + 1


def test_a_page_that_asks_by_itself_does_not_lead_away_from_what_was_sent(
    registrar: Registrar,
) -> None:
    page = registrar.page
    registrar.come_to_email()
    address = contact_address(page)
    registrar.press("Continue")
    registrar.at("Registration code")
    held: dict[str, Route] = {}

    def hold(route: Route) -> None:
        by_itself = "by-itself" in route.request.headers
        held["asked" if by_itself else "sent"] = route

    page.route("**/register/code", hold)
    while "asked" not in held:  # where is the code?
        page.wait_for_timeout(20)
    registrar.deliver()
    page.get_by_label("Code from the email").fill(registrar.code_mailed_to(address))
    page.get_by_role("button", name="Confirm").dispatch_event("click")
    while "sent" not in held:
        page.wait_for_timeout(20)
    held["asked"].fulfill(status=204, headers={"HX-Redirect": "/profile/self-service"})
    page.wait_for_timeout(200)
    held["sent"].continue_()
    registrar.registered()


def test_a_pulled_card_an_expired_code_and_a_mail_server_that_is_away_are_gone_on_from(
    registrar: Registrar, complaints: Complaints
) -> None:
    complaints.expect_status(401)
    page, desk = registrar.page, registrar.service.desk
    registrar.open()
    registrar.press("Continue")
    registrar.visitor.type_passcode(CARDS[HOLDER].passcode)
    desk.remove()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()

    registrar.come_to_email()
    desk.remove()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    registrar.visitor.sign_in()
    page.goto("/profile/self-service/register/email")  # ahead of what this session has shown
    registrar.at("Passcode")
    expect(page.locator("main")).to_contain_text("What you have entered so far is kept")
    registrar.show_passcode()
    registrar.at("Email")
    page.goto("/profile")
    registrar.press("Continue registration")
    registrar.press("Continue")
    registrar.at("Email")
    registrar.press("Continue")
    registrar.at("Registration code")
    registrar.deliver()
    registrar.let_code_expire()
    page.reload()
    expect(page.locator("main")).to_contain_text("has expired")
    demand_sound(page)

    registrar.service.mail.takes = False
    registrar.send_new_code()
    registrar.deliver()
    registrar.let_code_wait(minutes=1)
    page.reload()
    expect(page.locator("main")).to_contain_text("has not left yet")
    registrar.let_code_wait(minutes=60)
    page.reload()
    expect(page.locator("main")).to_contain_text("could not be delivered")
    demand_sound(page)
    registrar.service.mail.takes = True
    registrar.send_new_code()
    registrar.deliver()
    registrar.sees_sent()
    registrar.enter_code(registrar.code_mailed_to(registrar.address))
    registrar.registered()


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def registrations(service: Service) -> int:
    """How often somebody was registered: the audit log forgets none."""
    with closing(sqlite3.connect(service.database)) as rows:
        asked = "SELECT count(*) FROM audit_event WHERE event = 'self-service.registered'"
        (number,) = rows.execute(asked).fetchone()
        return int(number)


def unlock_with_what_was_registered(visitor: Visitor) -> None:
    """The second guide: at the Service Centre, whose link was kept, with the answers just given."""
    visitor.sign_out()
    at_the_centre = AtTheCentre(visitor.page, visitor.service, card=HOLDER)
    at_the_centre.start()
    at_the_centre.answer()
    at_the_centre.expect_heading("step 3 of 5")
    at_the_centre.enter_code(at_the_centre.mailed_code())
    at_the_centre.expect_heading("step 4 of 5")
    at_the_centre.choose_passcode(NEW)
    at_the_centre.expect_heading("Your Smartcard is unlocked")
    visitor.page.goto("/sign-in")
    visitor.enter(NEW)
    visitor.reach_dashboard()
