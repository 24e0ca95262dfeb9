"""Certificates on the card: read, and written so that it is known what the card now holds."""

import hashlib

from cryptography import x509

from reader_bridge.piv import keys, objects
from reader_bridge.piv.apdu import Connection
from reader_bridge.piv.errors import MalformedAnswer, TooLarge


def read_certificate(connection: Connection, slot: str) -> bytes | None:
    """Return a slot's certificate (DER), or None when there is none.

    Raises:
        MalformedAnswer: the object holds something else, as after an interrupted write.
        UnexpectedStatus: the card refused.
    """
    content = objects.read(connection, objects.CERTIFICATES[slot])
    return None if content is None else objects.decode_certificate(content)


def write_certificate(
    connection: Connection, slot: str, der: bytes, *, largest_object: int | None = None
) -> str:
    """Write a slot's certificate, read it back and compare; return its SHA-256 in hex.

    Raises:
        TooLarge: it does not fit; nothing was sent, since an oversized write may destroy the old.
        NotAuthenticated: without the management key.
        WrittenDiffers: what the card now holds is something else. Write again.
        UnexpectedStatus: the card refused for another reason.
    """
    content = objects.encode_certificate(der)
    if largest_object is not None and len(content) > largest_object:
        raise TooLarge(len(content), largest_object)
    objects.write(connection, objects.CERTIFICATES[slot], content)
    return hashlib.sha256(der).hexdigest()


def algorithm_in_certificate(connection: Connection, slot: str) -> str | None:
    """Return the algorithm of the key in a slot's certificate; None when it cannot be told."""
    try:
        der = read_certificate(connection, slot)
        if der is None:
            return None
        return keys.algorithm_of_public_key(x509.load_der_x509_certificate(der).public_key())
    except (MalformedAnswer, ValueError):
        return None
