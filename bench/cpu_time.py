"""Spending: what a process and all its descendants have used so far, as the kernel tells it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> Iterator[int]:
    """A process, its children, their children; whoever ends meanwhile is left out."""
    yield pid
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from family(int(child))


def processor_s(pid: int) -> float:
    """Seconds of processor time, of those that have ended and were waited for, too."""
    ticks = 0
    for one in family(pid):
        with suppress(OSError):
            told = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, told[11:15]))
    return ticks * _TICK_S


def memory_bytes(pid: int) -> int:
    """Memory in its own right: what several share is shared out among them (PSS)."""
    size = 0
    for one in family(pid):
        with suppress(OSError):
            told = Path(f"/proc/{one}/smaps_rollup").read_text()
            size += next(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:"))
    return size * 1024


class Spending:
    """Processor time of several, by their names, since this was made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = {name: processor_s(pid) for name, pid in self._pids.items()}

    def micros_for(self, deliveries: int) -> dict[str, float]:
        """Microseconds of processor time for each delivery."""
        return {name: (processor_s(pid) - self._before[name]) / deliveries * 1e6 for name, pid in self._pids.items()}
