"""Helpers of the audit's tests."""

from typing import Any

from sqlalchemy import Engine, delete

from operations.audit import Audit
from store.schema import deliveries


def series(audit: Audit, queue: str = "dlr") -> Any:
    (series,) = [series for series in audit.series if series.queue == queue]
    return series


def remove_rows(engine: Engine, *ids: str) -> None:
    """Remove rows, as only a fault or an older backup would."""
    with engine.begin() as connection:
        connection.execute(delete(deliveries).where(deliveries.c.id.in_(ids)))
