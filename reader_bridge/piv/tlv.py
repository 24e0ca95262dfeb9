"""BER-TLV as cards use it ([iso] = ISO/IEC 7816-4, 5.2.2): definite lengths, nothing left over."""

from reader_bridge.piv.errors import MalformedAnswer

LARGEST_LENGTH_BYTES = 3
LARGEST_TAG_BYTES = 3

Item = tuple[int, bytes]


def encode(tag: int, value: bytes = b"") -> bytes:
    """Encode one item with the shortest length."""
    length = len(value)
    if length < 0x80:
        head = bytes((length,))
    else:
        size = (length.bit_length() + 7) // 8
        head = bytes((0x80 | size,)) + length.to_bytes(size, "big")
    return encode_tag(tag) + head + value


def encode_tag(tag: int) -> bytes:
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")


def decode(data: bytes) -> list[Item]:
    """Split ``data`` into its items.

    Raises:
        MalformedAnswer: a length runs past the end, is indefinite, or bytes are left over.
    """
    items = []
    at = 0
    while at < len(data):
        tag, at = _tag(data, at)
        length, at = _length(data, at)
        if at + length > len(data):
            raise MalformedAnswer("a value is cut short")
        items.append((tag, data[at : at + length]))
        at += length
    return items


def only(data: bytes, tag: int) -> bytes:
    """Return the value of ``data``, which must be exactly one item with this tag.

    Raises:
        MalformedAnswer: it is not.
    """
    items = decode(data)
    if len(items) != 1 or items[0][0] != tag:
        raise MalformedAnswer(f"not one item {tag:X}")
    return items[0][1]


def find(data: bytes, tag: int) -> bytes | None:
    """Return the value of the first item with this tag, or None.

    Raises:
        MalformedAnswer: ``data`` is not a sequence of items.
    """
    return next((value for found, value in decode(data) if found == tag), None)


def need(data: bytes, tag: int) -> bytes:
    """Return the value of the first item with this tag.

    Raises:
        MalformedAnswer: there is none.
    """
    value = find(data, tag)
    if value is None:
        raise MalformedAnswer(f"no item {tag:X}")
    return value


def _tag(data: bytes, at: int) -> tuple[int, int]:
    start = at
    at += 1
    if data[start] & 0x1F == 0x1F:
        while True:
            if at >= len(data) or at - start >= LARGEST_TAG_BYTES:
                raise MalformedAnswer("a tag is cut short or too long")
            at += 1
            if not data[at - 1] & 0x80:
                break
    return int.from_bytes(data[start:at], "big"), at


def _length(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise MalformedAnswer("a length is missing")
    first = data[at]
    at += 1
    if first < 0x80:
        return first, at
    size = first & 0x7F
    if not 1 <= size <= LARGEST_LENGTH_BYTES or at + size > len(data):
        raise MalformedAnswer("a length is cut short, indefinite or too long")
    return int.from_bytes(data[at : at + size], "big"), at + size
