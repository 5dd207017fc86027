"""Clocks: whether this machine, Redis and the database agree on the time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cli.checks import Check, Silence, good, unknown, warning, wrong

AGREED_S = 2.0
APART_S = 30.0
"""Beyond it times of receipt lie, and the gateway may refuse what is signed by this clock."""
CURE = "keep time by NTP on each machine (timedatectl, chronyc tracking)"


@dataclass(frozen=True, slots=True)
class Skew:
    """How far another clock is ahead of this machine's, and how well that is known."""

    ahead_s: float
    uncertain_s: float


def skew(ask: Callable[[], datetime]) -> Skew:
    """Ask a clock. Its answer was made at some moment while we waited. Raises what `ask` raises."""
    before = datetime.now(UTC)
    told = ask()
    after = datetime.now(UTC)
    half = (after - before) / 2
    return Skew((told - (before + half)).total_seconds(), half.total_seconds())


def checks(skews: Mapping[str, Skew | Silence]) -> Iterator[Check]:
    """One check for each other clock, by its name."""
    for name, found in skews.items():
        yield _check(name, found)


def _check(name: str, found: Skew | Silence) -> Check:
    what = f"clock of {name}"
    if isinstance(found, Silence):
        return unknown(what, f"could not be asked ({found.cause})")
    apart_s = max(0.0, abs(found.ahead_s) - found.uncertain_s)
    said = f"{abs(found.ahead_s):.1f} s {'ahead of' if found.ahead_s > 0 else 'behind'} this machine's"
    if apart_s > APART_S:
        return wrong(what, said, CURE)
    if apart_s > AGREED_S:
        return warning(what, said, CURE)
    return good(what, "agrees with this machine's")
