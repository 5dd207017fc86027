"""Processes that count into one directory: the sum, whoever died, and no more files than processes at once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from runtime.multiprocess_metrics import Shared, share
from runtime.settings import LedgerSettings, load
from tests.processes import ROOT

COUNTING = """
import sys
from pathlib import Path
from prometheus_client import Counter
from runtime.multiprocess_metrics import share

share(Path(sys.argv[1]), sys.argv[2])
Counter("told", "Words told.").inc(int(sys.argv[3]))
print("counted", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _alone_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    yield
    share(None, "test")


def counting(directory: Path, kind: str, number: int) -> subprocess.Popen[str]:
    """A process that has counted, and lives."""
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


def told(collector: Shared | CollectorRegistry) -> float:
    if isinstance(collector, Shared):
        registry = CollectorRegistry()
        registry.register(collector)
    else:
        registry = collector
    lines = generate_latest(registry).decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("told_total"))


def test_the_sum_outlives_the_killed_and_their_files_are_used_again(tmp_path: Path):
    """Two that live, one after another killed and started anew: every count stays, in two files."""
    one, two = counting(tmp_path, "receiver", 1), counting(tmp_path, "receiver", 10)
    for number in (100, 1000, 10_000):
        end(one)
        one = counting(tmp_path, "receiver", number)
    end(one)
    end(two)

    assert told(Shared(tmp_path, "receiver")) == 11_111
    assert len(list(tmp_path.glob("*.db"))) == 2


def test_kinds_are_apart(tmp_path: Path):
    """Receivers do not tell what workers have counted in the same directory."""
    for process in (counting(tmp_path, "receiver", 1), counting(tmp_path, "worker", 10)):
        end(process)

    assert (told(Shared(tmp_path, "receiver")), told(Shared(tmp_path, "worker"))) == (1, 10)


def test_without_a_directory_each_counts_by_itself(tmp_path: Path):
    """Nothing is written anywhere, even where the client's own variable is set."""
    assert share(None, "receiver") is None
    registry = CollectorRegistry()
    Counter("told", "Words told.", registry=registry).inc(3)

    assert told(registry) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("directory", ["nowhere", "a file"])
def test_a_directory_that_is_none_is_said_at_start(
    directory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With exit code 2, and the name of the setting."""
    (tmp_path / "a file").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / directory))
    with pytest.raises(SystemExit) as ended:
        load(LedgerSettings)

    assert ended.value.code == 2
    assert "PROMETHEUS_MULTIPROC_DIR" in capsys.readouterr().err
