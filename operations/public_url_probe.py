"""Scheduled probe of the public URL: Redis holds its result, so that every worker exports it as metrics.

It is the visit that `doctor` and the reconciler make, at the address that hooks should have now.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from gateway import public_url
from gateway.factory import Account
from gateway.hook_address import choose
from ledger import keyspace
from ledger.client import Ledger
from ledger.clock import now_ms
from ledger.receivers import living_receivers, url_fingerprint
from ledger.schedules import is_recent
from operations.checks.machine import is_local
from runtime.logs import logger
from seven.hooks import Addresses

log = logger("seven.hooks")

KEPT = timedelta(days=1)
"""A result is removed after this time: its URL is probed no more."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the last probe found."""

    at_ms: int
    """By Redis' own clock."""
    up: bool
    """Whether one of our receivers answered, which knows our token and no other."""
    expires_at_s: float | None
    """When the certificate expires, as a Unix time; None if that is unknown."""


def probed_addresses(account: Account, every_s: float) -> Addresses | None:
    """The addresses to probe; None where none is set, `every_s` is 0, or the gateway is an emulator on this machine."""
    if every_s == 0 or is_local(urlsplit(account.api_url).hostname):
        return None
    return account.addresses


class PublicUrlProbe:
    """Probes for all workers: the result is theirs alike. Every call raises redis.RedisError while Redis is down."""

    def __init__(self, ledger: Ledger, addresses: Addresses, every_s: float) -> None:
        self._ledger, self._addresses, self._every_s = ledger, addresses, every_s
        self._key = f"{keyspace.PUBLIC_URL}:{url_fingerprint(addresses.public_urls[0])}"

    def run(self) -> None:
        """Probe and store the result, unless another worker has just done so; log a change of it."""
        last = self.load()
        if last and 0 <= self._age_s(last) < self._every_s / 2:
            return
        # during a rotation the token and URL that every living receiver accepts, as the reconciler chooses them
        target = choose(self._addresses, living_receivers(self._ledger.redis), ()).addresses
        url, token = target.public_urls[0], target.tokens[0]
        with public_url.client() as client:
            up = public_url.visit(client, url, token).reaches_us
        expires_at = public_url.certificate_expiry(url)
        result = ProbeResult(now_ms(self._ledger.redis), up, expires_at.timestamp() if expires_at else None)
        self._ledger.redis.set(
            self._key, json.dumps(asdict(result)), ex=max(KEPT, timedelta(seconds=3 * self._every_s))
        )
        if not up:
            log.warning("the public URL does not lead to a receiver of ours: run `seven-ingest doctor`")
        elif last and not last.up:
            log.warning("the public URL leads to a receiver of ours again")

    def load(self) -> ProbeResult | None:
        """The last result; None where there is none, or none that can be read."""
        try:
            stored = json.loads(self._ledger.redis.get(self._key) or b"null")
            return ProbeResult(**stored)
        except (ValueError, TypeError):
            return None

    def load_current(self) -> tuple[ProbeResult | None, bool]:
        """The last result, and whether it says how things are now: no probe is overdue."""
        last = self.load()
        return last, last is not None and is_recent(self._age_s(last), self._every_s)

    def _age_s(self, result: ProbeResult) -> float:
        """Seconds since the probe; below zero if Redis' clock has been set back since."""
        return (now_ms(self._ledger.redis) - result.at_ms) / 1000


class PublicUrlMetrics(Collector):
    """The result of the last probe: the same from every worker, regardless of which one probed."""

    def __init__(self, probe: PublicUrlProbe | None) -> None:
        """None where nothing is probed: then nothing is exported."""
        self._probe = probe

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing while Redis is unavailable, and only a current result: stale figures would look like good ones."""
        if self._probe is None:
            return
        try:
            last, is_current = self._probe.load_current()
        except RedisError:
            return
        yield GaugeMetricFamily(
            "seven_public_url_last_probe_timestamp_seconds",
            "When the public URL was last probed; 0 for never.",
            value=last.at_ms / 1000 if last else 0,
        )
        if last is None or not is_current:
            return
        yield GaugeMetricFamily(
            "seven_public_url_up",
            "1 while the public URL leads to a receiver of ours that knows our hook token.",
            value=float(last.up),
        )
        if last.expires_at_s is not None:
            yield GaugeMetricFamily(
                "seven_public_url_certificate_expiry_timestamp_seconds",
                "When the certificate of the public URL expires.",
                value=last.expires_at_s,
            )


def public_url_probe(ledger: Ledger, account: Account, every_s: float) -> PublicUrlProbe | None:
    """The probe of an account's public URL; None where nothing is to be probed."""
    addresses = probed_addresses(account, every_s)
    return PublicUrlProbe(ledger, addresses, every_s) if addresses else None
