"""Loading: wrk, a load generator in a process of its own, and what it says."""

import re
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_RESULT = re.compile(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """One run of it. Times in seconds."""

    requests: int
    duration: float
    failed: int
    """Answers that were not 2xx or 3xx, and connections that broke."""
    p50: float
    p90: float
    p99: float
    longest: float
    processor_s: float
    """That the load generator itself took."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.duration


def wrk(url: str, script: Path, connections: int, seconds: float) -> Load:
    """Load a server with one thread. Ends the program where wrk is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed, the load generator. On Debian: apt install wrk")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(script), url]
    before = _processor_s()
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    found = _RESULT.search(told)
    if found is None:
        raise RuntimeError(told)
    requests, micros, failed, *latencies = map(int, found.groups())
    return Load(requests, micros / 1e6, failed, *(one / 1e6 for one in latencies), _processor_s() - before)


def _processor_s() -> float:
    """Of all our children that have ended."""
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime
