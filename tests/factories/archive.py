"""Archives for the tests: deliveries as consumers keep them, and rows that somebody got wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, and_, select

from emulator.scenarios import scenario
from ledger.batch import Batch, Header
from operations.rebuild import Done, chunks, look, rebuild
from operations.refold import NOTHING_MORE, Allowed
from seven.envelope import Envelope
from seven.joins import Join
from seven.records import SHAPES, Record, fold
from store.archive import Scope
from store.projection import Projection, project_batch
from store.record_rows import Place, place
from store.row_writer import Store
from store.schema import SCHEMA, metadata
from tests.factories.rows import kept

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
EVERYTHING = Scope(since=LONG_AGO)


def delivery_id(at: datetime, number: int) -> str:
    """A uuid7 of that time."""
    digits = f"{int(at.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012d}"


def delivered(number: int, event_type: str, fields: Mapping[str, Any], at: datetime = NOON) -> Projection:
    """A delivery, told when it was received, as a consumer understands it."""
    words = {"data": dict(fields), "webhook_event": event_type, "webhook_timestamp": at.isoformat()}
    envelope = Envelope(delivery_id(at, number), event_type, at, "JSON", words)
    (one,) = project_batch(Batch("batch", Header(event_type, "0" * 32, number + 1, 1, at), [envelope.line()]))
    return one


def delivered_story(seed: int, messages: int) -> list[Projection]:
    """A story of the emulator."""
    told = scenario(seed, now=NOON, messages=messages)
    return [delivered(n, one.event_type, one.fields, one.told_at + timedelta(seconds=1)) for n, one in enumerate(told)]


def keep(engine: Engine, deliveries: Iterable[Projection]) -> None:
    """Have the store hold them."""
    Store(engine).write(row for one in deliveries for row in one.rows())


def rebuilt(engine: Engine, scope: Scope = EVERYTHING, allowed: Allowed = NOTHING_MORE, **sizes: int) -> list[Done]:
    """Rebuild everything in a scope."""
    store = Store(engine)
    return [done for chunk in chunks(engine, scope, **sizes) for done in rebuild(store, chunk, allowed)]


def looked_at(engine: Engine, scope: Scope = EVERYTHING, allowed: Allowed = NOTHING_MORE) -> list[Done]:
    """What a rebuild would do."""
    return [look(engine, chunk, allowed) for chunk in chunks(engine, scope)]


def put(engine: Engine, record: Record, changed_at: datetime = LONG_AGO) -> None:
    """Write a row as it stands, without any join, changed long ago."""
    remove(engine, place(record))
    table = metadata.tables[f"{SCHEMA}.{record.table}"]
    stamp = {"changed_at": changed_at} if record.tracks_changes else {}
    with engine.begin() as connection:
        connection.execute(table.insert().values(**asdict(record), **stamp))


def remove(engine: Engine, where: Place) -> None:
    """Have a row vanish."""
    table = metadata.tables[f"{SCHEMA}.{where[0]}"]
    condition = and_(*(column == value for column, value in zip(table.primary_key.columns, where[1], strict=True)))
    with engine.begin() as connection:
        connection.execute(table.delete().where(condition))


def rows(engine: Engine) -> dict[Place, Record]:
    """All that the store holds."""
    held = kept(engine)
    return {place(one): one for record in SHAPES for one in (record(*row) for row in held[record.table])}


def told(archive: Iterable[Projection]) -> dict[Place, Record]:
    """What it should hold of these deliveries."""
    return {place(one): one for one in fold(record for each in archive for record in each.rows())}


def change_times(engine: Engine) -> dict[Place, datetime]:
    """When each row changed last."""
    found: dict[Place, datetime] = {}
    with engine.connect().execution_options(reads=True) as connection:
        for record, shape in SHAPES.items():
            if record.tracks_changes:
                table = metadata.tables[f"{SCHEMA}.{record.table}"]
                keys = [table.c[name] for name in shape.names(Join.KEY)]
                for *key, changed_at in connection.execute(select(*keys, table.c.changed_at)):
                    found[record.table, tuple(key)] = changed_at
    return found
