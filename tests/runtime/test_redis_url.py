"""REDIS_URL: every client reads the same in it, verifies the same, and refuses the same in a plain word."""

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
from runtime.redis_url import RedisServer, reason
from runtime.settings import LedgerSettings
from tests.servers import PATIENCE_S, eventually
from tests.tls import Terminator, over_tls
from workers.worker_info import present

VERIFIED = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}


@pytest.mark.parametrize(
    ("url", "plain", "tls"),
    [
        pytest.param("redis://", "redis://localhost:6379/0", {}, id="nothing but a scheme"),
        pytest.param("redis://h:1/3", "redis://h:1/3", {}, id="a database"),
        pytest.param("redis://h?db=3", "redis://h:6379/3", {}, id="a database as redis-py has it"),
        pytest.param("redis://u@h", "redis://u@h:6379/0", {}, id="a user"),
        pytest.param("redis://u:p%2F;w@[::1]", "redis://u:p%2F%3Bw@[::1]:6379/0", {}, id="what kombu would cut"),
        pytest.param("rediss://h", "rediss://h:6379/0", VERIFIED, id="verified unless it says otherwise"),
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
def test_all_clients_are_told_the_same(url: str, plain: str, tls: dict[str, object]):
    """A URL that none of them can read otherwise, and the options beside it."""
    server = RedisServer.parse(url)
    assert (server.url, server.tls) == (plain, tls)
    assert server.broker == {"broker_url": plain, "broker_use_ssl": tls or False}
    assert RedisServer.parse(server.url).url == server.url
    assert server.url not in repr(server)


SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        pytest.param(f"sentinel://:{SECRET}@h", "redis://… or rediss://… is expected", id="another scheme"),
        pytest.param(f"redis://:{SECRET}/x@h:1/0", "in a password", id="a slash in the password"),
        pytest.param(f"redis://:12/{SECRET}@h:1/0", "in a password", id="a slash after digits"),
        pytest.param(f"redis://:12?{SECRET}=x@h:1/0", "in a password", id="a question mark"),
        pytest.param(f"redis://:{SECRET}#x@h:1/0", "in a password", id="a number sign"),
        pytest.param(f"redis://:12#{SECRET}@h:1/0", "in a password", id="a number sign after digits"),
        pytest.param(f"redis://:{SECRET}@h:99999/0", "is expected", id="a port that is none"),
        pytest.param(f"redis://:{SECRET}@h/first", "its database is one number", id="a database with a name"),
        pytest.param(f"redis://:{SECRET}@h/1?db=2", "its database is one number", id="two databases"),
        pytest.param(f"redis://:{SECRET}@h?socket_timeout=3", "?socket_timeout= is none of the options", id="an option"),
        pytest.param(f"redis://:{SECRET}@h?ssl_ca_certs=x", "?ssl_ca_certs= needs rediss://", id="TLS without TLS"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_cert_reqs=maybe", "ssl_cert_reqs is one of: required", id="a value"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_check_hostname=x", "ssl_check_hostname is one of: true", id="a yes or no"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_ca_certs=/nowhere.pem", "ssl_ca_certs, ssl_ca_path: of no use", id="no file"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_ca_certs={__file__}", "of no use (NO_CERTIFICATE", id="no certificate"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_keyfile=/nowhere.pem", "ssl_certfile, ssl_keyfile: of no use", id="no key"),
        pytest.param(f"rediss://:{SECRET}@h?ssl_ciphers=none", "ssl_ciphers: of no use", id="no cipher"),
    ],
)  # fmt: skip
def test_what_a_client_could_not_use_is_a_fault_of_the_configuration(
    url: str, word: str, monkeypatch: pytest.MonkeyPatch
):
    """Said by every process before it starts, with the name of what is wrong and nothing secret."""
    monkeypatch.setenv("REDIS_URL", url)
    for settings in (LedgerSettings, HomeSettings):
        with pytest.raises(ValidationError) as raised:
            settings()
        (error,) = raised.value.errors(include_input=False)
        assert error["loc"] == ("redis_url",)
        assert word in error["msg"]
        assert SECRET not in error["msg"]


@pytest.fixture(scope="module")
def terminator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminator]:
    with over_tls(tmp_path_factory.mktemp("tls")) as one:
        yield one


def with_ledger(url: str) -> None:
    ledger = Ledger(url)
    try:
        ledger.redis.ping()
    finally:
        ledger.close()


def with_acceptor(url: str) -> None:
    async def ping() -> None:
        async with LedgerWriter(url, 5) as acceptor:
            await acceptor.redis.ping()

    asyncio.run(ping())


def with_announcements(url: str) -> None:
    pools.reset()  # kombu's, for the whole process, and blind to TLS
    with Celery("test", set_as_current=False, changes=broker(url)) as app:
        announce(app, "dlr", ["batch"])


def with_flower(url: str) -> None:
    """As Flower's page of queues asks: with Celery's settings."""
    settings = broker(url)
    patience = {"socket_connect_timeout": PATIENCE_S, "socket_timeout": PATIENCE_S}
    flower = Broker(settings["broker_url"], broker_options=patience, broker_use_ssl=settings["broker_use_ssl"])
    asyncio.run(flower.queues(["dlr"]))


CLIENTS = [with_ledger, with_acceptor, with_announcements, present, with_flower]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("spelled", ["required", "CERT_REQUIRED"])
def test_a_known_authority_is_trusted_by_every_client(
    terminator: Terminator, client: Callable[[str], object], spelled: str
):
    """However the option is spelled; and the password arrives whole."""
    client(terminator.url(ssl_ca_certs=str(terminator.certificate), ssl_cert_reqs=spelled))


@pytest.mark.parametrize("client", CLIENTS)
def test_who_wants_no_verification_gets_none(terminator: Terminator, client: Callable[[str], object]):
    """In every client."""
    client(terminator.url("127.0.0.1", ssl_cert_reqs="CERT_NONE"))


UNKNOWN, ANOTHER = "its certificate is signed by no authority known here", "its certificate is for another"


@pytest.mark.parametrize(
    ("client", "host", "word"),
    [
        *(pytest.param(one, "127.0.0.1", UNKNOWN, id=f"unknown authority-{one.__name__}") for one in CLIENTS),
        *(
            pytest.param(one, "127.0.0.2", ANOTHER, id=f"another name-{one.__name__}")
            for one in (with_ledger, with_acceptor, with_flower)  # Celery's take seconds to give up
        ),
    ],
)
def test_every_client_refuses_the_same_certificates(
    terminator: Terminator, client: Callable[[str], object], host: str, word: str
):
    """In the same plain word; and none of them has said anything by then, least of all the password."""
    url = terminator.url(host, **({"ssl_ca_certs": str(terminator.certificate)} if word is ANOTHER else {}))
    before = bytes(terminator.heard)

    def refusal() -> str:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - each client has errors of its own
            client(url)
        return reason(raised.value)

    eventually(lambda: refusal().startswith(word))  # on a slow machine its patience may end before the handshake
    assert terminator.heard == before


def test_up_says_why(terminator: Terminator):
    """A broker of others' whose certificate is refused."""
    said = asyncio.run(wait_for_broker(terminator.url(), 0))
    assert said is not None
    assert "signed by no authority known here" in said


def test_the_reason_of_anything_else_is_its_kind():
    """Its text may quote a command."""
    assert reason(ConnectionError("secret")) == "ConnectionError"
