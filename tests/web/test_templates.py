"""What a page may contain: nothing from outside, nothing that the policy would refuse."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent / "app"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static").rglob("*.js")) + sorted((ROOT / "static").rglob("*.css"))
OURS = [file for file in TEMPLATES + SCRIPTS if "vendor" not in file.parts]

FROM_OUTSIDE = re.compile(r"(?:https?:)?//(?!www\.w3\.org/)[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.I)
COMMENT = re.compile(r"\{#.*?#\}|/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.S)
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=|javascript:|hx-on\b|\|\s*safe\b", re.I
)
FORM = re.compile(r"<form\b(?P<tag>[^>]*)>(?P<body>.*?)</form>", re.S | re.I)


def names(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


@pytest.mark.parametrize("name", names(OURS))
def test_nothing_is_fetched_from_outside(name: str) -> None:
    assert FROM_OUTSIDE.findall(COMMENT.sub("", (ROOT / name).read_text("utf-8"))) == []


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_a_template_holds_no_script_style_or_handler_and_marks_nothing_safe(name: str) -> None:
    assert INLINE.findall(COMMENT.sub("", (ROOT / name).read_text("utf-8"))) == []


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_a_form_that_changes_something_carries_the_token(name: str) -> None:
    text = COMMENT.sub("", (ROOT / name).read_text("utf-8"))
    without = [
        form["tag"]
        for form in FORM.finditer(text)
        if re.search(r'method="post"', form["tag"], re.I) and "csrf" not in form["body"]
    ]
    assert without == []


@pytest.mark.parametrize(
    "text",
    ['<a href="https://example.org/">', "import x from '//cdn.example.net/x.js'"],
)
def test_the_pattern_finds_an_address_outside(text: str) -> None:
    assert FROM_OUTSIDE.search(text)


@pytest.mark.parametrize(
    "text", ["<script>x</script>", '<p style="x">', '<a onclick="x">', "{{ name|safe }}"]
)
def test_the_pattern_finds_what_the_policy_refuses(text: str) -> None:
    assert INLINE.search(text)
