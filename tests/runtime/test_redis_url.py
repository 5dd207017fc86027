"""Redis URL: every client parses it the same way, and accepts and refuses the same certificates."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from celery import Celery
from flower.utils.broker import Broker
from kombu import pools
from pydantic import ValidationError

from cli.settings import HomeSettings
from cli.up.broker import wait_for_broker
from ledger.announcements import announce, broker
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from operations.worker_info import living_workers
from runtime.redis_errors import redis_reason
from runtime.redis_url import RedisServer
from runtime.settings.shared import LedgerSettings
from tests.servers import PATIENCE_S, eventually
from tests.tls import Terminator, over_tls

VERIFIED = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}


@pytest.mark.parametrize(
    ("url", "plain", "tls"),
    [
        pytest.param("redis://", "redis://localhost:6379/0", {}, id="only a scheme"),
        pytest.param("redis://h:1/3", "redis://h:1/3", {}, id="a database"),
        pytest.param("redis://h?db=3", "redis://h:6379/3", {}, id="a database in redis-py's spelling"),
        pytest.param("redis://u@h", "redis://u@h:6379/0", {}, id="a user"),
        pytest.param("redis://u:p%2F;w@[::1]", "redis://u:p%2F%3Bw@[::1]:6379/0", {}, id="a password that kombu would cut"),
        pytest.param("rediss://h", "rediss://h:6379/0", VERIFIED, id="verified by default"),
        pytest.param("rediss://h?ssl_cert_reqs=required", "rediss://h:6379/0", VERIFIED, id="redis-py's spelling"),
        pytest.param("rediss://h?ssl_cert_reqs=CERT_REQUIRED", "rediss://h:6379/0", VERIFIED, id="Celery's spelling"),
        pytest.param(
            "rediss://h?ssl_cert_reqs=CERT_NONE&ssl_check_hostname=false",
            "rediss://h:6379/0", {"ssl_cert_reqs": "none", "ssl_check_hostname": False}, id="not verified",
        ),
        pytest.param(
            "rediss://h?ssl_cert_reqs=optional", "rediss://h:6379/0", VERIFIED | {"ssl_cert_reqs": "optional"}, id="optional",
        ),
    ],
)  # fmt: skip
def test_all_clients_get_the_same(url: str, plain: str, tls: dict[str, object]):
    """The URL has no options, so no client can parse it differently; the options are separate."""
    server = RedisServer.parse(url)
    assert (server.url, server.tls) == (plain, tls)
    assert server.broker == {"broker_url": plain, "broker_use_ssl": tls or False}
    assert RedisServer.parse(server.url).url == server.url
    assert server.transport_options == {}
    assert server.url not in repr(server)


SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param(f"sentinel://:{SECRET}@h", "redis://… or rediss://… is expected", id="another scheme"),
        pytest.param(f"redis://:{SECRET}/x@h:1/0", "in a password", id="a slash in the password"),
        pytest.param(f"redis://:12/{SECRET}@h:1/0", "in a password", id="a slash after digits"),
        pytest.param(f"redis://:12?{SECRET}=x@h:1/0", "in a password", id="a question mark"),
        pytest.param(f"redis://:{SECRET}#x@h:1/0", "in a password", id="a number sign"),
        pytest.param(f"redis://:12#{SECRET}@h:1/0", "in a password", id="a number sign after digits"),
        pytest.param(f"redis://:a@{SECRET}@h:1/0", "in a password", id="an at sign"),
        pytest.param(f"redis://:{SECRET}@h:99999/0", "is expected", id="an invalid port"),
        pytest.param(f"redis://h:{SECRET}?db=3", "is expected", id="a port with a name"),
        pytest.param(f"redis://:{SECRET}@h:0/0", "port 0", id="port 0"),
        pytest.param(f"redis://:{SECRET}@:6379/0", "the host is missing", id="no host"),
        pytest.param(f"redis://:{SECRET}@a..b/0", "no name or address", id="a host that no resolver takes"),
        pytest.param(f"redis://:{SECRET}@a,b/0", "no name or address", id="two hosts"),
        pytest.param(f"redis://:{SECRET}\n@h/0", "control character", id="a line break"),
        pytest.param(f"redis://:{SECRET}@h/99999999999", "the database is one number", id="a database beyond all"),
        pytest.param(f"redis://:{SECRET}@h?db=1&db=2", "?db= is there twice", id="an option twice"),
        pytest.param(f"redis://:{SECRET}@h/first", "the database is one number", id="a database with a name"),
        pytest.param(f"redis://:{SECRET}@h/1?db=2", "the database is one number", id="two databases"),
        pytest.param(f"redis://:{SECRET}@h?socket_timeout=3", "?socket_timeout= is not among the options", id="an option"),
        pytest.param(f"redis://:{SECRET}@h?ssl_ca_certs=x", "?ssl_ca_certs= needs rediss://", id="TLS without TLS"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_cert_reqs=maybe", "ssl_cert_reqs is one of: required", id="a value"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_check_hostname=x", "ssl_check_hostname is one of: true", id="a yes or no"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_ca_certs=/nowhere.pem", "ssl_ca_certs, ssl_ca_path: unusable", id="no file"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_ca_certs={__file__}", "unusable (NO_CERTIFICATE", id="no certificate"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_keyfile=/nowhere.pem", "ssl_certfile, ssl_keyfile: unusable", id="no key"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_ciphers=none", "ssl_ciphers: unusable", id="no cipher"),
    ],
)  # fmt: skip
def test_an_unusable_url_is_a_configuration_error(url: str, message: str):
    """Every process reports it at start, with the name of the wrong option and without secrets."""
    for settings in (LedgerSettings, HomeSettings):
        with pytest.raises(ValidationError) as raised:
            settings(redis_url=url)
        (error,) = raised.value.errors(include_input=False)
        assert error["loc"] == ("redis_url",)
        assert message in error["msg"]
        assert SECRET not in error["msg"]


@pytest.fixture(scope="module")
def terminator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminator]:
    with over_tls(tmp_path_factory.mktemp("tls")) as server:
        yield server


def with_ledger(url: str) -> None:
    ledger = Ledger(url)
    try:
        ledger.redis.ping()
    finally:
        ledger.close()


def with_writer(url: str) -> None:
    async def ping() -> None:
        async with LedgerWriter(url, 5) as writer:
            await writer.redis.ping()

    asyncio.run(ping())


def with_announcements(url: str) -> None:
    pools.reset()  # kombu's pools are global, and ignore TLS options
    with Celery("test", set_as_current=False, changes=broker(url)) as app:
        announce(app, "dlr", ["batch"])


def with_flower(url: str) -> None:
    """Query the queues like Flower's page, with Celery's settings."""
    settings = broker(url)
    patience = {"socket_connect_timeout": PATIENCE_S, "socket_timeout": PATIENCE_S}
    flower = Broker(settings["broker_url"], broker_options=patience, broker_use_ssl=settings["broker_use_ssl"])
    asyncio.run(flower.queues(["dlr"]))


CLIENTS = [with_ledger, with_writer, with_announcements, living_workers, with_flower]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("spelling", ["required", "CERT_REQUIRED"])
def test_a_known_authority_is_trusted_by_every_client(
    terminator: Terminator, client: Callable[[str], object], spelling: str
):
    """Either spelling of the option works, and the password arrives unchanged."""
    client(terminator.url(ssl_ca_certs=str(terminator.certificate), ssl_cert_reqs=spelling))


@pytest.mark.parametrize("client", CLIENTS)
def test_verification_can_be_turned_off(terminator: Terminator, client: Callable[[str], object]):
    """`CERT_NONE` turns it off in every client."""
    client(terminator.url("127.0.0.1", ssl_cert_reqs="CERT_NONE"))


UNKNOWN, OTHER_NAME = "its certificate is signed by no authority known here", "its certificate is for another"


@pytest.mark.parametrize(
    ("client", "host", "message"),
    [
        *(pytest.param(client, "127.0.0.1", UNKNOWN, id=f"unknown authority-{client.__name__}") for client in CLIENTS),
        *(
            pytest.param(client, "127.0.0.2", OTHER_NAME, id=f"another name-{client.__name__}")
            for client in (with_ledger, with_writer, with_flower)  # Celery's clients take seconds to give up
        ),
    ],
)
def test_every_client_refuses_the_same_certificates(
    terminator: Terminator, client: Callable[[str], object], host: str, message: str
):
    """Each client gives the same reason, and has not sent a byte by then, least of all the password."""
    url = terminator.url(host, **({"ssl_ca_certs": str(terminator.certificate)} if message is OTHER_NAME else {}))
    before = bytes(terminator.received)

    def failure() -> str:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - each client has errors of its own
            client(url)
        return redis_reason(raised.value)

    eventually(
        lambda: f"CERTIFICATE_VERIFY_FAILED: {message}" in failure()
    )  # on a slow machine its patience may end before the handshake
    assert terminator.received == before


def test_up_names_the_reason(terminator: Terminator):
    """`up` names the reason for refusing the certificate of an external broker."""
    failure = asyncio.run(wait_for_broker(terminator.url(), 0))
    assert failure is not None
    assert "signed by no authority known here" in failure
