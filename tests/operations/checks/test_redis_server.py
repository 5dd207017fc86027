"""Checks of Redis, on real servers, well and badly configured."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from ledger.server_info import Server, inspect
from operations.checks.check import Check, Grade, Unread, answer_of
from operations.checks.redis_server import checks
from tests.servers import Valkey, eventually, free_port, valkey

LIMIT = 1024**3
DENIED = "user default on nopass ~* &* +@all -@admin"


def examined(url: str, limit: int = LIMIT, replicas: int = 0, *, fails_over: bool = False) -> dict[str, Check]:
    with Redis.from_url(url) as redis:
        server = answer_of(lambda: inspect(redis))
        return {check.name: check for check in checks(server, limit, replicas, fails_over=fails_over)}


def not_good(results: dict[str, Check]) -> dict[str, Grade]:
    return {name: check.grade for name, check in results.items() if check.grade is not Grade.GOOD}


def test_a_good_server(redis_url: str):
    """Every check is good."""
    results = examined(redis_url)
    assert not_good(results) == {}
    assert {"append-only file", "fsync", "eviction", "Redis memory", "replication", "Redis disk"} <= set(results)


@pytest.mark.parametrize(
    ("options", "name", "finding"),
    [
        pytest.param(["--appendonly", "no"], "append-only file", "in memory only", id="no file"),
        pytest.param(["--appendfsync", "everysec"], "fsync", "about a second", id="everysec"),
        pytest.param(["--appendfsync", "no"], "fsync", "power loss", id="never"),
        pytest.param(["--no-appendfsync-on-rewrite", "yes"], "fsync", "no fsync while", id="not on rewrite"),
        pytest.param(["--maxmemory-policy", "allkeys-lru"], "eviction", "forgets", id="evicting"),
    ],
)
def test_a_bad_setting(tmp_path: Path, options: list[str], name: str, finding: str):
    """Its check alone is wrong, and has a remedy."""
    with valkey(tmp_path, *options) as server:
        results = examined(server.url)
    assert not_good(results) == {name: Grade.WRONG}
    assert (finding in results[name].finding, bool(results[name].remedy)) == (True, True), results[name]


@pytest.fixture
def managed(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as server:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", *DENIED.split()[1:])
        yield server


def test_a_server_that_denies_config(managed: Valkey):
    """Durability cannot be proven, which is a warning and no failure; the rest is judged by INFO."""
    results = examined(managed.url)
    assert not_good(results) == {"fsync": Grade.WARNING}
    assert "cannot prove durability" in results["fsync"].finding


def test_a_server_that_denies_info_as_well(tmp_path: Path):
    """No check is good without a reading."""
    with valkey(tmp_path) as server:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", *DENIED.split()[1:], "-info")
        results = examined(server.url)
    assert results["append-only file"].grade is Grade.WARNING
    assert {check.name for check in results.values() if check.grade is Grade.GOOD} <= {"Redis writes", "Redis disk"}


def test_a_replica_and_its_primary(tmp_path: Path):
    """A replica takes no writes; a primary should wait for its replica."""
    for name in ("primary", "replica"):
        (tmp_path / name).mkdir()
    with (
        valkey(tmp_path / "primary") as primary,
        valkey(tmp_path / "replica", "--replicaof", "127.0.0.1", str(primary.port)) as replica,
        primary.client() as client,
    ):
        eventually(lambda: client.info("replication")["connected_slaves"] == 1)
        results = not_good(examined(replica.url))
        assert (results["Redis writes"], results["replication"]) == (Grade.WRONG, Grade.WRONG)
        assert not_good(examined(primary.url)) == {"replication": Grade.WARNING}
        client.config_set("min-replicas-to-write", 1)
        eventually(lambda: not_good(examined(primary.url)) == {})


@pytest.mark.parametrize(
    ("times", "grade"),
    [pytest.param(1.2, Grade.WRONG, id="full"), pytest.param(2, Grade.WARNING, id="half full")],
)
def test_memory(redis_url: str, times: float, grade: Grade):
    """The ledger's limit counts where it is lower than the server's."""
    with Redis.from_url(redis_url) as redis:
        used = redis.info("memory")["used_memory"]
    assert not_good(examined(redis_url, int(used * times))) == {"Redis memory": grade}


def test_a_limit_above_the_machine_s_memory(redis_url: str):
    """A limit above the machine's memory gets a warning."""
    with Redis.from_url(redis_url) as redis:
        redis.config_set("maxmemory", 0)
        try:
            assert not_good(examined(redis_url, 2**50)) == {"Redis memory": Grade.WARNING}
        finally:
            redis.config_set("maxmemory", "256mb")


def test_a_half_full_server_above_the_machine_s_memory():
    """The machine's memory comes first: the kernel ends the server before receivers answer 503."""
    server = Server({"used_memory": LIMIT // 2, "total_system_memory": LIMIT * 3 // 4}, {}, None)
    (check,) = (check for check in checks(server, LIMIT) if check.name == "Redis memory")
    assert (check.grade, "SEVEN_LEDGER_LIMIT" in check.remedy) == (Grade.WARNING, True)


@pytest.mark.parametrize(
    ("info", "grade"),
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
        pytest.param({}, Grade.WARNING, id="unknown"),
    ],
)
def test_versions(info: dict[str, str], grade: Grade):
    """Each server counts by its own version: Valkey reports a Redis version, too."""
    results = {check.name: check for check in checks(Server(info, {}, None), LIMIT)}
    assert results["Redis version"].grade is grade


def test_an_unreachable_server():
    """It is unknown rather than wrong."""
    results = examined(f"redis://127.0.0.1:{free_port()}/0")
    assert [(check.grade, "does not answer" in check.finding) for check in results.values()] == [(Grade.UNKNOWN, True)]
    assert next(iter(checks(Unread("TimeoutError"), LIMIT))).grade is Grade.UNKNOWN


@pytest.mark.parametrize(
    ("replicas", "fails_over", "grade", "text"),
    [
        pytest.param(0, False, Grade.GOOD, "its own disk has the only copy", id="alone"),
        pytest.param(0, True, Grade.WARNING, "SEVEN_REPLICAS_CONFIRM=1", id="Sentinel without confirmation"),
        pytest.param(1, True, Grade.WRONG, "receivers answer 503", id="no replica that could confirm"),
    ],
)
def test_sentinel_without_confirmation_is_a_warning(
    redis_url: str, replicas: int, fails_over: bool, grade: Grade, text: str
):
    """A failover loses what no replica has; and without replicas nothing is confirmed."""
    check = examined(redis_url, replicas=replicas, fails_over=fails_over)["replication"]
    assert check.grade is grade
    assert text in f"{check.finding} {check.remedy}"
