"""Rows of any age for the tests, and what retention leaves of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from ledger.client import Ledger
from operations.retention import Retention, RetentionResult
from operations.retention_settings import RetentionSettings
from seven.records import (
    ArchivedDelivery,
)
from store.circuit_breaker import CircuitBreaker
from store.schema import deliveries, tallies
from tests.factories.archive import delivery_id, rows

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ALL_OF_IT = [name for name in RetentionSettings.model_fields if name.endswith("_days")]
FOR_EVER = dict.fromkeys(ALL_OF_IT, 0)


def keeping(**days: int) -> RetentionSettings:
    """For ever, but for what is told."""
    return RetentionSettings(**{**FOR_EVER, **{f"seven_keep_{name}_days": told for name, told in days.items()}})  # type: ignore[arg-type]


def retained(ledger: Ledger, engine: Engine, told: RetentionSettings) -> RetentionResult:
    return Retention(ledger, engine, CircuitBreaker(), told, pause=lambda _: None).retain()


def row(number: int, age: timedelta, outcome: str = "applied", **told: Any) -> ArchivedDelivery:
    """A delivery of that age."""
    at = NOW - age
    return ArchivedDelivery(
        **{
            "id": delivery_id(at, number), "event_type": "dlr", "queue": "dlr", "received_at": at, "payload": "{}",
            "digest": f"{number}", "outcome": outcome, "ledger": "life", "ordinal": number, **told,
        }
    )  # fmt: skip


def age_by(engine: Engine, age: timedelta) -> None:
    """Have all deliveries be older, ids included."""
    with engine.begin() as connection:
        for name, at, ordinal in connection.execute(
            select(deliveries.c.id, deliveries.c.received_at, deliveries.c.ordinal)
        ).all():
            values = {"id": delivery_id(at - age, ordinal), "received_at": at - age}
            connection.execute(deliveries.update().where(deliveries.c.id == name).values(**values))


def of(engine: Engine, table: str) -> dict[Any, Any]:
    """The rows of one table by their keys."""
    return {key if len(key) > 1 else key[0]: one for (name, key), one in rows(engine).items() if name == table}


def tallied(engine: Engine) -> list[tuple[int, int]]:
    with engine.connect() as connection:
        found = connection.execute(select(tallies.c.first_ordinal, tallies.c.last_ordinal).order_by("first_ordinal"))
        return [(one.first_ordinal, one.last_ordinal) for one in found]
