"""Redis errors: class, code and a plain word, whatever a real server answers or does not."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter, NotAccepted
from runtime.redis_errors import redis_reason
from tests.servers import Valkey, free_port, valkey

SECRET = "hunter2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A server with a password, and a user who may do hardly anything."""
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "reader", "on", ">word", "~*", "+ping", "+info", "+client")
            client.config_set("requirepass", SECRET)
        yield server


def failure(url: str, *command: str) -> str:
    """The reason of a command that fails, within a second of silence."""
    ledger = Ledger(url, 1.0)
    try:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - any of its errors
            ledger.redis.execute_command(*command or ("PING",))
    finally:
        ledger.close()
    return redis_reason(raised.value)


@pytest.mark.parametrize(
    ("credentials", "command", "expected"),
    [
        pytest.param("", ("PING",), "AuthenticationError NOAUTH: it requires a password", id="no password"),
        pytest.param("u:hunter3@", ("PING",), "WRONGPASS: it refuses user or password", id="a wrong password"),
        pytest.param("reader:word@", ("SET", SECRET, SECRET), "NoPermissionError NOPERM: needs +set", id="no right"),
        pytest.param(f":{SECRET}@", ("EVAL", SECRET, "0"), "ResponseError ERR: it answered an error", id="an error"),
        pytest.param(f":{SECRET}@", ("LPOP", "text"), "ResponseError WRONGTYPE: it answered an error", id="another"),
    ],
)
def test_what_a_server_answers(server: Valkey, credentials: str, command: tuple[str, ...], expected: str):
    """Its first word is the code; nothing else of its text is shown."""
    ledger = Ledger(server.url.replace("://", f"://:{SECRET}@"))
    ledger.redis.set("text", "x")
    ledger.close()
    text = failure(server.url.replace("://", f"://{credentials}"), *command)
    assert text.endswith(expected)
    assert SECRET not in text


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        pytest.param(("maxmemory", "1"), "OutOfMemoryError OOM: its memory is full", id="full"),
        pytest.param(
            ("min-replicas-to-write", "1"), "ResponseError NOREPLICAS: too few replicas answer", id="replicas"
        ),
    ],
)
def test_a_server_that_refuses_writes(tmp_path: Path, setting: tuple[str, str], expected: str):
    """Each refusal with its own code."""
    with valkey(tmp_path) as server:
        with server.client() as client:
            client.config_set(*setting)
        assert failure(server.url, "SET", "k", "v") == expected


def test_a_replica(tmp_path: Path):
    """A replica says so."""
    with valkey(tmp_path, "--replica-serve-stale-data", "yes") as server:
        with server.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", str(free_port()))
        assert failure(server.url, "SET", "k", "v") == "ReadOnlyServer READONLY: it is a replica"


def test_a_server_that_cannot_be_reached():
    """The error of the socket or of the resolver is the code."""
    refused, unknown = failure(f"redis://127.0.0.1:{free_port()}"), failure("redis://nowhere.invalid")
    assert refused == "ConnectionError ECONNREFUSED: nothing listens there"
    assert unknown.startswith("ConnectionError EAI_")


def test_a_silent_server():
    """Silence is ETIMEDOUT."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        assert failure(url) == "TimeoutError ETIMEDOUT: no answer in time"


def test_a_server_that_speaks_no_tls():
    """OpenSSL's own word is the code."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"-ERR no TLS here\r\n")
                connection.recv(1)

        threading.Thread(target=answer, daemon=True).start()
        text = failure(f"rediss://127.0.0.1:{server.getsockname()[1]}")
    assert text.startswith("ConnectionError ")
    assert text.endswith(": TLS failed")


def test_a_receiver_says_the_same():
    """The writer's own error has the same form, and the class for the metric."""

    async def write() -> Header | NotAccepted:
        async with LedgerWriter(f"redis://127.0.0.1:{free_port()}", 30) as writer:
            return (await writer.accept([NewBatch("b", "dlr", [b"{}"], frozenset())]))[0]

    answer = asyncio.run(write())
    assert isinstance(answer, NotAccepted)
    assert str(answer) == "ConnectionError ECONNREFUSED: nothing listens there"
    assert answer.kind == "ConnectionError"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(ConnectionError("secret"), "ConnectionError", id="nothing known"),
        pytest.param(ConnectionResetError(104, "secret"), "ConnectionResetError ECONNRESET: it closed the connection", id="reset"),
        pytest.param(OSError("Multiple exceptions: [Errno 111] secret, [Errno 111] x"), "OSError ECONNREFUSED: nothing listens there", id="asyncio's"),
        pytest.param(RedisConnectionError("Connection closed by server."), "ConnectionError ECONNRESET: it closed the connection", id="closed"),
        pytest.param(ResponseError("ERR max number of clients reached"), "ResponseError ERR: it has too many clients", id="clients"),
        pytest.param(ResponseError("LOADING secret"), "ResponseError LOADING: it is loading its data", id="loading"),
        pytest.param(TimeoutError(), "TimeoutError ETIMEDOUT: no answer in time", id="a deadline of ours"),
    ],
)  # fmt: skip
def test_other_errors(error: Exception, expected: str):
    """An error without code and word is its class; a message is never quoted."""
    assert redis_reason(error) == expected
