"""Checks of real workers and beats, and of time limits that must fit into each other."""

import signal
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from ledger.announcements import CLOCK
from ledger.client import Ledger
from ledger.stats import Sent, beats
from operations.checks.check import Check, Grade
from operations.checks.processes import checks, replicas, time_limits
from operations.checks.receivers import Receiver
from operations.checks.subject import Replicas
from operations.worker_info import Worker, living_workers, own_versions
from seven.events import QUEUES
from tests.processes import beat, running, worker
from tests.servers import eventually, free_port
from workers.settings import WorkerSettings

ALL = frozenset((*QUEUES, CLOCK))
SETTINGS = WorkerSettings()


@pytest.fixture
def environment(redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'seven.db'}",
        "SEVEN_METRICS_ADDRESS": "",
        "SEVEN_WORKER_THREADS": "3",
    }


def examined(workers: list[Worker], beat_ages_s: tuple[float, ...] = (1.0,)) -> dict[str, Check]:
    return {check.name: check for check in checks(workers, beat_ages_s, SETTINGS)}


def not_good(results: dict[str, Check]) -> dict[str, Grade]:
    return {name: check.grade for name, check in results.items() if check.grade is not Grade.GOOD}


def test_a_worker_describes_itself(tmp_path: Path, environment: dict[str, str], redis_url: str):
    """A worker answers with its queues, versions and threads; all checks of it and of its beat are good."""
    assert living_workers(redis_url) == []
    with running(worker(tmp_path, environment), beat(tmp_path, environment)):
        (answer,) = eventually(lambda: living_workers(redis_url, 0.5), 60)
        assert answer.name == "worker@test"
        assert (answer.queues, (answer.version, answer.schema), answer.threads) == (ALL, own_versions(), 3)
        assert not_good(examined([answer])) == {}


def test_a_worker_of_some_queues(tmp_path: Path, environment: dict[str, str], redis_url: str):
    """Queues that no worker consumes are named."""
    partial = worker(tmp_path, environment)
    partial.command += ["-Q", "dlr,clock"]
    with running(partial):
        results = examined(eventually(lambda: living_workers(redis_url, 0.5), 60))
    assert not_good(results) == {"workers": Grade.WRONG}
    assert "sms_mo" in results["workers"].finding
    assert "dlr" not in results["workers"].finding


def test_no_worker_and_no_beat():
    """Both are wrong, each with its remedy."""
    results = examined([], ())
    assert not_good(results) == {"workers": Grade.WRONG, "beat": Grade.WRONG}
    assert all(check.remedy for check in results.values() if check.grade is Grade.WRONG)


def test_a_beat_that_sends_nothing():
    """It ticks and is wrong, and the task that it has not sent is named."""
    sent = {"sweep": Sent(600.0, 10.0), "audit": Sent(600.0, 900.0)}
    results = checks([Worker("w", ALL, *own_versions())], (1.0,), SETTINGS, sent)
    (check,) = (result for result in results if result.name == "beat")
    assert (check.grade, check.finding) == (Grade.WRONG, "one ticks, and has not sent sweep for 600 s")


def test_two_beats(tmp_path: Path, environment: dict[str, str], ledger: Ledger):
    """Two beats get a warning until one of them ends; a killed one stops counting after a while."""
    first, second = beat(tmp_path, environment, "first"), beat(tmp_path, environment, "second")
    with running(first, second):
        ages = eventually(lambda: ages_s if len(ages_s := beats(ledger)) == 2 else None, 60)
        assert not_good(examined([Worker("w", ALL, *own_versions())], ages)) == {"beat": Grade.WARNING}
        second.end()
        assert not_good(examined([Worker("w", ALL, *own_versions())], beats(ledger))) == {}
        first.end(signal.SIGKILL)
    assert len(beats(ledger)) == 1
    assert not_good(examined([Worker("w", ALL, *own_versions())], (1000.0,))) == {"beat": Grade.WRONG}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Worker("w", ALL, "0.0.1", own_versions()[1]), id="another program"),
        pytest.param(Worker("w", ALL, own_versions()[0], "0000"), id="other tables"),
    ],
)
def test_a_worker_of_another_version(other: Worker):
    """It gets a warning: during an upgrade that is normal."""
    assert not_good(examined([Worker("v", ALL, *own_versions()), other])) == {"versions": Grade.WARNING}


def test_a_worker_without_the_inspection_command():
    """An older worker may consume every queue: that is unknown rather than wrong."""
    assert not_good(examined([Worker("old")])) == {"workers": Grade.UNKNOWN, "versions": Grade.WARNING}


def test_few_open_files():
    """A worker with a low limit of open files gets a warning, one without a limit does not."""
    few, endless = Worker("w", ALL, *own_versions(), files=256), Worker("v", ALL, *own_versions(), files=-1)
    assert not_good(examined([few, endless])) == {"open files": Grade.WARNING}
    assert not_good(examined([endless])) == {}


@pytest.mark.parametrize(
    ("visibility_s", "stall_s", "overdue_s", "reason"),
    [
        pytest.param(300, 180, 30, None, id="the defaults"),
        pytest.param(60, 180, 30, "visibility timeout", id="taken back too soon"),
        pytest.param(300, 45, 30, "SEVEN_STALL_S", id="ended within a transaction"),
        pytest.param(300, 180, 20, "SEVEN_OVERDUE_S", id="announced within a pause"),
    ],
)
def test_time_limits(visibility_s: float, stall_s: float, overdue_s: float, reason: str | None):
    """A limit that is shorter than the work it bounds is named."""
    check = time_limits(visibility_s, stall_s, overdue_s)
    assert check.grade is (Grade.WRONG if reason else Grade.GOOD)
    assert reason is None or reason in check.finding


def test_redis_is_unreachable():
    """Querying the workers fails instead of waiting for ever."""
    with pytest.raises(OperationalError):
        living_workers(f"redis://127.0.0.1:{free_port()}/0")


@pytest.mark.parametrize(
    ("names", "receivers", "configured", "findings"),
    [
        pytest.param(["worker-1@here"], 1, Replicas("here", 1, 1), [], id="as configured"),
        pytest.param(
            ["worker-1@here", "worker-2@here", "worker-3@here"], 2, Replicas("here", 1, 1),
            ["3 workers run here, and WORKER_REPLICAS is 1: the next `up` ends 2",
             "2 receivers run here, and INGEST_REPLICAS is 1: the next `up` ends 1"], id="once scaled",
        ),
        pytest.param(["worker-1@here", "worker-1@there"], 1, Replicas("here", 1, 1), [], id="on another machine"),
        pytest.param(["worker-1@here"], 1, Replicas("here", 3, 1), ["1 of 3 workers run here"], id="some are gone"),
        pytest.param(["worker-1@here", "worker-2@here"], 2, Replicas("here"), [], id="without compose"),
    ],
)  # fmt: skip
def test_replicas_are_compared_with_the_configuration(
    names: list[str], receivers: int, configured: Replicas, findings: list[str]
):
    """What `--scale` added is reported before the next `up` ends it, with the line for `.env`."""
    answering = [Receiver(str(number), ()) for number in range(receivers)]
    results = list(replicas([Worker(name) for name in names], answering, configured))

    assert [check.finding for check in results] == findings
    assert {check.grade for check in results} <= {Grade.WARNING}
    assert all("in .env" in check.remedy for check in results if "ends" in check.finding)
