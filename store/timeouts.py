"""Timeouts: connections to PostgreSQL on which every wait is bounded, whatever the state of the server.

If a server hangs (process stopped, disk gone, machine frozen), its kernel may still acknowledge what we send: then
neither keepalives nor the server's own `statement_timeout` end the wait. So the client measures it where psycopg waits:
every exchange passes through `Connection.wait`, which wakes several times a second while nothing arrives.
"""

import math
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, text

from store.transactions import PATIENCE, Patience

T = TypeVar("T")


class NoAnswer(psycopg.OperationalError):
    """The server was silent for too long. The connection is closed, and its transaction will be rolled back."""


class GuardedConnection(psycopg.Connection[Any]):
    """A connection that gives up on a silent server."""

    patience = PATIENCE
    _began = 0.0
    _lifted_s: float | None = None

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
        """Wait as psycopg does, but raise NoAnswer when a bound is exceeded."""
        if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self._began, self._lifted_s = time.monotonic(), None
        return super().wait(self._until_silent(gen), *args, **options)

    def lift(self, to_s: float) -> None:
        """Set both bounds, for each wait and for the whole, until this transaction ends."""
        self._lifted_s = to_s

    def _bounds(self) -> tuple[float, float]:
        if self._lifted_s is not None:
            return self._lifted_s, self._lifted_s
        idle = self.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE
        return self.patience.ping_s if idle else self.patience.statement_s, self.patience.transaction_s

    def _until_silent(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        silence_s, transaction_s = self._bounds()
        last_ready = time.monotonic()
        try:
            waits_for = next(gen)
            while True:
                ready = yield waits_for
                now = time.monotonic()
                if ready:
                    last_ready = now
                elif now - last_ready > silence_s or now - self._began > transaction_s:
                    self.pgconn.finish()  # a later answer would be taken for the answer to another query
                    raise NoAnswer("no answer from the server")
                waits_for = gen.send(ready)
        except StopIteration as end:
            value: T = end.value
            return value


def guarded(patience: Patience) -> Callable[..., GuardedConnection]:
    """A listener for SQLAlchemy's `do_connect` that opens guarded connections."""

    def connect(_dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> GuardedConnection:
        connection = GuardedConnection.connect(*arguments, **parameters)
        connection.patience = patience
        return connection

    return connect


def lift_bounds(connection: Connection, to_s: int = 0) -> None:
    """Set the timeouts of the current PostgreSQL transaction, until its end; 0 means none, as for the server.

    For a migration or an audit of millions of rows.
    """
    bounds = {"lock_timeout": f"{to_s}s", "statement_timeout": f"{to_s}s"}
    # Since PostgreSQL 17: only 0 stops a running timer, and an equally short one would hide the statement's timeout.
    bounds["transaction_timeout"] = "0"
    statement = text("SELECT set_config(name, :bound, true) FROM pg_settings WHERE name = :name")
    connection.execute(statement, [{"name": name, "bound": bound} for name, bound in bounds.items()])
    driver: object = connection.connection.dbapi_connection
    if isinstance(driver, GuardedConnection):
        driver.lift(to_s + driver.patience.ping_s if to_s else math.inf)
