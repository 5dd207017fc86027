"""Store: the tables that people query, in SQLite or PostgreSQL, through one code path."""
