"""Rebuild: replace rows by the fold of their archived deliveries, some subjects in each transaction, beside workers.

Joins only rise: a value that a faulty projection set too high stays, however often its deliveries are consumed again.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from operations.refold import NO_OVERRIDES, LeftSubject, Overrides, Refolded, refold
from seven.aggregates import Aggregate, aggregates
from store.archive import PAGE, Page, Scope, census, pages, resubject
from store.forgotten import NO_REGISTER, ForgottenRegister
from store.record_rows import KEYS_AT_ONCE, lock_tables, replace_rows
from store.row_writer import Store, unwritable_reason

SUBJECTS_PER_CHUNK = 300
DELIVERIES_PER_CHUNK = 2_000
"""Bounds how long workers wait for a chunk; a subject with more deliveries is a chunk of its own."""
MAX_DELIVERIES = 50_000
"""Of one subject: folding more might exceed a transaction's minute, and workers that wait as long hold."""
MIN_PAUSE_S = 0.1
"""Between two chunks; longer than SQLite's longest pause between two attempts to write."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Subjects whose rows are replaced together, and the number of their deliveries."""

    aggregate: Aggregate
    subjects: tuple[str, ...]
    deliveries: int


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """A chunk, and what was done about it, or would be done."""

    chunk: Chunk
    refolded: Refolded


def chunks(engine: Engine, scope: Scope, subjects: int = SUBJECTS_PER_CHUNK, page_size: int = PAGE) -> Iterator[Chunk]:
    """The subjects of the deliveries in a scope, each once, in the order of its first delivery in the scope.

    Holds one page in memory. Raises SQLAlchemyError when the database is away.
    """
    for page in pages(engine, scope, page_size):
        for aggregate in aggregates():
            yield from _pack(aggregate, _count(engine, scope, page, aggregate), subjects)


def preview(
    engine: Engine, chunk: Chunk, overrides: Overrides = NO_OVERRIDES, register: ForgottenRegister = NO_REGISTER
) -> Iterator[ChunkResult]:
    """What `rebuild` would do. Writes and locks nothing. Raises SQLAlchemyError when the database is away."""

    def compare_with_archive(part: Chunk) -> ChunkResult:
        with engine.connect().execution_options(reads=True) as connection:
            forgotten = register.read(connection)
            return ChunkResult(part, refold(connection, part.aggregate, part.subjects, overrides, forgotten))

    return _apart(chunk, compare_with_archive)


def rebuild(store: Store, chunk: Chunk, overrides: Overrides = NO_OVERRIDES) -> Iterator[ChunkResult]:
    """Replace the rows of a chunk in one transaction; if any cannot be written, in one for each subject.

    Raises StoreAway; every result yielded before is committed.
    """
    return _apart(chunk, lambda part: _replace(store, part, overrides))


def _apart(chunk: Chunk, attempt: Callable[[Chunk], ChunkResult]) -> Iterator[ChunkResult]:
    """The result of a chunk; where any of its rows can never be written, that of each subject."""
    if too_many := _too_many(chunk):
        yield too_many
        return
    try:
        yield attempt(chunk)
    except Exception as error:
        reason = unwritable_reason(error)
        if reason is None:
            raise
        if len(chunk.subjects) > 1:
            for subject in chunk.subjects:
                yield from _apart(Chunk(chunk.aggregate, (subject,), 0), attempt)
        else:
            yield _left(chunk, reason)


def rebuild_all(
    store: Store,
    to_rebuild: Iterator[Chunk],
    overrides: Overrides = NO_OVERRIDES,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[ChunkResult]:
    """Rebuild chunk after chunk; pause after each as long as it took, for the workers. Raises StoreAway."""
    for chunk in to_rebuild:
        began = time.monotonic()
        yield from rebuild(store, chunk, overrides)
        pause(max(MIN_PAUSE_S, time.monotonic() - began))


def _replace(store: Store, chunk: Chunk, overrides: Overrides) -> ChunkResult:
    def attempt(connection: Connection) -> ChunkResult:
        lock_tables(connection, chunk.aggregate.records)
        forgotten = store.register.read(connection)
        refolded = refold(connection, chunk.aggregate, chunk.subjects, overrides, forgotten)
        replace_rows(connection, refolded.changes)
        resubject(connection, refolded.moved)
        return ChunkResult(chunk, refolded)

    return store.transact(attempt)


def _count(engine: Engine, scope: Scope, page: Page, aggregate: Aggregate) -> Iterator[tuple[str, int]]:
    """The subjects that no earlier page has, each with the number of its deliveries."""
    subjects = list(dict.fromkeys(subject for *origin, subject in page.subjects if aggregate.has(*origin)))
    for start in range(0, len(subjects), KEYS_AT_ONCE):
        portion = subjects[start : start + KEYS_AT_ONCE]
        with engine.connect().execution_options(reads=True) as connection:
            counts = census(connection, aggregate, portion, scope)
        for subject in portion:
            if subject in counts and counts[subject].first_delivery > page.after:
                yield subject, counts[subject].deliveries


def _pack(aggregate: Aggregate, counts: Iterator[tuple[str, int]], max_subjects: int) -> Iterator[Chunk]:
    chunk: list[str] = []
    size = 0
    for subject, number in counts:
        if chunk and (len(chunk) >= max_subjects or size + number > DELIVERIES_PER_CHUNK):
            yield Chunk(aggregate, tuple(chunk), size)
            chunk, size = [], 0
        chunk.append(subject)
        size += number
    if chunk:
        yield Chunk(aggregate, tuple(chunk), size)


def _too_many(chunk: Chunk) -> ChunkResult | None:
    if chunk.deliveries <= MAX_DELIVERIES:
        return None
    return _left(chunk, f"it has more than {MAX_DELIVERIES} deliveries")


def _left(chunk: Chunk, reason: str) -> ChunkResult:
    return ChunkResult(chunk, Refolded(left=[LeftSubject(subject, reason) for subject in chunk.subjects]))
