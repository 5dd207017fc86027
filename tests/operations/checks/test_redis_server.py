"""doctor: what it thinks of a Redis, asked of real servers, well and badly set up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from ledger.server_info import Server, inspect
from operations.checks.check import Check, Grade, Silence, answer_of
from operations.checks.redis_server import checks
from tests.servers import Valkey, eventually, free_port, valkey

LIMIT = 1024**3
DENIED = "user default on nopass ~* &* +@all -@admin"


def examined(url: str, limit: int = LIMIT) -> dict[str, Check]:
    with Redis.from_url(url) as redis:
        return {one.name: one for one in checks(answer_of(lambda: inspect(redis)), limit)}


def not_good(found: dict[str, Check]) -> dict[str, Grade]:
    return {name: one.grade for name, one in found.items() if one.grade is not Grade.GOOD}


def test_a_good_one(redis_url: str):
    """Nothing is to be said against it."""
    found = examined(redis_url)
    assert not_good(found) == {}
    assert {"append-only file", "fsync", "eviction", "Redis memory", "replication", "Redis disk"} <= set(found)


@pytest.mark.parametrize(
    ("options", "name", "said"),
    [
        pytest.param(["--appendonly", "no"], "append-only file", "in memory only", id="no file"),
        pytest.param(["--appendfsync", "everysec"], "fsync", "about a second", id="everysec"),
        pytest.param(["--appendfsync", "no"], "fsync", "power loss", id="never"),
        pytest.param(["--no-appendfsync-on-rewrite", "yes"], "fsync", "no fsync while", id="not on rewrite"),
        pytest.param(["--maxmemory-policy", "allkeys-lru"], "eviction", "forgets", id="evicting"),
    ],
)
def test_a_bad_one(tmp_path: Path, options: list[str], name: str, said: str):
    """What is wrong is named, with a cure, and nothing else is."""
    with valkey(tmp_path, *options) as server:
        found = examined(server.url)
    assert not_good(found) == {name: Grade.WRONG}
    assert (said in found[name].finding, bool(found[name].remedy)) == (True, True), found[name]


@pytest.fixture
def managed(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as server:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", *DENIED.split()[1:])
        yield server


def test_one_that_denies_config(managed: Valkey):
    """Durability cannot be proven: it says so, and is no failure; what INFO tells is believed."""
    found = examined(managed.url)
    assert not_good(found) == {"fsync": Grade.WARNING}
    assert "cannot prove durability" in found["fsync"].finding


def test_one_that_denies_info_as_well(tmp_path: Path):
    """Nothing is taken for good that nobody has told."""
    with valkey(tmp_path) as server:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", *DENIED.split()[1:], "-info")
        found = examined(server.url)
    assert found["append-only file"].grade is Grade.WARNING
    assert {one.name for one in found.values() if one.grade is Grade.GOOD} <= {"Redis writes", "Redis disk"}


def test_a_replica_and_its_primary(tmp_path: Path):
    """A replica takes no writes; a primary with one should wait for it."""
    for name in ("primary", "replica"):
        (tmp_path / name).mkdir()
    with (
        valkey(tmp_path / "primary") as primary,
        valkey(tmp_path / "replica", "--replicaof", "127.0.0.1", str(primary.port)) as replica,
        primary.client() as client,
    ):
        eventually(lambda: client.info("replication")["connected_slaves"] == 1)
        found = not_good(examined(replica.url))
        assert (found["Redis writes"], found["replication"]) == (Grade.WRONG, Grade.WRONG)
        assert not_good(examined(primary.url)) == {"replication": Grade.WARNING}
        client.config_set("min-replicas-to-write", 1)
        eventually(lambda: not_good(examined(primary.url)) == {})


@pytest.mark.parametrize(
    ("times", "grade"),
    [pytest.param(1.2, Grade.WRONG, id="beyond the bar"), pytest.param(2, Grade.WARNING, id="half full")],
)
def test_memory(redis_url: str, times: float, grade: Grade):
    """Our own bound counts where it is the lower one."""
    with Redis.from_url(redis_url) as redis:
        used = redis.info("memory")["used_memory"]
    assert not_good(examined(redis_url, int(used * times))) == {"Redis memory": grade}


def test_more_than_the_machine_has(redis_url: str):
    """A bound that the machine cannot hold is none."""
    with Redis.from_url(redis_url) as redis:
        redis.config_set("maxmemory", 0)
        try:
            assert not_good(examined(redis_url, 2**50)) == {"Redis memory": Grade.WARNING}
        finally:
            redis.config_set("maxmemory", "256mb")


@pytest.mark.parametrize(
    ("told", "grade"),
    [
        pytest.param({"redis_version": "6.2.14"}, Grade.WRONG, id="Redis 6"),
        pytest.param({"redis_version": "7.0.0"}, Grade.GOOD, id="Redis 7"),
        pytest.param({"redis_version": "8.2.1"}, Grade.GOOD, id="Redis 8"),
        pytest.param(
            {"server_name": "valkey", "redis_version": "7.2.4", "valkey_version": "7.2.9"}, Grade.WRONG, id="Valkey 7"
        ),
        pytest.param(
            {"server_name": "valkey", "redis_version": "7.2.4", "valkey_version": "8.1.0"}, Grade.GOOD, id="Valkey 8"
        ),
        pytest.param({}, Grade.WARNING, id="untold"),
    ],
)
def test_versions(told: dict[str, str], grade: Grade):
    """Each server by its own numbers: Valkey tells a Redis' version, too."""
    found = {one.name: one for one in checks(Server(told, {}, None), LIMIT)}
    assert found["Redis version"].grade is grade


def test_one_that_is_away():
    """That is not known to be wrong: it could not be asked."""
    found = examined(f"redis://127.0.0.1:{free_port()}/0")
    assert [(one.grade, "does not answer" in one.finding) for one in found.values()] == [(Grade.UNKNOWN, True)]
    assert next(iter(checks(Silence("TimeoutError"), LIMIT))).grade is Grade.UNKNOWN
