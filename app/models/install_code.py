"""Install codes, and which PCs were enrolled with them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime


class InstallCode(Base):
    """A code with which ``uses`` bridges can be enrolled. Only its SHA-256 is kept."""

    __tablename__ = "install_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(100))  # what it was made for
    uses: Mapped[int]
    used: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("uses > 0", name="uses_from_1"),
        CheckConstraint("used BETWEEN 0 AND uses", name="used_within_uses"),
    )

    def __repr__(self) -> str:
        return f"<InstallCode {self.id}>"


class InstallCodeUse(Base):
    """One PC that was enrolled with a code. The same PC again uses nothing up."""

    __tablename__ = "install_code_use"

    id: Mapped[int] = mapped_column(primary_key=True)
    code_id: Mapped[int] = mapped_column(ForeignKey("install_code.id"))
    workstation_id: Mapped[int] = mapped_column(ForeignKey("workstation.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("code_id", "workstation_id"),)
