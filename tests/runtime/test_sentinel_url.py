"""A REDIS_URL with sentinels: every client gets the same parts, and a wrong one is a configuration error."""

import asyncio
from contextlib import closing

import pytest
from pydantic import ValidationError

from ledger.client import Ledger
from ledger.writer import LedgerWriter, NotAccepted
from runtime.redis_errors import NoPrimary, redis_reason
from runtime.redis_url import SENTINEL_TIMEOUT_S, RedisServer
from runtime.settings.shared import LedgerSettings
from tests.ledger.test_ledger import batch
from tests.servers import Valkey, free_port

LIMITS = {"socket_timeout": SENTINEL_TIMEOUT_S, "socket_connect_timeout": SENTINEL_TIMEOUT_S}
VERIFIED = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
SECRET = "s3cr3t"


def test_all_parts_are_parsed():
    """Hosts with and without ports, credentials of servers and of sentinels, the primary's name and a database."""
    url = "redis+sentinel://u:p%40w@a,b:1,[::1]/main-1/3?sentinel_username=s&sentinel_password=t%2Fx"
    server = RedisServer.parse(url)
    assert server.sentinels
    assert server.sentinels.addresses == (("a", 26379), ("b", 1), ("::1", 26379))
    assert server.sentinels.primary == "main-1"
    assert server.sentinels.options == LIMITS | {"username": "s", "password": "t/x"}
    assert server.login == {"username": "u", "password": "p@w", "db": 3}
    assert server.broker == {
        "broker_url": "sentinel://u:p%40w@a:26379/3;sentinel://u:p%40w@b:1/3;sentinel://u:p%40w@[::1]:26379/3",
        "broker_use_ssl": False,
    }
    assert server.transport_options == {"master_name": "main-1", "sentinel_kwargs": server.sentinels.options}
    assert "p@w" not in repr(server)
    assert "t/x" not in repr(server)


def test_tls_is_for_servers_and_sentinels_alike():
    """rediss+sentinel:// verifies both, with the same authority."""
    server = RedisServer.parse("rediss+sentinel://a/main")
    assert server.sentinels
    assert (server.tls, server.broker["broker_use_ssl"]) == (VERIFIED, VERIFIED)
    assert server.sentinels.options == LIMITS | {"ssl": True, **VERIFIED}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param(f"redis+sentinel://:{SECRET}@h:26379", "the name is missing", id="no name"),
        pytest.param(f"redis+sentinel://:{SECRET}@h:26379//0", "the name is missing", id="an empty name"),
        pytest.param(f"redis+sentinel://:{SECRET}@h/a%20b", "the name has other characters", id="a name with a space"),
        pytest.param(f"redis+sentinel://:{SECRET}@h,/main", "a host is missing", id="a comma too many"),
        pytest.param(f"redis+sentinel://:{SECRET}@/main", "a host is missing", id="no host"),
        pytest.param(f"redis+sentinel://:{SECRET}@a:1,b:{SECRET}/main", "is expected", id="a port with a name"),
        pytest.param(f"redis+sentinel://:{SECRET}@a,b..c/main", "no name or address", id="a host that none resolves"),
        pytest.param(f"redis+sentinel://:{SECRET}@h/main/first", "the database is one number", id="a database"),
        pytest.param(f"redis+sentinel://:{SECRET}/x@h/main", "in a password", id="a slash in the password"),
        pytest.param(f"redis+sentinel://:{SECRET}@h/main?ssl_ca_certs=x", "needs rediss", id="TLS without TLS"),
        pytest.param(f"redis://:{SECRET}@h?sentinel_password=x", "?sentinel_password= is not among", id="no sentinels"),
    ],
)  # fmt: skip
def test_an_unusable_url_is_a_configuration_error(url: str, message: str):
    """Every process reports it at start, without secrets."""
    with pytest.raises(ValidationError) as raised:
        LedgerSettings(redis_url=url)
    (error,) = raised.value.errors(include_input=False)
    assert message in error["msg"]
    assert SECRET not in error["msg"]


def test_sentinels_that_are_away_are_named_as_the_reason():
    """To a synchronous client, and to a receiver: none listens."""
    url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{free_port()}/main/0"
    with closing(Ledger(url, 1)) as ledger, pytest.raises(NoPrimary) as raised:
        ledger.redis.ping()
    expected = "NoPrimary: no sentinel answers (ConnectionError ECONNREFUSED: nothing listens there)"
    assert redis_reason(raised.value) == expected

    async def refused() -> str:
        async with LedgerWriter(url, 0.5) as writer:
            (answer,) = await writer.accept([batch("a")])
        assert isinstance(answer, NotAccepted)
        return str(answer)

    assert asyncio.run(refused()) == expected


def test_a_server_that_is_no_sentinel_is_a_failure(shared_valkey: Valkey):
    """A REDIS_URL whose sentinels are servers: the error says what was answered."""
    with closing(Ledger(f"redis+sentinel://127.0.0.1:{shared_valkey.port}/main", 5)) as ledger:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - any of its errors
            ledger.redis.ping()
        assert "ERR" in redis_reason(raised.value)
