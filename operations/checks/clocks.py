"""Clocks: whether this machine, Redis and the database agree on the time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from operations.checks.check import Check, Unread, good, unknown, warning, wrong

AGREED_S = 2.0
APART_S = 30.0
"""Beyond it times of receipt are wrong, and the gateway may refuse what is signed by this clock."""
REMEDY = "keep time by NTP on each machine (timedatectl, chronyc tracking)"


@dataclass(frozen=True, slots=True)
class Skew:
    """How far another clock is ahead of this machine's, and the uncertainty of that."""

    ahead_s: float
    uncertain_s: float


def skew(query: Callable[[], datetime]) -> Skew:
    """Query a clock, whose answer is of some moment during the query. Raises what `query` raises."""
    before = datetime.now(UTC)
    time = query()
    after = datetime.now(UTC)
    half = (after - before) / 2
    return Skew((time - (before + half)).total_seconds(), half.total_seconds())


def checks(skews: Mapping[str, Skew | Unread]) -> Iterator[Check]:
    """One check per other clock, by its name."""
    for name, reading in skews.items():
        yield _check(f"clock of {name}", reading)


def _check(name: str, reading: Skew | Unread) -> Check:
    if isinstance(reading, Unread):
        return unknown(name, f"could not be read ({reading.reason})")
    apart_s = max(0.0, abs(reading.ahead_s) - reading.uncertain_s)
    finding = f"{abs(reading.ahead_s):.1f} s {'ahead of' if reading.ahead_s > 0 else 'behind'} this machine's"
    if apart_s > APART_S:
        return wrong(name, finding, REMEDY)
    if apart_s > AGREED_S:
        return warning(name, finding, REMEDY)
    return good(name, "agrees with this machine's")
