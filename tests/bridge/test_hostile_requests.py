"""Whatever a page or a signed ticket asks, the bridge answers, says why not, and stays."""

import math
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from reader_bridge import encoding
from reader_bridge.contract import Code, Command, Say
from tests.parts import work
from tests.parts.bridge import READER_1, Message, Page, RunningBridge, sealed
from tests.parts.issued import PASSCODE, IssuedCard
from tests.parts.properties import BROKEN_JSON, TEXTS, VALUES, altered, fewer

# What an answer may never say of a request that is merely malformed.
UNFORESEEN = Code.FAILED
KNOWN = set(Code)


@pytest.fixture
def put_back(
    bridge: RunningBridge, page: Page, card: Message, issued: IssuedCard
) -> Callable[[], Message]:
    """The card in its reader, with all its tries, as it was before any example."""
    as_made = issued.file.read_bytes()
    current = card

    def back() -> Message:
        nonlocal current
        if issued.file.read_bytes() != as_made:
            bridge.remove()
            page.until_event("card-removed", seat=current["seat"])
            issued.file.write_bytes(as_made)
            bridge.insert("one")
            page.until_event("card-inserted")
            current = page.read_card()
        return current

    return back


def inside(issued: IssuedCard) -> tuple[Any, ...]:
    """What of a card nobody may change without permission; tries may be lost."""
    state = issued.state
    return (
        state.passcode.value,
        state.puk.value,
        state.management_key,
        state.objects,
        {slot: [key.private for key in held] for slot, held in state.keys.items()},
    )


def refused_well(answer: Message) -> bool:
    """Say whether it is an error; it must be one that the contract has, with a reason."""
    if "error" not in answer:
        return False
    code = answer["error"]["code"]
    assert code in KNOWN
    assert code != UNFORESEEN, answer
    return True


def still_talks(page: Page) -> None:
    assert page.ask(Say.READ_CARD, reader="no such reader")["error"]["code"] == Code.NO_READER


def asked(page: Page, frame: str | bytes | Message) -> None:
    """Send a frame and hear of it; the answers to hostile frames come before the next one's."""
    page.send(frame)
    still_talks(page)
    for answer in page.answers.values():
        refused_well(answer)
    page.answers.clear()


@given(st.one_of(BROKEN_JSON, TEXTS.filter(str.isprintable), st.binary(max_size=200)))
@fewer(2)
def test_a_frame_that_is_no_request_is_answered_and_the_page_stays(page, frame):
    asked(page, frame)


REQUEST = {"id": 1, "command": "step", "ticket": "a.b.c", "passcode": "x", "new_passcode": "y"}


@given(st.one_of(altered(REQUEST), altered({"id": 1, "command": "read-card", "reader": READER_1})))
@example({"id": 10**400, "command": "read-card"})
@example({"id": math.nan, "command": "read-card", "reader": "\ud800"})
@example({"id": {}, "command": ["step"], "ticket": {}})
@example({"id": "x" * 1000, "command": "step"})
def test_a_hostile_request_is_answered_and_changes_no_card(page, card, issued, request_):
    before = issued.file.read_bytes()
    asked(page, request_)
    assert issued.file.read_bytes() == before


DESK = st.sampled_from(
    [
        {"action": "insert", "card": "one", "reader": READER_1},
        {"action": "remove", "reader": READER_1},
        {"action": "make", "card": "new", "behaviour": "default"},
        {"action": "lock", "card": "two"},
    ]
).flatmap(altered)


@given(DESK)
@example({"action": "insert", "card": "../one", "reader": READER_1})
@example({"action": "make", "card": "\ud800", "behaviour": "default"})
@example({"action": "make", "card": "x" * 300, "behaviour": "default"})
@example({"action": "make", "card": "a\nb", "behaviour": "default"})
@example({"action": "make", "card": "new", "behaviour": []})
def test_the_desk_refuses_names_that_no_card_can_have(bridge, page, issued, tmp_path, request_):
    before = issued.file.read_bytes()
    fields = {name: value for name, value in request_.items() if name not in ("id", "command")}
    refused_well(page.ask(Say.DESK, **fields))
    assert issued.file.read_bytes() == before
    assert all(file.parent == tmp_path / "cards" for file in tmp_path.rglob("*.json"))
    assert all(file.stem.isprintable() for file in (tmp_path / "cards").iterdir())


GOOD: dict[Command, Message] = {
    Command.SIGN: {**work.sign(), "sha256": "00" * 32, "endorse": "9c"},
    Command.PROVE_PRESENCE: work.prove_presence(),
    Command.CHANGE_PASSCODE: work.change_passcode(),
    Command.UNLOCK: work.unlock("candidates", "new"),
    Command.OPEN_MANAGEMENT: work.open_management(),
    Command.ANSWER_MANAGEMENT: work.answer_management("AES192", bytes(16), bytes(16)),
    Command.SET_RETRY_COUNTS: {
        "command": "set-retry-counts",
        "passcode_tries": 3,
        "puk_tries": 3,
        "default_passcode": "123456",
    },
    Command.SET_MANAGEMENT_KEY: {"command": "set-management-key", "algorithm": "AES192", "key": ""},
    Command.CHANGE_PUK: {"command": "change-puk", "candidates": "", "new_puk": ""},
    Command.SET_PASSCODE: {"command": "set-passcode", "rule": work.RULE, "puk": ""},
    Command.GENERATE_KEY: work.generate_key("9a"),
    Command.WRITE_CERTIFICATE: work.write_certificate("9a", b"\x30\x02\x05\x00"),
    Command.WRITE_OBJECTS: {"command": "write-objects", "objects": {"5fc102": "AAAA"}},
    Command.ERASE: {"command": "erase"},
}
SEALED = ("puk_candidates", "candidates", "new_puk", "puk", "key")

