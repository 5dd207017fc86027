"""A pass that is interrupted is gone on with where it was, and misses nothing of a list that has changed meanwhile."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger import keyspace
from ledger.client import Ledger
from tests.gateway.journal_stub import JournalStub, ago, outbound
from tests.operations.journal_passes import ACCOUNT, Pass, epoch, states, watched

MESSAGES = 1_000
MISSED = {*range(1, MESSAGES)}
KEY = f"{keyspace.JOURNAL}:{keyspace.fingerprint(ACCOUNT)}:progress"


class Interrupted(Exception):  # noqa: N818 - stands for the end of a worker
    """The worker ends."""


@pytest.fixture
def dialect() -> str:
    """What is kept is in Redis."""
    return "sqlite"


@pytest.fixture
def outage(stub: JournalStub, engine: Engine, receive: Callable[..., None]) -> None:
    """Of many messages, one webhook came."""
    watched(engine)
    receive("DELIVERED", epoch(days=4), str(MESSAGES))
    stub.lists["outbound"] = [outbound(id_, "DELIVERED", ago(days=4)) for id_ in range(MESSAGES, 0, -1)]


def interrupt(make_pass: Pass, stub: JournalStub) -> None:
    """Interrupt a pass after six pages of a list."""

    def check() -> None:
        if len(offsets(stub)) > 6:
            raise Interrupted

    with pytest.raises(Interrupted):
        make_pass(check=check)
    stub.requests.clear()


@pytest.fixture
def interrupted(make_pass: Pass, stub: JournalStub, engine: Engine, outage: None) -> None:
    """A pass was interrupted."""
    interrupt(make_pass, stub)
    assert 500 < len(states(engine)) < 600


def offsets(stub: JournalStub) -> list[int]:
    return [
        int(request["offset"]) for request in stub.requests if request["list"] == "outbound" and "offset" in request
    ]


def ids(engine: Engine) -> set[int]:
    """Those that are missed."""
    return {int(id_) for (_, id_, _), state in states(engine).items() if state == "missed"}


@pytest.mark.usefixtures("interrupted")
def test_it_goes_on_where_it_was(make_pass: Pass, stub: JournalStub, engine: Engine, ledger: Ledger):
    """After the first page, which tells how far all has moved, it reads on from there; the next pass begins anew."""
    make_pass()
    assert offsets(stub)[:2] == [0, 450]
    assert ids(engine) == MISSED
    assert sum(map(int, ledger.redis.hvals(keyspace.JOURNAL_MISSED))) == len(MISSED)
    assert not ledger.redis.exists(KEY)
    stub.requests.clear()
    make_pass()
    assert offsets(stub)[0] == 0


@pytest.mark.usefixtures("interrupted")
def test_rows_that_were_removed_meanwhile_hide_none(make_pass: Pass, stub: JournalStub, engine: Engine):
    """What was at the place has moved up: it goes back to what it knows."""
    del stub.lists["outbound"][:250]
    make_pass()
    assert ids(engine) == MISSED


@pytest.mark.usefixtures("interrupted")
def test_rows_that_were_added_meanwhile_hide_none(make_pass: Pass, stub: JournalStub, engine: Engine):
    stub.lists["outbound"][:0] = [outbound(id_, "DELIVERED", ago(minutes=1)) for id_ in range(9_000, MESSAGES, -1)]
    make_pass()
    assert len(offsets(stub)) < 100
    assert ids(engine) == MISSED


@pytest.mark.usefixtures("interrupted")
@pytest.mark.parametrize(
    "change",
    [
        {"until": (datetime.now(UTC) - timedelta(hours=13)).isoformat()},
        {"until": "2999-01-01T00:00:00+00:00"},
        {"life": "another"},
        {"tallied": "2026-01-01T00:00:00+00:00"},
        {"since": "2999-01-01T00:00:00+00:00"},
        {"since": None},
        {"lists": []},
        {"lists": {"dlr": {"page": 3}}},
        {"shape": "of a later version"},
        None,
    ],
)
def test_it_begins_anew_where_that_is_in_doubt(
    make_pass: Pass, stub: JournalStub, engine: Engine, ledger: Ledger, change: dict[str, Any] | None
):
    """It is old, of another clock, of before a loss of the ledger, or cannot be read."""
    stored = json.loads(ledger.redis.get(KEY) or b"")
    ledger.redis.set(KEY, "no JSON" if change is None else json.dumps(stored | change))
    make_pass()
    assert offsets(stub)[:2] == [0, 90]
    assert ids(engine) == MISSED


@pytest.mark.usefixtures("interrupted")
def test_a_loss_begins_anew(make_pass: Pass, stub: JournalStub):
    make_pass(at_once=True)
    assert offsets(stub)[:2] == [0, 90]


@pytest.mark.usefixtures("outage")
def test_what_is_not_judged_is_read_again(make_pass: Pass, stub: JournalStub, engine: Engine):
    """Whether webhooks come for what is sent in another way is known at the end."""
    stub.lists["outbound"][1] |= {"connection": "smpp"}
    interrupt(make_pass, stub)
    make_pass()
    assert offsets(stub)[:2] == [0, 90]
    assert states(engine)["dlr", str(MESSAGES - 1), "DELIVERED"] == "uncovered"
    assert ids(engine) == MISSED - {MESSAGES - 1}
