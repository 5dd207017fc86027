"""Transaction sizes: as large as the database takes them in time."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from ledger.client import Ledger
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Store, StoreAway
from tests.factories.envelopes import Accept, envelope
from tests.workers.dying_workers import outcomes
from workers.consumer import Consumer


@dataclass
class Speed:
    """How many deliveries a database takes at once, and how many it got each time."""

    most: int = 20
    sizes: list[int] = field(default_factory=list)


class SlowStore(Store):
    """A store that is too slow for more; its copies share the speed."""

    def __init__(self, engine: Engine, speed: Speed) -> None:
        super().__init__(engine)
        self.speed = speed

    def write(self, records: Any) -> None:
        """Write rows, or time out."""
        rows = list(records)
        self.speed.sizes.append(sum(row.table == "deliveries" for row in rows))
        if self.speed.sizes[-1] > self.speed.most:
            raise StoreAway("too slow")
        super().write(rows)


def consume_all(ledger: Ledger, consumer: Consumer, accept: Accept, name: str) -> None:
    """Consume a hundred deliveries, announced together, again and again."""
    batches = [accept(*(envelope(f"{name}-{number}-{place}") for place in range(10))) for number in range(10)]
    for _ in range(20):
        consumer.consume("dlr", batches)
    assert ledger.existing(batches) == []


def test_a_slow_database_gets_smaller_transactions(ledger: Ledger, engine: Engine, accept: Accept):
    """A database that is too slow for large transactions still receives all deliveries."""
    speed = Speed()
    consume_all(ledger, Consumer(ledger, SlowStore(engine, speed), CircuitBreaker(0.0)), accept, "slow")
    assert max(speed.sizes) == 100
    assert len(outcomes(engine)) == 100


def test_a_database_that_recovers_gets_large_ones_again(ledger: Ledger, engine: Engine, accept: Accept):
    """A short outage does not leave a worker slow for as long as it runs."""
    speed = Speed()
    consumer = Consumer(ledger, SlowStore(engine, speed), CircuitBreaker(0.0))
    consume_all(ledger, consumer, accept, "slow")
    speed.most = 1000
    consume_all(ledger, consumer, accept, "recovering")
    speed.sizes.clear()
    consume_all(ledger, consumer, accept, "recovered")
    assert speed.sizes == [100]


def test_each_transaction_is_progress(ledger: Ledger, engine: Engine, accept: Accept):
    """A worker that commits does not stall, however long its task takes."""
    sizes, seen = Speed(most=4), []
    consumer = Consumer(
        ledger, SlowStore(engine, sizes), CircuitBreaker(), on_progress=lambda: seen.append(len(outcomes(engine)))
    )
    batches = [accept(envelope(f"p{number}")) for number in range(4)]
    consumer._max_deliveries = 1
    consumer.consume("dlr", batches)
    assert len(seen) >= 2
    assert seen == sorted(set(seen))
