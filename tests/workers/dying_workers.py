"""Workers that die over a delivery, and the outcomes that they leave."""

import sys
from typing import Any

from sqlalchemy import Engine, select

from ledger.client import Ledger
from seven.record import Record
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Store
from store.schema import deliveries
from workers.consumer import Consumer


class Death(BaseException):
    """Stands for a kill: no code of the worker handles it."""


class DeadlyStore(Store):
    """A store in which the worker dies when it writes a certain delivery."""

    def __init__(self, engine: Engine, deadly: str | None, error: type[BaseException] = Death) -> None:
        super().__init__(engine)
        self.deadly, self.error = deadly, error
        self.failed_sizes: list[int] = []

    def write(self, records: Any) -> None:
        rows: list[Record] = list(records)
        ids = [row.key[0] for row in rows if row.table == "deliveries"]
        if self.deadly in ids and any(row.table == "messages" for row in rows):
            self.failed_sizes.append(len(ids))
            raise self.error
        super().write(rows)


class MortalLedger(Ledger):
    """A ledger client that dies with its process: after a death it sends nothing."""

    def run(self, *arguments: Any) -> Any:
        return None if isinstance(sys.exc_info()[1], Death) else super().run(*arguments)


def die_over(redis_url: str, batch: str, times: int, queue: str = "dlr") -> None:
    """Let this many workers take a batch and be killed."""
    for _ in range(times):
        ledger = Ledger(redis_url)
        ledger.take(queue, [batch])
        ledger.close()


def outcomes(engine: Engine) -> dict[str, str]:
    with engine.connect().execution_options(reads=True) as connection:
        return {row.id: row.outcome for row in connection.execute(select(deliveries.c.id, deliveries.c.outcome))}


def consume_until_survival(redis_url: str, store: Store, batch: str) -> int:
    """Restart a worker on the batch, as a supervisor does, until one survives. Returns the number of deaths."""
    for deaths in range(20):
        ledger = MortalLedger(redis_url)
        try:
            Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
        except Death:
            ledger.redis.delete(f"seven:isolating:{batch}")  # the lock would expire
            continue
        else:
            return deaths
        finally:
            ledger.close()
    raise AssertionError("every worker dies")
