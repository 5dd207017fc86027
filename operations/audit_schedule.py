"""Audited: what the last audit on schedule found, in Redis, so that every worker can tell it as metrics."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from ledger import keyspace
from ledger.claims import lock
from ledger.client import Ledger
from operations.audit import Audit, Auditor
from runtime.logs import logger
from store.circuit_breaker import CircuitBreaker
from store.row_writer import NotMigrated, StoreAway

LONGEST_S = 3600
"""An audit that takes longer does not keep others away any more."""

log = logger("seven.workers")

_BY_QUEUE = {
    "given_out": "Ordinals given out by the ledger's present life.",
    "waiting": "Deliveries in the ledger that are no rows yet.",
    "tallied": "Deliveries whose rows are known to be gone.",
    "missing": "Deliveries that are nowhere: lost.",
    "doubled": "Rows beyond one for an ordinal: the ledger was restored from an older file.",
    "unknown_to_ledger": "Rows beyond what the ledger says it has given out: it was restored from an older file.",
    "missing_of_earlier_lives": "Deliveries of earlier lives of the ledger that are nowhere: lost with it.",
    "repeats": "Deliveries that said what another had said.",
    "pending": "Batches in the ledger.",
    "oldest_pending_seconds": "How long the oldest batch in the ledger has waited.",
    "announcements": "Announcements that wait in the broker.",
}


def audit_on_schedule(auditor: Auditor, ledger: Ledger, breaker: CircuitBreaker) -> None:
    """Audit, remember, and log a loss; one at a time, and not while the database is away. Raises redis.RedisError."""
    held = lock(ledger.redis, keyspace.AUDIT_LOCK, LONGEST_S)
    if breaker.hold or not held.acquire():
        return
    try:
        audit = auditor.audit()
        ledger.tidy()
    except SQLAlchemyError as error:
        log.warning("no audit", cause=type(error).__name__)
        return
    finally:
        with suppress(RedisError):  # it has expired, or will
            held.release()
    remember(ledger.redis, audit)
    if audit.lost:
        missing = sum(one.missing for one in (*audit.series, *audit.earlier))
        log.error("audit: something is lost or may be; see `seven-ingest audit`", missing=missing)


def mark_on_schedule(auditor: Auditor, breaker: CircuitBreaker) -> None:
    """Mark how far the ledger has numbered; so a worker without deliveries learns of a database that is away, too."""
    with breaker.turn() as may:
        if not may:
            return
        try:
            auditor.mark()
        except NotMigrated:  # deliveries can be written all the same
            log.warning("the database is not of this version: run `seven-ingest migrate`")
        except StoreAway as error:
            breaker.failed(str(error))
        else:
            breaker.succeeded()


def remember(redis: Redis, audit: Audit) -> None:
    """Keep the figures of an audit. Raises redis.RedisError."""
    redis.set(keyspace.AUDIT, json.dumps(figures(audit)))


def figures(audit: Audit) -> dict[str, Any]:
    """The figures of an audit that are worth a graph, by queue where they have one."""
    queues: dict[str, dict[str, float]] = {}
    for queue, told in audit.figures.queues.items():
        queues[queue] = {
            "pending": told.pending,
            "oldest_pending_seconds": (audit.figures.now - told.oldest_at).total_seconds() if told.oldest_at else 0,
            "announcements": told.announcements,
            "repeats": audit.repeats.get(queue, 0),
            "missing_of_earlier_lives": sum(one.missing for one in audit.earlier if one.queue == queue),
        }
    outcomes: dict[str, dict[str, int]] = {}
    for one in audit.series:
        outcomes[one.queue] = dict(one.rows)
        queues.setdefault(one.queue, {}).update(
            given_out=one.given_out,
            waiting=one.waiting,
            tallied=sum(one.tallied.values()),
            missing=one.missing,
            doubled=one.doubled,
            unknown_to_ledger=one.unknown_to_ledger,
        )
    return {
        "at": audit.at.timestamp(),
        "lost": audit.lost,
        "earlier_lives": len({one.life for one in audit.earlier}),
        "queues": queues,
        "rows": outcomes,
        "untold": {kind: untold for kind, (_, untold) in audit.link_gaps.items()},
    }


def recall(redis: Redis) -> dict[str, Any] | None:
    """The figures of the last audit on schedule; None where there was none. Raises redis.RedisError."""
    try:
        told: dict[str, Any] | None = json.loads(redis.get(keyspace.AUDIT) or b"null")
    except ValueError:
        return None
    return told


class AuditMetrics(Collector):
    """The last audit: the same from every worker, whichever made it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing before the first audit, and nothing while Redis is away: an old figure would look like a good one."""
        try:
            told = recall(self._redis)
        except RedisError:
            return
        if not told:
            return
        yield GaugeMetricFamily("seven_audit_last_timestamp_seconds", "When the last audit began.", value=told["at"])
        yield GaugeMetricFamily("seven_audit_lost", "1 when the last audit found a loss.", value=float(told["lost"]))
        yield GaugeMetricFamily(
            "seven_audit_earlier_lives", "Lives of the ledger before the present one.", value=told["earlier_lives"]
        )
        for name, meaning in _BY_QUEUE.items():
            values = [((queue,), figures[name]) for queue, figures in told["queues"].items() if name in figures]
            yield _family(f"seven_audit_{name}", meaning, ("queue",), values)
        rows = [((queue, outcome), n) for queue, some in told["rows"].items() for outcome, n in some.items()]
        yield _family("seven_audit_rows", "Deliveries of the present life by outcome.", ("queue", "outcome"), rows)
        untold = [((kind,), n) for kind, n in told["untold"].items()]
        yield _family("seven_audit_untold", "Clicks and views that the gateway never told.", ("type",), untold)


def _family(
    name: str, meaning: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for told, value in values:
        family.add_metric(told, value)
    return family
