"""Guarding: connections to PostgreSQL on which no wait lasts for ever, whatever has become of the server.

A server that hangs (stopped, its disk gone, its machine frozen) has a kernel that goes on acknowledging what we send:
neither keepalives nor the server's own `statement_timeout` end that wait. So the client counts, where psycopg waits:
every exchange passes through `Connection.wait`, which comes by several times a second while nothing arrives.
"""

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, text

T = TypeVar("T")

TRANSACTION_S = 60.0  # no longer: a reader of `changed_at` who looks back two minutes then misses nothing


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be silent before it counts as away."""

    statement_s: float = 35.0
    """Within a transaction: beyond the server's `statement_timeout`, so it speaks first as long as it can speak."""
    ping_s: float = 10.0
    """Outside of one, where only short questions are asked: is this connection alive, may a transaction begin?"""
    connect_s: int = 5
    """For a connection to be made; libpq knows no less than 2."""
    transaction_s: float = TRANSACTION_S
    """For a whole transaction, whether it is silent or not."""


PATIENCE = Patience()


class NoAnswer(psycopg.OperationalError):
    """The server was silent for too long. The connection is closed; what it was doing will be rolled back."""


class GuardedConnection(psycopg.Connection[Any]):
    """A connection that gives up on a silent server."""

    patience = PATIENCE
    _began = 0.0
    _lifted_s: float | None = None

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
        """Wait as psycopg does, but raise NoAnswer when it is of no use any more."""
        if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self._began, self._lifted_s = time.monotonic(), None
        return super().wait(self._until_silent(gen), *args, **options)

    def lift(self, to_s: float) -> None:
        """Be so patient with every wait of this transaction, and with the whole of it."""
        self._lifted_s = to_s

    def _bounds(self) -> tuple[float, float]:
        if self._lifted_s is not None:
            return self._lifted_s, self._lifted_s
        idle = self.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE
        return self.patience.ping_s if idle else self.patience.statement_s, self.patience.transaction_s

    def _until_silent(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        silence_s, transaction_s = self._bounds()
        heard = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready:
                    heard = now
                elif now - heard > silence_s or now - self._began > transaction_s:
                    self.pgconn.finish()  # whatever came now would be the answer to something else
                    raise NoAnswer("no answer from the server")
                wanted = gen.send(ready)
        except StopIteration as end:
            value: T = end.value
            return value


def guarded(patience: Patience) -> Callable[..., GuardedConnection]:
    """How an engine connects (SQLAlchemy's `do_connect`), so that its connections are guarded."""

    def connect(_dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> GuardedConnection:
        connection = GuardedConnection.connect(*arguments, **parameters)
        connection.patience = patience
        return connection

    return connect


def lift_bounds(connection: Connection, to_s: int = 0) -> None:
    """Let the PostgreSQL transaction under way take as long as that; 0, as to the server: as long as it takes.

    A migration of millions of rows has to be waited for, and an audit of them. Holds to the transaction's end.
    """
    bounds = {"lock_timeout": f"{to_s}s", "statement_timeout": f"{to_s}s"}
    # Since PostgreSQL 17: a timer that runs already is ended by 0 only, and one as short hides the statement's.
    bounds["transaction_timeout"] = "0"
    lifting = text("SELECT set_config(name, :bound, true) FROM pg_settings WHERE name = :name")
    connection.execute(lifting, [{"name": name, "bound": bound} for name, bound in bounds.items()])
    held: object = connection.connection.dbapi_connection
    if isinstance(held, GuardedConnection):
        held.lift(to_s + held.patience.ping_s if to_s else math.inf)
