"""Options: what is asked of one run."""

from dataclasses import dataclass

FAULTS_PER_MINUTE = 8


@dataclass(frozen=True, slots=True)
class Options:
    """One run, on one database. The same options and seed tell the same story and plan the same faults."""

    database: str
    """`sqlite` or `postgresql`."""
    seed: int
    minutes: float = 3.0
    """How long faults come at least; start, retries and the checks come on top."""
    deliveries: int = 0
    """Accepted deliveries to reach at least; the load goes on until then, at most three times as long as planned."""
    faults: int = 0
    """Faults at least."""
    rate: float | None = None
    """New deliveries in a second; without it what the number of deliveries needs, and no fewer than 300."""
    patience_s: float = 120.0
    """How long, after the last answer, without anything being settled while something is pending."""
    sabotage: str | None = None
    """A step of the product to be spoiled (`sabotage.py`), so that the checks can show what they find."""

    @property
    def seconds(self) -> float:
        """How long faults come."""
        return self.minutes * 60

    @property
    def planned(self) -> int:
        """How many faults."""
        return max(self.faults, round(self.minutes * FAULTS_PER_MINUTE), 1)

    @property
    def per_second(self) -> float:
        """New deliveries in a second: a tenth more than would just do."""
        return self.rate or max(300.0, 1.1 * self.deliveries / self.seconds)
