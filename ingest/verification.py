"""Guards: what tells the gateway's deliveries from those of somebody who has got hold of a token.

A token lets in; a guard looks closer. It observes, and counts; or it enforces, and what it doubts is quarantined. None
decides before the token is known, none looks into what a delivery says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from ingest.routing import Tokens
from ingest.verification_log import VerificationLog
from ledger.keyspace import fingerprint
from seven.hooks import SECRET_HEADER
from seven.signing import Flaw, Match, Signed

Mode = Literal["off", "observe", "enforce"]

_SECRET_HEADER = SECRET_HEADER.lower().encode()


@dataclass(slots=True)
class SignedRequest:
    """One request as guards see it."""

    method: str
    target: str = field(repr=False)
    """Path and query as they came; bytes that are no UTF-8 as lone surrogates."""
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    digest: str
    """The MD5 of the raw body, as hex."""
    times: tuple[float, ...]
    """Epoch seconds, by each clock that may be right."""
    source: str = ""
    """The address it came from."""


@dataclass(slots=True)
class Verdict:
    """What a guard says of one request: that it holds, and by which key; or the flaw it has."""

    flaw: str | None = None
    by: str = ""
    public_url: str | None = None
    """The fingerprint of the public URL that was signed, where a signature says so."""


class Examined(NamedTuple):
    """What all guards together say of one request."""

    doubt: str | None = None
    """Why it is to be quarantined; None where no guard that enforces has found a flaw."""
    public_url: str | None = None
    """The fingerprint of the public URL that it came by, where its signature proves that."""


class Verifier(Protocol):
    """One of them."""

    name: str
    mode: Mode

    def examine(self, asked: SignedRequest) -> Verdict:
        """Look at one request. Raises nothing."""


class SignatureVerifier:
    """Whether the account's signing key has signed the request, for the URL that the hook is registered with.

    That URL is made from the public URLs, in their order, and the path and query as they came; never from what a
    request says of its host.
    """

    name = "signature"

    def __init__(
        self, mode: Mode, keys: Sequence[str], public_urls: Sequence[str], *, max_age_s: float, max_ahead_s: float
    ) -> None:
        self.mode = mode
        self._keys, self._public_urls = tuple(keys), tuple(public_urls)
        self._max_age_s, self._max_ahead_s = max_age_s, max_ahead_s
        self._marks = {word: fingerprint(word) for word in (*self._keys, *self._public_urls)}

    def examine(self, asked: SignedRequest) -> Verdict:
        """`by` is `<URL's fingerprint>:<key's fingerprint>`."""
        signed = Signed.of(asked.method, asked.digest, asked.headers)
        urls = [f"{url}{asked.target}" for url in self._public_urls]
        found: Match | Flaw = Flaw.UNSIGNED
        for now in asked.times:
            found = signed.verify(urls, self._keys, now=now, max_age_s=self._max_age_s, max_ahead_s=self._max_ahead_s)
            if found not in (Flaw.TOO_OLD, Flaw.AHEAD):
                break  # by this clock it is of now; the other may be wrong
        if isinstance(found, Flaw):
            return Verdict(found.value)
        public_url = found.url.removesuffix(asked.target)
        mark = self._marks[public_url]
        return Verdict(by=f"{mark}:{self._marks[found.key]}", public_url=mark)


class SecretVerifier:
    """Whether the request carries the header that hooks are registered with."""

    name = "secret"

    def __init__(self, mode: Mode, secrets: Sequence[str]) -> None:
        self.mode = mode
        self._known = Tokens(secrets)

    def examine(self, asked: SignedRequest) -> Verdict:
        """`by` is the secret's fingerprint."""
        told = [value for name, value in asked.headers if name == _SECRET_HEADER]
        if not told:
            return Verdict("missing")
        found = self._known.recognise(told[0].decode("latin-1")) if len(told) == 1 else None
        return Verdict("mismatch") if found is None else Verdict(by=found)


class Verification:
    """All guards of one receiver."""

    def __init__(self, guards: Sequence[Verifier], observations: VerificationLog) -> None:
        self._guards = [guard for guard in guards if guard.mode != "off"]
        self._observations = observations

    def __bool__(self) -> bool:
        return bool(self._guards)

    @property
    def look_at_bodies(self) -> bool:
        """Whether a body's digest is needed."""
        return any(guard.name == SignatureVerifier.name for guard in self._guards)

    def examine(self, asked: SignedRequest, delivery_id: str) -> Examined:
        """What all of them say: why a delivery is to be quarantined, and which public URL it was signed for.

        Each guard looks, and what it says is noted, whatever another has said.
        """
        doubt, public_url = None, None
        for guard in self._guards:
            verdict = guard.examine(asked)
            if verdict.flaw is None:
                self._observations.held(guard.name, verdict.by, asked.source)
                public_url = verdict.public_url or public_url
                continue
            self._observations.flawed(guard.name, verdict.flaw, delivery_id, asked.source)
            if guard.mode == "enforce" and doubt is None:
                doubt = f"{guard.name}: {verdict.flaw}"
        return Examined(doubt, public_url)
