"""Trusted time: irreversible operations go by the least of several clocks, and stop while the clocks disagree.

Pure functions: the caller reads the clocks. The least time errs on the safe side (old data stays). A clock far from
the others shows that one of them is wrong, but not which.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from runtime.durations import duration

AGREEMENT = timedelta(minutes=5)
"""Clocks with NTP differ by milliseconds, those of an unmaintained machine by minutes."""


class ClocksDisagree(Exception):  # noqa: N818 - a state of the machines, not a fault of the caller
    """Two clocks differ by more than AGREEMENT; the message names both."""


def trusted_time(clocks: Mapping[str, datetime]) -> datetime:
    """The least time of these clocks, each named for people. Raises ClocksDisagree."""
    first, last = min(clocks, key=lambda name: clocks[name]), max(clocks, key=lambda name: clocks[name])
    apart = clocks[last] - clocks[first]
    if apart > AGREEMENT:
        raise ClocksDisagree(f"the clock of {last} is {duration(apart)} ahead of that of {first}")
    return clocks[first]
