"""A PIV card as its users see it: one object, one method for each thing a card can do."""

from reader_bridge.piv import certificates, keys, management, objects, pin, profiles
from reader_bridge.piv.apdu import Command, Connection
from reader_bridge.piv.errors import (
    MalformedAnswer,
    NotAPivCard,
    NotAuthenticated,
    TooLarge,
    UnexpectedStatus,
    Unsupported,
    refusal,
)
from reader_bridge.piv.objects import Chuid
from reader_bridge.piv.profiles import CardProfile

INS_SELECT = 0xA4  # [piv2] 3.1.1
INS_SERIAL = 0xF8  # not in the standard: several makes follow Yubico's numbering
INS_RESET = 0xFB  # likewise
PIV_APPLICATION = bytes.fromhex("a000000308000010000100")  # [piv2] 2.2
PIV_APPLICATION_SHORT = PIV_APPLICATION[:5]  # the right-truncated identifier


class PivCard:
    """Named card operations over one connection. Remembers the profile and nothing else.

    Every method may raise CardRemoved; UnexpectedStatus stands for refusals that are not listed.
    """

    def __init__(
        self, connection: Connection, profile: CardProfile | None = None, *, atr: bytes = b""
    ) -> None:
        self._connection = connection
        self._profile = profile
        self._atr = atr

    @property
    def profile(self) -> CardProfile:
        """The profile that was given, or that the ATR or the SELECT answer told."""
        return self._profile or profiles.recognise(self._atr)

    def select(self) -> bytes:
        """Select the PIV application and return its answer.

        Ends management authentication on every card, and the verified passcode on most.

        Raises:
            NotAPivCard: there is no such application.
        """
        sw = 0
        for identifier in (PIV_APPLICATION, PIV_APPLICATION_SHORT):
            command = Command(INS_SELECT, p1=0x04, data=identifier, answers=True)
            response = self._connection.transmit(command)
            if response.ok:
                self._profile = self._profile or profiles.recognise(self._atr, response.data)
                return response.data
            sw = response.sw
        raise NotAPivCard(sw)

    def serial(self) -> str | None:
        """The number the maker gave the card, or None where it has none or won't say."""
        response = self._connection.transmit(Command(INS_SERIAL, answers=True))
        if not response.ok or not response.data:
            return None
        return str(int.from_bytes(response.data, "big", signed=False))

    # Objects and certificates

    def read_chuid(self) -> Chuid | None:
        """The card's identifier, or None on a blank card (or one whose CHUID is damaged)."""
        content = objects.read(self._connection, objects.CHUID)
        if content is None:
            return None
        try:
            return Chuid.decode(content)
        except MalformedAnswer:
            return None

    def read_object(self, tag: int) -> bytes | None:
        """An object's content, or None. Raises as objects.read."""
        return objects.read(self._connection, tag)

    def write_object(self, tag: int, content: bytes) -> None:
        """Write an object, read it back, compare. Raises as objects.write, and TooLarge."""
        largest = self.profile.largest_object
        if largest is not None and len(content) > largest:
            raise TooLarge(len(content), largest)
        objects.write(self._connection, tag, content)

    def delete_object(self, tag: int) -> None:
        """Remove an object; one that is not there is removed already. Raises as objects.write."""
        objects.write(self._connection, tag, b"")

    def read_certificate(self, slot: str) -> bytes | None:
        """A slot's certificate (DER), or None. Raises as certificates.read_certificate."""
        return certificates.read_certificate(self._connection, slot)

    def write_certificate(self, slot: str, der: bytes) -> str:
        """Write, read back, compare; return the SHA-256 in hex.

        Raises as certificates.write_certificate.
        """
        return certificates.write_certificate(
            self._connection, slot, der, largest_object=self.profile.largest_object
        )

    # Passcode and PUK

    def verify(self, passcode: str) -> None:
        """Prove the passcode. Raises as pin.verify."""
        pin.verify(self._connection, passcode)

    def passcode_tries_left(self) -> int | None:
        """Attempts left, without using one; None when the card won't say."""
        return pin.tries_left(self._connection)

    def puk_tries_left(self) -> int | None:
        """Attempts left for the PUK; None where the card has no metadata."""
        return pin.tries_left_by_metadata(self._connection, pin.Reference.PUK)

    def change_passcode(self, old: str, new: str) -> None:
        """Replace the passcode. Raises as pin.change."""
        pin.change(self._connection, pin.Reference.PASSCODE, old, new)

    def change_puk(self, old: str, new: str) -> None:
        """Replace the PUK. Raises as pin.change."""
        pin.change(self._connection, pin.Reference.PUK, old, new)

    def reset_retry_counter(self, puk: str, new_passcode: str) -> None:
        """Set a new passcode with the PUK. Raises as pin.reset_retry_counter."""
        pin.reset_retry_counter(self._connection, puk, new_passcode)

    def set_retry_counts(self, passcode_tries: int, puk_tries: int) -> None:
        """Set how many attempts there are; both secrets go back to the factory's.

        Raises as pin.set_retry_counts.
        """
        if self.profile.retry_counts_settable is False:
            raise Unsupported(0, pin.INS_SET_RETRIES)
        pin.set_retry_counts(self._connection, passcode_tries, puk_tries)

    # Keys

    def sign(self, slot: str, algorithm: str, message: bytes) -> bytes:
        """Sign a message ("ES256" or "RS256"). Raises as keys.sign."""
        return keys.sign(self._connection, slot, algorithm, message)

    def generate(self, slot: str, algorithm: str) -> bytes:
        """Make a key pair and return its public key (DER). Raises as keys.generate."""
        return keys.generate(self._connection, slot, algorithm)

    def attest(self, slot: str) -> bytes | None:
        """The card's word (DER certificate) that it made the slot's key; None without."""
        return keys.attest(self._connection, slot)

    # Management

    def open_management(self) -> tuple[str, bytes]:
        """The management key's algorithm, and a witness. Raises as in management."""
        return management.open_management(self._connection, self.profile.management_algorithms)

    def answer_management(self, algorithm: str, answer: bytes, challenge: bytes) -> bytes:
        """The card's response to the challenge. Raises as in management."""
        return management.answer_management(self._connection, algorithm, answer, challenge)

    def set_management_key(self, algorithm: str, key: bytes) -> None:
        """Replace the management key. Raises as in management."""
        if self.profile.management_key_settable is False:
            raise Unsupported(0, management.INS_SET_MANAGEMENT_KEY)
        management.set_management_key(self._connection, algorithm, key)

    # The end of a card's life

    def erase(self, slots: tuple[str, ...] = ("9a", "9c", "9e")) -> list[str]:
        """Remove certificates, keys and what tells of the holder, as far as the card can.

        PIV has no command to delete a key: a new one that nobody certifies takes its place. The
        CHUID stays, so that the card can still be told from others. Wants management
        authentication. Returns what is left: slots as "9a", objects as hex tags.

        Raises:
            NotAuthenticated: without the management key.
        """
        left = []
        for slot in slots:
            algorithms = self._algorithms_in(slot)  # before the certificate that tells it is gone
            if not self._removed(objects.CERTIFICATES[slot]):
                left.append(f"{objects.CERTIFICATES[slot]:x}")
            if [name for name in algorithms if not self._replaced(slot, name)]:
                left.append(slot)
        left += [f"{tag:x}" for tag in objects.ABOUT_THE_HOLDER if not self._removed(tag)]
        return left

    def reset(self) -> None:
        """Bring the application back to the factory's state, where the make allows it.

        The card wants passcode and PUK blocked first.

        Raises:
            Unsupported: this make of card cannot.
        """
        if self.profile.resettable is False:
            raise Unsupported(0, INS_RESET)
        response = self._connection.transmit(Command(INS_RESET))
        if not response.ok:
            raise refusal(response.sw, INS_RESET)

    def _algorithms_in(self, slot: str) -> tuple[str, ...]:
        """The algorithms to overwrite: one card keeps an RSA key usable beside a new EC key."""
        told = keys.algorithms_in(self._connection, slot)
        if told is not None:
            return told
        certified = certificates.algorithm_in_certificate(self._connection, slot)
        return (certified,) if certified else self.profile.key_algorithms

    def _removed(self, tag: int) -> bool:
        try:
            if self.read_object(tag) is None:
                return True
        except NotAuthenticated:
            pass  # the holder's objects want the passcode before they are read
        except UnexpectedStatus:
            return True  # a card that does not know the object does not hold it
        except MalformedAnswer:
            pass
        objects.put(self._connection, tag, b"")
        try:
            return self.read_object(tag) is None
        except NotAuthenticated:
            return True  # not to be read, but the card said that it is gone
        except MalformedAnswer:
            return False

    def _replaced(self, slot: str, algorithm: str) -> bool:
        try:
            self.generate(slot, algorithm)
        except NotAuthenticated:
            raise
        except Unsupported:
            return True  # no such slot, or no such kind of key in it
        except (UnexpectedStatus, MalformedAnswer):
            return False
        return True
