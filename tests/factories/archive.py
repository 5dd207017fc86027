"""Archive: deliveries as a consumer stores them, and wrong rows, for the tests."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, and_, select

from emulator.scenarios import scenario
from ledger.batch import Batch, Header
from operations.rebuild import ChunkResult, chunks, preview, rebuild
from operations.refold import NO_OVERRIDES, Overrides
from seven.envelope import Envelope
from seven.joins import Join
from seven.record import JOINS, Record, fold
from seven.records import RECORDS
from store.archive import Scope
from store.delivery_rows import Projection
from store.projection import project_batch
from store.record_rows import RowKey, row_key
from store.row_writer import Store
from store.schema import SCHEMA, metadata
from tests.factories.rows import stored_rows

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
EVERYTHING = Scope(since=LONG_AGO)


def delivery_id(at: datetime, number: int) -> str:
    """A uuid7 of that time."""
    digits = f"{int(at.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012d}"


def delivered(number: int, event_type: str, fields: Mapping[str, Any], at: datetime = NOON) -> Projection:
    """The projection of a delivery whose event time is its time of receipt."""
    payload = {"data": dict(fields), "webhook_event": event_type, "webhook_timestamp": at.isoformat()}
    envelope = Envelope(delivery_id(at, number), event_type, at, "JSON", payload)
    (projection,) = project_batch(Batch("batch", Header(event_type, "0" * 32, number + 1, 1, at), [envelope.line()]))
    return projection


def delivered_scenario(seed: int, messages: int) -> list[Projection]:
    """The deliveries of one of the emulator's scenarios."""
    events = scenario(seed, now=NOON, messages=messages)
    return [
        delivered(number, event.event_type, event.fields, event.occurred_at + timedelta(seconds=1))
        for number, event in enumerate(events)
    ]


def keep(engine: Engine, deliveries: Iterable[Projection]) -> None:
    """Write the rows of these deliveries."""
    Store(engine).write(row for delivery in deliveries for row in delivery.rows())


def rebuilt(
    engine: Engine, scope: Scope = EVERYTHING, overrides: Overrides = NO_OVERRIDES, **sizes: int
) -> list[ChunkResult]:
    """Rebuild everything in a scope."""
    store = Store(engine)
    return [done for chunk in chunks(engine, scope, **sizes) for done in rebuild(store, chunk, overrides)]


def previews(engine: Engine, scope: Scope = EVERYTHING, overrides: Overrides = NO_OVERRIDES) -> list[ChunkResult]:
    """The results that a rebuild of everything in a scope would have."""
    return [result for chunk in chunks(engine, scope) for result in preview(engine, chunk, overrides)]


def put(engine: Engine, record: Record, changed_at: datetime = LONG_AGO) -> None:
    """Replace a row by this record, without any join."""
    remove(engine, row_key(record))
    table = metadata.tables[f"{SCHEMA}.{record.table}"]
    stamp = {"changed_at": changed_at} if record.tracks_changes else {}
    with engine.begin() as connection:
        connection.execute(table.insert().values(**asdict(record), **stamp))


def remove(engine: Engine, key: RowKey) -> None:
    """Delete a row."""
    table = metadata.tables[f"{SCHEMA}.{key[0]}"]
    condition = and_(*(column == value for column, value in zip(table.primary_key.columns, key[1], strict=True)))
    with engine.begin() as connection:
        connection.execute(table.delete().where(condition))


def rows(engine: Engine) -> dict[RowKey, Record]:
    """All records of the store."""
    stored = stored_rows(engine)
    records = (record(*values) for record in RECORDS for values in stored[record.table])
    return {row_key(record): record for record in records}


def expected_rows(archive: Iterable[Projection]) -> dict[RowKey, Record]:
    """The records that the store should have of these deliveries."""
    return {row_key(record): record for record in fold(row for delivery in archive for row in delivery.rows())}


def change_times(engine: Engine) -> dict[RowKey, datetime]:
    """The `changed_at` of each row."""
    times: dict[RowKey, datetime] = {}
    with engine.connect().execution_options(reads=True) as connection:
        for record in RECORDS:
            if record.tracks_changes:
                table = metadata.tables[f"{SCHEMA}.{record.table}"]
                keys = [table.c[name] for name in JOINS[record].names(Join.KEY)]
                for *key, changed_at in connection.execute(select(*keys, table.c.changed_at)):
                    times[record.table, tuple(key)] = changed_at
    return times
