"""Sentinel over TLS, by Debian's Redis, whose one program is server and sentinel by its name: the wheel's has no TLS."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TypeVar

import pytest
from celery import Celery
from flower.utils.broker import Broker
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from ledger.announcements import announce, broker
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from runtime.redis_errors import NoPrimary, redis_reason
from tests.cli.web_server import certificate
from tests.servers import eventually, free_port

PROGRAM = shutil.which("redis-sentinel")
PASSWORD = "password-of-servers"
T = TypeVar("T")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no redis-sentinel on this machine")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A URL without options that leads through a sentinel to a server, and its authority as an option."""
    assert PROGRAM
    directory = tmp_path_factory.mktemp("tls")
    file = certificate(directory, 30)
    sentinel, server = free_port(), free_port()
    tls = f"port 0\ndir {directory}\ntls-cert-file {file}\ntls-key-file {file}\ntls-ca-cert-file {file}\n"
    tls += "tls-auth-clients no\ntls-replication yes\n"
    configurations = {
        "redis-server": f"{tls}tls-port {server}\nrequirepass {PASSWORD}\n",
        "redis-sentinel": f"{tls}tls-port {sentinel}\nsentinel monitor main 127.0.0.1 {server} 1\n"
        f"sentinel auth-pass main {PASSWORD}\n",
    }
    with ExitStack() as stack:
        for name, configuration in configurations.items():
            (directory / name).symlink_to(Path(PROGRAM).resolve())
            (directory / f"{name}.conf").write_text(configuration)
            command = [str(directory / name), str(directory / f"{name}.conf")]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            stack.callback(process.kill)
        url, option = f"rediss+sentinel://:{PASSWORD}@127.0.0.1:{sentinel}/main/0", f"?ssl_ca_certs={file}"
        eventually(lambda: answers(url + option))
        yield url, option


def answers(url: str) -> bool:
    with closing(Ledger(url)) as ledger:
        try:
            return bool(ledger.redis.ping())
        except (RedisError, OSError):
            return False


def patiently(call: Callable[[], T]) -> T:
    """The result of a call, once a sentinel answers as soon as clients want it to: on a busy machine it may not."""
    results: list[T] = []

    def has_result() -> bool:
        with suppress(NoPrimary, OperationalError):
            results.append(call())
        return bool(results)

    eventually(has_result)
    return results[0]


def test_every_client_verifies_sentinel_and_server(addresses: tuple[str, str]):
    """With their authority all get through: ours, Celery's and Flower's."""
    url = "".join(addresses)

    async def ping() -> bool:
        async with LedgerWriter(url, 5) as writer:
            return bool(await writer.redis.ping())

    assert patiently(lambda: asyncio.run(ping()))
    with Celery("test", set_as_current=False, changes=broker(url)) as app:
        patiently(lambda: announce(app, "dlr", ["batch"]))
        options, uri = app.conf.broker_transport_options, app.connection().as_uri(include_password=True)
        flower = Broker(uri, broker_options=options, broker_use_ssl=app.conf.broker_use_ssl)

        async def lengths() -> object:
            queues = await flower.queues(["dlr"])
            await flower.redis.connection_pool.sentinel_manager.aclose()  # Flower leaves it to the garbage collector
            return queues

        assert patiently(lambda: asyncio.run(lengths())) == [{"name": "dlr", "messages": 1}]


def test_an_unknown_authority_is_refused(addresses: tuple[str, str]):
    """The reason is the certificate of the sentinels."""

    def refusal() -> str:
        with closing(Ledger(addresses[0])) as ledger, pytest.raises(NoPrimary) as raised:
            ledger.redis.ping()
        return redis_reason(raised.value)

    eventually(lambda: "its certificate is signed by no authority known here" in refusal())
