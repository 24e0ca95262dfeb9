"""Management authentication with the 9B key: the card's side of the conversation.

The key itself is not here: its keeper decrypts the witness and checks the response.
[piv2] = NIST SP 800-73-4 part 2, appendix A.1 (mutual authentication).
"""

from dataclasses import dataclass

from reader_bridge.piv import tlv
from reader_bridge.piv.apdu import Command, Connection
from reader_bridge.piv.errors import MalformedAnswer, Unsupported, WrongManagementKey, refusal
from reader_bridge.piv.keys import INS_GENERAL_AUTHENTICATE, TAG_AUTHENTICATION
from reader_bridge.piv.pin import INS_METADATA

INS_SET_MANAGEMENT_KEY = 0xFF  # not in the standard: several makes follow Yubico's numbering

MANAGEMENT_KEY = 0x9B
TAG_WITNESS = 0x80
TAG_CHALLENGE = 0x81
TAG_RESPONSE = 0x82

NO_TOUCH_NEEDED = 0xFF
SW_WRONG_ANSWER = (0x6982, 0x6A80, 0x6300, 0x6983, 0x6985)
SW_OTHER_ALGORITHM = (0x6A86, 0x6A80, 0x6A88, 0x6A81, 0x6985, 0x6982)


@dataclass(frozen=True)
class ManagementAlgorithm:
    """A block cipher of the 9B key: number on the card, block and key size in bytes."""

    name: str
    identifier: int
    block: int
    key: int


ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in (
        ManagementAlgorithm("3DES", 0x03, 8, 24),
        ManagementAlgorithm("AES128", 0x08, 16, 16),
        ManagementAlgorithm("AES192", 0x0A, 16, 24),
        ManagementAlgorithm("AES256", 0x0C, 16, 32),
    )
}
USUAL_ORDER = ("AES192", "3DES", "AES256", "AES128")


def open_management(
    connection: Connection, candidates: tuple[str, ...] = USUAL_ORDER
) -> tuple[str, bytes]:
    """Ask for a witness and return it with the algorithm of the card's management key.

    Ends any management authentication. Ask only to answer next: any command in between may
    make the witness worthless.

    Raises:
        Unsupported: the card has no management key of an algorithm that is known here.
        MalformedAnswer: what came back is no witness.
    """
    told = _algorithm_by_metadata(connection)
    sw = 0
    for name in (told,) if told else candidates:
        algorithm = ALGORITHMS[name]
        request = tlv.encode(TAG_AUTHENTICATION, tlv.encode(TAG_WITNESS))
        response = connection.transmit(_general_authenticate(algorithm, request))
        sw = response.sw
        if response.ok:
            witness = tlv.need(tlv.only(response.data, TAG_AUTHENTICATION), TAG_WITNESS)
            if len(witness) != algorithm.block:
                raise MalformedAnswer("the witness is not one block")
            return name, witness
        if sw not in SW_OTHER_ALGORITHM:
            raise refusal(sw, INS_GENERAL_AUTHENTICATE)
    raise Unsupported(sw, INS_GENERAL_AUTHENTICATE)


def answer_management(
    connection: Connection, algorithm: str, answer: bytes, challenge: bytes
) -> bytes:
    """Send the decrypted witness and a challenge; return the card's response to the challenge.

    The caller must check the response: a card may say 9000 to anything.

    Raises:
        WrongManagementKey: the card did not accept the answer. No card counts these.
        UnexpectedStatus: the card refused for another reason.
        MalformedAnswer: there is no response in what came back.
    """
    # Tags 80 and 81 only: with an empty 82 added, one make answers 9000 and does not mean it.
    items = tlv.encode(TAG_WITNESS, answer) + tlv.encode(TAG_CHALLENGE, challenge)
    request = tlv.encode(TAG_AUTHENTICATION, items)
    response = connection.transmit(_general_authenticate(ALGORITHMS[algorithm], request))
    if response.sw in SW_WRONG_ANSWER:
        raise WrongManagementKey(response.sw)
    if not response.ok:
        raise refusal(response.sw, INS_GENERAL_AUTHENTICATE)
    return tlv.need(tlv.only(response.data, TAG_AUTHENTICATION), TAG_RESPONSE)


def set_management_key(connection: Connection, algorithm: str, key: bytes) -> None:
    """Replace the management key. Wants management authentication, which it may end.

    Raises:
        ValueError: the key is not as long as its algorithm wants.
        Unsupported: this make of card cannot, or not to this algorithm.
        NotAuthenticated: without the old key.
        UnexpectedStatus: the card refused for another reason.
    """
    kind = ALGORITHMS[algorithm]
    if len(key) != kind.key:
        raise ValueError(f"a key for {algorithm} has {kind.key} bytes")
    data = bytes((kind.identifier, MANAGEMENT_KEY, len(key))) + key
    command = Command(INS_SET_MANAGEMENT_KEY, p1=0xFF, p2=NO_TOUCH_NEEDED, data=data)
    response = connection.transmit(command)
    if not response.ok:
        raise refusal(response.sw, INS_SET_MANAGEMENT_KEY)


def _general_authenticate(algorithm: ManagementAlgorithm, request: bytes) -> Command:
    return Command(
        INS_GENERAL_AUTHENTICATE,
        p1=algorithm.identifier,
        p2=MANAGEMENT_KEY,
        data=request,
        answers=True,
    )


def _algorithm_by_metadata(connection: Connection) -> str | None:
    response = connection.transmit(Command(INS_METADATA, p2=MANAGEMENT_KEY, answers=True))
    if not response.ok:
        return None
    try:
        identifier = tlv.find(response.data, 0x01)
    except MalformedAnswer:
        return None
    named = {bytes((kind.identifier,)): kind.name for kind in ALGORITHMS.values()}
    return named.get(identifier or b"")
