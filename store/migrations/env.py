"""What Alembic runs around the versions; `store/migrate.py` brings the connection."""

from alembic import context

from store.migrate import VERSION_TABLE
from store.schema import SCHEMA, metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    version_table_schema=SCHEMA if connection.dialect.name == "postgresql" else None,
    transactional_ddl=True,
)
context.run_migrations()
