"""Every word that readers and cards can say has a sentence of its own, with what to do."""

import re
from pathlib import Path

import pytest
from flask import Flask

from app.card_operations.which_passcode import HINTS, NEW, OLD, OTHER
from reader_bridge.contract import Code, Outcome, PasscodeRefusal, Stage

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "app" / "static" / "js"


def say(app: Flask, macro: str, *arguments: object) -> str:
    """Return what a macro of the words says."""
    words = app.jinja_env.get_template("components/card_words.html").module
    return str(getattr(words, macro)(*arguments)).strip()


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_title_and_says_what_to_do(app: Flask, code: Code) -> None:
    facts = {"left": 2, "rule": "run"}
    assert say(app, "title", code, facts)
    assert say(app, "advice", code, facts).endswith(".")


def test_no_two_refusals_of_a_passcode_read_alike(app: Flask) -> None:
    said = [say(app, "refusal", rule) for rule in PasscodeRefusal]
    assert all(said)
    assert len(set(said)) == len(said)


def test_no_two_stages_read_alike(app: Flask) -> None:
    said = [say(app, "stage", stage) for stage in Stage]
    assert all(said)
    assert len(set(said)) == len(said)


def test_a_permission_for_another_page_is_not_called_distrust(app: Flask) -> None:
    foreign, invalid = (
        f"{say(app, 'title', code, {})}. {say(app, 'advice', code, {})}"
        for code in (Code.TICKET_FOREIGN, Code.TICKET_INVALID)
    )
    assert "does not trust" in invalid
    assert "does not trust" not in foreign
    assert "was for another page" in foreign
    assert "Nothing was changed. Reload the page and try again" in foreign
    assert app.config["ORIGIN"] in foreign


@pytest.mark.parametrize("code", [Code.CARD_REMOVED, Code.FAILED])
def test_a_lost_answer_is_not_called_nothing(app: Flask, code: Code) -> None:
    sure = say(app, "advice", code, {"outcome": Outcome.NONE})
    unsure = say(app, "advice", code, {"outcome": Outcome.UNKNOWN})
    assert "Nothing was changed" in sure
    assert "Nothing was changed" not in unsure


@pytest.mark.parametrize(
    ("left", "words"), [(2, "2 tries are left"), (1, "1 try is left. If it is wrong, the card")]
)
def test_the_last_try_is_said_to_be_the_last(app: Flask, left: int, words: str) -> None:
    assert words in say(app, "advice", Code.WRONG_PASSCODE, {"left": left})


def test_every_state_of_the_bridge_has_words_on_the_sign_in_page(app: Flask) -> None:
    script = (SCRIPTS / "bridge-client.js").read_text("utf-8")
    table = re.search(r"State = Object.freeze\(\{(.*?)\}\)", script, re.DOTALL)
    assert table
    states = set(re.findall(r'"([a-z-]+)"', table[1])) - {"connected"}
    with app.test_request_context():
        words = app.jinja_env.get_template("components/reader_state.html").module
        assert states <= set(words.READER_STATES)  # type: ignore[attr-defined]
        for name in words.READER_STATES:  # type: ignore[attr-defined]
            assert f'data-reader-state="{name}"' in words.reader_state(name)  # type: ignore[attr-defined]


def test_every_word_for_a_passcode_in_doubt_has_a_sentence_of_its_own(app: Flask) -> None:
    since = "2027-03-04T14:05:00+00:00"
    words = app.jinja_env.get_template("components/which_passcode.html").module
    said = [str(words.sentences(use)) for use in (*HINTS - {NEW}, OTHER)]  # type: ignore[attr-defined]
    said += [str(words.sentences(use, since)) for use in (NEW, OTHER)]  # type: ignore[attr-defined]
    assert all(each.endswith(".") for each in said)
    assert len(set(said)) == len(said)
    assert all("4 March 2027 at 2:05pm" in each for each in said[-2:])


def test_after_a_wrong_passcode_nobody_is_told_to_type_the_same_one_again(app: Flask) -> None:
    words = app.jinja_env.get_template("components/which_passcode.html").module
    wrong = str(words.which_passcode("wrong-passcode", {"use": OLD}))  # type: ignore[attr-defined]
    assert "your new passcode, it was never set: use the old one" in wrong
    assert "the old one, use the new one" in wrong
    asked = str(words.which_passcode(None, {}, OLD))  # type: ignore[attr-defined]
    assert "Use your old passcode. If it is refused, use the new one" in asked


def test_nothing_is_said_of_a_passcode_that_is_not_in_doubt(app: Flask) -> None:
    words = app.jinja_env.get_template("components/which_passcode.html").module
    for code, facts, hint in (("wrong-passcode", {"left": 2}, OLD), (None, {}, None)):
        assert not str(words.which_passcode(code, facts, hint)).strip()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("facts", "way"), [({"helped": True}, "Unlock the card instead"), ({}, "Sign out and sign in")]
)
def test_a_passcode_that_is_not_tried_again_leaves_a_way(
    app: Flask, facts: dict[str, bool], way: str
) -> None:
    words = app.jinja_env.get_template("errors/words.html").module
    said = str(words.words(409, "passcode-in-doubt", facts))  # type: ignore[attr-defined]
    assert way in said
