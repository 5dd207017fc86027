"""Client address: X-Forwarded-For counts only where a trusted proxy has written it."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.client_address import ClientAddresses

PROXIES = ("10.0.0.0/8", "2001:db8::7")


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        pytest.param((), "127.0.0.1", ["203.0.113.9"], "127.0.0.1", id="no trusted proxy"),
        pytest.param(PROXIES, "192.0.2.1", ["203.0.113.9"], "192.0.2.1", id="another address"),
        pytest.param(PROXIES, "10.1.2.3", ["203.0.113.9"], "203.0.113.9", id="a trusted proxy"),
        pytest.param(PROXIES, "2001:db8::7", ["203.0.113.9"], "203.0.113.9", id="a trusted proxy by IPv6"),
        pytest.param(PROXIES, "10.1.2.3", ["1.1.1.1, 203.0.113.9"], "203.0.113.9", id="a header forged by the client"),
        pytest.param(PROXIES, "10.1.2.3", ["1.1.1.1", "203.0.113.9"], "203.0.113.9", id="the same in two headers"),
        pytest.param(PROXIES, "10.1.2.3", ["203.0.113.9, 10.9.9.9"], "203.0.113.9", id="two proxies in a row"),
        pytest.param(PROXIES, "10.1.2.3", ["10.9.9.9"], "10.9.9.9", id="proxies only"),
        pytest.param(PROXIES, "10.1.2.3", [], "10.1.2.3", id="no header"),
        pytest.param(PROXIES, "10.1.2.3", [""], "10.1.2.3", id="an empty header"),
        pytest.param(PROXIES, "10.1.2.3", ["x" * 65], "10.1.2.3", id="too long for an address"),
        pytest.param(PROXIES, "10.1.2.3", ["\x00"], "10.1.2.3", id="not printable"),
        pytest.param(PROXIES, "10.1.2.3", ["<script>alert(1)</script>"], "10.1.2.3", id="markup"),
        pytest.param(PROXIES, "10.1.2.3", ["unknown"], "10.1.2.3", id="a word"),
        pytest.param(PROXIES, "10.1.2.3", ["1.1.1.1, unknown"], "10.1.2.3", id="a word after a forged address"),
        pytest.param(PROXIES, "10.1.2.3", ["1.1.1.1, unknown, 10.9.9.9"], "10.9.9.9", id="a word from a second proxy"),
        pytest.param(PROXIES, "10.1.2.3", ["203.0.113.9:4711"], "203.0.113.9", id="with a port"),
        pytest.param(PROXIES, "10.1.2.3", ["[2001:db8::9]:4711"], "2001:db8::9", id="IPv6 with a port"),
        pytest.param(PROXIES, "10.1.2.3", ["2001:DB8:0::9"], "2001:db8::9", id="IPv6 in another spelling"),
        pytest.param(PROXIES, "10.1.2.3", ["fe80::1%<b>"], "fe80::1", id="a zone"),
        pytest.param(PROXIES, "10.1.2.3", ["::ffff:203.0.113.9"], "203.0.113.9", id="mapped IPv4"),
        pytest.param(PROXIES, "10.1.2.3", ["::FFFF:cb00:7109"], "203.0.113.9", id="mapped IPv4 in hex"),
        pytest.param(PROXIES, "10.1.2.3", ["203.0.113.9, ::ffff:10.9.9.9"], "203.0.113.9", id="a mapped second proxy"),
        pytest.param(PROXIES, "::ffff:10.1.2.3", ["203.0.113.9"], "203.0.113.9", id="a mapped proxy"),
        pytest.param(PROXIES, "0:0:0:0:0:ffff:a01:203", ["203.0.113.9"], "203.0.113.9", id="a mapped proxy, in full"),
        pytest.param(["::ffff:10.0.0.0/104"], "10.1.2.3", ["203.0.113.9"], "203.0.113.9", id="a mapped setting"),
        pytest.param(["::ffff:10.1.2.3"], "10.1.2.3", ["203.0.113.9"], "203.0.113.9", id="a mapped address in it"),
        pytest.param((), "::ffff:192.0.2.1", [], "192.0.2.1", id="a mapped peer"),
        pytest.param(PROXIES, "", ["203.0.113.9"], "", id="a Unix socket"),
    ],
)
def test_only_trusted_proxies_are_believed(proxies: Sequence[str], peer: str, forwarded: list[str], expected: str):
    """The address is the last in the chain that is no trusted proxy; headers of other senders are ignored."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    # `client` has uvicorn's own result for that header
    scope: dict[str, Any] = {"client": ("198.51.100.1", 0) if peer else None, "headers": headers}
    scope["state"] = {"connection": SimpleNamespace(address=peer)}
    assert ClientAddresses(proxies).of(scope) == expected
