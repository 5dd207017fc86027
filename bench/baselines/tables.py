"""The tables that every baseline writes: archive, a message's standing, its history.

python -m bench.baselines.tables     creates them in DATABASE_URL
"""

import os

from sqlalchemy import JSON, Column, DateTime, MetaData, String, Table, create_engine

metadata = MetaData()
deliveries = Table(
    "baseline_deliveries", metadata,
    Column("id", String, primary_key=True), Column("received_at", DateTime(timezone=True)), Column("payload", JSON),
)  # fmt: skip
messages = Table(
    "baseline_messages", metadata,
    Column("msg_id", String, primary_key=True), Column("status", String), Column("status_at", DateTime),
)  # fmt: skip
statuses = Table(
    "baseline_message_statuses", metadata,
    Column("msg_id", String, primary_key=True), Column("status", String, primary_key=True),
    Column("at", DateTime, primary_key=True),
)  # fmt: skip

if __name__ == "__main__":
    metadata.create_all(create_engine(os.environ["DATABASE_URL"]))
