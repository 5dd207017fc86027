"""Addresses and URLs of targets: which of them are refused."""

import socket
import threading
import time

import pytest

from reactions.address_guard import is_public, refusal
from reactions.name_lookup import NameLookup
from reactions.target_url import TargetUrl, url_faults
from seven.hooks import Addresses
from tests.servers import PATIENCE_S

TOKEN = "token-0123456789-0123456789"
OWN = Addresses(("https://hooks.example.com/in", "http://192.168.0.7:8000"), (TOKEN,))
LINK_LOCAL = (
    "169.254.169.254", "169.254.0.1", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254", "2002:a9fe:a9fe::1",
    "64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "::ffff:100.100.100.200",
)  # fmt: skip
NEVER = (
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "::ffff:0.0.0.0",
    "224.0.0.1",
    "239.1.1.1",
    "ff02::1",
    "255.255.255.255",
    "64:ff9b::224.0.0.1",
)
ALLOWED = (
    "127.0.0.1",
    "::1",
    "10.0.0.1",
    "192.168.1.1",
    "172.17.0.2",
    "fd12::1",
    "100.64.0.1",
    "8.8.8.8",
    "2001:4860:4860::8888",
    "::ffff:10.0.0.1",
)


@pytest.mark.parametrize("address", LINK_LOCAL)
def test_link_local_and_metadata_addresses_need_to_be_allowed(address: str):
    """In each form in which a system connects to them."""
    assert "allow_link_local" in (refusal(address, False) or "")
    assert refusal(address, True) is None


@pytest.mark.parametrize("address", NEVER)
def test_what_is_no_host_is_never_a_target(address: str):
    """Groups, and addresses that stand for this machine by accident."""
    assert refusal(address, False)
    assert refusal(address, True)


@pytest.mark.parametrize("address", ALLOWED)
def test_own_systems_and_public_hosts_are_targets(address: str):
    """Loopback and private addresses are allowed: targets are one's own systems."""
    assert refusal(address, False) is None


def test_public_addresses():
    """By the address that a form stands for."""
    public = ("8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1")
    assert all(map(is_public, public))
    assert not any(
        map(is_public, ("127.0.0.1", "10.0.0.1", "fd12::1", "::1", "100.64.0.1", "64:ff9b::10.0.0.1", "fe80::1"))
    )


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://shop.example/seven", None),
        ("https://shop.example/seven?key=a%20b&c=ü", None),
        ("https://bücher.example/", None),
        ("http://localhost:8080/", None),
        ("http://shop:8080/", None),
        ("http://shop.svc.cluster.local/", None),
        ("http://10.1.2.3/", None),
        ("http://[::1]:8080/", None),
        ("https://hooks.example.com/shop", None),
        ("https://hooks.example.com:8443/in/hooks/x", None),
        ("http://192.168.0.7:9000/hooks/x", None),
        ("http://shop.example/", "allow_http"),
        ("http://8.8.8.8/", "allow_http"),
        ("http://169.254.169.254/", "link-local"),
        ("https://[::ffff:169.254.169.254]/", "link-local"),
        ("https://user:pass@shop.example/", "credentials"),
        ("https://@shop.example/", "credentials"),
        ("https://shop.example/#part", "fragment"),
        ("ftp://shop.example/", "https://"),
        ("https:///path", "https://"),
        ("shop.example", "https://"),
        ("https://shop.example:0/", "no URL"),
        ("https://shop.example:port/", "no URL"),
        ("https://shop.example/a b", "no URL"),
        ("https://shop.example/\r\nx: y", "control character"),
        ("https://sh\"op.example/", "no name and no address"),
        ("https://[::1/", "no URL"),
        ("https://shop.example/" + "x" * 2048, "more than 2048"),
        ("https://hooks.example.com/in/hooks", "our own receiver"),
        ("https://HOOKS.example.com./in/hooks/other/dlr", "our own receiver"),
        ("http://hooks.example.com/in/hooks/x", "our own receiver"),
        ("https://hooks.example.com:443/in/%68ooks/x", "our own receiver"),
        ("http://192.168.0.7:8000/hooks/x", "our own receiver"),
        ("https://hooks.example.com/in//hooks/x", "our own receiver"),
        ("https://hooks.example.com//in/hooks/x", "our own receiver"),
        ("https://hooks.example.com/in/./shop/../hooks/", "our own receiver"),
        ("https://hooks.example.com/in/shop%2f..%2Fhooks/x", "our own receiver"),
        ("https://hooks.example.com/in/hooks?x=1", "our own receiver"),
        ("https://hooks.example.com/in/hooks-of-shop", None),
        (f"http://localhost:8000/hooks/{TOKEN}", "our own receiver"),
        (f"http://proxy/x/hooks/{TOKEN}/dlr", "our own receiver"),
    ],
)  # fmt: skip
def test_urls(url: str, fault: str | None):
    """What is refused is named, without anything of the URL."""
    faults = url_faults(url, OWN, allow_http=False, allow_link_local=False)
    assert any(fault in text for text in faults) if fault else not faults
    assert "shop" not in " ".join(faults)


def test_allowed_by_name():
    """Each exception has its key."""
    assert not url_faults("http://shop.example/", OWN, allow_http=True, allow_link_local=False)
    assert not url_faults("http://169.254.169.254/", OWN, allow_http=False, allow_link_local=True)


def test_requests_are_escaped():
    """Host in ASCII; path and query with escapes, those that are there as they are."""
    target = TargetUrl.parse('https://bücher.example:8443/ä/%2F?q="ü"&r=%20')
    assert (target.host_header, target.path) == ("xn--bcher-kva.example:8443", "/%C3%A4/%2F?q=%22%C3%BC%22&r=%20")
    assert TargetUrl.parse("http://[::1]").host_header == "[::1]"
    assert "key" not in repr(TargetUrl.parse("https://shop.example/?key=1"))


def test_a_slow_lookup_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    """The system's lookup has no limit of time; a second request waits for the same one."""
    over, begun = threading.Event(), []
    numeric = socket.getaddrinfo

    def slow(host: str, port: int, *, flags: int, **options: int) -> object:
        if flags:
            return numeric(host, port, flags=flags, **options)
        begun.append(host)
        over.wait(2 * PATIENCE_S)
        return numeric("127.0.0.1", port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    lookup = NameLookup("shop.example", 80)
    started = time.monotonic()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            lookup.addresses(0.1)
    assert time.monotonic() - started < PATIENCE_S
    over.set()
    assert lookup.addresses(20)[0][1] == ("127.0.0.1", 80)
    assert len(begun) in (1, 2)
