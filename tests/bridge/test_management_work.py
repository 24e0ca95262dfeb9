"""What an agent's operations do to a card: management key, retry counts, objects, erasing."""

import hashlib
import secrets
from typing import Any

import pytest

from reader_bridge import encoding
from reader_bridge.piv import objects
from reader_bridge.virtual.state import new_card
from tests.parts import work
from tests.parts.bridge import Page, TicketOffice, sealed
from tests.parts.issued import IssuedCard, ManagementKey

Message = dict[str, Any]


def authenticated(
    page: Page,
    office: TicketOffice,
    card: Message,
    management: ManagementKey,
    items: list[Message],
    **more: Any,
) -> Message:
    """Open management in one step and do the work in the next; returns that step's answer."""
    opened = page.step(office, card, [work.open_management()], hold="card")
    witness = opened["ok"]["results"][0]
    assert witness["algorithm"] == management.algorithm
    answer = management.decrypt(encoding.to_bytes(witness["witness"]))
    first = work.answer_management(witness["algorithm"], answer, secrets.token_bytes(len(answer)))
    return page.step(office, card, [first, *items], continues=True, **more)


@pytest.fixture
def blank(bridge, page, tmp_path) -> tuple[Message, ManagementKey]:
    """A card as it comes from the factory, with a CHUID of the factory's."""
    state = new_card(tmp_path / "cards" / "blank.json")
    bridge.insert("blank")
    return page.read_card(), ManagementKey(state.management_algorithm, state.management_key)


@pytest.mark.parametrize("behaviour", ["default", "3des", "aes128", "aes256"])
def test_management_opens_with_the_algorithm_that_the_card_has(
    bridge, page, office, make_card, behaviour
):
    issued = make_card("kind", behaviour=behaviour)
    bridge.insert("kind")
    answer = authenticated(page, office, page.read_card(), issued.management, [])
    assert "ok" in answer


@pytest.mark.parametrize("item", [work.generate_key("9a"), work.write_certificate("9a", b"x")])
def test_without_management_nothing_is_written(page, office, card, issued, item):
    before = issued.state.keys["9a"], issued.state.objects
    answer = page.step(office, card, [item])
    assert answer["error"]["code"] == "card-refused"
    assert answer["error"]["sw"] == "6982"
    assert (issued.state.keys["9a"], issued.state.objects) == before


def test_a_blank_card_is_read_as_blank(blank):
    card, _ = blank
    assert card["blank"] is True
    assert card["certificates"] == {}


def test_a_card_without_a_chuid_has_no_guid(bridge, page, office, tmp_path):
    state = new_card(tmp_path / "cards" / "none.json", behaviour="no-chuid")
    bridge.insert("none")
    card = page.read_card()
    assert card["guid"] is None
    assert card["blank"] is True
    key = ManagementKey(state.management_algorithm, state.management_key)
    assert "ok" in authenticated(page, office, card, key, [])


def test_a_management_key_is_set_and_proven(page, office, blank, tmp_path):
    card, old = blank
    new = ManagementKey("AES256", secrets.token_bytes(32))
    key = sealed(page.claims["ek"], new.key)
    item = {"command": "set-management-key", "algorithm": "AES256", "key": key}
    assert "ok" in authenticated(page, office, card, old, [item])
    assert "ok" in authenticated(page, office, card, new, [])


def test_retry_counts_are_set_where_the_card_can(page, office, blank, tmp_path):
    card, key = blank
    item = {
        "command": "set-retry-counts",
        "passcode_tries": 5,
        "puk_tries": 10,
        "default_passcode": "123456",
    }
    answer = authenticated(page, office, card, key, [item])
    assert answer["ok"]["results"][-1] == {"done": True}
    assert page.read_card()["passcode_left"] == 5


def test_a_card_that_cannot_set_retry_counts_says_so_and_loses_nothing(
    bridge, page, office, tmp_path
):
    state = new_card(tmp_path / "cards" / "fixed.json", behaviour="fixed-counts")
    bridge.insert("fixed")
    card = page.read_card()
    item = {
        "command": "set-retry-counts",
        "passcode_tries": 5,
        "puk_tries": 10,
        "default_passcode": "123456",
    }
    key = ManagementKey(state.management_algorithm, state.management_key)
    answer = authenticated(page, office, card, key, [item])
    assert answer["ok"]["results"][-1] == {"done": False}
    assert page.read_card()["passcode_left"] == 3


def test_objects_are_written_and_their_digests_told(page, office, blank):
    card, key = blank
    guid = secrets.token_bytes(16)
    chuid = objects.Chuid(guid).encode()
    item = {
        "command": "write-objects",
        "objects": {"5fc102": encoding.to_text(chuid), "5fc107": encoding.to_text(b"\xf0\x00")},
    }
    answer = authenticated(
        page, office, card, key, [item, work.generate_key("9e"), work.sign("9e", "issue")]
    )
    _, written, _, signed = answer["ok"]["results"]
    assert written["sha256"]["5fc102"] == hashlib.sha256(chuid).hexdigest()
    claims = encoding.to_bytes(signed["statement"].split(".")[1])
    assert guid.hex().encode() in claims  # the card goes by its new GUID at once
    assert page.read_card()["guid"] == guid.hex()


def test_the_next_step_of_an_open_session_is_for_the_card_whatever_its_guid(page, office, blank):
    card, key = blank
    guid = secrets.token_bytes(16)
    chuid = encoding.to_text(objects.Chuid(guid).encode())
    item = {"command": "write-objects", "objects": {"5fc102": chuid}}
    assert "ok" in authenticated(page, office, card, key, [item], hold="card")
    answer = page.step(
        office, {**card, "guid": guid.hex()}, [work.generate_key("9e")], continues=True
    )
    assert "ok" in answer


def test_an_erased_card_has_no_certificates(page, office, card, issued: IssuedCard):
    answer = authenticated(page, office, card, issued.management, [{"command": "erase"}])
    assert answer["ok"]["results"][-1] == {"left": []}
    read = page.read_card()
    assert read["certificates"] == {}
    assert read["guid"] == issued.guid
    assert read["blank"] is True


def test_an_erased_card_is_reset_to_what_its_maker_set_where_that_is_asked_for(
    page, office, card, issued: IssuedCard
):
    items = [{"command": "erase", "reset": True}]
    answer = authenticated(page, office, card, issued.management, items)
    assert answer["ok"]["results"][-1] == {"left": [], "reset": True}
    chip = issued.state
    assert chip.puk.value == chip.behaviour.factory_puk.encode()
    assert (chip.puk.left, chip.passcode.left) == (chip.puk.tries, chip.passcode.tries)
    assert chip.management_key == chip.behaviour.factory_management_key


@pytest.mark.parametrize(
    "item",
    [
        {"command": "write-objects", "objects": {}},
        {"command": "write-objects", "objects": {"xyz": "AA"}},
        {"command": "write-certificate", "slot": "9a"},
        {"command": "set-retry-counts", "passcode_tries": 0, "puk_tries": 3},
    ],
)
def test_parameters_of_another_kind_are_refused_before_anything_is_written(
    page, office, card, issued, item
):
    before = issued.state.objects
    answer = page.step(office, card, [item])
    assert answer["error"]["code"] in ("unsupported", "ticket-invalid")
    assert issued.state.objects == before
