"""Smartcards, the keys made on them, and the certificates written to them."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from app.domain.card_lifecycle import CardEvent, CardStatus, next_status
from app.domain.identity import is_card_number, is_guid
from app.domain.passcode import PasscodeRule
from app.domain.revocation import shard_of
from app.domain.statuses import CertificateStatus, KeyState
from app.models.base import Base, UtcDateTime, one_of
from app.models.person import Person


class Card(Base):
    """One smartcard. ``guid`` finds it; the key in slot 9E proves it.

    ``status`` is what the service decided; what to show is ``card_lifecycle.shown_status``.
    The management key and the PUK are sealed; a pending PUK was sent and not proven yet.
    """

    __tablename__ = "card"

    id: Mapped[int] = mapped_column(primary_key=True)
    guid: Mapped[str] = mapped_column(String(32), unique=True)  # lower-case hex
    number: Mapped[str] = mapped_column(String(12), unique=True)  # printed on the card
    serial: Mapped[str | None] = mapped_column(String(64))  # the chip's own
    type: Mapped[str] = mapped_column(String(40), default="Smartcard")
    manufacturer: Mapped[str] = mapped_column(String(100), default="")
    profile: Mapped[str] = mapped_column(String(40))
    virtual: Mapped[bool] = mapped_column(default=False)
    status: Mapped[CardStatus] = mapped_column(
        one_of(CardStatus, "status"), default=CardStatus.BLANK
    )
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the last time
    expires_on: Mapped[date | None]  # the last day, in London
    modified_at: Mapped[datetime] = mapped_column(UtcDateTime)
    self_renewals_in_row: Mapped[int] = mapped_column(default=0)
    management_key_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    management_algorithm: Mapped[str | None] = mapped_column(String(20))
    puk_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    puk_pending_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    # What is known of which of the two the card has: app.domain.puk.PukDoubt
    puk_sent: Mapped[int] = mapped_column(default=0, server_default="0")
    puk_current_out: Mapped[bool] = mapped_column(default=False, server_default=false())
    puk_pending_out: Mapped[bool] = mapped_column(default=False, server_default=false())
    passcode_min_length: Mapped[int] = mapped_column(default=4)
    passcode_max_length: Mapped[int] = mapped_column(default=8)
    passcode_alphabet: Mapped[str] = mapped_column(String(10), default="ascii")
    # The answer to a change of passcode was lost and the new one then refused: ask for the old.
    new_passcode_refused: Mapped[bool] = mapped_column(default=False)

    person: Mapped[Person | None] = relationship()
    keys: Mapped[list["CardKey"]] = relationship(back_populates="card")
    certificates: Mapped[list["Certificate"]] = relationship(back_populates="card")

    __table_args__ = (
        CheckConstraint("length(guid) = 32", name="guid_has_32_digits"),
        CheckConstraint(
            "status IN ('blank', 'cancelled') OR person_id IS NOT NULL", name="has_a_holder"
        ),
        CheckConstraint("status <> 'expired'", name="expired_is_never_stored"),
        Index(None, "expires_on", "id"),
        # Lists of revoked certificates name those of suspended cards too
        Index(
            "ix_card_suspended",
            "suspended_at",
            sqlite_where=text("status = 'suspended'"),
            postgresql_where=text("status = 'suspended'"),
        ),
        # One card per person that is good, or may become good again
        Index(
            "uq_card_one_per_person",
            "person_id",
            unique=True,
            sqlite_where=text("status IN ('issued', 'locked', 'suspended')"),
            postgresql_where=text("status IN ('issued', 'locked', 'suspended')"),
        ),
    )

    @validates("guid")
    def _is_guid(self, _: str, guid: str) -> str:
        if not is_guid(guid):
            raise ValueError("no GUID: 32 lower-case hex digits, not all 0")
        return guid

    @validates("number")
    def _is_number(self, _: str, number: str) -> str:
        if not is_card_number(number):
            raise ValueError("no card number: 12 digits")
        return number

    @property
    def passcode_rule(self) -> PasscodeRule:
        """What a passcode of this card may be: the service's rule, narrowed by its make."""
        return PasscodeRule().narrowed(
            min_length=self.passcode_min_length,
            max_length=self.passcode_max_length,
            alphabet=self.passcode_alphabet,
        )

    def apply(self, event: CardEvent, *, now: datetime) -> None:
        """Move to the status that the table has for ``event``.

        Raises:
            TransitionRefused: the table has no such move.
        """
        self.status = next_status(self.status, event)
        self.modified_at = now
        if event is CardEvent.SUSPEND:
            self.suspended_at = now

    def __repr__(self) -> str:
        return f"<Card {self.guid} {self.status}>"


class CardKey(Base):
    """A public key whose private half was made on the card. Statements are checked with it."""

    __tablename__ = "card_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("card.id"))
    slot: Mapped[str] = mapped_column(String(2))
    state: Mapped[KeyState] = mapped_column(one_of(KeyState, "state"), default=KeyState.PENDING)
    algorithm: Mapped[str] = mapped_column(String(10))  # ES256 or RS256
    public_key: Mapped[bytes] = mapped_column(LargeBinary)  # DER, SubjectPublicKeyInfo
    jkt: Mapped[str] = mapped_column(String(43), index=True)  # RFC 7638 thumbprint
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    card: Mapped[Card] = relationship(back_populates="keys")

    __table_args__ = (
        Index(None, "card_id", "slot", "state"),
        Index(
            "uq_card_key_current",
            "card_id",
            "slot",
            unique=True,
            sqlite_where=text("state = 'current'"),
            postgresql_where=text("state = 'current'"),
        ),
    )


def _shard(context: ExecutionContext) -> int:
    """The shard of the certificate that is being inserted."""
    return shard_of(context.get_current_parameters()["serial"])  # type: ignore[attr-defined]  # as SQLAlchemy documents it


class Certificate(Base):
    """A certificate for one key of one card.

    ``shard`` says which part of its issuer's list of revoked certificates it is, or would be, in.
    """

    __tablename__ = "certificate"

    id: Mapped[int] = mapped_column(primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("card.id"))
    slot: Mapped[str] = mapped_column(String(2))
    key_id: Mapped[int] = mapped_column(ForeignKey("card_key.id"), index=True)
    serial: Mapped[str] = mapped_column(String(40), unique=True)  # lower-case hex
    shard: Mapped[int] = mapped_column(default=_shard)
    issuer: Mapped[str] = mapped_column(Text)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    not_after: Mapped[datetime] = mapped_column(UtcDateTime)
    der: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[CertificateStatus] = mapped_column(
        one_of(CertificateStatus, "status"), default=CertificateStatus.HELD
    )
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revocation_reason: Mapped[str | None] = mapped_column(String(40))

    card: Mapped[Card] = relationship(back_populates="certificates")
    key: Mapped[CardKey] = relationship()

    __table_args__ = (
        CheckConstraint(
            "(status = 'revoked') = (revoked_at IS NOT NULL)", name="revoked_has_a_time"
        ),
        Index(None, "card_id", "slot", "status"),
        Index(None, "status", "revoked_at"),
        # What is not good, so that a list of revoked certificates is found true by index alone
        Index(
            "ix_certificate_not_good",
            "issuer",
            "shard",
            "not_after",
            "revoked_at",
            "status",
            "id",
            sqlite_where=text("status <> 'active'"),
            postgresql_where=text("status <> 'active'"),
        ),
    )
