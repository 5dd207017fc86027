"""Named query: a question that people ask of the tables, as SQL for both databases with typed parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Executable, bindparam, text
from sqlalchemy.types import TypeEngine

from operations.queries.dialects import DIALECTS, literal
from operations.queries.parameters import Parameter
from seven.phone_numbers import COUNTRY_CODE
from store.read_only import Answer
from store.types import Time

ROWS_AT_ONCE = 1000
# Sums over 100,000 rows in memory; compiling them would take longer. A cursor is planned for all of its rows.
_FOR_MANY_ROWS = "SET LOCAL work_mem = '32MB'; SET LOCAL jit = off; SET LOCAL cursor_tuple_fraction = 1"
_PLACEHOLDER = re.compile(r"(?<![:\w]):(\w+)")

Sensitivity = Literal["number", "text", "message id", "foreign id", "label"]
"""What a column shows of a person, for whoever masks it."""


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One question, and how the database answers it. It reads through indexes, and writes nothing."""

    name: str
    title: str
    sentence: str
    """What a row is, and what is worth knowing before one believes it."""
    template: str
    """SQL in which `{…}` stands for what differs between the databases (`dialects.py`)."""
    parameters: tuple[Parameter, ...] = ()
    types: Mapping[str, type[TypeEngine[Any]]] = field(default_factory=dict)
    """Columns whose values one of the databases returns in another form."""
    sensitive: Mapping[str, Sensitivity] = field(default_factory=dict)
    """Columns that may show something of a person."""
    many_rows: bool = False
    """Whether the result may be too long for memory, so that it is streamed; PostgreSQL uses one process then."""
    plot: tuple[str, ...] = ()
    """If the first column is a day or an hour: the columns worth drawing over it."""

    def sql(self, dialect: str) -> str:
        """The statement for `sqlite` or `postgresql`, with `:name` for each value."""
        return self.template.format_map(DIALECTS[dialect]).strip()

    def sql_with(self, values: Mapping[str, Any], dialect: str) -> str:
        """The statement with these values in it, for people who want to change it."""
        return _PLACEHOLDER.sub(lambda match: literal(values[match[1]], dialect), self.sql(dialect))

    def values(
        self, texts: Mapping[str, str], *, now: datetime | None = None, country_code: int = COUNTRY_CODE
    ) -> dict[str, Any]:
        """What the statement binds, from parameters as people write them; the others have their defaults.

        Raises ValueError, with a sentence, for an unknown parameter, for a value that makes no sense, and for a
        missing one.
        """
        names = [parameter.name for parameter in self.parameters]
        for name in texts:
            if name not in names:
                raise ValueError(f"{self.name} has no parameter {name!r}; it has {', '.join(names)}")
        now = now or datetime.now(UTC)
        bound: dict[str, Any] = {}
        for parameter in self.parameters:
            bound |= parameter.values(texts.get(parameter.name), now, country_code)
        return bound


def run(connection: Connection, query: NamedQuery, values: Mapping[str, Any]) -> Answer:
    """Run a query with what `NamedQuery.values` returned, in the connection's transaction. Raises SQLAlchemyError."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.exec_driver_sql(_FOR_MANY_ROWS)
    statement = _statement(query, dialect, values)
    options = {"yield_per": ROWS_AT_ONCE} if query.many_rows else {}
    result = connection.execute(statement, dict(values), execution_options=options)
    return Answer(tuple(result.keys()), (tuple(row) for row in result))


def _statement(query: NamedQuery, dialect: str, values: Mapping[str, Any]) -> Executable:
    statement = text(query.sql(dialect))
    bound = (bindparam(name, type_=Time) for name, value in values.items() if isinstance(value, datetime))
    used = [parameter for parameter in bound if f":{parameter.key}" in statement.text]
    return statement.bindparams(*used).columns(**{name: kind() for name, kind in query.types.items()})
