"""What each Redis user of deploy/redis/users.acl must not do, refused by a real server; and the file itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ledger.redis_users import users_file
from seven.events import QUEUES
from tests.acceptance.redis_users import FILE, USERS, allow
from tests.servers import Valkey, valkey

ONCE = Retry(NoBackoff(), 0)
LEDGER = ("seven:batches", "seven:pending:dlr", "seven:announced:dlr", "seven:ordinals", "seven:ledger")
ORDER = ("PUBLISH", "/0.celery.pidbox", "shutdown")
REMOVALS = [
    *(("DEL", key) for key in LEDGER),
    *(("UNLINK", key) for key in LEDGER),
    *(("EXPIRE", key, "1") for key in LEDGER),
    *(("SET", key, "x") for key in LEDGER),
    *(("RENAME", key, "seven:audit") for key in LEDGER),
    *(("RESTORE", key, "0", "x", "REPLACE") for key in LEDGER),
    ("GETDEL", "seven:batches"),
    ("COPY", "seven:audit", "seven:batches", "REPLACE"),
    ("ZREMRANGEBYRANK", "seven:pending:dlr", "0", "-1"),
]
"""Ways to lose the ledger that nobody needs: workers take single batches out of it."""
SETTLES = [("HDEL", "seven:batches", "1"), ("ZREM", "seven:pending:dlr", "1")]
SERVER = [
    *(("FLUSHALL",), ("FLUSHDB",), ("SHUTDOWN", "NOSAVE"), ("REPLICAOF", "NO", "ONE")),
    *(("CONFIG", "SET", "appendonly", "no"), ("ACL", "SETUSER", "x", "on"), ("CLIENT", "PAUSE", "1")),
    *(("CLIENT", "KILL", "TYPE", "normal"), ("KEYS", "*"), ("SWAPDB", "0", "1"), ("MONITOR",), ("BGREWRITEAOF",)),
    *(("SCRIPT", "FLUSH"), ("SCRIPT", "KILL"), ("FUNCTION", "FLUSH"), ("SAVE",)),
    *(("SET", "somebody-else", "x"), ("GET", "somebody-else"), ("PUBLISH", "somebody-else", "x")),
]
READS_LEDGER = [
    ("HGETALL", "seven:batches"),
    ("HGET", "seven:batches", "1"),
    ("ZRANGE", "seven:pending:dlr", "0", "-1"),
]
WRITES_LEDGER = [("HSET", "seven:batches", "1", "x"), ("HINCRBY", "seven:ordinals", "dlr", "1")]
CONSUMES = [("BRPOP", "dlr", "1"), ("RPOP", "dlr"), ("HGET", "unacked", "1"), ("HDEL", "unacked", "1")]
ANNOUNCES = [("LPUSH", "dlr", "x"), ("LPUSH", "clock", "x")]

MUST_NOT = {
    "receiver": [*SETTLES, *CONSUMES, ("LPUSH", "clock", "x"), ("HGETALL", "seven:batches"), ORDER,
                 ("PSUBSCRIBE", "/0.celeryev/*")],
    "worker": [ORDER],
    "dispatcher": [*SETTLES, *WRITES_LEDGER],
    "beat": [*READS_LEDGER, *WRITES_LEDGER, *SETTLES, *CONSUMES, ("LPUSH", "dlr", "x"), ORDER],
    "console": [*WRITES_LEDGER, *SETTLES, *CONSUMES, *ANNOUNCES],
    "flower": [*READS_LEDGER, *WRITES_LEDGER, *SETTLES, ("GET", "seven:audit")],
    "cli": [*CONSUMES],
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.mark.parametrize("user", USERS)
def test_what_a_user_must_not_do_is_refused(server: Valkey, user: str):
    """Lose the ledger, change the server, touch what is somebody else's: directly and by a script."""
    with redis.Redis.from_url(allow(server, user)) as client:
        for command in (*REMOVALS, *SERVER, *MUST_NOT[user]):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)
        for command in (*REMOVALS[:3], *MUST_NOT[user]):
            if command[0] in ("PSUBSCRIBE", "BRPOP"):
                continue  # no script may
            with pytest.raises(redis.exceptions.ResponseError, match=r"(?i)ACL|permission|can't"):
                client.eval("return redis.call(unpack(ARGV))", 0, *command)


def test_every_user_is_tried():
    """A new user has a list of what it must not do."""
    assert set(MUST_NOT) == set(USERS)


def test_the_file_is_renewed():
    """deploy/redis/users.acl is what `make acl` writes, with every queue of this version."""
    assert FILE.read_text() == users_file()
    for user in ("receiver", "worker", "dispatcher", "console", "flower", "cli"):
        assert all(f"~{queue}*" in USERS[user] for queue in QUEUES)


def test_nobody_logs_in_before_a_password_is_set(tmp_path: Path):
    """A server takes the file as it is, beside an administrator: no user in it has a password, and `default` is off."""
    file = tmp_path / "users.acl"
    file.write_text(FILE.read_text() + "user admin on >of-the-admin ~* &* +@all\n")
    server = Valkey(tmp_path, "--aclfile", str(file))
    server.url = server.url.replace("//", "//admin:of-the-admin@")
    server.start()
    try:
        with server.client() as client:
            assert client.acl_users() == sorted(["admin", "default", *USERS])
        for user in ("default", *USERS):
            for password in ("", "of-the-admin"):
                stranger = redis.Redis("127.0.0.1", server.port, username=user, password=password, retry=ONCE)
                with stranger, pytest.raises((redis.AuthenticationError, redis.exceptions.NoPermissionError)):
                    stranger.ping()
    finally:
        server.kill()
