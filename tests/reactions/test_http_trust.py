"""Whom an HTTP target trusts: certificates, addresses that a name leads to, and no proxy."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reactions import http_target
from reactions.http_connection import HttpConnection, NoAnswerError
from reactions.name_lookup import NameLookup
from reactions.reaction import UrlTarget
from reactions.target import Answer
from reactions.target_url import TargetUrl
from tests.cli.web_server import certificate
from tests.reactions.certificates import Authority
from tests.reactions.http_targets import BODY, OK, target_of
from tests.reactions.raw_server import answers, raw_server
from tests.servers import PATIENCE_S, eventually

Lookup = Callable[..., None]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """An authority that SSL_CERT_FILE names."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    http_target._trusted.cache_clear()
    yield made
    http_target._trusted.cache_clear()


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What names lead to, one list of addresses for each lookup; the last one for all that follow."""
    numeric, lists = socket.getaddrinfo, list[list[str]]()

    def getaddrinfo(host: str, port: int, *, flags: int, **options: Any) -> list[Any]:
        if flags or not lists:
            return numeric(host, port, flags=flags, **options)
        addresses = lists.pop(0) if len(lists) > 1 else lists[0]
        return [info for each in addresses for info in numeric(each, port, flags=flags, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return lists


def test_a_certificate_of_a_known_authority_is_trusted(authority: Authority, tmp_path: Path, lookups: list[list[str]]):
    """By SSL_CERT_FILE, for an address and for a name; the connection is reused, also over TLS."""
    lookups.append(["127.0.0.1"])
    for name, host in (("IP:127.0.0.1", "127.0.0.1"), ("DNS:shop.test", "shop.test")):
        with raw_server(answers(OK), authority.sign(name)) as server:
            url = server.url("https").replace("127.0.0.1", host)
            with target_of(url, tmp_path) as target:
                assert [target.send("chg_1", BODY).answer for _ in range(3)] == [Answer.ACCEPTED] * 3
        assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize(
    ("name", "host", "reason"),
    [
        ("DNS:other.test", "shop.test", "its certificate is for another host name"),
        ("DNS:*.other.test", "shop.test", "its certificate is for another host name"),
        ("IP:127.0.0.2", "127.0.0.1", "its certificate is for another address"),
        ("DNS:shop.test", "127.0.0.1", "its certificate is for another address"),
    ],
)
def test_a_certificate_for_another_host_gets_no_request(
    name: str, host: str, reason: str, authority: Authority, tmp_path: Path, lookups: list[list[str]]
):
    """Signed by whom we trust, and not for the host of the URL."""
    lookups.append(["127.0.0.1"])
    with raw_server(answers(OK), authority.sign(name)) as server:
        url = server.url("https").replace("127.0.0.1", host)
        with target_of(url, tmp_path) as target:
            attempt = target.send("chg_1", BODY)
    assert (attempt.answer, attempt.reason) == (Answer.FAILED, reason)
    assert server.requests == []


def test_an_expired_certificate_gets_no_request(authority: Authority, tmp_path: Path):
    """From the second on in which it expires."""
    with (
        raw_server(answers(OK, close=True), authority.sign("IP:127.0.0.1", days=0)) as server,
        target_of(server.url("https"), tmp_path) as target,
    ):
        eventually(lambda: target.send("chg_1", BODY).reason == "its certificate has expired")


def test_a_certificate_of_nobody_gets_no_request(tmp_path: Path):
    """Signed by itself; and a server that speaks no TLS gets none either."""
    with (
        raw_server(answers(OK), certificate(tmp_path, 30)) as server,
        target_of(server.url("https"), tmp_path) as target,
    ):
        assert target.send("chg_1", BODY).reason == "its certificate is signed by no authority known here"
    assert server.requests == []
    with raw_server(answers(OK)) as server, target_of(server.url("https"), tmp_path, 2.0) as target:
        assert target.send("chg_1", BODY).answer is Answer.FAILED
    assert not any(b"POST" in request for request in server.requests)


def test_an_aborted_connection_sends_nothing_in_plain_text(authority: Authority, tmp_path: Path):
    """Python's own shutdown of TLS would leave a bare socket, to which another thread may be sending."""
    with raw_server(answers(OK), authority.sign("IP:127.0.0.1")) as server:
        target, deadline = UrlTarget(server.url("https"), tmp_path / "secret"), time.monotonic() + PATIENCE_S
        url, lookup = TargetUrl.parse(target.url), NameLookup("127.0.0.1", server.port)
        connection = HttpConnection.open(url, lookup, deadline, http_target._trusted(), target)
        with closing(connection):
            connection.abort()
            assert isinstance(connection._socket, ssl.SSLSocket)
            assert connection._socket.version()
            with pytest.raises(NoAnswerError):
                connection.exchange(b"POST / HTTP/1.1\r\n\r\n", deadline)
    assert server.requests == []


