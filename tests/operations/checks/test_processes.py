"""Checks of real workers and beats, and of time limits that must fit into each other."""

import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from ledger.announcements import CLOCK
from ledger.client import Figures, Ledger
from ledger.schedules import MAX_CLOCK_WAITING, Sent
from ledger.stats import LedgerStats, ledger_stats
from operations.checks.check import Check, Grade, Unread
from operations.checks.processes import beat as beat_check
from operations.checks.processes import checks, replicas, time_limits
from operations.checks.receivers import ReceiverAnswer
from operations.checks.subject import Replicas
from operations.worker_info import Worker, living_workers, own_versions
from seven.events import QUEUES
from tests.processes import beat, running, worker
from tests.servers import eventually, free_port
from workers.settings import WorkerSettings

ALL = frozenset((*QUEUES, CLOCK))
SETTINGS = WorkerSettings()
LATE = {"sweep": Sent(600.0, 10.0), "audit": Sent(600.0, 900.0)}


@pytest.fixture
def environment(redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'seven.db'}",
        "SEVEN_METRICS_ADDRESS": "",
        "SEVEN_WORKER_THREADS": "3",
    }


def statistics(
    *beat_ages_s: float, sent: Mapping[str, Sent] | None = None, clock_announcements: int = 0
) -> LedgerStats:
    """Statistics of an empty ledger, with these beats."""
    return LedgerStats(
        figures=Figures(None, None, datetime.now(UTC), {}),
        last_at={},
        beat_ages_s=beat_ages_s,
        sent=sent or {},
        clock_announcements=clock_announcements,
        unacked=0,
        used=None,
        maxmemory=0,
        retained_at=None,
        retention_refused=None,
    )


def examined(workers: list[Worker], ledger: LedgerStats | Unread | None = None) -> dict[str, Check]:
    return {check.name: check for check in checks(workers, ledger or statistics(1.0), SETTINGS)}


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
    results = examined([], statistics())
    assert not_good(results) == {"workers": Grade.WRONG, "beat": Grade.WRONG}
    assert all(check.remedy for check in results.values() if check.grade is Grade.WRONG)


@pytest.mark.parametrize(
    ("ledger", "grade", "finding"),
    [
        pytest.param(statistics(2.0), Grade.GOOD, "ticked 2 s ago, and sends what is due", id="one"),
        pytest.param(statistics(2.0, 100.0), Grade.GOOD, "ticked 2 s ago", id="another was killed"),
        pytest.param(statistics(2.0, 3.0), Grade.WARNING, "2 tick: everything is done twice", id="two"),
        pytest.param(statistics(100.0), Grade.WRONG, "none ticks", id="none"),
        pytest.param(
            statistics(1.0, 2.0, sent=LATE), Grade.WRONG, "ticks, and has not sent sweep for 10 min", id="late"
        ),
        pytest.param(
            statistics(1.0, sent=LATE, clock_announcements=MAX_CLOCK_WAITING), Grade.WRONG,
            "sends nothing, since its tasks wait: sweep for 10 min", id="no worker",
        ),
        pytest.param(Unread("it is away"), Grade.UNKNOWN, "Redis knows (it is away)", id="no Redis"),
    ],
)  # fmt: skip
def test_beat(ledger: LedgerStats | Unread, grade: Grade, finding: str):
    """One ticks and sends what is due; a task that it has not sent is named, and worse than a second beat."""
    check = beat_check(ledger)
    assert check.grade is grade
    assert check.finding.startswith(finding)


def test_two_beats(tmp_path: Path, environment: dict[str, str], ledger: Ledger):
    """Two beats get a warning until one of them ends; a killed one stops counting after a while."""

    def stats() -> LedgerStats:
        return ledger_stats(ledger, QUEUES)

    answer = Worker("w", ALL, *own_versions())
    first, second = beat(tmp_path, environment, "first"), beat(tmp_path, environment, "second")
    with running(first, second):
        both = eventually(lambda: read if len((read := stats()).beat_ages_s) == 2 else None, 60)
        assert not_good(examined([answer], both)) == {"beat": Grade.WARNING}
        second.end()
        assert not_good(examined([answer], stats())) == {}
        first.end(signal.SIGKILL)
    assert len(stats().beat_ages_s) == 1


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
    answering = [ReceiverAnswer(str(number), ()) for number in range(receivers)]
    results = list(replicas([Worker(name) for name in names], answering, configured))

    assert [check.finding for check in results] == findings
    assert {check.grade for check in results} <= {Grade.WARNING}
    assert all("in .env" in check.remedy for check in results if "ends" in check.finding)
