"""Alembic's environment; `store/migrate.py` provides the connection."""

from alembic import context

from store.schema import SCHEMA, metadata
from store.version import VERSION_TABLE

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    version_table_schema=SCHEMA if connection.dialect.name == "postgresql" else None,
    transactional_ddl=True,
)
context.run_migrations()
