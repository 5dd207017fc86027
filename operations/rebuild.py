"""Rebuilding: rows are replaced by the fold of their archive, some subjects in one transaction, beside the workers.

Joins only rise, so what a projection once told too high stays, however often its deliveries are consumed again.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from operations.refold import NOTHING_MORE, Allowed, Left, Refolded, refold
from seven.aggregates import Aggregate, aggregates
from store.archive import PAGE, Page, Scope, census, pages, resubject
from store.record_rows import KEYS_AT_ONCE, lock, replace
from store.row_writer import Refused, Store

SUBJECTS_PER_CHUNK = 300
DELIVERIES_PER_CHUNK = 2_000
"""Bounds how long workers wait for a chunk; a subject of more is a chunk by itself."""
MOST_DELIVERIES = 50_000
"""Of one subject: more might not be folded within the minute of a transaction. Workers that wait so long hold."""
LEAST_PAUSE_S = 0.1
"""Between two chunks; longer than SQLite's longest pause between two attempts to write."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Subjects whose rows are replaced together, and how many deliveries speak of them."""

    family: Aggregate
    subjects: tuple[str, ...]
    deliveries: int


@dataclass(frozen=True, slots=True)
class Done:
    """A chunk, and what was done about it, or would be."""

    chunk: Chunk
    refolded: Refolded


def chunks(engine: Engine, scope: Scope, subjects: int = SUBJECTS_PER_CHUNK, page_size: int = PAGE) -> Iterator[Chunk]:
    """The subjects of which deliveries in the scope speak, each once, in the order of its first such delivery.

    However many there are, only some are in memory. Raises SQLAlchemyError when the database is away.
    """
    for page in pages(engine, scope, page_size):
        for family in aggregates():
            yield from _packed(family, _counted(engine, scope, page, family), subjects)


def look(engine: Engine, chunk: Chunk, allowed: Allowed = NOTHING_MORE) -> Done:
    """What `rebuild` would do. Nothing is written, nobody waits. Raises SQLAlchemyError when the database is away."""
    if too_many := _too_many(chunk):
        return too_many
    with engine.connect().execution_options(reads=True) as connection:
        return Done(chunk, refold(connection, chunk.family, chunk.subjects, allowed))


def rebuild(store: Store, chunk: Chunk, allowed: Allowed = NOTHING_MORE) -> Iterator[Done]:
    """Replace the rows of a chunk in one transaction; of each of its subjects, should the database refuse some.

    Raises StoreAway; what was yielded before is whole.
    """
    if too_many := _too_many(chunk):
        yield too_many
        return
    try:
        yield _rebuilt(store, chunk, allowed)
    except Refused as error:
        if len(chunk.subjects) > 1:
            for subject in chunk.subjects:
                yield from rebuild(store, Chunk(chunk.family, (subject,), 0), allowed)
        else:
            yield _left(chunk, f"refused by the database: {error}")


def rebuild_all(
    store: Store,
    found: Iterator[Chunk],
    allowed: Allowed = NOTHING_MORE,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Done]:
    """Rebuild chunk after chunk, and after each leave the workers as much time as it took. Raises StoreAway."""
    for chunk in found:
        began = time.monotonic()
        yield from rebuild(store, chunk, allowed)
        pause(max(LEAST_PAUSE_S, time.monotonic() - began))


def _rebuilt(store: Store, chunk: Chunk, allowed: Allowed) -> Done:
    done: list[Done] = []

    def attempt(connection: Connection) -> None:
        lock(connection, chunk.family.records)
        refolded = refold(connection, chunk.family, chunk.subjects, allowed)
        replace(connection, refolded.changes)
        resubject(connection, refolded.moved)
        done.append(Done(chunk, refolded))

    store.transact(attempt)
    return done[-1]


def _counted(engine: Engine, scope: Scope, page: Page, family: Aggregate) -> Iterator[tuple[str, int]]:
    """The subjects of a page that no page before it had, each with the number of its deliveries."""
    told = list(dict.fromkeys(subject for event_type, subject in page.told if event_type in family.event_types))
    for start in range(0, len(told), KEYS_AT_ONCE):
        some = told[start : start + KEYS_AT_ONCE]
        with engine.connect().execution_options(reads=True) as connection:
            counted = census(connection, family.event_types, some, scope)
        yield from (
            (one, counted[one].deliveries) for one in some if one in counted and counted[one].first_id > page.after
        )


def _packed(family: Aggregate, told: Iterator[tuple[str, int]], subjects: int) -> Iterator[Chunk]:
    chunk: list[str] = []
    size = 0
    for subject, number in told:
        if chunk and (len(chunk) >= subjects or size + number > DELIVERIES_PER_CHUNK):
            yield Chunk(family, tuple(chunk), size)
            chunk, size = [], 0
        chunk.append(subject)
        size += number
    if chunk:
        yield Chunk(family, tuple(chunk), size)


def _too_many(chunk: Chunk) -> Done | None:
    if chunk.deliveries <= MOST_DELIVERIES:
        return None
    return _left(chunk, f"more than {MOST_DELIVERIES} deliveries speak of it")


def _left(chunk: Chunk, reason: str) -> Done:
    return Done(chunk, Refolded(left=[Left(subject, reason) for subject in chunk.subjects]))
