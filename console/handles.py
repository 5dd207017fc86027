"""Handles: what stands in a URL or a form for a value that must not: what was looked up, and the position of a page.

A number or an id in a URL is kept by browsers and proxies. A digest of a number is no better: a number is found by
trying all there are. So a handle is made with a key that this process alone knows, and its value stays here.
"""

import hashlib
import secrets
from collections import OrderedDict
from enum import StrEnum

PREFIX = "handle-"
MOST = 10_000
"""Values that are remembered, those used last: a page of a list has 51 at most."""
TOO_OLD = "This link is too old"


class Use(StrEnum):
    """What a handle stands for; one of another use has no value."""

    TERM = "term"
    """What a story is about."""
    POSITION = "position"
    """Where a page of a list begins."""
    PARAMETERS = "parameters"
    """What a named query was asked of a person."""


class Handles:
    """The values behind the handles of this process, each of one viewer and one use. A restart forgets them."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._values: OrderedDict[str, str] = OrderedDict()

    def of(self, viewer: str, use: Use, value: str) -> str:
        """The handle of a value; the same value of the same viewer and use has the same one."""
        handle = self._handle(viewer, use, value)
        self._values[handle] = value
        self._values.move_to_end(handle)
        if len(self._values) > MOST:
            self._values.popitem(last=False)
        return handle

    def value(self, viewer: str, use: Use, handle: str) -> str | None:
        """The value of a handle of this viewer and use; None for any other text, and for one that is too old."""
        value = self._values.get(handle)
        if value is None or self._handle(viewer, use, value) != handle:
            return None
        self._values.move_to_end(handle)
        return value

    def _handle(self, viewer: str, use: Use, value: str) -> str:
        parts = "\0".join((use, viewer, value)).encode()
        return PREFIX + hashlib.blake2b(parts, key=self._key, digest_size=20).hexdigest()
