"""The virtual card's data objects: GET DATA and PUT DATA.

[piv1], [piv2] = NIST SP 800-73-4 parts 1 and 2.
"""

from reader_bridge.piv import objects, tlv
from reader_bridge.virtual.inside import (
    SW_NO_SPACE,
    SW_NOT_AUTHENTICATED,
    SW_NOT_FOUND,
    SW_WRONG_DATA,
    SW_WRONG_PARAMETERS,
    Inside,
    Received,
    Refused,
)

# [piv1] 3.2.8: the PIV application, and a policy of the application PIN alone
DISCOVERY_OBJECT = tlv.encode(
    objects.DISCOVERY,
    tlv.encode(0x4F, bytes.fromhex("a000000308000010000100")) + tlv.encode(0x5F2F, b"\x40\x00"),
)
# Read only with the passcode ([piv1] table 2)
PASSCODE_FIRST = (
    objects.PRINTED_INFORMATION,
    objects.FINGERPRINTS,
    objects.FACIAL_IMAGE,
    objects.IRIS_IMAGES,
)
# The standard's own tags, and the ones that makers add
TAGS = (range(0x5FC100, 0x5FC200), range(0x5FFF00, 0x600000))


def get_data(card: Inside, command: Received) -> bytes:
    """GET DATA ([piv2] 3.1.2)."""
    if (command.p1, command.p2) != (0x3F, 0xFF):
        raise Refused(SW_WRONG_PARAMETERS)
    tag = int.from_bytes(tlv.only(command.data, objects.TAG_LIST), "big")
    if tag == objects.DISCOVERY:
        return DISCOVERY_OBJECT
    if tag in PASSCODE_FIRST and not card.powered.passcode_verified:
        raise Refused(SW_NOT_AUTHENTICATED)
    content = card.state.objects.get(tag)
    if content is None or (not content and not card.behaviour.deleted_object_reads_empty):
        raise Refused(SW_NOT_FOUND)
    return tlv.encode(objects.TAG_CONTENT, content)


def put_data(card: Inside, command: Received) -> bytes:
    """PUT DATA ([piv2] 3.3.2). Empty content deletes."""
    card.demand_management()
    if (command.p1, command.p2) != (0x3F, 0xFF):
        raise Refused(SW_WRONG_PARAMETERS)
    items = tlv.decode(command.data)
    if [tag for tag, _ in items] != [objects.TAG_LIST, objects.TAG_CONTENT]:
        raise Refused(SW_WRONG_DATA)
    tag, content = int.from_bytes(items[0][1], "big"), items[1][1]
    if not any(tag in tags for tags in TAGS):
        raise Refused(SW_WRONG_DATA)
    if len(content) > card.behaviour.largest_object:
        if card.behaviour.oversized_write_destroys:
            card.state.objects[tag] = b""
            card.state.save()
        raise Refused(SW_NO_SPACE)
    card.state.objects[tag] = content
    card.state.save()
    return b""


def put_part(card: Inside, data: bytes) -> None:
    """Write what has come of a chained PUT DATA so far, as two of three measured cards do."""
    if not (card.behaviour.keeps_partial_writes and card.powered.management_authenticated):
        return
    if len(data) < 7 or data[:2] != b"\x5c\x03" or data[5] != objects.TAG_CONTENT:
        return
    tag = int.from_bytes(data[2:5], "big")
    length = data[6]
    start = 7 if length < 0x80 else 7 + (length & 0x7F)
    card.state.objects[tag] = data[start:]
    card.state.save()
