"""Scheduled audits: their metrics."""

from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine, event

from ledger import keyspace
from ledger.client import Ledger
from operations.audit import Auditor
from operations.audit_schedule import AuditMetrics, audit_on_schedule, load_figures, save_figures
from seven.envelope import Envelope
from store.circuit_breaker import CircuitBreaker
from tests.factories.envelopes import NOW, envelope
from tests.operations.audits import remove_rows
from workers.consumer import Consumer


def test_an_audit_that_loses_its_lease_ends(auditor: Auditor, engine: Engine, ledger: Ledger):
    """It stores no figures, since another's may be newer; an audit that is killed is succeeded within half a minute."""

    @event.listens_for(engine, "before_cursor_execute")
    def steal(*_: Any) -> None:
        ledger.redis.set(keyspace.AUDIT_LOCK, "another's")

    audit_on_schedule(auditor, ledger, CircuitBreaker())
    assert (load_figures(ledger.redis), ledger.redis.get(keyspace.AUDIT_LOCK)) == (None, b"another's")
    event.remove(engine, "before_cursor_execute", steal)
    audit_on_schedule(auditor, ledger, CircuitBreaker())
    assert load_figures(ledger.redis) is None
    ledger.redis.delete(keyspace.AUDIT_LOCK)
    audit_on_schedule(auditor, ledger, CircuitBreaker())
    assert load_figures(ledger.redis)


def test_the_figures_are_exported_as_metrics(
    auditor: Auditor, consumer: Consumer, engine: Engine, ledger: Ledger, accept: Any
):
    """The figures of the last audit are exported by queue, the same from every worker."""
    metrics = CollectorRegistry()
    metrics.register(AuditMetrics(ledger.redis))
    assert generate_latest(metrics) == b""
    consumer.consume("dlr", [accept(*map(envelope, "abc"))])
    remove_rows(engine, "b")
    accept(Envelope("p", "mms", NOW, "JSON", {}), queue="parked")
    save_figures(ledger.redis, auditor.audit())
    exported = generate_latest(metrics).decode()
    assert 'seven_audit_missing{queue="dlr"} 1.0' in exported
    assert 'seven_audit_waiting{queue="parked"} 1.0' in exported
    assert 'seven_audit_rows{outcome="applied",queue="dlr"} 2.0' in exported
    assert "seven_audit_lost 1.0" in exported
