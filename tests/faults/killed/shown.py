"""What a page has for its scripts: the cards it looks for, the steps at a card, and its forms."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser

LIVE = {"sign-in-card", "live-card", "second-reader"}
PASSCODES = ("passcode", "new-passcode")  # the fields that have no name
GUARD = "session-guard"


@dataclass
class Form:
    """A form, and the <card-step> that it is in, if it is in one."""

    action: str
    step: dict[str, str] | None
    fields: dict[str, str] = field(default_factory=dict)
    asks: list[str] = field(default_factory=list)  # which passcodes
    boxes: list[str] = field(default_factory=list)
    button: str = ""


class Shown(HTMLParser):
    """A page or a fragment of one, as far as a person without script can use it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.csrf: str | None = None
        self.guard: dict[str, str] | None = None
        self.live: dict[str, dict[str, str]] = {}
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._step: dict[str, str] | None = None
        self._form: Form | None = None
        self._in_button = False
        self.feed(text)
        self.close()

    @property
    def card_url(self) -> str | None:
        """Where the page asks what the cards in its readers are."""
        return next((attributes["card-url"] for attributes in self.live.values()), None)

    def form(self, button: str) -> Form | None:
        """The form with this button."""
        return next((form for form in self.forms if form.button == button), None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "body" and "hx-headers:inherited" in named:
            self.csrf = json.loads(named["hx-headers:inherited"])["X-CSRFToken"]
        elif tag == GUARD:
            self.guard = named
        elif tag in LIVE:
            self.live[tag] = named
        elif tag == "card-step":
            self._step = named
        elif tag == "form":
            self._form = Form(named.get("action", ""), self._step)
            self.forms.append(self._form)
        elif tag == "a":
            self.links.append(named.get("href", ""))
        elif tag == "button":
            self._in_button = "type" not in named or named["type"] == "submit"
        elif tag == "input" and self._form is not None:
            self._field(self._form, named)

    def handle_endtag(self, tag: str) -> None:
        if tag == "card-step":
            self._step = None
        elif tag == "form":
            self._form = None
        elif tag == "button":
            self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._in_button and self._form is not None and not self._form.button:
            self._form.button = data.strip()

    @staticmethod
    def _field(form: Form, named: dict[str, str]) -> None:
        for passcode in PASSCODES:
            if f"data-{passcode}" in named:
                form.asks.append(passcode.replace("-", "_"))
        if named.get("type") == "hidden":
            form.fields[named["name"]] = named.get("value", "")
        elif named.get("type") == "checkbox":
            form.boxes.append(named["name"])
