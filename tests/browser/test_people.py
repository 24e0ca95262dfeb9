"""An agent finds a person and comes to their cards, by keyboard and with the photo to compare."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.parts.service import Service
from tests.parts.sound import covered
from tests.parts.visitor import MANAGER, Visitor

GRACE = "500200300107"


@pytest.fixture
def agent(page: Page, service: Service) -> Page:
    Visitor(page, service).sign_in(MANAGER, "RA Manager")
    return page


def looks_for(page: Page, text: str) -> None:
    box = page.get_by_label("Given and family name, NINO or UUID")
    box.fill(text)
    box.press("Enter")


def test_a_uuid_leads_from_the_dashboard_to_the_person_and_the_services_of_their_card(
    agent: Page,
) -> None:
    looks_for(agent, "5002 0030 0107")
    expect(agent.get_by_role("heading", name="Grace Adeyemi", level=1)).to_be_visible()
    photo = agent.get_by_alt_text("Photo of Grace Adeyemi")
    expect(photo).to_be_visible()
    assert photo.evaluate("async (image) => { await image.decode(); return image.naturalWidth }")
    agent.get_by_role("link", name=re.compile("^Service of card")).click()
    expect(agent).to_have_url(re.compile(rf"/people/{GRACE}/cards/\d+$"))


def test_a_name_in_either_order_leads_to_a_list_and_from_there_to_the_person(agent: Page) -> None:
    for name in ("grace ade", "ADEYEMI gr"):
        agent.goto("/")
        looks_for(agent, name)
        expect(agent.get_by_role("link", name="Miss Grace Adeyemi")).to_be_visible()
        for width in (768, 1024, 1280, 1535, 1536, 1920):
            agent.set_viewport_size({"width": width, "height": 700})
            assert covered(agent) == [], f"at {width} pixels who is signed in hides something"
        agent.get_by_role("link", name="Miss Grace Adeyemi").click()
        expect(agent).to_have_url(re.compile(f"/people/{GRACE}$"))


def test_what_finds_nobody_is_said_and_a_nino_never_comes_into_an_address(agent: Page) -> None:
    looks_for(agent, "QQ 12 34 56 C")
    expect(agent.get_by_role("heading", name="Nobody was found")).to_be_visible()
    assert "QQ" not in agent.url
