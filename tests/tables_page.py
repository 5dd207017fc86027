"""Tables page: docs/tables.md, written from what the schema says of itself. `make tables` renews it."""

from collections.abc import Iterator

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from store.schema import SCHEMA, metadata
from store.views import COLUMN_COMMENTS, COMMENTS
from tests.processes import ROOT

PAGE = ROOT / "docs/tables.md"
HEAD = """\
# Tables

Written by `make tables` from `store/schema/` and `store/views.py`; PostgreSQL shows the same beside each table (`\\d+`). All tables are
in the schema `seven`; SQLite has no schemas. All times are UTC, and ids of the gateway are text. Columns are only added within a major version.

The types are PostgreSQL's. In SQLite a time is text, `2026-03-29 12:00:00.000000+00:00`, a boolean 0 or 1, and a price a double: a sum of prices
is exact as `round(sum(price), 8)`. `strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now')` writes a time as we do.

To read what arrived since a time, compare ids: `WHERE id >= seven.first_delivery_id('2026-01-01')` reads the weeks since then alone, where
`received_at` would read all of them. On SQLite write it without `seven.`, and outside of our own commands, where there is no such function,
`printf('%08x-%04x', 1000 * strftime('%s', '2026-01-01') >> 16, 1000 * strftime('%s', '2026-01-01') & 65535)`.
"""


def page() -> str:
    """docs/tables.md."""
    lines = [HEAD]
    for table in sorted(metadata.tables.values(), key=lambda each: each.name):
        lines += [f"## {table.name}", "", f"{table.comment}.", "", "| column | type | |", "|---|---|---|"]
        for column in table.columns:
            kind = column.type.compile(postgresql.dialect()).split(" COLLATE")[0].lower()
            name = f"**`{column.name}`**" if column.primary_key else f"`{column.name}`"
            lines.append(f"| {name} | {kind} | {_cell(column.comment or '')} |")
        lines += ["", *_indexes(table)]
    lines += ["# Views", ""]
    for view, columns in COLUMN_COMMENTS.items():
        lines += [f"## {view}", "", COMMENTS[view], "", "| column | |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(comment)} |" for name, comment in columns.items()]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _indexes(table: Table) -> Iterator[str]:
    if table.indexes:
        yield from ("| index | on | read by |", "|---|---|---|")
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            sql = str(CreateIndex(index).compile(dialect=postgresql.dialect()))
            _, _, on = sql.partition(f"ON {SCHEMA}.{table.name} ")
            yield f"| `{index.name}` | `{on}` | {_cell(index.info['comment'])} |"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
