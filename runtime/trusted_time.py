"""Trusted time: what cannot be undone goes by the least of several clocks, and by none of them while they disagree.

Values in, values out: whoever decides reads the clocks. The least of them errs to the safe side alone (what is to be
removed for its age stays), and a clock that is far from the others says that one of them is wrong, not which.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

AGREEMENT = timedelta(minutes=5)
"""Clocks kept by NTP are apart by milliseconds, those of a machine that nobody looks after by minutes."""


class ClocksDisagree(Exception):  # noqa: N818 - a fact about the machines, and no fault of the caller
    """Two clocks are further apart than AGREEMENT; the text names both."""


def trusted_time(clocks: Mapping[str, datetime]) -> datetime:
    """The least of these clocks, which are named as people know them. Raises ClocksDisagree."""
    first, last = min(clocks, key=lambda name: clocks[name]), max(clocks, key=lambda name: clocks[name])
    apart = clocks[last] - clocks[first]
    if apart > AGREEMENT:
        raise ClocksDisagree(f"the clock of {last} is {span(apart)} ahead of that of {first}")
    return clocks[first]


def latest_believable(times: Iterable[datetime], now: datetime) -> datetime:
    """Of several clocks' times of one past moment, the latest that is not in the future of a clock that reads `now`.

    Where each of them is, the earliest: then that clock is behind, or all of them are ahead.
    """
    ordered = sorted(times)
    return max((time for time in ordered if time <= now + AGREEMENT), default=ordered[0])


def span(apart: timedelta) -> str:
    """How far two times are apart, for people to read."""
    seconds = round(apart.total_seconds())
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds} s"
