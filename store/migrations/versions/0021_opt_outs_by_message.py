"""Opt-outs by message: an index for changes, which know an opt-out by the message that said so."""

from alembic import op

from store.beside_traffic import NewIndex, build_index, outside_transaction

revision = "0021"
down_revision = "0020"

INDEX = NewIndex("opt_out_events", "ix_opt_out_events_inbound_id", "inbound_id")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE INDEX {INDEX.name} ON {INDEX.table} {INDEX.definition}")
        return
    with outside_transaction() as engine:
        build_index(engine, INDEX)
