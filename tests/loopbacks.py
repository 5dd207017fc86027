"""Loopback addresses of this machine, as hosts of URLs: that of IPv4, and that of IPv6 where there is IPv6."""

import socket


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


LOOPBACKS = ("127.0.0.1", "[::1]") if _has_ipv6() else ("127.0.0.1",)
