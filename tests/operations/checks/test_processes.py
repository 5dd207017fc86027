"""doctor: workers and beats, asked of real ones, and time limits that must fit into each other."""

import signal
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from ledger.announcements import CLOCK
from ledger.client import Ledger
from ledger.stats import Sent, beats
from operations.checks.check import Check, Grade
from operations.checks.processes import checks, time_limits
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
    return {one.name: one for one in checks(workers, beat_ages_s, SETTINGS)}


def not_good(found: dict[str, Check]) -> dict[str, Grade]:
    return {name: one.grade for name, one in found.items() if one.grade is not Grade.GOOD}


def test_a_worker_says_what_it_is(tmp_path: Path, environment: dict[str, str], redis_url: str):
    """Its queues, versions and threads: all that there is against it and its beat is nothing."""
    assert living_workers(redis_url) == []
    with running(worker(tmp_path, environment), beat(tmp_path, environment)):
        (one,) = eventually(lambda: living_workers(redis_url, 3), 60)
        assert (one.name, one.queues, (one.version, one.schema), one.threads) == ("worker@test", ALL, own_versions(), 3)
        assert not_good(examined([one])) == {}


def test_a_worker_of_some_queues(tmp_path: Path, environment: dict[str, str], redis_url: str):
    """What nobody consumes is named."""
    some = worker(tmp_path, environment)
    some.command += ["-Q", "dlr,clock"]
    with running(some):
        found = examined(eventually(lambda: living_workers(redis_url, 3), 60))
    assert not_good(found) == {"workers": Grade.WRONG}
    assert "sms_mo" in found["workers"].finding
    assert "dlr" not in found["workers"].finding


def test_nobody():
    """No worker, no beat: each with its cure."""
    found = examined([], ())
    assert not_good(found) == {"workers": Grade.WRONG, "beat": Grade.WRONG}
    assert all(one.remedy for one in found.values() if one.grade is Grade.WRONG)


def test_a_beat_that_sends_nothing():
    """It ticks: what it has not sent is named."""
    told = {"sweep": Sent(600.0, 10.0), "audit": Sent(600.0, 900.0)}
    (found,) = (
        one for one in checks([Worker("w", ALL, *own_versions())], (1.0,), SETTINGS, told) if one.name == "beat"
    )
    assert (found.grade, found.finding) == (Grade.WRONG, "one ticks, and has not sent sweep for 600 s")


def test_two_beats(tmp_path: Path, environment: dict[str, str], ledger: Ledger):
    """They are seen as two, and as one once one has ended; one that was killed is no beat after a while."""
    first, second = beat(tmp_path, environment, "first"), beat(tmp_path, environment, "second")
    with running(first, second):
        ages = eventually(lambda: found if len(found := beats(ledger)) == 2 else None, 60)
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
def test_another_version(other: Worker):
    """That is warned of: for the length of an upgrade it is as it should be."""
    assert not_good(examined([Worker("v", ALL, *own_versions()), other])) == {"versions": Grade.WARNING}


def test_one_that_does_not_understand_the_question():
    """An older worker may consume everything: that is not known, and is not called wrong."""
    assert not_good(examined([Worker("old")])) == {"workers": Grade.UNKNOWN, "versions": Grade.WARNING}


def test_few_open_files():
    """A worker that may open few is warned of; one without a bound is not."""
    few, endless = Worker("w", ALL, *own_versions(), files=256), Worker("v", ALL, *own_versions(), files=-1)
    assert not_good(examined([few, endless])) == {"open files": Grade.WARNING}
    assert not_good(examined([endless])) == {}


@pytest.mark.parametrize(
    ("visibility_s", "stall_s", "overdue_s", "said"),
    [
        pytest.param(300, 180, 30, None, id="as it comes"),
        pytest.param(60, 180, 30, "visibility timeout", id="taken back too soon"),
        pytest.param(300, 45, 30, "SEVEN_STALL_S", id="ended within a transaction"),
        pytest.param(300, 180, 20, "SEVEN_OVERDUE_S", id="announced within a pause"),
    ],
)
def test_time_limits(visibility_s: float, stall_s: float, overdue_s: float, said: str | None):
    """What is shorter than what it bounds is named."""
    found = time_limits(visibility_s, stall_s, overdue_s)
    assert (found.grade is Grade.WRONG, said is None or said in found.finding) == (said is not None, True), found


def test_redis_that_is_away():
    """Who asks is told, and does not wait for ever."""
    with pytest.raises(OperationalError):
        living_workers(f"redis://127.0.0.1:{free_port()}/0")
