"""What page, bridge and server say to each other: names, codes, fields, limits. No behaviour.

Both programs import this file and nothing else of one another. `app/static/js/bridge-client.js`
is its counterpart in the page; a test holds the two against each other.
"""

from enum import StrEnum

VERSION = "1"
PATH = "/v1"
SUBPROTOCOL = "reader-bridge.v1"
HOST = "127.0.0.1"
FIRST_PORT = 27500
PORTS = 10  # the bridge takes the first free one of FIRST_PORT .. FIRST_PORT + 9

MAX_FRAME_BYTES = 64 * 1024
MAX_CONNECTIONS = 32
MAX_JWS_HEADER_BYTES = 1024
TICKET_SECONDS = 60  # from minting; measured on the bridge's clock, counted from its hello
HOLD_WAIT_SECONDS = 20  # how long an open card session waits for its next ticket
HOLD_TOTAL_SECONDS = 300  # how long passcode and card session may be held in all
KEY_GENERATION_SECONDS = 90
STEP_SECONDS = 30  # any step that makes no key


class Typ(StrEnum):
    """The ``typ`` header of each kind of signed message, so that none passes for another."""

    HELLO = "rb-hello"
    TICKET = "rb-ticket"
    STATEMENT = "rb-statement"
    RECEIPT = "rb-receipt"
    ENROLMENT = "rb-enrolment"  # {aud, nonce, code, name, version}: bridge to server, no page


class Say(StrEnum):
    """What a page may ask of the bridge (field ``command`` of a request)."""

    READ_CARD = "read-card"  # {reader}: no ticket needed
    STEP = "step"  # {ticket, passcode?, new_passcode?}
    CANCEL = "cancel"  # ends the open card session of this connection
    DESK = "desk"  # virtual readers only, and only where the settings allow it


class Event(StrEnum):
    """What the bridge says unasked (field ``event``)."""

    HELLO = "hello"  # {version, hello: JWS}: always the first frame
    READER_ADDED = "reader-added"  # {reader, virtual}
    READER_REMOVED = "reader-removed"  # {reader}
    CARD_INSERTED = "card-inserted"  # {reader, seat}
    CARD_REMOVED = "card-removed"  # {reader, seat}
    CARD_BUSY = "card-busy"  # {reader, seat}: another program holds the card
    READERS_UNAVAILABLE = "readers-unavailable"  # {reason}: no PC/SC service; may come back
    READY = "ready"  # the readers and cards present at connecting have all been named
    TICK = "tick"  # each minute: browsers slow the timers of hidden tabs


class Command(StrEnum):
    """The named card operations. A ticket's ``work`` is a list of these with their parameters.

    All work of one ticket is done inside one PC/SC transaction, in order; the first failure ends
    the step. Byte strings are base64url without padding, times are seconds.
    """

    SIGN = "sign"
    # {slot, algorithm, purpose, nonce, sha256?, endorse?: slot} -> {statement}
    # `sha256` is the hex digest of a text that was accepted; `endorse` names the slot whose key,
    # as GENERATE returned it in this open session, goes into the statement as cnf.jkt.
    PROVE_PRESENCE = "prove-presence"  # {algorithm, nonce} -> {statement}: 9E, no SELECT
    CHANGE_PASSCODE = "change-passcode"  # {rule} -> {}: CHANGE REFERENCE DATA, VERIFY the new one
    UNLOCK = "unlock"
    # {rule, puk_candidates (sealed list), new_puk (sealed)} -> {used: place of the right PUK}
    OPEN_MANAGEMENT = "open-management"  # {} -> {witness, algorithm}: last command of its step
    ANSWER_MANAGEMENT = "answer-management"  # {answer, challenge, algorithm} -> {response}
    SET_RETRY_COUNTS = "set-retry-counts"
    # {passcode_tries, puk_tries, default_passcode} -> {done: bool}: false where the card cannot
    SET_MANAGEMENT_KEY = "set-management-key"  # {algorithm, key (sealed)} -> {}
    CHANGE_PUK = "change-puk"  # {candidates (sealed list), new_puk (sealed)} -> {used}
    SET_PASSCODE = "set-passcode"  # {rule, puk (sealed)} -> {}: RESET RETRY COUNTER, new_passcode
    GENERATE_KEY = "generate-key"  # {slot, algorithm} -> {public_key (DER SPKI), attestation?}
    WRITE_CERTIFICATE = "write-certificate"  # {slot, certificate (DER)} -> {sha256} after read-back
    WRITE_OBJECTS = "write-objects"  # {objects: {tag: bytes}} -> {sha256: {tag: hex}}
    ERASE = "erase"  # {reset?: bool} -> {left: [slot or tag], reset?: bool}
    # `reset` asks for the factory's state, PUK and management key too, where the make allows it;
    # it ends management authentication.


