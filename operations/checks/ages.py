"""Ages: how long ago something happened, for people; in the future, if a clock has been set back since."""

from datetime import timedelta

from ledger.schedules import DELAY_S
from runtime.durations import duration

AHEAD = timedelta(seconds=-DELAY_S)
"""An age below this lies in the future: Redis' clock was ahead when it happened, and has been set back."""
SET_BACK = "Redis' clock was set back: doctor compares the clocks"


def when(age: timedelta) -> str:
    """How long ago something happened, or how far in the future by a clock that has been set back since."""
    if age.total_seconds() > -1:
        return f"{duration(max(age, timedelta(0)))} ago"
    return f"{duration(-age)} in the future by Redis' clock"


def size(number: float) -> str:
    """Bytes, for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
