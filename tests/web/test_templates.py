"""What a page may contain: nothing from outside, nothing that the policy would refuse."""

import re
from pathlib import Path

import pytest
from flask import Flask

from app import compile_templates

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


ELEMENT = re.compile(r'customElements\.define\("([a-z-]+)"')
FETCHED = re.compile(r'^  "([a-z-]+)": \(\) => import\("\./([a-z-]+)\.js"\)', re.M)
FROM_THE_START = {"card-step"}


def names(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


def test_every_template_can_be_compiled(app: Flask) -> None:
    compile_templates(app)


@pytest.mark.parametrize("name", names(OURS))
def test_nothing_is_fetched_from_outside(name: str) -> None:
    assert FROM_OUTSIDE.findall(COMMENT.sub("", (ROOT / name).read_text("utf-8"))) == []


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_a_template_holds_no_script_style_or_handler_and_marks_nothing_safe(name: str) -> None:
    found = INLINE.findall(COMMENT.sub("", (ROOT / name).read_text("utf-8")))
    if name.startswith("templates/mail/"):
        found = [each for each in found if each != " style="]  # mail programs know nothing else
    assert found == []


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


def test_every_element_of_ours_is_fetched_where_a_page_has_it() -> None:
    scripts = ROOT / "static" / "js"
    defined = {
        (name, file.stem)
        for file in scripts.glob("*.js")
        for name in ELEMENT.findall(file.read_text("utf-8"))
        if name not in FROM_THE_START and file.stem != "card-desk"
    }
    assert defined == set(FETCHED.findall((scripts / "elements.js").read_text("utf-8")))
