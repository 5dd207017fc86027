"""Options of one chaos run."""

from dataclasses import dataclass

FAULTS_PER_MINUTE = 8


@dataclass(frozen=True, slots=True)
class Options:
    """One run on one database. The same options and seed make the same workload and plan the same faults."""

    database: str
    """`sqlite` or `postgresql`."""
    seed: int
    minutes: float = 3.0
    """Minimum duration of faults; start, retries and checks come on top."""
    deliveries: int = 0
    """Minimum of accepted deliveries; the load continues until then, at most three times as long as planned."""
    faults: int = 0
    """Minimum number of faults."""
    rate: float | None = None
    """New deliveries a second; by default as many as `deliveries` needs, at least 300."""
    drop: float = 0.0
    """The share of webhooks with a list in the gateway's journal that are never sent; a backfill fetches them."""
    patience_s: float = 120.0
    """Time limit without progress while batches are pending after the last answer."""
    sabotage: str | None = None
    """The step of the product to break (`sabotage.py`), to prove that the checks detect it."""

    @property
    def seconds(self) -> float:
        """Duration of faults."""
        return self.minutes * 60

    @property
    def planned(self) -> int:
        """Number of planned faults."""
        return max(self.faults, round(self.minutes * FAULTS_PER_MINUTE), 1)

    @property
    def per_second(self) -> float:
        """New deliveries a second: a tenth more than strictly needed."""
        return self.rate or max(300.0, 1.1 * self.deliveries / self.seconds)
