"""IP addresses: each has one spelling, whatever socket or proxy it comes from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ip_address import canonical_address, canonical_network, network_of


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", id="IPv4"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", id="mapped"),
        pytest.param("::FFFF:C000:201", "192.0.2.1", id="mapped, in hex"),
        pytest.param("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1", id="mapped, in full"),
        pytest.param("::ffff:192.0.2.1%eth0", "192.0.2.1", id="mapped, with a zone"),
        pytest.param("2001:DB8:0:0::0001", "2001:db8::1", id="IPv6 in a long spelling"),
        pytest.param("fe80::1%eth0", "fe80::1", id="a zone"),
        pytest.param("::192.0.2.1", "::c000:201", id="compatible, not mapped"),
        pytest.param("192.0.2", None, id="cut short"),
        pytest.param("192.0.2.1/32", None, id="a network"),
        pytest.param("192.0.2.01", None, id="a leading zero"),
        pytest.param(" 192.0.2.1", None, id="a blank"),
        pytest.param("hooks.example.com", None, id="a name"),
        pytest.param("<script>", None, id="markup"),
        pytest.param("fe80::1%" + "x" * 80, None, id="too long"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_each_address_has_one_spelling(text: str, address: str | None):
    """An IPv4 address is itself, also mapped into IPv6; what is no address is none."""
    assert canonical_address(text) == address


@given(st.ip_addresses(v=4))
def test_every_mapped_address_is_its_ipv4_address(address: object):
    """Whatever its bits."""
    assert canonical_address(f"::ffff:{address}") == str(address) == network_of(f"::FFFF:{address}")


@given(st.text())
def test_any_text_is_an_address_or_none(text: str):
    """Nothing raises, and what comes out is the same when it goes in again."""
    address = canonical_address(text)
    assert address is None or canonical_address(address) == address


@pytest.mark.parametrize(
    ("text", "network"),
    [
        pytest.param("10.0.0.0/8", "10.0.0.0/8", id="IPv4"),
        pytest.param("10.0.0.7", "10.0.0.7/32", id="an address"),
        pytest.param("::ffff:10.0.0.0/104", "10.0.0.0/8", id="mapped"),
        pytest.param("::ffff:10.0.0.7", "10.0.0.7/32", id="a mapped address"),
        pytest.param("2001:db8::/32", "2001:db8::/32", id="IPv6"),
        pytest.param("::/0", "::/0", id="all of IPv6"),
    ],
)
def test_each_network_has_one_spelling(text: str, network: str):
    """As with addresses: a network of mapped ones is a network of IPv4."""
    assert canonical_network(text) == network


@pytest.mark.parametrize("text", ["proxy", "*", "10.0.0.1/8", "", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text: str):
    """A name, or a network with an address of its own, could mean anything."""
    with pytest.raises(ValueError, match=r"\w"):
        canonical_network(text)
