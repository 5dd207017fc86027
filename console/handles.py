"""Handles: what stands in a form for a value that its viewer may not read.

Where the gateway sends no id, ours is a digest of numbers, and a number is found by trying all there are. The position
of a page may hold a number or a short URL.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict

PREFIX = "handle-"
MOST = 5_000
"""Values that are remembered, the latest: a page of a list has 51 at most."""


class Handles:
    """The values behind the handles of this process. A restart forgets them."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._values: OrderedDict[str, str] = OrderedDict()

    def of(self, value: str) -> str:
        """The handle of a value; the same value has the same one."""
        handle = f"{PREFIX}{hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()}"
        self._values[handle] = value
        self._values.move_to_end(handle)
        if len(self._values) > MOST:
            self._values.popitem(last=False)
        return handle

    def value(self, handle: str) -> str | None:
        """The value of a handle; None for any other text, and for one that is too old."""
        return self._values.get(handle)
