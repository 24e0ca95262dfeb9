"""What all rows share: the declarative base, and columns that keep time and words right."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    Integer,
    MetaData,
    String,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of all models. Every constraint has a name, so that migrations can change it."""

    metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware and in UTC on both sides, whatever the database keeps.

    Raises:
        ValueError: a naive datetime was handed in.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime says nothing about when: hand in an aware one")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(kind: type[StrEnum], name: str) -> Enum:
    """A column type that holds the values of ``kind`` as words, kept by a check constraint."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=max(len(member.value) for member in kind),
        values_callable=lambda members: [member.value for member in members],
    )


def sorted_text(length: int) -> TypeEngine[str]:
    """Text that sorts by code point on every database, so that one index serves both."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def json_column() -> TypeEngine[Any]:
    return JSON().with_variant(JSONB(), "postgresql")


def large_id() -> TypeEngine[int]:
    """The key of a table that outgrows 31 bits. SQLite numbers only an INTEGER by itself."""
    return BigInteger().with_variant(Integer(), "sqlite")