def test_old_protocols_are_not_spoken():
    """Nor is anything left unverified, whatever the defaults of a Python are."""
    context = http_target._trusted()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_what_was_judged_is_connected_to(tmp_path: Path, lookups: list[list[str]]):
    """A name that leads elsewhere at the second look (DNS rebinding) is looked at once; the next connection again."""
    lookups += [["127.0.0.1"], ["169.254.169.254"]]
    with raw_server(answers(OK, close=True)) as server:
        url = server.url().replace("127.0.0.1", "shop.test")
        with target_of(url, tmp_path) as target:
            assert target.send("chg_1", BODY).answer is Answer.ACCEPTED
            assert "link-local" in target.send("chg_1", BODY).reason
    assert len(server.requests) == 1


def test_of_several_addresses_the_first_good_one_is_used(tmp_path: Path, lookups: list[list[str]]):
    """Forbidden ones are passed over, and so are those where nothing listens."""
    lookups.append(["169.254.169.254", "224.0.0.1", "127.0.0.9", "127.0.0.1"])
    with raw_server(answers(OK)) as server, target_of(f"http://shop.test:{server.port}/", tmp_path) as target:
        assert target.send("chg_1", BODY).answer is Answer.ACCEPTED
    assert b"\r\nhost: shop.test:" in server.requests[0]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("169.254.169.254", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("fd00:ec2::254", "metadata"),
        ("fe80::1", "link-local"),
        ("224.0.0.1", "a group"),
        ("0.0.0.0", "no host"),
        ("8.8.8.8", "allow_http"),
    ],
)
def test_forbidden_addresses_are_not_connected_to(
    address: str, words: str, tmp_path: Path, lookups: list[list[str]], monkeypatch: pytest.MonkeyPatch
):
    """Neither where the URL has them, nor where its name leads to them; and the reason names none."""
    lookups.append([address])
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it connects"))
    for host in (f"[{address}]" if ":" in address else address, "shop.test"):
        with target_of(f"http://{host}/", tmp_path) as target:
            attempt = target.send("chg_1", BODY)
        assert attempt.answer is Answer.FAILED
        assert words in attempt.reason
        assert address not in attempt.reason


def test_link_local_is_connected_to_where_it_is_allowed(
    tmp_path: Path, lookups: list[list[str]], monkeypatch: pytest.MonkeyPatch
):
    """By name: `allow_link_local`."""
    tried: list[Any] = []

    def connect(_: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError(111, "")

    lookups.append(["169.254.169.254"])
    monkeypatch.setattr(socket.socket, "connect", connect)
    with target_of("http://shop.test/", tmp_path, allow_link_local=True) as target:
        assert target.send("chg_1", BODY).reason == "nothing listens there"
    assert tried == [("169.254.169.254", 80)]


def test_no_proxy_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever the environment says: a proxy would resolve the name again, and see what is sent."""
    with raw_server(answers(OK)) as proxy, raw_server(answers(OK)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        monkeypatch.delenv("no_proxy", raising=False)
        with target_of(server.url(), tmp_path) as target:
            assert target.send("chg_1", BODY).answer is Answer.ACCEPTED
    assert (proxy.connections, server.connections) == (0, 1)


def test_a_name_without_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """And a name server that is away, are failed attempts with a reason."""
    for number, reason in (
        (socket.EAI_NONAME, "its name has no address"),
        (socket.EAI_AGAIN, "no name server answered"),
    ):
        failure = socket.gaierror(number, "shop.test is unknown")

        def getaddrinfo(*_: Any, failure: OSError = failure, **__: Any) -> None:
            raise failure

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        with target_of("http://shop.test/", tmp_path) as target:
            assert target.send("chg_1", BODY).reason == reason
