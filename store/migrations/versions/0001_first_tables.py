"""The first tables and views."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer

from store.types import CodePointText, Euros, Time
from store.views import create_view

revision = "0001"
down_revision = None


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    schema = "seven" if dialect == "postgresql" else None

    def table(name: str, *columns: Column[Any], changes: bool = False) -> None:
        tracked = [Column("changed_at", Time, nullable=False)] if changes else []
        op.create_table(name, *columns, *tracked, schema=schema)
        if changes:
            index(name, "changed_at")

    def index(name: str, column: str) -> None:
        op.create_index(f"ix_{name}_{column}", name, [column], schema=schema)

    def key(name: str, kind: Any = CodePointText) -> Column[Any]:
        return Column(name, kind, primary_key=True, autoincrement=False)

    def text(name: str) -> Column[Any]:
        return Column(name, CodePointText)

    def time(name: str) -> Column[Any]:
        return Column(name, Time)

    def number(name: str) -> Column[Any]:
        return Column(name, BigInteger)

    table(
        "deliveries",
        key("id"), text("event_type"), text("queue"), text("subject"), time("received_at"), time("applied_at"),
        time("event_at"), text("request_method"), text("payload"), text("digest"), text("outcome"), text("reason"),
        text("ledger"), number("ordinal"),
    )  # fmt: skip
    index("deliveries", "subject")
    table(
        "messages",
        key("msg_id"), text("status"), text("result"), Column("final", Boolean), time("status_at"),
        Column("rank", Integer), text("foreign_id"), time("first_seen_at"), time("last_seen_at"),
        changes=True,
    )  # fmt: skip
    index("messages", "foreign_id")
    table("message_statuses", key("msg_id"), key("status"), key("at", Time))
    table(
        "inbound_messages",
        key("id"), text("sender"), text("recipient"), text("text"), time("sent_at"), text("message_type"),
        changes=True,
    )  # fmt: skip
    table(
        "calls",
        key("direction"), key("call_id"), text("caller"), text("recipient"), text("status"), Column("final", Boolean),
        time("status_at"), Column("rank", Integer), number("duration_s"), Column("price_per_minute", Euros),
        Column("total_price", Euros), text("foreign_id"), time("started_at"),
        changes=True,
    )  # fmt: skip
    index("calls", "foreign_id")
    table("call_statuses", key("direction"), key("call_id"), key("status"), key("at", Time))
    table(
        "links",
        key("sms_id"), key("tracking_url"), text("label"), text("final_url"), number("clicks"), number("views"),
        time("first_at"), time("last_at"),
        changes=True,
    )  # fmt: skip
    table("link_events", key("sms_id"), key("tracking_url"), key("type"), key("nth", BigInteger), time("at"))
    table(
        "dead_letters",
        key("id"), text("event_type"), text("envelope"), text("reason"), time("failed_at"), number("attempts"),
        time("replayed_at"), time("discarded_at"),
    )  # fmt: skip
    table(
        "hook_changes",
        key("id"), time("at"), text("action"), text("hook_id"), text("event_type"), text("request_method"),
        text("event_filter"), Column("applied", Boolean), text("reason"),
    )  # fmt: skip
    for view in ("delivery_rates", "link_totals", "link_activity", "call_costs"):
        op.execute(create_view(view, dialect))
