"""Hook spans know what hooks were there at a time, by the reads that saw them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from gateway import hook_spans
from gateway.hook_spans import Spans, write_spans
from seven.hooks import Hook
from store.schema import hook_spans as table
from tests.emulator.emulator_process import Emulator
from tests.gateway.hook_runs import NewReconciler, apply

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
ACCOUNT = "an account"
Read = Callable[..., None]


def hook(id_: str = "1", event_type: str = "all", filtered: str | None = None, *, enabled: bool = True) -> Hook:
    return Hook("https://x.example/hooks/t", event_type, event_filter=filtered, enabled=enabled, id=id_)


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Both databases, unlike most tests of this room."""
    return str(request.param)


@pytest.fixture
def read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads these hooks so many hours after the first read."""

    def at(hours: float, *hooks: Hook, account: str = ACCOUNT, succeeds: str = "") -> None:
        monkeypatch.setattr(hook_spans, "clock", lambda _: BEGAN + timedelta(hours=hours))
        write_spans(engine, hooks, account, succeeds)

    return at


def covered(
    engine: Engine, hours: float, event_type: str = "dlr", number: str | None = None, account: str = ACCOUNT
) -> bool:
    with engine.connect() as connection:
        spans = Spans.since(connection, BEGAN, account)
    return spans.cover(event_type, BEGAN + timedelta(hours=hours), number)


def test_it_begins_with_the_first_read(engine: Engine, read: Read):
    """And an hour later, since a new hook may not be used at once; it lasts an hour beyond the last read."""
    read(0, hook())
    read(2, hook())
    assert [covered(engine, hours) for hours in (0.9, 1, 3, 3.1)] == [False, True, True, False]


def test_nobody_looked_for_a_weekend(engine: Engine, read: Read):
    """A hook that was there before and after was there in between."""
    read(0, hook())
    read(60, hook())
    assert covered(engine, 30)


@pytest.mark.parametrize(
    "seen", [(), (hook(enabled=False),), (hook("2", "sms_mo"),)], ids=["gone", "disabled", "another"]
)
def test_a_read_that_misses_it_ends_its_span(engine: Engine, read: Read, seen: tuple[Hook, ...]):
    """What comes back begins anew."""
    read(0, hook())
    read(1, hook())
    read(10, *seen)
    read(20, hook())
    read(30, hook())
    assert [covered(engine, hours) for hours in (2, 15, 20.5, 21, 31)] == [True, False, False, True, True]


def test_a_change_of_the_hook_begins_anew(engine: Engine, read: Read):
    read(0, hook())
    read(10, hook(event_type="sms_mo"))
    read(20, hook(event_type="sms_mo"))
    assert [covered(engine, 15), covered(engine, 15, "sms_mo"), covered(engine, 1, "sms_mo")] == [False, True, True]


def test_a_filter_is_a_number_in_either_spelling(engine: Engine, read: Read):
    read(0, hook(filtered="+49151999"))
    read(5, hook(filtered="+49151999"))
    numbers = ("49151999", "+49151999", "49151998", None)
    assert [covered(engine, 2, "sms_mo", number) for number in numbers] == [True, True, False, False]


def test_a_clock_that_is_set_back_takes_nothing_away(engine: Engine, read: Read):
    read(0, hook())
    read(10, hook())
    read(5, hook())
    assert covered(engine, 9)


def test_accounts_are_apart(engine: Engine, read: Read):
    """The hooks of one say nothing about the webhooks of another, and its reads end no span of the other's."""
    read(0, hook())
    read(1, hook("9"), account="another")
    read(10, hook())
    assert covered(engine, 9)
    assert not covered(engine, 5, account="another")


def test_a_replaced_key_is_the_same_account(engine: Engine, read: Read):
    """What was seen by the former key is its own, earlier hooks included, from the first read of one that is the same."""
    read(0, hook("1"), hook("2"))
    read(24, hook("2"))
    read(48, hook("2"), account="a new key", succeeds=ACCOUNT)
    read(72, hook("2"), account="a new key", succeeds=ACCOUNT)
    assert all(covered(engine, hours, account="a new key") for hours in (2, 26, 47, 70))


def test_another_account_is_not_the_same(engine: Engine, read: Read):
    """It has other hooks: what they should have brought is known from their first read on."""
    read(0, hook("1"))
    read(48, hook("9"), account="another", succeeds=ACCOUNT)
    read(72, hook("9"), account="another", succeeds=ACCOUNT)
    assert [covered(engine, hours, account="another") for hours in (2, 47, 50)] == [False, False, True]
    assert covered(engine, 0.5, account=ACCOUNT) is False
    assert covered(engine, 1, account=ACCOUNT) is True


@pytest.mark.parametrize("reads", [1, 2])
def test_an_empty_list_ends_spans_once_the_next_read_agrees(
    new_reconciler: NewReconciler, emulator: Emulator, engine: Engine, reads: int
):
    """What the reconciliation does not believe takes nothing away: its hooks may have been there all the time."""
    for _ in range(2):  # creates the hook, and sees it
        apply(new_reconciler)
    emulator.client.put(f"{emulator.url}/faults", json={"hooks": "empty"}).raise_for_status()
    for _ in range(reads):
        with new_reconciler() as reconciler:
            reconciler.run(apply=False)
    emulator.client.delete(f"{emulator.url}/faults")
    apply(new_reconciler)
    with engine.connect() as connection:
        number, ended = connection.execute(select(func.count(), func.count(table.c.closed_at))).one()
    assert (number, ended) == ((1, 0) if reads == 1 else (2, 1))
