"""Ages: how long ago something happened, for people; in the future, if a clock has been set back since."""

from datetime import timedelta

from ledger.stats import DELAY_S

AHEAD = timedelta(seconds=-DELAY_S)
"""An age below this lies in the future: Redis' clock was ahead when it happened, and has been set back."""
SET_BACK = "Redis' clock was set back: doctor compares the clocks"


def ago(span: timedelta) -> str:
    """A span of time in its two largest units; a negative one with its sign."""
    seconds = int(span.total_seconds())
    if seconds < 0:
        return f"-{ago(-span)}"
    for unit, name, below, lesser in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit:
            return f"{seconds // unit} {name} {seconds % unit // below} {lesser}"
    return f"{seconds} s"


def when(age: timedelta) -> str:
    """How long ago something happened, or how far in the future by a clock that has been set back since."""
    return f"{ago(age)} ago" if age.total_seconds() > -1 else f"{ago(-age)} in the future by Redis' clock"


def size(number: float) -> str:
    """Bytes, for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
