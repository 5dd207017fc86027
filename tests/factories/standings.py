"""Standings: rows as they stand, noted for the subscriber `new`, a portion at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from store.standing_changes import Position, Request, note_standing, watched_tables
from store.timed_transactions import transact
from tests.factories.changes import EVERYTHING

EARLY = datetime(2020, 1, 1, tzinfo=UTC)


def request_of(engine: Engine, topics: frozenset[str] = EVERYTHING, since: datetime = EARLY) -> Request:
    return transact(engine, lambda _, now: Request("new", topics, since, now + timedelta(milliseconds=1)), reads=True)


def portions(engine: Engine, request: Request) -> Iterator[int]:
    for name in watched_tables(request.topics):
        after: Position | None = None
        while True:
            number, after = transact(
                engine,
                lambda connection, now, name=name, after=after: note_standing(connection, now, request, name, after),
            )
            yield number
            if after is None:
                break
