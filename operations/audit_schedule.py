"""Scheduled audits: Redis holds the figures of the last one, so that every worker exports them as metrics."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from ledger import keyspace
from ledger.client import Ledger
from ledger.lease import LeaseLost, leased
from operations.audit import Audit, Auditor
from runtime.logs import logger
from store.circuit_breaker import CircuitBreaker
from store.error_reasons import database_reason
from store.row_writer import NotMigrated, StoreAway

log = logger("seven.workers")

_BY_QUEUE = {
    "given_out": "Ordinals given out by the ledger's present life.",
    "waiting": "Deliveries in the ledger that are not rows yet.",
    "tallied": "Deliveries whose rows are known to be gone.",
    "missing": "Deliveries that are neither rows nor in the ledger: lost.",
    "doubled": "Rows beyond the first of an ordinal: the ledger was restored from an older file.",
    "unknown_to_ledger": "Ordinals of rows beyond the last one of the ledger: it was restored from an older file.",
    "missing_of_earlier_lives": "Missing deliveries of earlier lives of the ledger: lost with it.",
    "repeats": "Deliveries with the content of an earlier one.",
    "pending": "Batches in the ledger.",
    "oldest_pending_seconds": "How long the oldest batch in the ledger has been waiting.",
    "announcements": "Announcements waiting in the broker.",
}


def audit_on_schedule(auditor: Auditor, ledger: Ledger, breaker: CircuitBreaker) -> None:
    """Audit, store the figures, and log a loss. Raises redis.RedisError.

    Only one audit runs at a time, and none while the circuit breaker holds. One that loses its lease ends, since what
    it would store is older than what its successor stores.
    """
    if breaker.hold:
        return
    with leased(ledger.redis, keyspace.AUDIT_LOCK) as lease:
        if lease is None:
            return
        try:
            audit = auditor.audit(check=lease.check)
            ledger.forget_settled()
            lease.check()
            save_figures(ledger.redis, audit)
        except LeaseLost as lost:
            log.warning("audit ended: its lease is lost", cause=str(lost))
            return
        except SQLAlchemyError as error:
            log.warning("audit failed", cause=database_reason(error))
            return
    if audit.lost:
        missing = sum(series.missing for series in (*audit.series, *audit.earlier))
        log.error("audit: deliveries are lost or may be; see `seven-ingest audit`", missing=missing)


def mark_on_schedule(auditor: Auditor, breaker: CircuitBreaker) -> None:
    """Store the last ordinal of each queue; so a worker without deliveries also notices that the database is down."""
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


def save_figures(redis: Redis, audit: Audit) -> None:
    """Store the figures of an audit. Raises redis.RedisError."""
    redis.set(keyspace.AUDIT, json.dumps(figures(audit)))


def figures(audit: Audit) -> dict[str, Any]:
    """The figures of an audit that the metrics and `status` show, by queue where they have one."""
    queues: dict[str, dict[str, float]] = {}
    for name, queue in audit.figures.queues.items():
        queues[name] = {
            "pending": queue.pending,
            "oldest_pending_seconds": (audit.figures.now - queue.oldest_at).total_seconds() if queue.oldest_at else 0,
            "announcements": queue.announcements,
            "repeats": audit.repeats.get(name, 0),
            "missing_of_earlier_lives": sum(series.missing for series in audit.earlier if series.queue == name),
        }
    outcomes: dict[str, dict[str, int]] = {}
    for series in audit.series:
        outcomes[series.queue] = dict(series.rows)
        queues.setdefault(series.queue, {}).update(
            given_out=series.given_out,
            waiting=series.waiting,
            tallied=sum(series.tallied.values()),
            missing=series.missing,
            doubled=series.doubled,
            unknown_to_ledger=series.unknown_to_ledger,
        )
    return {
        "at": audit.at.timestamp(),
        "lost": audit.lost,
        "earlier_lives": len({series.life for series in audit.earlier}),
        "queues": queues,
        "rows": outcomes,
        "untold": {kind: undelivered for kind, (_, undelivered) in audit.link_gaps.items()},
    }


def load_figures(redis: Redis) -> dict[str, Any] | None:
    """The figures of the last scheduled audit; None where there was none. Raises redis.RedisError."""
    try:
        stored: dict[str, Any] | None = json.loads(redis.get(keyspace.AUDIT) or b"null")
    except ValueError:
        return None
    return stored


class AuditMetrics(Collector):
    """The figures of the last audit: the same from every worker, regardless of which one audited."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing before the first audit or while Redis is unavailable: stale figures would look like good ones."""
        try:
            audit = load_figures(self._redis)
        except RedisError:
            return
        if not audit:
            return
        yield GaugeMetricFamily("seven_audit_last_timestamp_seconds", "When the last audit began.", value=audit["at"])
        yield GaugeMetricFamily("seven_audit_lost", "1 when the last audit found a loss.", value=float(audit["lost"]))
        yield GaugeMetricFamily(
            "seven_audit_earlier_lives", "Lives of the ledger before the present one.", value=audit["earlier_lives"]
        )
        for name, help_text in _BY_QUEUE.items():
            values = [((queue,), figures[name]) for queue, figures in audit["queues"].items() if name in figures]
            yield _family(f"seven_audit_{name}", help_text, ("queue",), values)
        rows = [((queue, outcome), n) for queue, outcomes in audit["rows"].items() for outcome, n in outcomes.items()]
        yield _family("seven_audit_rows", "Deliveries of the present life by outcome.", ("queue", "outcome"), rows)
        gaps = [((kind,), n) for kind, n in audit["untold"].items()]
        yield _family("seven_audit_untold", "Clicks and views that the gateway never delivered.", ("type",), gaps)


def _family(
    name: str, help_text: str, label_names: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=label_names)
    for labels, value in values:
        family.add_metric(labels, value)
    return family
