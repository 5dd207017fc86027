"""Types: column types with the same meaning in SQLite and PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Dialect, Float, Numeric, Text
from sqlalchemy.types import DateTime, TypeDecorator, TypeEngine

CodePointText = Text().with_variant(Text(collation="C"), "postgresql")
"""Text compared by code point, whatever the database's collation: so `ON CONFLICT` compares as Python does."""


class Time(TypeDecorator[datetime]):
    """An aware UTC time with microseconds: `timestamptz`, or in SQLite ISO text with its offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text in SQLite, which has no type for times."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To the database. Raises ValueError for a naive time, which is a bug."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time")
        if dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).isoformat(" ", "microseconds")  # one width, so that text order is time order

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database, in UTC whatever zone session and machine have; SQLite's text without an offset is UTC."""
        if value is None:
            return None
        time: datetime = datetime.fromisoformat(value) if dialect.name == "sqlite" else value
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


class Euros(TypeDecorator[Decimal]):
    """A price: `numeric`, or in SQLite a double, which keeps our fifteen digits exact."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A double in SQLite, which has no exact decimals."""
        return dialect.type_descriptor(Float() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """To the database."""
        return float(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - the library's
        """From the database, exact."""
        return None if value is None else Decimal(str(value)).normalize() + Decimal(0)
