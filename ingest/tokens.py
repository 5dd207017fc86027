"""Tokens: who may deliver, by a secret in the URL, or in a header."""

import hmac
from collections.abc import Iterable

from ledger.keyspace import fingerprint


class Tokens:
    """The secrets that hooks may carry."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._known = [(token.encode(), fingerprint(token)) for token in tokens]

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of every known token."""
        return frozenset(mark for _, mark in self._known)

    def recognise(self, token: str) -> str | None:
        """The fingerprint of a known token, else None. Every known token is compared, each in constant time."""
        told = token.encode("utf-8", "surrogatepass")
        found = None
        for known, mark in self._known:
            if hmac.compare_digest(told, known):
                found = mark
        return found
