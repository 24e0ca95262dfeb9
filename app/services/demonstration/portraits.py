"""Portraits for people who do not exist: drawn, not photographed, and always the same."""

import hashlib
from io import BytesIO

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 240, 300
CONTENT_TYPE = "image/png"

_BACKGROUNDS = ("#d9e4ec", "#e6e2d8", "#dfe8df", "#e8dfe6")
_SKINS = ("#f2d3bd", "#e0b08d", "#c68a5f", "#9a6240", "#6e4329", "#f5dcc9")
_HAIR = ("#2a211c", "#5b3a24", "#8a6239", "#b98f4f", "#7d7d80", "#3b1f1a")
_CLOTHES = ("#2f5d8a", "#6b4c7d", "#3f6f5c", "#8a3f44", "#4a4f57", "#a1763b")
_LINE = "#33261f"


def portrait(seed: str, *, title: str) -> bytes:
    """Return a portrait as a PNG. The same seed and title give the same face."""
    numbers = iter(hashlib.sha256(seed.encode()).digest())

    def one(choices: tuple[str, ...]) -> str:
        return choices[next(numbers) % len(choices)]

    image = Image.new("RGB", (WIDTH, HEIGHT), one(_BACKGROUNDS))
    draw = ImageDraw.Draw(image)
    skin, hair, clothes = one(_SKINS), one(_HAIR), one(_CLOTHES)
    long_hair, glasses, beard = (next(numbers) % n == 0 for n in (2, 3, 4))
    if title in ("Mrs", "Ms", "Miss"):
        long_hair, beard = True, False
    width = 50 + next(numbers) % 12
    if long_hair:
        draw.rounded_rectangle((120 - width - 14, 70, 120 + width + 14, 215), 48, fill=hair)
    draw.rounded_rectangle((30, 222, 210, 340), 62, fill=clothes)
    draw.rectangle((100, 180, 140, 236), fill=skin)
    draw.polygon(((100, 224), (140, 224), (120, 254)), fill=skin)
    draw.ellipse((120 - width, 60, 120 + width, 205), fill=skin)
    draw.pieslice((120 - width - 4, 48, 120 + width + 4, 170), 180, 360, fill=hair)
    draw.ellipse((120 - width + 6, 88, 120 + width - 6, 150), fill=skin)
    if beard and not long_hair:
        draw.chord((120 - width + 4, 110, 120 + width - 4, 206), 25, 155, fill=hair)
    for middle in (98, 142):
        draw.ellipse((middle - 5, 124, middle + 5, 134), fill=_LINE)
        draw.arc((middle - 13, 108, middle + 13, 126), 205, 335, fill=hair, width=3)
        if glasses:
            draw.ellipse((middle - 17, 113, middle + 17, 145), outline=_LINE, width=2)
    if glasses:
        draw.line((115, 127, 125, 127), fill=_LINE, width=2)
    draw.line(((120, 134), (115, 157), (124, 158)), fill=_LINE, width=2)
    draw.arc((98, 150, 142, 182), 25, 155, fill=_LINE, width=3)
    file = BytesIO()
    image.quantize(32).save(file, "PNG", optimize=True)
    return file.getvalue()
