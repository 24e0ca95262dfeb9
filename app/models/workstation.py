"""PCs with a reader bridge, and the connections that browsers have with them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.names import folded
from app.domain.statuses import WorkstationStatus
from app.models.base import Base, UtcDateTime, json_column, one_of, sorted_text


class Workstation(Base):
    """A reader bridge, known by the thumbprint (RFC 7638) of its Ed25519 key.

    ``decided_at``, ``decided_by_id`` and ``reason`` tell of the last decision about it: none was
    made about a PC that has only been seen.
    """

    __tablename__ = "workstation"

    id: Mapped[int] = mapped_column(primary_key=True)
    thumbprint: Mapped[str] = mapped_column(String(43), unique=True)
    jwk: Mapped[dict[str, Any]] = mapped_column(json_column())
    name: Mapped[str] = mapped_column(String(100))
    name_folded: Mapped[str] = mapped_column(sorted_text(200), index=True, server_default="")
    version: Mapped[str] = mapped_column(String(20))
    status: Mapped[WorkstationStatus] = mapped_column(
        one_of(WorkstationStatus, "status"), default=WorkstationStatus.SEEN
    )
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (
        Index(None, "last_seen_at", "id"),
        Index(None, "status", "last_seen_at", "id"),
    )

    def call(self, name: str) -> None:
        """Give it a name, and what a search for that name compares."""
        self.name = name
        self.name_folded = folded(name)[:200]  # some letters fold to many


class BridgeConnection(Base):
    """One websocket between a browser and a bridge, as its hello told the server.

    ``ek`` is the public key (X25519, JWK) to which secrets for this connection are sealed;
    ``browser`` is the digest of the pre-session id of the browser that brought the hello.
    """

    __tablename__ = "bridge_connection"

    id: Mapped[int] = mapped_column(primary_key=True)
    sid: Mapped[str] = mapped_column(String(64), unique=True)
    browser: Mapped[str] = mapped_column(String(64))
    ek: Mapped[dict[str, Any]] = mapped_column(json_column())
    workstation_id: Mapped[int] = mapped_column(ForeignKey("workstation.id"), index=True)
    instance: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(200))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    # Nobody asks for a connection without asking whose it is
    workstation: Mapped[Workstation] = relationship(lazy="joined", innerjoin=True)
