"""Aged rows: deliveries of any age for the tests, and retention passes over them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from ledger.client import Ledger
from operations.retention import Retention, RetentionResult
from runtime.settings.retention import RetentionSettings
from seven.archive_records import ArchivedDelivery
from store.circuit_breaker import CircuitBreaker
from store.schema import deliveries, tallies
from tests.factories.archive import delivery_id, rows

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
DAY_SETTINGS = [name for name in RetentionSettings.model_fields if name.endswith("_days")]
KEEP_FOREVER = dict.fromkeys(DAY_SETTINGS, 0)


def keep_days(**days: int) -> RetentionSettings:
    """Settings that keep everything for ever, except for these numbers of days."""
    return RetentionSettings(**{**KEEP_FOREVER, **{f"seven_keep_{name}_days": number for name, number in days.items()}})  # type: ignore[arg-type]


def retain(ledger: Ledger, engine: Engine, settings: RetentionSettings) -> RetentionResult:
    return Retention(ledger, engine, CircuitBreaker(), settings, pause=lambda _: None).retain()


def row(number: int, age: timedelta, outcome: str = "applied", **fields: Any) -> ArchivedDelivery:
    """A delivery of that age."""
    at = NOW - age
    return ArchivedDelivery(
        **{
            "id": delivery_id(at, number), "event_type": "dlr", "queue": "dlr", "received_at": at, "payload": "{}",
            "digest": f"{number}", "outcome": outcome, "ledger": "life", "ordinal": number, **fields,
        }
    )  # fmt: skip


def age_by(engine: Engine, age: timedelta) -> None:
    """Make all deliveries older, ids included."""
    with engine.begin() as connection:
        for name, at, ordinal in connection.execute(
            select(deliveries.c.id, deliveries.c.received_at, deliveries.c.ordinal)
        ).all():
            values = {"id": delivery_id(at - age, ordinal), "received_at": at - age}
            connection.execute(deliveries.update().where(deliveries.c.id == name).values(**values))


def rows_of(engine: Engine, table: str) -> dict[Any, Any]:
    """The rows of one table by their keys."""
    return {key if len(key) > 1 else key[0]: record for (name, key), record in rows(engine).items() if name == table}


def tallied_ranges(engine: Engine) -> list[tuple[int, int]]:
    with engine.connect() as connection:
        entries = connection.execute(select(tallies.c.first_ordinal, tallies.c.last_ordinal).order_by("first_ordinal"))
        return [(entry.first_ordinal, entry.last_ordinal) for entry in entries]
