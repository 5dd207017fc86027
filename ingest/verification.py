"""Verification: tells the gateway's deliveries from those of another party that has obtained a hook token.

Verifiers examine requests with a valid token, and never interpret their content. In mode `observe` a verifier counts
its verdicts; in mode `enforce` a flaw also quarantines the delivery.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ingest.routing import Tokens
from ingest.verification_log import VerificationLog
from ledger.keyspace import fingerprint
from runtime.settings.types import Mode
from seven.hooks import SECRET_HEADER
from seven.signing import BLANKS, Flaw, Match, Signed

_SECRET_HEADER = SECRET_HEADER.lower().encode()


@dataclass(slots=True)
class SignedRequest:
    """A request as verifiers see it."""

    method: str
    target: str = field(repr=False)
    """Path and query as sent; bytes that are not UTF-8 as lone surrogates."""
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    digest: str
    """The MD5 of the raw body, as hex; empty for a body that was not read to its end: no signature fits it."""
    times: tuple[float, ...]
    """Epoch seconds, by each clock that may be correct."""
    source: str = ""
    """The client's address."""


@dataclass(slots=True)
class Verdict:
    """A verifier's verdict on one request: its flaw, or by which key it was verified."""

    flaw: str | None = None
    by: str = ""
    public_url: str | None = None
    """The fingerprint of the signed public URL."""


class VerificationResult(NamedTuple):
    """The combined verdict of all verifiers on one request."""

    doubt: str | None = None
    """Why the delivery is quarantined; None unless an enforcing verifier found a flaw."""
    public_url: str | None = None
    """The fingerprint of the public URL that a valid signature names."""


class Verifier(Protocol):
    """Examines requests in one way."""

    name: str
    mode: Mode

    def examine(self, request: SignedRequest) -> Verdict:
        """Examine one request. Never raises."""


class SignatureVerifier:
    """Verifies that the account's signing key has signed the request, for the URL that the hook is registered with.

    That URL is built from the public URLs, in their order, and path and query as sent; never from the request's own
    `Host`.
    """

    name = "signature"

    def __init__(
        self, mode: Mode, keys: Sequence[str], public_urls: Sequence[str], *, max_age_s: float, max_ahead_s: float
    ) -> None:
        self.mode = mode
        self._keys, self._public_urls = tuple(keys), tuple(public_urls)
        self._max_age_s, self._max_ahead_s = max_age_s, max_ahead_s
        self._fingerprints = {text: fingerprint(text) for text in (*self._keys, *self._public_urls)}

    def examine(self, request: SignedRequest) -> Verdict:
        """`by` is `<URL's fingerprint>:<key's fingerprint>`."""
        signed = Signed.of(request.method, request.digest, request.headers)
        urls = [f"{url}{request.target}" for url in self._public_urls]
        result: Match | Flaw = Flaw.UNSIGNED
        for now in request.times:
            result = signed.verify(urls, self._keys, now=now, max_age_s=self._max_age_s, max_ahead_s=self._max_ahead_s)
            if result not in (Flaw.TOO_OLD, Flaw.AHEAD):
                break  # current by this clock; the other one may be wrong
        if isinstance(result, Flaw):
            return Verdict(result.value)
        public_url = self._fingerprints[result.url.removesuffix(request.target)]
        return Verdict(by=f"{public_url}:{self._fingerprints[result.key]}", public_url=public_url)


class SecretVerifier:
    """Verifies the secret header that hooks are registered with."""

    name = "secret"

    def __init__(self, mode: Mode, secrets: Sequence[str]) -> None:
        self.mode = mode
        self._known = Tokens(secrets)

    def examine(self, request: SignedRequest) -> Verdict:
        """`by` is the secret's fingerprint."""
        values = [value for name, value in request.headers if name == _SECRET_HEADER]
        if not values:
            return Verdict("missing")
        secret = self._known.recognise(values[0].strip(BLANKS).decode("latin-1")) if len(values) == 1 else None
        return Verdict("mismatch") if secret is None else Verdict(by=secret)


class Verification:
    """The verifiers of one receiver, combined."""

    def __init__(self, verifiers: Sequence[Verifier], log: VerificationLog) -> None:
        self._verifiers = [verifier for verifier in verifiers if verifier.mode != "off"]
        self._log = log

    def __bool__(self) -> bool:
        return bool(self._verifiers)

    @property
    def needs_digest(self) -> bool:
        """Whether verification needs the body's digest."""
        return any(verifier.name == SignatureVerifier.name for verifier in self._verifiers)

    def examine(self, request: SignedRequest, delivery_id: str) -> VerificationResult:
        """Examine a request with every verifier and record every verdict, also after a flaw."""
        doubt, public_url = None, None
        for verifier in self._verifiers:
            verdict = verifier.examine(request)
            if verdict.flaw is None:
                self._log.verified(verifier.name, verdict.by, request.source)
                public_url = verdict.public_url or public_url
                continue
            self._log.failed(verifier.name, verdict.flaw, delivery_id, request.source)
            if verifier.mode == "enforce" and doubt is None:
                doubt = f"{verifier.name}: {verdict.flaw}"
        return VerificationResult(doubt, public_url)
