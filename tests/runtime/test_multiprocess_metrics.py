"""Multiprocess metrics: the sum includes ended processes, and there are never more files than processes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from runtime.multiprocess_metrics import SharedMetrics, share_metrics
from runtime.settings.environment import load
from runtime.settings.shared import LedgerSettings
from tests.processes import ROOT

COUNTING = """
import sys
from pathlib import Path
from prometheus_client import Counter
from runtime.multiprocess_metrics import share_metrics

share_metrics(Path(sys.argv[1]), sys.argv[2])
Counter("events", "Events.").inc(int(sys.argv[3]))
print("counted", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _single_process_afterwards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    yield
    share_metrics(None, "test")


def counting(directory: Path, kind: str, number: int) -> subprocess.Popen[str]:
    """A process that has counted and keeps running."""
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING, str(directory), kind, str(number)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "counted\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def total(collector: SharedMetrics | CollectorRegistry) -> float:
    if isinstance(collector, SharedMetrics):
        registry = CollectorRegistry()
        registry.register(collector)
    else:
        registry = collector
    lines = generate_latest(registry).decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("events_total"))


def test_killed_processes_stay_in_the_sum_and_free_their_files(tmp_path: Path):
    """Two processes run, and one is killed and restarted again and again: every count stays, in two files."""
    first, second = counting(tmp_path, "receiver", 1), counting(tmp_path, "receiver", 10)
    for number in (100, 1000, 10_000):
        end(first)
        first = counting(tmp_path, "receiver", number)
    end(first)
    end(second)

    assert total(SharedMetrics(tmp_path, "receiver")) == 11_111
    assert len(list(tmp_path.glob("*.db"))) == 2


def test_kinds_are_separate(tmp_path: Path):
    """Receivers do not report the counts of workers in the same directory."""
    for process in (counting(tmp_path, "receiver", 1), counting(tmp_path, "worker", 10)):
        end(process)

    assert (total(SharedMetrics(tmp_path, "receiver")), total(SharedMetrics(tmp_path, "worker"))) == (1, 10)


def test_without_a_directory_each_counts_by_itself(tmp_path: Path):
    """Nothing is written, even if the client's own variable is set."""
    assert share_metrics(None, "receiver") is None
    registry = CollectorRegistry()
    Counter("events", "Events.", registry=registry).inc(3)

    assert total(registry) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("directory", ["nowhere", "a file"])
def test_an_invalid_directory_is_reported_at_start(
    directory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The process exits with code 2 and prints the name of the setting."""
    (tmp_path / "a file").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / directory))
    with pytest.raises(SystemExit) as exit_:
        load(LedgerSettings)

    assert exit_.value.code == 2
    assert "PROMETHEUS_MULTIPROC_DIR" in capsys.readouterr().err
