"""The lists of revoked certificates that were signed last."""

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime


class RevocationList(Base):
    """One list: all that an authority has revoked ("issuing"), or one shard ("issuing-7f").

    ``number`` only ever grows. ``content`` is a digest of what the list says: while it is that of
    the certificates' own rows, the list is true.
    """

    __tablename__ = "revocation_list"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_update: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_by: Mapped[str] = mapped_column(String(64))  # SHA-256 of the authority's certificate
    der: Mapped[bytes] = mapped_column(LargeBinary)
