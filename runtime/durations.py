"""Durations, for people."""

from datetime import timedelta


def duration(span: timedelta) -> str:
    """A span of time in at most two units, a negative one with its sign: `9 s`, `3 min 20 s`, `2 h`, `2 d 3 h`."""
    seconds = round(span.total_seconds())
    if seconds < 0:
        return f"-{duration(-span)}"
    for unit, size, smaller, smaller_size in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= size:
            rest = seconds % size // smaller_size
            return f"{seconds // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds} s"
