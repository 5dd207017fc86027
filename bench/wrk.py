"""Run wrk, the load generator, and parse its result."""

import math
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
    """Result of one run of wrk. Times in seconds."""

    requests: int
    duration: float
    failed: int
    """Answers that were not 2xx or 3xx, and connections that broke."""
    p50: float
    p90: float
    p99: float
    longest: float
    processor_s: float
    """Processor time of the load generator itself."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.duration


def wrk(url: str, script: Path, connections: int, seconds: float) -> Load:
    """Load a server from one thread, for whole seconds: wrk takes no others. Exits where wrk is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("wrk, the load generator, is not installed. On Debian: apt install wrk")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{math.ceil(seconds)}s", "--timeout", "10s", "-s", str(script), url]
    before = _processor_s()
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    result = _RESULT.search(output)
    if result is None:
        raise RuntimeError(output)
    requests, duration_us, failed, *latencies = map(int, result.groups())
    return Load(requests, duration_us / 1e6, failed, *(latency / 1e6 for latency in latencies), _processor_s() - before)


def _processor_s() -> float:
    """Processor seconds of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
