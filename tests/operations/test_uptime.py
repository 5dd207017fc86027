"""Lived: clocks that all leap are not believed at once, nor doubted for ever, and each boot has its own memory."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ledger import keyspace
from ledger.client import Ledger
from operations import uptime
from operations.uptime import BOOTS, STANDS, ClockLeapt, Leaps, Memory, Moment, remembered
from runtime.trusted_time import AGREEMENT

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FAR = 1200 * DAY

Look = Callable[..., bool]


@pytest.fixture
def trusted(ledger: Ledger) -> Look:
    """Whether clocks so far ahead are trusted, once a machine has lived so long since the test began."""

    def look(after: timedelta, ahead: timedelta = timedelta(), boot: str = "a") -> bool:
        try:
            Leaps(ledger.redis, lambda: (boot, DAY + after)).check(NOW + after + ahead)
        except ClockLeapt:
            return False
        return True

    return look


@pytest.mark.parametrize(
    ("ahead", "is_trusted"),
    [
        pytest.param(FAR, False, id="years ahead"),
        pytest.param(AGREEMENT + SECOND, False, id="a little ahead"),
        pytest.param(AGREEMENT, True, id="as far apart as clocks may be"),
        pytest.param(-FAR, True, id="back, which removes nothing"),
    ],
)
def test_clocks_go_no_further_than_the_machine_has_lived(trusted: Look, ahead: timedelta, is_trusted: bool):
    """However long it has been since the last pass, only what goes beyond that counts."""
    assert trusted(timedelta())
    assert trusted(30 * DAY)
    assert trusted(30 * DAY + MINUTE, ahead) is is_trusted
    assert trusted(30 * DAY + 2 * MINUTE, ahead) is is_trusted


def test_a_leap_that_stands_corrected_a_wrong_clock(trusted: Look):
    """Refused for a day that the machine has lived, at every pass, and then believed for good."""
    assert trusted(timedelta())
    quarters = [15 * MINUTE * nth for nth in range(1, 110)]
    seen = [trusted(after, FAR) for after in quarters]
    assert seen == [after - quarters[0] > STANDS for after in quarters]
    assert not trusted(28 * HOUR, 2 * FAR)


def test_a_leap_that_is_taken_back_is_forgotten(trusted: Look):
    """The day begins anew with the next leap, and with another one on top of the first."""
    assert trusted(timedelta())
    assert not trusted(HOUR, FAR)
    assert trusted(2 * HOUR)
    assert not trusted(3 * HOUR, FAR)
    assert not trusted(26 * HOUR, FAR)
    assert not trusted(28 * HOUR - MINUTE, FAR + DAY)
    assert not trusted(28 * HOUR, FAR + DAY)
    assert not trusted(51 * HOUR, FAR + DAY)
    assert trusted(52 * HOUR, FAR + DAY)


def test_another_boot_or_machine_is_not_compared(trusted: Look):
    """Each has its own memory, and machines that take turns do not hide a leap from each other."""
    assert trusted(timedelta(), boot="a")
    assert trusted(MINUTE, FAR, boot="b")
    assert not trusted(2 * MINUTE, FAR, boot="a")
    assert trusted(3 * MINUTE, FAR, boot="b")
    assert trusted(4 * MINUTE, boot="a")
    assert not trusted(5 * MINUTE, 2 * FAR, boot="b")


def test_memories_are_few(ledger: Ledger, trusted: Look):
    """However often machines start anew; of the present one's boot it is kept, and without an expiry."""
    assert trusted(timedelta(), boot="present")
    for number in range(BOOTS + 10):
        assert trusted(number * HOUR, boot=f"boot {number}")
        assert trusted(number * HOUR, boot="present")
    kept = {one.decode() for one in ledger.redis.hkeys(keyspace.RETENTION_LIVED)}
    assert kept == {"present", *(f"boot {number}" for number in range(11, BOOTS + 10))}
    assert ledger.redis.ttl(keyspace.RETENTION_LIVED) == -1


def test_a_machine_that_has_lived_less_than_it_had_is_not_compared():
    """It counts from another beginning, as a container with a time of its own does."""
    now = Moment(NOW + FAR, HOUR)
    assert remembered(Memory(Moment(NOW, DAY)), now) == Memory(now)


def test_this_machine_tells_how_long_it_has_lived(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """By a count that goes on in the next process; where there is none, nothing is compared and nothing refused."""
    first, second = uptime.boot(), uptime.boot()
    assert first is not None
    assert second is not None
    assert (first[0], first[1] <= second[1]) == (second[0], True)
    monkeypatch.delattr("time.CLOCK_BOOTTIME")
    assert uptime.boot() is None
    Leaps(ledger.redis).check(NOW)
    Leaps(ledger.redis).check(NOW + FAR)
    assert not ledger.redis.exists(keyspace.RETENTION_LIVED)
