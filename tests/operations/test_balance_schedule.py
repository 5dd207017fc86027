"""Scheduled reads of the balance: one result for all workers, exported only while it says how things are now."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.balance_state import BalanceState, BalanceStates, latest_balance
from gateway.factory import Account
from ledger.client import Ledger
from operations.balance_schedule import BalanceMetrics, BalanceReader, balance_reader
from tests.gateway.stub_gateway import StubGateway, run_stub_gateway
from tests.servers import free_port

KEY = "0123abcdef-of-some-account"
HOUR_S = 3600.0
EUROS, LOW, READ = "seven_balance_euros", "seven_balance_low_euros", "seven_balance_last_read_timestamp_seconds"


@pytest.fixture
def stub() -> Iterator[StubGateway]:
    with run_stub_gateway() as stub:
        yield stub


def reader(ledger: Ledger, stub: StubGateway, every_s: float = HOUR_S, key: str | None = KEY) -> BalanceReader:
    made = balance_reader(ledger, Account(stub.url, key), every_s)
    assert made
    return made


def exported(reader: BalanceReader | None) -> dict[str, float]:
    return {sample.name: sample.value for metric in BalanceMetrics(reader, 10).collect() for sample in metric.samples}


def stored(ledger: Ledger) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ledger.redis.get(_key(ledger)) or b"")
    return document


def _key(ledger: Ledger) -> bytes:
    (key,) = ledger.redis.keys("seven:balance:[0-9a-f]*")
    return bytes(key)


def set_back(ledger: Ledger, hours: float) -> None:
    """Make the last read older."""
    document = stored(ledger)
    ledger.redis.set(_key(ledger), json.dumps(document | {"read_ms": document["read_ms"] - int(hours * HOUR_S * 1000)}))


def test_the_balance_is_stored_and_exported(ledger: Ledger, stub: StubGateway):
    """Amount, currency and time, under a key that does not reveal the account; it expires."""
    stub.prepare({"amount": "54.218", "currency": "EUR"})
    assert exported(reader(ledger, stub)) == {READ: 0, LOW: 10}
    reader(ledger, stub).run()
    figures = exported(reader(ledger, stub))
    assert figures.pop(READ) == pytest.approx(ledger.redis.time()[0], abs=60)
    assert figures == {EUROS: 54.218, LOW: 10}
    document = stored(ledger)
    assert document.pop("read_ms") > 0
    assert document == {"last": {"amount": "54.218", "currency": "EUR"}, "failure": None, "failure_code": None}
    assert 0 < ledger.redis.ttl(_key(ledger)) <= 30 * 86_400
    assert not [key for key in ledger.redis.scan_iter() if KEY.encode() in key + (ledger.redis.dump(key) or b"")]
    assert latest_balance(ledger.redis) == BalanceStates(ledger.redis, Account(stub.url, KEY).identity).load()


@pytest.mark.parametrize(
    ("answer", "euros"),
    [
        pytest.param({"amount": -3.5, "currency": "EUR"}, {EUROS: -3.5}, id="below zero"),
        pytest.param({"amount": 1, "currency": "USD"}, {}, id="no euros"),
    ],
)
def test_only_euros_are_exported(ledger: Ledger, stub: StubGateway, answer: object, euros: dict[str, float]):
    """Another unit would be compared with a limit in euros."""
    stub.prepare(answer)
    reader(ledger, stub).run()
    figures = exported(reader(ledger, stub))
    assert figures.pop(READ) > 0
    assert figures == {LOW: 10} | euros


def test_a_failure_keeps_the_time_of_the_last_good_read(
    ledger: Ledger, stub: StubGateway, caplog: pytest.LogCaptureFixture
):
    """It is stored with its reason and logged once, as is its end; the last balance is exported until it is overdue."""
    stub.prepare(b"54.218")
    reader(ledger, stub).run()
    set_back(ledger, 2)
    good = stored(ledger)
    stub.prepare(b"903")
    for _ in range(2):
        reader(ledger, stub).run()
    failed = stored(ledger)
    assert (failed["last"], failed["read_ms"]) == (good["last"], good["read_ms"])
    assert (failed["failure_code"], failed["failure"][:18]) == ("903", "903: this address ")
    assert exported(reader(ledger, stub))[EUROS] == 54.218
    set_back(ledger, 2)
    assert exported(reader(ledger, stub)) == {READ: pytest.approx(good["read_ms"] / 1000 - 2 * HOUR_S), LOW: 10}
    stub.prepare(b"7.5")
    reader(ledger, stub).run()
    assert exported(reader(ledger, stub))[EUROS] == 7.5
    lines = [record.getMessage() for record in caplog.records if record.name == "seven.balance"]
    assert len(lines) == 2
    assert not [line for line in lines if KEY in line or "54" in line]


def test_workers_that_start_together_read_once(ledger: Ledger, stub: StubGateway):
    """Within half the interval a good read is not repeated; a failed one is."""
    stub.prepare(b"54.218")
    for _ in range(3):
        reader(ledger, stub).run()
    assert len(stub.requests) == 1
    reader(ledger, stub, every_s=1e-6).run()
    assert len(stub.requests) == 2
    stub.prepare(b"900")
    reader(ledger, stub, every_s=1e-6).run()
    reader(ledger, stub).run()
    assert len(stub.requests) == 4


def test_an_account_has_a_balance_of_its_own(ledger: Ledger, stub: StubGateway):
    """With another API key nothing is known until that is read; without one nothing is read or exported."""
    stub.prepare(b"54.218")
    reader(ledger, stub).run()
    other = reader(ledger, stub, key="another-key")
    assert exported(other) == {READ: 0, LOW: 10}
    other.run()
    assert len(stub.requests) == 2
    assert balance_reader(ledger, Account(stub.url, None), HOUR_S) is None
    assert exported(None) == {}


def test_a_silent_redis_exports_nothing(stub: StubGateway):
    """A stale figure would look valid."""
    assert exported(reader(Ledger(f"redis://127.0.0.1:{free_port()}/0"), stub)) == {}


def test_an_unreadable_state_counts_as_none(ledger: Ledger, stub: StubGateway):
    """What another version wrote is read anew."""
    stub.prepare(b"54.218")
    reader(ledger, stub).run()
    for other in (b'{"other": 1}', b"[]", b"{", b'{"last": {"amount": "many"}}'):
        ledger.redis.set(_key(ledger), other)
        assert reader(ledger, stub).load_current() == (BalanceState(), False)
    reader(ledger, stub).run()
    assert exported(reader(ledger, stub))[EUROS] == 54.218
