"""Uptime check: a leap of all clocks is not believed at once, nor doubted for ever; each boot has its own memory."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ledger import keyspace
from ledger.client import Ledger
from operations import uptime
from operations.uptime import BELIEVED_AFTER, MOST_BOOTS, ClockJumped, ClockJumps, ClockReading, Memory, updated
from runtime.trusted_time import AGREEMENT

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FAR = 1200 * DAY

IsTrusted = Callable[..., bool]


@pytest.fixture
def trusted(ledger: Ledger) -> IsTrusted:
    """Checks whether clocks that are `ahead` are trusted at an uptime of `after` since the test began."""

    def check(after: timedelta, ahead: timedelta = timedelta(), boot: str = "a") -> bool:
        try:
            ClockJumps(ledger.redis, lambda: (boot, DAY + after)).check(NOW + after + ahead)
        except ClockJumped:
            return False
        return True

    return check


@pytest.mark.parametrize(
    ("ahead", "is_trusted"),
    [
        pytest.param(FAR, False, id="years ahead"),
        pytest.param(AGREEMENT + SECOND, False, id="a little ahead"),
        pytest.param(AGREEMENT, True, id="within the tolerance"),
        pytest.param(-FAR, True, id="behind, which removes nothing"),
    ],
)
def test_clocks_may_not_advance_further_than_the_uptime(trusted: IsTrusted, ahead: timedelta, is_trusted: bool):
    """However long ago the last pass was, only the advance beyond the uptime counts."""
    assert trusted(timedelta())
    assert trusted(30 * DAY)
    assert trusted(30 * DAY + MINUTE, ahead) is is_trusted
    assert trusted(30 * DAY + 2 * MINUTE, ahead) is is_trusted


def test_a_leap_that_lasts_is_believed(trusted: IsTrusted):
    """It is refused at every pass during a day of uptime, and then believed for good: it corrected a wrong clock."""
    assert trusted(timedelta())
    quarters = [15 * MINUTE * nth for nth in range(1, 110)]
    seen = [trusted(after, FAR) for after in quarters]
    assert seen == [after - quarters[0] > BELIEVED_AFTER for after in quarters]
    assert not trusted(28 * HOUR, 2 * FAR)


def test_a_reverted_leap_is_forgotten(trusted: IsTrusted):
    """The day starts again with the next leap, and with a further leap on top of the first."""
    assert trusted(timedelta())
    assert not trusted(HOUR, FAR)
    assert trusted(2 * HOUR)
    assert not trusted(3 * HOUR, FAR)
    assert not trusted(26 * HOUR, FAR)
    assert not trusted(28 * HOUR - MINUTE, FAR + DAY)
    assert not trusted(28 * HOUR, FAR + DAY)
    assert not trusted(51 * HOUR, FAR + DAY)
    assert trusted(52 * HOUR, FAR + DAY)


def test_another_boot_or_machine_is_not_compared(trusted: IsTrusted):
    """Each boot has its own memory, and machines that take turns do not hide each other's leaps."""
    assert trusted(timedelta(), boot="a")
    assert trusted(MINUTE, FAR, boot="b")
    assert not trusted(2 * MINUTE, FAR, boot="a")
    assert trusted(3 * MINUTE, FAR, boot="b")
    assert trusted(4 * MINUTE, boot="a")
    assert not trusted(5 * MINUTE, 2 * FAR, boot="b")


def test_the_number_of_memories_is_bounded(ledger: Ledger, trusted: IsTrusted):
    """However often machines restart, the latest boots are kept, with the present one, without an expiry."""
    assert trusted(timedelta(), boot="present")
    for number in range(MOST_BOOTS + 10):
        assert trusted(number * HOUR, boot=f"boot {number}")
        assert trusted(number * HOUR, boot="present")
    kept = {boot_id.decode() for boot_id in ledger.redis.hkeys(keyspace.RETENTION_LIVED)}
    assert kept == {"present", *(f"boot {number}" for number in range(11, MOST_BOOTS + 10))}
    assert ledger.redis.ttl(keyspace.RETENTION_LIVED) == -1


def test_a_shorter_uptime_than_before_is_not_compared():
    """The uptime counts from another start, as in a container with a time namespace of its own."""
    now = ClockReading(NOW + FAR, HOUR)
    assert updated(Memory(ClockReading(NOW, DAY)), now) == Memory(now)


def test_the_uptime_of_this_machine_is_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """The uptime spans processes; where the system provides none, nothing is compared and nothing refused."""
    first, second = uptime.boot(), uptime.boot()
    assert first is not None
    assert second is not None
    assert (first[0], first[1] <= second[1]) == (second[0], True)
    monkeypatch.delattr("time.CLOCK_BOOTTIME")
    assert uptime.boot() is None
    ClockJumps(ledger.redis).check(NOW)
    ClockJumps(ledger.redis).check(NOW + FAR)
    assert not ledger.redis.exists(keyspace.RETENTION_LIVED)
