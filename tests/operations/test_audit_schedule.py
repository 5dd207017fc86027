"""Scheduled audits: their metrics."""

from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.audit import Auditor
from operations.audit_schedule import AuditMetrics, save_figures
from seven.envelope import Envelope
from tests.factories.envelopes import NOW, envelope
from tests.operations.audits import remove_rows
from workers.consumer import Consumer


def test_the_figures_are_exported_as_metrics(
    auditor: Auditor, consumer: Consumer, engine: Engine, ledger: Ledger, accept: Any
):
    """The figures of the last audit are exported by queue, the same from every worker."""
    metrics = CollectorRegistry()
    metrics.register(AuditMetrics(ledger.redis))
    assert generate_latest(metrics) == b""
    consumer.consume("dlr", [accept(*map(envelope, "abc"))])
    remove_rows(engine, "b")
    accept(Envelope("p", "rcs", NOW, "JSON", {}), queue="parked")
    save_figures(ledger.redis, auditor.audit())
    exported = generate_latest(metrics).decode()
    assert 'seven_audit_missing{queue="dlr"} 1.0' in exported
    assert 'seven_audit_waiting{queue="parked"} 1.0' in exported
    assert 'seven_audit_rows{outcome="applied",queue="dlr"} 2.0' in exported
    assert "seven_audit_lost 1.0" in exported
