"""What is printed on a card: a PDF page of exactly its size (ISO/IEC 7810 ID-1, "CR80").

A card printer prints the page as it is, without scaling.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from fpdf import FPDF

WIDTH, HEIGHT = 85.60, 53.98  # mm
MARGIN = 4.0
PHOTO_WIDTH, PHOTO_HEIGHT = 24.0, 30.0
FONTS = Path(__file__).parent.parent / "static" / "vendor" / "fonts"
FAMILY = "DejaVu"  # holds the letters of every language written in Latin, Greek or Cyrillic
POINTS_TO_MM = 25.4 / 72
LARGEST, SMALLEST = 13.0, 6.0  # points
BLUE = (0, 94, 184)


@dataclass(frozen=True, kw_only=True)
class Printed:
    """What stands on the card. ``number`` is the card's, ``uuid`` the person's; both 12 digits."""

    title: str
    given_name: str
    family_name: str
    uuid: str
    number: str
    photo: bytes | None
    at: datetime


def card_pdf(printed: Printed) -> bytes:
    """Return the PDF of one card. The same values at the same time give the same bytes."""
    pdf = FPDF(unit="mm", format=(HEIGHT, WIDTH), orientation="L")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.c_margin = 0
    pdf.set_creation_date(printed.at.astimezone(UTC))
    pdf.set_title(f"Smartcard {printed.number}")
    pdf.set_lang("en-GB")
    pdf.add_font(FAMILY, "", str(FONTS / "DejaVuSansCondensed.ttf"))
    pdf.add_font(FAMILY, "B", str(FONTS / "DejaVuSansCondensed-Bold.ttf"))
    pdf.add_page()
    pdf.set_fill_color(*BLUE)
    pdf.rect(0, 0, WIDTH, 3, style="F")
    left = MARGIN + PHOTO_WIDTH + MARGIN
    room = WIDTH - left - MARGIN
    top = 8.0
    if printed.photo is not None:
        pdf.image(
            BytesIO(printed.photo), MARGIN, top, PHOTO_WIDTH, PHOTO_HEIGHT, keep_aspect_ratio=True
        )
    y = _line(pdf, printed.title, left, top, room, style="", size=9)
    y = _line(pdf, printed.given_name, left, y, room, style="", size=LARGEST)
    y = _line(pdf, printed.family_name, left, y, room, style="B", size=LARGEST)
    _line(pdf, _grouped(printed.uuid), left, top + PHOTO_HEIGHT - 6, room, style="B", size=13)
    _line(pdf, f"Card {_grouped(printed.number)}", MARGIN, HEIGHT - 9, WIDTH, style="", size=7)
    return bytes(pdf.output())


def _line(
    pdf: FPDF, text: str, x: float, y: float, room: float, *, style: str, size: float
) -> float:
    """Write one line, smaller where it would not fit, and return where the next one begins.

    What does not fit in the smallest letters is broken into two lines.
    """
    if not text:
        return y
    while size > SMALLEST:
        pdf.set_font(FAMILY, style, size)
        if pdf.get_string_width(text) <= room:
            break
        size -= 0.5
    height = size * POINTS_TO_MM * 1.2
    pdf.set_font(FAMILY, style, size)
    pdf.set_xy(x, y)
    pdf.multi_cell(room, height, text, align="L", padding=0, new_x="LEFT", new_y="NEXT")
    return float(pdf.get_y())


def _grouped(number: str) -> str:
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))
