"""Answered: the ids of 2xx answers, each once, and what became of them; beyond some millions in a temporary file."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Literal, Self

Fate = Literal["row", "waiting", "removed"]

IDS_AT_ONCE = 500
CACHE_KIB = 128 * 1024
"""Two million ids; SQLite writes what is beyond to a file in its temporary directory, and removes that at the end."""


class Answered:
    """Ids, for the length of a block. Raises sqlite3.Error where the temporary directory has no room."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._database.execute("PRAGMA journal_mode = OFF")  # what fails is not gone on with
        self._database.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, fate TEXT) WITHOUT ROWID")
        self._write("INSERT OR IGNORE INTO ids (id) VALUES (?)", ((one,) for one in ids))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._database.close()

    def open(self) -> Iterator[list[str]]:
        """Those of which it is not known yet, some at a time."""
        last = ""
        query = "SELECT id FROM ids WHERE fate IS NULL AND id > ? ORDER BY id LIMIT ?"
        while page := [one for (one,) in self._database.execute(query, (last, IDS_AT_ONCE))]:
            yield page
            last = page[-1]

    def note(self, ids: Iterable[str], fate: Fate) -> None:
        """What became of these, as far as they are among ours and it is not known yet."""
        self._write("UPDATE ids SET fate = ? WHERE id = ? AND fate IS NULL", ((fate, one) for one in ids))

    def counts(self) -> Counter[Fate | None]:
        """How many there are of each fate, and of None, of which it is not known."""
        return Counter(dict(self._database.execute("SELECT fate, count(*) FROM ids GROUP BY fate").fetchall()))

    def _write(self, statement: str, rows: Iterable[tuple[str, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")
