"""IP addresses: one spelling for each, so that a client is one client by whatever socket it is seen.

An IPv6 socket shows IPv4 clients as `::ffff:192.0.2.1`, and proxies pass that on. As IPv6 addresses all of them would
be in one /64 network, which a rate limit takes for one customer.
"""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

LONGEST = 64
"""Most characters of an address with its zone; a longer text is none."""
_MAPPED = IPv6Network("::ffff:0:0/96")


@lru_cache(maxsize=4096)
def canonical_address(text: str) -> str | None:
    """The usual spelling of an address, without a zone; None for a text that is no address."""
    if len(text) > LONGEST:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def canonical_network(text: str) -> str:
    """The usual spelling of an address or a network of addresses. Raises ValueError for any other text."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        network = IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - _MAPPED.prefixlen))
    return str(network)


def network_of(address: str) -> str:
    """The network whose addresses one customer has: the /64 of an IPv6 address, any other text itself."""
    known = canonical_address(address)
    if known is None or ":" not in known:
        return known or address
    return str(IPv6Address(int(IPv6Address(known)) >> 64 << 64))


def is_loopback(text: str) -> bool:
    """Whether an address is of the loopback interface; False for a text that is no address."""
    known = canonical_address(text)
    return known is not None and ip_address(known).is_loopback
