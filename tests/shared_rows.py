"""Databases that all tests of a module read: filled before the first of these tests, and closed to writers from then on."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from store.engine import create_store_engine

Fill = Callable[[Engine], None]
_READERS = ("SELECT", "WITH", "EXPLAIN", "PRAGMA", "SET", "BEGIN", "SHOW")


class SharedRows:
    """One database for each dialect and each function that fills it."""

    def __init__(self, request: pytest.FixtureRequest, directory: Path, stack: ExitStack) -> None:
        self._request, self._directory, self._stack = request, directory, stack
        self._engines: dict[tuple[str, Fill], Engine] = {}

    def engine(self, dialect: str, fill: Fill) -> Engine:
        if (dialect, fill) not in self._engines:
            engine = create_store_engine(self._url(dialect))
            self._stack.callback(engine.dispose)
            fill(engine)
            event.listen(engine, "before_cursor_execute", _refuse_writers)
            self._engines[dialect, fill] = engine
        return self._engines[dialect, fill]

    def _url(self, dialect: str) -> str:
        if dialect == "postgresql":
            return str(self._stack.enter_context(self._request.getfixturevalue("databases").lent()))
        file = self._directory / f"{len(self._engines)}.db"
        return f"sqlite:///{shutil.copyfile(self._request.getfixturevalue('migrated_sqlite'), file)}"


@contextmanager
def shared_rows_of(request: pytest.FixtureRequest, directory: Path) -> Iterator[SharedRows]:
    with ExitStack() as stack:
        yield SharedRows(request, directory, stack)


def no_rows(_: Engine) -> None:
    """Fills nothing, for tests of plans."""


def _refuse_writers(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    assert statement.lstrip(" (\n").upper().startswith(_READERS), "the tests of this module share these rows"
