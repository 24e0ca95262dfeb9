"""From the words of a message to its two bodies: plain text, and the same for the eye.

A message is written once, as ``templates/mail/<name>.txt``: its subject in the first line, then
paragraphs parted by empty lines; lines that begin with "- " are a list. ``layout.txt`` and
``layout.html`` frame all messages alike.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import current_app
from jinja2 import Environment

PLAIN = "plain_templates"
END_OF_SENTENCE = ".,;:)"
CODE = re.compile(r"[0-9]{3,}(?: [0-9]{3,})*")


@dataclass(frozen=True)
class Piece:
    """Some words; ``href`` where they are an address of this service."""

    text: str
    href: str | None = None


@dataclass(frozen=True)
class Block:
    """A paragraph, or the items of a list."""

    items: tuple[str, ...]
    is_list: bool = False

    @property
    def is_code(self) -> bool:
        """Whether it is a code to be copied: digits, in groups, and nothing else."""
        return not self.is_list and CODE.fullmatch(self.items[0]) is not None

    @property
    def text(self) -> str:
        return "\n".join(f"- {item}" for item in self.items) if self.is_list else self.items[0]


@dataclass(frozen=True)
class Written:
    """A message that is ready to leave."""

    subject: str
    text: str
    html: str


def write(template: str, **facts: Any) -> Written:
    """Write one message. ``facts`` are the values of its sentences."""
    plain = _plain_environment()
    first, _, body = plain.get_template(f"mail/{template}.txt").render(**facts).partition("\n")
    subject = " ".join(first.removeprefix("Subject:").split())
    parts = list(blocks(body))
    text = plain.get_template("mail/layout.txt").render(blocks=parts)
    html = current_app.jinja_env.get_template("mail/layout.html").render(
        subject=subject, blocks=parts, pieces=pieces
    )
    return Written(subject, text.strip() + "\n", html.strip() + "\n")


def _plain_environment() -> Environment:
    """The templates of plain text. They stay compiled, and the environment that holds them too."""
    kept: Environment | None = current_app.extensions.get(PLAIN)
    if kept is None:
        kept = current_app.extensions[PLAIN] = current_app.jinja_env.overlay(autoescape=False)
    return kept


def blocks(text: str) -> Iterator[Block]:
    """Part a text into paragraphs, each in one line, and lists."""
    for chunk in re.split(r"\n\s*\n", text.strip()):
        words: list[str] = []
        items: list[str] = []
        for line in filter(None, map(str.strip, chunk.splitlines())):
            if line.startswith("- "):
                items.append(line.removeprefix("- "))
            elif items:
                items[-1] += f" {line}"
            else:
                words.append(line)
        if words:
            yield Block((" ".join(words),))
        if items:
            yield Block(tuple(items), is_list=True)


def pieces(text: str) -> Iterator[Piece]:
    """Part a text at the addresses of this service. Nobody else's ever becomes a link."""
    origin = re.escape(current_app.config["ORIGIN"])
    at = 0
    for found in re.finditer(rf"(?<!\S){origin}(?:/\S*)?(?=\s|$)", text):
        address = found[0].rstrip(END_OF_SENTENCE)
        if found.start() > at:
            yield Piece(text[at : found.start()])
        yield Piece(address, address)
        at = found.start() + len(address)
    if at < len(text):
        yield Piece(text[at:])