# What may be in a sealed value: anybody who knows the connection's key can seal.
SECRETS = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    BROKEN_JSON.map(lambda text: text[:6000].encode("utf-8", "surrogatepass")),
    st.sampled_from([b'["1","2","3"]', b"[]", b"[1]", b'[""]', b'["\\ud800"]', b'["123456789"]']),
)
OBJECTS = st.dictionaries(
    st.one_of(TEXTS, st.sampled_from(["-1", "0", "7e", "5fc102", "1_0", "5fc1020000000000000"])),
    st.one_of(VALUES, st.sampled_from(["", "AAAA", "A" * 20_000])),
    max_size=3,
)


def hostile(command: Command) -> st.SearchStrategy[tuple[Message, bytes]]:
    """Work of a known command with hostile parameters, and what to seal in the sealed ones."""
    items = altered(GOOD[command])
    if command is Command.WRITE_OBJECTS:
        items = st.one_of(items, OBJECTS.map(lambda found: {**GOOD[command], "objects": found}))
    items = st.one_of(st.just(GOOD[command]), items)
    return st.tuples(items.map(lambda item: {**item, "command": command.value}), SECRETS)


def with_seals(page: Page, item: Message, secret: bytes) -> Message:
    seal = sealed(page.claims["ek"], secret)
    return {
        name: seal if name in SEALED and isinstance(value, str) else value
        for name, value in item.items()
    }


@pytest.mark.parametrize("command", list(Command))
@given(st.data())
@fewer(2)
def test_hostile_parameters_in_a_good_ticket_are_refused_and_change_no_card(
    page, office, issued, put_back, command, data
):
    """The page has no passcode and the ticket no management authentication."""
    item, secret = data.draw(hostile(command))
    card, before = put_back(), inside(issued)
    work_ = [with_seals(page, item, secret)]
    answer = page.step(office, card, work_, new_passcode="Green7?z", op=secrets.token_hex(4))
    assert refused_well(answer) or command in (
        Command.SIGN,  # with the key that wants no passcode
        Command.PROVE_PRESENCE,
        Command.OPEN_MANAGEMENT,
    )
    assert inside(issued) == before


UNDER_MANAGEMENT = (
    Command.SET_RETRY_COUNTS,
    Command.SET_MANAGEMENT_KEY,
    Command.CHANGE_PUK,
    Command.SET_PASSCODE,
    Command.GENERATE_KEY,
    Command.WRITE_CERTIFICATE,
    Command.WRITE_OBJECTS,
    Command.ERASE,
    Command.SIGN,
    Command.CHANGE_PASSCODE,
)


@pytest.mark.parametrize("command", UNDER_MANAGEMENT)
@given(st.data())
@fewer(4)
def test_what_the_bridge_refuses_under_management_changes_nothing(
    page, office, issued, put_back, command, data
):
    item, secret = data.draw(hostile(command))
    card, before = put_back(), inside(issued)
    op = secrets.token_hex(4)
    typed = {"passcode": PASSCODE, "new_passcode": "Green7?z", "op": op}
    opened = page.step(office, card, [work.open_management()], hold="card", op=op)
    witness = opened["ok"]["results"][0]
    plain = issued.management.decrypt(encoding.to_bytes(witness["witness"]))
    first = work.answer_management(witness["algorithm"], plain, bytes(len(plain)))
    answer = page.step(
        office, card, [first, with_seals(page, item, secret)], continues=True, **typed
    )
    if refused_well(answer) and answer["error"]["code"] in (
        Code.TICKET_INVALID,
        Code.UNSUPPORTED,
        Code.PASSCODE_REFUSED,
    ):
        assert inside(issued) == before


CLAIMS = {
    "op": "op",
    "step": 1,
    "hold": "nothing",
    "continues": False,
    "until": 60,
    "jti": "number",
    "seat": "seat",
}


@given(altered(CLAIMS), st.one_of(VALUES, st.lists(altered(work.prove_presence()), max_size=3)))
@example({"step": 10**400}, [work.prove_presence()])
@example({"until": math.inf, "op": "\ud800"}, [work.prove_presence()])
def test_hostile_claims_in_a_signed_ticket_are_refused_or_harmless(
    page, office, issued, card, claims, items
):
    before = issued.file.read_bytes()
    known = {name: value for name, value in claims.items() if name in CLAIMS}
    if known.get("seat") == "seat":
        known["seat"] = card["seat"]
    if known.get("jti") == "number":
        known["jti"] = secrets.token_hex(4)
    token = office.ticket(page.sid, card["seat"], card["guid"], items, **known)
    refused_well(page.ask(Say.STEP, ticket=token))
    page.ask(Say.CANCEL)
    still_talks(page)
    assert issued.file.read_bytes() == before


def test_a_frame_that_is_too_long_ends_the_connection_with_a_reason(page):
    page.send("x" * 70_000)
    with pytest.raises(ConnectionClosed) as closed:
        page.hear()
    assert closed.value.rcvd
    assert closed.value.rcvd.code == CloseCode.MESSAGE_TOO_BIG
