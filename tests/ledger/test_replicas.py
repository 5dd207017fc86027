"""Replicas that have to confirm a batch: none does, so it is not accepted, however often it is sent again."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.health import probe
from ledger.replicas import TooFewReplicas
from ledger.writer import LedgerWriter, NotAccepted
from tests.acceptance.redis_outages import hanging
from tests.ledger.test_ledger import batch
from tests.servers import PATIENCE_S, Valkey, eventually, valkey


def accept(url: str, new: NewBatch, deadline_s: float) -> Header | NotAccepted:
    """Write a batch on a connection of its own."""

    async def run() -> Header | NotAccepted:
        async with LedgerWriter(url, deadline_s, replicas=1) as writer:
            (answer,) = await writer.accept([new])
            return answer

    return asyncio.run(run())


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Valkey, Valkey]]:
    """A primary and its replica."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        valkey(tmp_path / "a", "--repl-diskless-sync-delay", "0") as primary,
        valkey(tmp_path / "b", "--replicaof", f"127.0.0.1 {primary.port}") as replica,
    ):
        with replica.client() as client:
            eventually(lambda: client.info("replication")["master_link_status"] == "up")
        with primary.client() as client:
            eventually(lambda: client.info("replication")["slave0"]["state"] == "online")
        yield primary, replica


def test_a_batch_is_accepted_once_a_replica_has_it(servers: tuple[Valkey, Valkey]):
    """The replica has it by then."""
    primary, replica = servers
    answer = accept(primary.url, batch("a"), PATIENCE_S)
    assert isinstance(answer, Header)
    with replica.client() as client:
        assert client.hexists("seven:batches", "a")


def test_a_repeat_is_confirmed_no_sooner_than_the_batch(servers: tuple[Valkey, Valkey]):
    """On a new connection WAIT would confirm at once what that connection has not written; the number stays the same."""
    primary, replica = servers
    with hanging(replica):
        for _ in range(2):
            answer = accept(primary.url, batch("a"), 1)
            assert isinstance(answer, NotAccepted)
            assert str(answer) == "TooFewReplicas NOREPLICAS: too few replicas answer"
    answer = accept(primary.url, batch("a"), PATIENCE_S)
    assert isinstance(answer, Header)
    assert answer.first == 1
    following = accept(primary.url, batch("b"), PATIENCE_S)
    assert isinstance(following, Header)
    assert following.first == 2


def test_a_batch_of_the_journal_waits_as_well(servers: tuple[Valkey, Valkey]):
    """The workers' side confirms nothing that would not outlive the primary either."""
    primary, replica = servers
    with closing(Ledger(primary.url, 1, replicas=1)) as ledger, hanging(replica):
        for _ in range(2):
            with pytest.raises(TooFewReplicas):
                ledger.accept(batch("a"))
    with closing(Ledger(primary.url, PATIENCE_S, replicas=1)) as ledger:
        assert ledger.accept(batch("a")).first == 1


def test_a_missing_right_is_named(servers: tuple[Valkey, Valkey]):
    """A managed server that denies WAIT confirms nothing, and the reason is the right."""
    primary, _ = servers
    with primary.client() as client:
        client.execute_command("ACL", "SETUSER", "receiver", "on", ">word", "~*", "+@all", "-wait")
    url = primary.url.replace("://", "://receiver:word@")
    answer = accept(url, batch("a"), PATIENCE_S)
    assert isinstance(answer, NotAccepted)
    assert "needs +wait" in str(answer)
    with closing(Ledger(url, PATIENCE_S, replicas=1)) as ledger, pytest.raises(ResponseError):
        ledger.accept(batch("b"))


@pytest.mark.parametrize(("replicas", "is_ready"), [(1, True), (2, False)])
def test_a_receiver_is_ready_with_enough_replicas(servers: tuple[Valkey, Valkey], replicas: int, is_ready: bool):
    """Fewer are a reason not to be, with both numbers."""
    primary, _ = servers

    async def reasons() -> tuple[str, ...]:
        async with LedgerWriter(primary.url, PATIENCE_S) as writer:
            return (await probe(writer.redis, 1024**3, replicas)).reasons

    expected = () if is_ready else (f"1 replicas are connected, and {replicas} have to confirm",)
    assert asyncio.run(reasons()) == expected
