"""Origins: X-Forwarded-For counts where a proxy of ours has written it, and nowhere else."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.client_address import ClientAddresses

PROXIES = ("10.0.0.0/8", "2001:db8::7")


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        pytest.param((), "127.0.0.1", ["203.0.113.9"], "127.0.0.1", id="nobody is listed"),
        pytest.param(PROXIES, "192.0.2.1", ["203.0.113.9"], "192.0.2.1", id="not one of them"),
        pytest.param(PROXIES, "10.1.2.3", ["203.0.113.9"], "203.0.113.9", id="one of them"),
        pytest.param(PROXIES, "2001:db8::7", ["203.0.113.9"], "203.0.113.9", id="one of them by IPv6"),
        pytest.param(PROXIES, "10.1.2.3", ["1.1.1.1, 203.0.113.9"], "203.0.113.9", id="what its client claimed"),
        pytest.param(PROXIES, "10.1.2.3", ["1.1.1.1", "203.0.113.9"], "203.0.113.9", id="the same in two headers"),
        pytest.param(PROXIES, "10.1.2.3", ["203.0.113.9, 10.9.9.9"], "203.0.113.9", id="two of ours in a row"),
        pytest.param(PROXIES, "10.1.2.3", ["10.9.9.9"], "10.9.9.9", id="nobody but ours"),
        pytest.param(PROXIES, "10.1.2.3", [], "10.1.2.3", id="no header"),
        pytest.param(PROXIES, "10.1.2.3", [""], "10.1.2.3", id="an empty one"),
        pytest.param(PROXIES, "10.1.2.3", ["x" * 65], "10.1.2.3", id="too long to be one"),
        pytest.param(PROXIES, "10.1.2.3", ["\x00"], "10.1.2.3", id="not printable"),
        pytest.param(PROXIES, "", ["203.0.113.9"], "", id="a socket file"),
    ],
)
def test_who_is_believed(proxies: Sequence[str], peer: str, forwarded: list[str], expected: str):
    """The last address in the chain that is no proxy of ours; a header of anybody else says nothing."""
    headers = [(b"x-forwarded-for", told.encode()) for told in forwarded]
    # what uvicorn made of that header by itself stands in `client`
    scope: dict[str, Any] = {"client": ("198.51.100.1", 0) if peer else None, "headers": headers}
    scope["state"] = {"connection": SimpleNamespace(address=peer)}
    assert ClientAddresses(proxies).of(scope) == expected
