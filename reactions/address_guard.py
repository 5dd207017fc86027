"""Address guard: the addresses that no target has, judged after its name is resolved and before we connect.

Link-local addresses belong to the machine or its cloud, whose metadata services give out credentials to any
client. A target's name may lead there by mistake, or because someone else decides where it leads.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

METADATA = frozenset(
    map(
        ip_address,
        (
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure
            "192.0.0.192",  # Oracle
            "fd00:ec2::254",  # Amazon
            "fd00:ec2::23",
            "fd20:ce::254",  # Google
            "fd00:42::42",  # Scaleway
        ),
    )
)
"""Those of clouds outside the link-local networks, from their documentation."""

_LEAST_V4 = 1 << 24
"""Below it, in 0.0.0.0/8, there are no hosts."""
_BROADCAST = IPv4Address("255.255.255.255")
_COMPATIBLE = IPv6Network("::/96")
_EMBEDDED = tuple(map(IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))
"""Networks whose addresses end with an IPv4 address: mapped, translated, NAT64."""
_PUBLIC_V4 = (ip_network("192.88.99.0/24"),)
_NO_PUBLIC_V6 = (IPv6Network("fec0::/10"),)


@lru_cache(maxsize=1024)
def refusal(text: str, allow_link_local: bool) -> str | None:
    """Why no connection to this address is made, in words that follow "its address"; None where it may be made."""
    for address in _meanings(text):
        if address.is_multicast or address == _BROADCAST:
            return "is a group, no host"
        if address.is_unspecified or (isinstance(address, IPv4Address) and int(address) < _LEAST_V4):
            return "is no host's"
        if not allow_link_local and (address.is_link_local or address in METADATA):
            return "is link-local or of a metadata service, which needs allow_link_local = true"
    return None


@lru_cache(maxsize=1024)
def is_public(text: str) -> bool:
    """Whether the way to this address may lead through networks of others. Raises ValueError for no address."""
    return any(_is_public(address) for address in _meanings(text))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global or any(address in network for network in _PUBLIC_V4)
    return address.is_global and not any(address in network for network in _NO_PUBLIC_V6)


def _meanings(text: str) -> tuple[IPv4Address | IPv6Address, ...]:
    """The address, or the IPv4 addresses that it stands for: mapped, compatible, translated, NAT64, 6to4, Teredo."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return (address,)
    low = int(address) & 0xFFFFFFFF
    is_compatible = address in _COMPATIBLE and low > 1  # :: and ::1 are addresses themselves
    if is_compatible or any(address in network for network in _EMBEDDED):
        return (IPv4Address(low),)
    if address.sixtofour:
        return (address.sixtofour,)
    return address.teredo or (address,)
