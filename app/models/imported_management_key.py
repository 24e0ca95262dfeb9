"""Management keys that cards came with, as their maker or seller told."""

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime


class ImportedManagementKey(Base):
    """The own management key (9B) of one card, for makes that cannot be given another.

    The card is known by the chip's serial number, or by the identifier (GUID) that it shows when it
    is new. ``named`` says which: "serial 4711", "guid 00…".
    """

    __tablename__ = "imported_management_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    named: Mapped[str] = mapped_column(String(80), unique=True)
    algorithm: Mapped[str] = mapped_column(String(20))
    key_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("algorithm IN ('3DES', 'AES128', 'AES192', 'AES256')", name="algorithm"),
    )

    def __repr__(self) -> str:
        return f"<ImportedManagementKey {self.named} {self.algorithm}>"
