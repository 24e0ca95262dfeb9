"""The README's pictures, made from the demonstration: `.venv/bin/python -m tools.screenshots`."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.parts.chromium import Complaints, chromium, context_of
from tests.parts.desk import READER_2
from tests.parts.second_reader import Counter
from tests.parts.service import Service, running_service
from tests.parts.visitor import HOLDER, Visitor
from tools.installation import ROOT

FOLDER = ROOT / "docs" / "images"
SIZE = (1100, 760)
COLOURS = 128  # enough for flat colours, and a quarter of the bytes


def sign_in(visitor: Visitor) -> None:
    visitor.show_card(HOLDER)
    expect(visitor.page.get_by_role("heading", name="Enter your passcode")).to_be_visible()


def dashboard(visitor: Visitor) -> None:
    visitor.sign_in(HOLDER)


def profile(visitor: Visitor) -> None:
    visitor.sign_in(HOLDER)
    visitor.page.goto("/profile")


def change_passcode(visitor: Visitor) -> None:
    visitor.sign_in(HOLDER)
    visitor.open_change_passcode()


def card_desk(visitor: Visitor) -> None:
    visitor.insert(HOLDER)
    visitor.insert("amara-okafor", READER_2)
    visitor.page.goto("/demo/card-desk")
    expect(visitor.page.get_by_role("button", name="Take out").first).to_be_visible()


def manage_smartcard(visitor: Visitor) -> None:
    counter = Counter(visitor)
    counter.open(HOLDER)
    expect(counter.main.get_by_role("heading", name="Is this the person with you?")).to_be_visible()


PICTURES: dict[str, Callable[[Visitor], None]] = {
    "card-desk": card_desk,
    "sign-in": sign_in,
    "dashboard": dashboard,
    "profile": profile,
    "change-passcode": change_passcode,
    "manage-smartcard": manage_smartcard,
}


def take(page: Page, file: Path) -> None:
    """Save what is on the screen, in as few bytes as can be read."""
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    small = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(file, optimize=True)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1024} kB")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder) / "prepared"
        with running_service(Path(folder) / "instance", shared) as service, chromium() as browser:
            for name, show in PICTURES.items():
                _picture(service, browser, name, show)


def _picture(
    service: Service, browser: Browser, name: str, show: Callable[[Visitor], None]
) -> None:
    service.reset()
    with context_of(browser, service.origin, Complaints(), SIZE) as context:
        visitor = Visitor(context.new_page(), service)
        show(visitor)
        take(visitor.page, FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