class Hold(StrEnum):
    """What the bridge keeps after a step until the next step of the same operation.

    What was typed with one step, the new passcode too, serves the later ones. When the card says no
    (`card-refused`) to a step whose ticket holds anything, the card is let go of, and what was
    typed is kept for HOLD_WAIT_SECONDS: the operation may be begun anew, but not continued.
    """

    NOTHING = "nothing"
    PASSCODE = "passcode"  # the passcode only; the card is free for other programs
    CARD = "card"  # passcode, transaction and management authentication


class Slot(StrEnum):
    """The key slots of a PIV card that the service uses (SP 800-73-4 part 1, table 4b)."""

    AUTHENTICATION = "9a"
    SIGNATURE = "9c"
    CARD_AUTHENTICATION = "9e"


class Algorithm(StrEnum):
    """Signature algorithms by their JOSE names (RFC 7518): P-256 and RSA-2048 keys."""

    ES256 = "ES256"
    RS256 = "RS256"


class Purpose(StrEnum):
    """What a statement says. A purpose belongs to a slot; the server checks both."""

    SIGN_IN = "sign-in"  # 9a
    PRESENCE = "presence"  # 9e
    REGISTRATION = "registration"  # 9a
    PASSCODE_CHANGE = "passcode-change"  # 9a
    UNLOCK_START = "unlock-start"  # 9e
    UNLOCK = "unlock"  # 9a
    ISSUE = "issue"  # any slot, while the card is being issued
    REPAIR = "repair"  # 9e, and the new keys
    RENEWAL = "renewal"  # 9a, and the new keys
    RENEWAL_CONTINUE = "renewal-continue"  # 9c
    TERMS = "terms"  # 9c
    APPROVAL = "approval"  # 9c


class Stage(StrEnum):
    """Progress of a step as it really happens; the page has a sentence for each."""

    CHECKING_CARD = "checking-card"
    CHECKING_PASSCODE = "checking-passcode"
    SIGNING = "signing"
    CHANGING_PASSCODE = "changing-passcode"
    UNLOCKING = "unlocking"
    PROVING = "proving"
    GENERATING_KEY = "generating-key"
    MAKING_SIGNATURE_KEY = "making-signature-key"
    MAKING_AUTHENTICATION_KEY = "making-authentication-key"
    WRITING = "writing"
    CHECKING_WRITTEN = "checking-written"


class Code(StrEnum):
    """Every error an answer can carry, each with its facts."""

    NO_SERVICE = "no-service"  # no PC/SC service on this PC
    NO_READER = "no-reader"
    NO_CARD = "no-card"
    CARD_BUSY = "card-busy"  # another program holds the card
    CARD_REMOVED = "card-removed"  # {outcome: none | unknown}
    CARD_CHANGED = "card-changed"  # another card, or the same one put in again
    NOT_A_PIV_CARD = "not-a-piv-card"
    WRONG_PASSCODE = "wrong-passcode"  # {left: number, or null where the card does not say}
    PASSCODE_LOCKED = "passcode-locked"
    PASSCODE_REFUSED = "passcode-refused"  # {rule}: see PasscodeRefusal
    PASSCODE_NEEDED = "passcode-needed"  # none was sent and none is held
    PUK_REFUSED = "puk-refused"  # {left, refused: places of the candidates that were wrong}
    CARD_REFUSED = "card-refused"  # {command, outcome, sw?}: the card said no to a command
    TICKET_INVALID = "ticket-invalid"  # signature, type or fields
    TICKET_FOREIGN = "ticket-foreign"  # made for another connection or another origin
    TICKET_EXPIRED = "ticket-expired"
    TICKET_USED = "ticket-used"
    TICKET_OTHER_CARD = "ticket-other-card"
    OUT_OF_TURN = "out-of-turn"
    UNSUPPORTED = "unsupported"
    TOO_MANY = "too-many"  # connections {limit}: said instead of hello, then closed
    FAILED = "failed"


class Outcome(StrEnum):
    """Whether a card may have carried out a command whose answer did not arrive."""

    NONE = "none"
    UNKNOWN = "unknown"


class PasscodeRefusal(StrEnum):
    """Why a new passcode was refused before the card was touched, or by the card itself."""

    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    CHARACTERS = "characters"  # outside the alphabet of this make of card
    ALL_THE_SAME = "all-the-same"
    RUN = "run"  # 1234, 8765, abcd
    YOUR_NUMBER = "your-number"  # part of the UUID or of the card's number
    NOT_NEW = "not-new"  # equals the current one
    CARD = "card"  # the card's own rule


class Alphabet(StrEnum):
    """What a passcode may consist of."""

    ASCII = "ascii"  # printable ASCII without space
    DIGITS = "digits"
