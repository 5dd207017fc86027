"""Compiled SQL statements that all engines of this process share: compiling them anew for each test took a sixth of the suite."""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

Key = tuple[Any, ...]


class _Statements(LRUCache[Key, Any]):
    """Keeps what was compiled for any dialect of a class and server version, where SQLAlchemy keeps one cache for each engine."""

    def get(self, key: Key, default: Any = None) -> Any:
        return super().get(_of_class(key), default)

    def __setitem__(self, key: Key, compiled: Any) -> None:
        super().__setitem__(_of_class(key), compiled)


def _of_class(key: Key) -> Key:
    dialect, *statement = key
    return (type(dialect), dialect.server_version_info, *statement)


_STATEMENTS = _Statements(2000)


def share_compiled_statements() -> None:
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_STATEMENTS)
