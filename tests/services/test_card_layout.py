"""What is printed on a card: a page of its own size, with names of every spelling."""

import re
import zlib
from io import BytesIO

import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from app.services.card_layout import FONTS, Printed, card_pdf
from tests.parts.clock import START


def printed(given: str = "Grace", family: str = "Hopper", photo: bytes | None = None) -> bytes:
    return card_pdf(
        Printed(
            title="Dr",
            given_name=given,
            family_name=family,
            uuid="500200300107",
            number="700200300107",
            photo=photo,
            at=START,
        )
    )


def test_the_page_is_exactly_a_card() -> None:
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed())
    assert box
    assert [float(side) * 25.4 / 72 for side in box.groups()] == pytest.approx(
        [85.60, 53.98], abs=0.01
    )


@pytest.mark.parametrize(
    "name",
    [
        "O’Sullivan",
        "João",
        "Sørensen",
        "Đorđe Łukasz",
        "Nguyễn",
        "Ştefănescu",
        "Παπαδόπουλος",
        "Юлия",
    ],
)
def test_the_fonts_hold_the_letters_of_every_name(name: str) -> None:
    for file in ("DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf"):
        letters = TTFont(FONTS / file).getBestCmap()
        assert [letter for letter in name if ord(letter) not in letters] == []
    assert printed(family=name).startswith(b"%PDF-")


def test_a_photo_is_printed_and_without_one_the_rest_is() -> None:
    file = BytesIO()
    Image.new("RGB", (240, 300), "#336699").save(file, "PNG")
    assert b"/Subtype /Image" in printed(photo=file.getvalue())
    assert b"/Subtype /Image" not in printed()


def test_names_that_are_too_long_are_made_smaller_and_stay_on_one_page() -> None:
    pdf = printed("Wilhelmina Anastasia Persephone", "Featherstonehaugh-Cholmondeley-Majoribanks")
    assert pdf.count(b"/Type /Page\n") == 1
    sizes = [
        float(size)
        for stream in re.findall(rb"stream\n(.*?)\nendstream", pdf, re.S)
        for size in re.findall(rb"/F\d+ ([\d.]+) Tf", inflated(stream))
    ]
    assert min(sizes) < 13


def inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""
