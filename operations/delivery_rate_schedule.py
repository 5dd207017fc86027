"""Scheduled counts of the delivery rate: Redis holds them, so that every worker exports them as metrics."""

import json
from collections.abc import Iterator
from dataclasses import astuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ledger import keyspace
from ledger.client import Ledger
from ledger.clock import now_ms
from ledger.lease import leased
from ledger.schedules import is_recent
from operations.delivery_rate import Decided, DeliveryRate, delivery_rate
from runtime.logs import logger
from store import database_info
from store.circuit_breaker import CircuitBreaker
from store.error_reasons import database_reason

log = logger("seven.workers")

COUNT_S = 3600.0
"""Seconds between two counts: what they count changes with each full hour."""


def count_on_schedule(ledger: Ledger, engine: Engine, breaker: CircuitBreaker) -> None:
    """Count and store, unless another worker does or has just done so. Raises redis.RedisError.

    Nothing is counted while the circuit breaker holds.
    """
    with leased(ledger.redis, keyspace.DELIVERY_RATE_LOCK) as lease:
        if lease is None or breaker.hold or 0 <= load(ledger)[1] < COUNT_S / 2:
            return
        try:
            with engine.connect().execution_options(reads=True) as connection:
                now = database_info.clock(connection)
            counts = delivery_rate(engine, now)
        except SQLAlchemyError as error:
            log.warning("delivery rate not counted", cause=database_reason(error))
            return
        days = [astuple(day) for day in (counts.day, *counts.weeks)]
        ledger.redis.set(keyspace.DELIVERY_RATE, json.dumps({"at_ms": now_ms(ledger.redis), "days": days}))


def load(ledger: Ledger) -> tuple[DeliveryRate | None, float]:
    """The last counts, and how many seconds ago they were made; None, and below zero, where there are none.

    Below zero as well if Redis' clock has been set back since. Raises redis.RedisError.
    """
    try:
        stored = json.loads(ledger.redis.get(keyspace.DELIVERY_RATE) or b"null")
        day, *weeks = (Decided(*figures) for figures in stored["days"])
        age_s = (now_ms(ledger.redis) - stored["at_ms"]) / 1000
    except (ValueError, TypeError, KeyError):
        return None, -1.0
    return DeliveryRate(day, tuple(weeks)), age_s


class DeliveryRateMetrics(Collector):
    """The last counts: the same from every worker, regardless of which one counted."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing while Redis is unavailable, and no overdue counts: stale figures would look like good ones."""
        try:
            counts, age_s = load(self._ledger)
        except RedisError:
            return
        if counts is None or not is_recent(age_s, COUNT_S):
            return
        yield GaugeMetricFamily(
            "seven_delivery_rate_decided",
            "Messages first seen 4 to 28 hours ago that were delivered or failed for good.",
            value=counts.day.number,
        )
        rates = (
            ("seven_delivery_rate", "Share of them that was delivered.", counts.day.rate),
            ("seven_delivery_rate_usual", "Its mean in the same hours of the four weeks before.", counts.usual),
        )
        for name, help_text, rate in rates:
            if rate is not None:
                yield GaugeMetricFamily(name, help_text, value=rate)
