"""Attempts: slows wrong passwords down, by network, without locking anyone out.

Each wrong password costs its network a turn. Logins from a network with many of them wait for a turn, and so do
guesses sent at the same time. A browser that has logged in before waits for none: it sends our cookie (a device
cookie, as OWASP calls it), so that a stranger behind the same address does not slow it down.
"""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from runtime.ip_address import network_of

TURN_S = 0.5
"""Between two checks of passwords for one network that has used up its burst."""
BURST_S = 5.0
"""Turns of this many seconds are free: ten wrong passwords."""
LONGEST_S = 3.0
"""A login that would wait longer is asked to come again."""
NETWORKS = 10_000
"""Most networks remembered, the latest."""
COOKIE = "seven_console_device"
COOKIE_S = 90 * 86_400


class Attempts:
    """Turns of networks that have sent wrong passwords."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._key = clock, secrets.token_bytes(32)
        self._turns: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, address: str) -> float | None:
        """Seconds until the password of a request may be checked; None where there are too many before it.

        The turn counts as taken: `give_back` after a right password.
        """
        now, network = self._clock(), network_of(address)
        turn = max(self._turns.pop(network, now), now)
        wait_s = max(0.0, turn - now - BURST_S)
        self._turns[network] = turn if wait_s > LONGEST_S else turn + TURN_S
        if len(self._turns) > NETWORKS:
            self._turns.popitem(last=False)
        return None if wait_s > LONGEST_S else wait_s

    def give_back(self, address: str) -> None:
        """Give a turn back: the password was right."""
        network = network_of(address)
        if network in self._turns:
            self._turns[network] -= TURN_S

    def cookie(self, name: str) -> str:
        """A cookie for a browser that has logged in under a name; it opens nothing. A restart invalidates it."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._signature(nonce, name)}"

    def device(self, cookie: str, credentials: bytes) -> str | None:
        """The browser that a cookie was given to, if it has logged in under the name of these credentials before.

        It has turns of its own, as a network has.
        """
        nonce, _, signature = cookie.partition(".")
        name = credentials.partition(b":")[0].decode("utf-8", "replace")
        is_ours = hmac.compare_digest(signature.encode(), self._signature(nonce, name).encode())
        return f"device {nonce}" if is_ours else None

    def _signature(self, nonce: str, name: str) -> str:
        return hashlib.blake2b(f"{nonce}.{name}".encode(), key=self._key, digest_size=24).hexdigest()
