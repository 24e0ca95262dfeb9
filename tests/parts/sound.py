"""What every page has to be, in whatever state: usable by everybody, wide and narrow."""

from playwright.sync_api import Page

from tests.parts import axe
from tests.parts.chromium import NARROW, WIDE, overflows

# The design system's header moves what does not fit into its menu a moment after a resize
HEADER_SETTLES = "new Promise((done) => setTimeout(() => requestAnimationFrame(done), 200))"


def demand_sound(page: Page) -> None:
    """Look over the page that is on the screen at both widths; leaves the window narrow."""
    for width, height in (WIDE, NARROW):
        if page.viewport_size != {"width": width, "height": height}:
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(HEADER_SETTLES)
        assert axe.violations(page) == []
        assert covered(page) == []
        assert overflows(page) <= 0, f"at {width} pixels the page is wider than its window"
    assert page.locator("h1").count() == 1
    assert forms_without_token(page) == []


def forms_without_token(page: Page) -> list[str]:
    """Return the forms that would change something, and neither carry a token nor belong to a
    card operation, which sends it as a header."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("form")]
            .filter((form) => form.method === "post" && !form.closest("card-step"))
            .filter((form) => !form.querySelector("input[name=csrf_token][value]"))
            .map((form) => form.outerHTML)"""
    )
    return found


def covered(page: Page) -> list[str]:
    """Return the parts of the page of which the box of who is signed in hides a part for good: it
    stands beside the page, or is a strip as wide as the window, below which the page ends."""
    found: list[str] = page.evaluate(
        """() => {
            const box = document.querySelector(".identity-box");
            if (!box || getComputedStyle(box).position === "static") return [];
            const { left, right, width } = box.getBoundingClientRect();
            const isStrip = width >= document.documentElement.clientWidth;
            if (isStrip && getComputedStyle(box).position === "sticky") return [];
            return [...document.querySelectorAll("main *, footer a")]
                .map((element) => [element, element.getBoundingClientRect()])
                .filter(([, part]) => part.width && part.right > left && part.left < right)
                .map(([element]) => element.outerHTML);
        }"""
    )
    return found
