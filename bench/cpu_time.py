"""Processor time and memory of a process with all its descendants, from /proc."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def process_tree(pid: int) -> Iterator[int]:
    """The ids of a process and all its descendants; a process that ends meanwhile is left out."""
    yield pid
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from process_tree(int(child))


def processor_s(pid: int) -> float:
    """Seconds of processor time, including descendants that have ended and were waited for."""
    ticks = 0
    for member in process_tree(pid):
        with suppress(OSError):
            stat = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, stat[11:15]))
    return ticks * _TICK_S


def memory_bytes(pid: int) -> int:
    """Proportional set size (PSS): shared pages are divided among the processes that share them."""
    size = 0
    for member in process_tree(pid):
        with suppress(OSError):
            rollup = Path(f"/proc/{member}/smaps_rollup").read_text()
            size += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return size * 1024


class CpuMeter:
    """Processor time of named processes since the meter was created."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = {name: processor_s(pid) for name, pid in self._pids.items()}

    def micros_per_delivery(self, deliveries: int) -> dict[str, float]:
        """Microseconds of processor time per delivery, by name."""
        return {name: (processor_s(pid) - self._before[name]) / deliveries * 1e6 for name, pid in self._pids.items()}
