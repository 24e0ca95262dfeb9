"""How mail is written: once in words, then in plain text and for the eye."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask

from app.services import mail_body
from app.services.mail_body import Block, Piece
from tests.parts.clock import START

pytestmark = pytest.mark.usefixtures("db_session")

FOLDER = Path(__file__).resolve().parents[2] / "app" / "templates" / "mail"
NAMES = sorted(file.stem for file in FOLDER.glob("*.txt") if file.stem != "layout")
VOID = {"meta", "br", "!doctype"}


class Tree(HTMLParser):
    """Holds that every element is closed, and what of the network they ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str | None] = []
        self.fetched: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self.links.append(values.get("href"))
        self.fetched += [values[name] for name in ("src", "background", "srcset") if name in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(html: str) -> Tree:
    tree = Tree()
    tree.feed(html)
    tree.close()
    assert tree.open == []
    return tree


def contact_mail(name: str = "Ada", **facts: object) -> mail_body.Written:
    return mail_body.write(
        "contact-details-changed",
        **{"name": name, "at": START, "fields": ["email", "mobile"], **facts},
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_message_begins_with_its_subject_and_then_an_empty_line(name: str) -> None:
    first, second, *_ = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    assert re.fullmatch(r"Subject: \S.*", first)
    assert second == ""


def test_both_bodies_say_the_same() -> None:
    written = contact_mail()
    for body in (written.text, written.html):
        assert "Dear Ada," in body
        assert "mobile number" in body
        assert "It never asks for your passcode." in body
    assert "- email address\n- mobile number" in written.text
    assert written.subject in written.html


def test_the_html_is_whole_and_fetches_nothing() -> None:
    html = contact_mail().html
    assert read(html).fetched == []
    assert "url(" not in html
    assert "<script" not in html


def test_what_people_typed_is_words_and_never_markup_or_a_link(app: Flask) -> None:
    name = f"<b>Ada</b> https://evil.example {app.config['ORIGIN']}.evil.example/x"
    html = contact_mail(name).html
    assert "<b>" not in html
    assert all(link and link.startswith(app.config["ORIGIN"] + "/") for link in read(html).links)


def test_a_subject_is_one_line(app: Flask) -> None:
    assert "\n" not in contact_mail("Ada\nBcc: all@nhs.net").subject


@pytest.mark.parametrize("template", ["registration-code", "unlock-code"])
def test_a_code_stands_alone_and_large(template: str) -> None:
    written = mail_body.write(template, name="Ada", code="123456")
    assert "\n\n123 456\n\n" in written.text
    assert re.search(r'<p style="[^"]*font-size: 32px[^"]*">123 456</p>', written.html)
    assert "123" not in written.subject


def test_contacts_are_in_every_message(app: Flask) -> None:
    assert "Northmere RA Team" in contact_mail().text
    app.config["CONTACTS"] = None
    assert "Northmere" not in contact_mail().text


def test_paragraphs_are_one_line_each_and_lists_follow_their_sentence() -> None:
    text = "One\ntwo\n\n\nThree:\n- four\n  and five\n- six\n"
    assert list(mail_body.blocks(text)) == [
        Block(("One two",)),
        Block(("Three:",)),
        Block(("four and five", "six"), is_list=True),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Go to {o}/help.", [Piece("Go to "), Piece("{o}/help", "{o}/help"), Piece(".")]),
        ("{o}/", [Piece("{o}/", "{o}/")]),
        ("{o}0/x", [Piece("{o}0/x")]),
        ("see http://else.where/", [Piece("see http://else.where/")]),
        ("", []),
    ],
)
def test_only_addresses_of_this_service_are_links(
    app: Flask, text: str, wanted: list[Piece]
) -> None:
    origin = app.config["ORIGIN"]
    expected = [
        Piece(p.text.format(o=origin), p.href.format(o=origin) if p.href else None) for p in wanted
    ]
    assert list(mail_body.pieces(text.format(o=origin))) == expected
