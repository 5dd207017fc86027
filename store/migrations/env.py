"""Alembic's environment; `store/migrate.py` provides the connection."""

from alembic import context

from store.migrate import exclude_earlier_versions
from store.schema import SCHEMA, metadata
from store.timeouts import lift_bounds
from store.version import VERSION_TABLE

connection = context.config.attributes["connection"]
is_server = connection.dialect.name == "postgresql"
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    version_table_schema=SCHEMA if is_server else None,
    transactional_ddl=True,
)
with context.begin_transaction():
    if is_server:
        lift_bounds(connection)
        exclude_earlier_versions(connection)
    context.run_migrations()
