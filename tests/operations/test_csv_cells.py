"""CSV cells: what people wrote stays text in a spreadsheet."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from psycopg import Connection
from sqlalchemy import Engine

from cli.output.values import shown
from operations.csv_cells import FORMULA_BEGINS, csv_cell, csv_line
from store.read_only import read_only, run_statement


@pytest.mark.parametrize("begin", FORMULA_BEGINS)
def test_a_formula_is_defused(begin: str):
    """Text that a spreadsheet would run gets an apostrophe in front; what follows is unchanged."""
    assert csv_cell(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(None, "", id="nothing"),
        pytest.param("", "", id="empty"),
        pytest.param("a=1", "a=1", id="no formula"),
        pytest.param("'quoted", "'quoted", id="an apostrophe"),
        pytest.param(-5, "-5", id="a negative number"),
        pytest.param(-0.5, "-0.5", id="a negative fraction"),
        pytest.param(float("-inf"), "'-inf", id="no number"),
        pytest.param(Decimal("1E+2"), "100", id="a price"),
        pytest.param(True, "true", id="true"),
        pytest.param(b"\x00=", "003d", id="bytes"),
        pytest.param("+49151", "'+49151", id="a number with its plus"),
        pytest.param(datetime(2026, 3, 29, 14, tzinfo=timezone(timedelta(hours=2))), "2026-03-29T12:00:00+00:00", id="a time"),
        pytest.param(datetime(2026, 3, 29, tzinfo=UTC).date(), "2026-03-29", id="a day"),
        pytest.param([1, "=a", None, True], '[1, "=a", null, true]', id="a list"),
        pytest.param({"ü": Decimal("0.10")}, '{"ü": "0.10"}', id="JSON"),
        pytest.param([datetime(2026, 3, 29, tzinfo=UTC)], '["2026-03-29T00:00:00+00:00"]', id="a list of times"),
    ],
)  # fmt: skip
def test_a_value_as_a_cell(value: Any, cell: str):
    """Numbers and times stay what they are."""
    assert csv_cell(value) == cell


def test_a_line_reads_back():
    """Every separator, quote and line break within a cell is quoted, also those of other countries' spreadsheets."""
    cells = ['say "hi"', "a;=b", "a,b", "line\nbreak", "tab\t=", "plain", "\0", "😀", "x" * 10_000]
    assert next(csv.reader(io.StringIO(csv_line(cells), newline=""))) == cells
    assert csv_line(["a;=b"]) == '"a;=b"\n'


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_json_and_arrays_of_postgresql_are_json(engine: Engine, database_url: str):
    """On the screen as in a file; with other types in an array as they are outside of one."""
    statement = """SELECT '{"a": [1, null, true]}'::jsonb, ARRAY['x', 'ü'], ARRAY[timestamptz '2026-03-29 12:00Z'], ARRAY[0.10]"""
    with read_only(database_url, 30) as connection:
        (row,) = run_statement(connection, statement).rows

    cells = ['{"a": [1, null, true]}', '["x", "ü"]', '["2026-03-29T12:00:00+00:00"]', '["0.10"]']
    assert [csv_cell(value) for value in row] == cells
    assert [shown(value) for value in row] == [*cells[:2], '["2026-03-29 12:00:00"]', *cells[3:]]


ROWS: list[tuple[str | None, ...]] = [("a",), (None,), ("",), ("b",), (None,)]


def test_no_line_is_blank():
    """A reader of one column finds as many rows as there are, whatever is in them; a table without columns, too."""
    file = "".join(map(csv_line, [("text",), *ROWS]))

    assert [row["text"] for row in csv.DictReader(io.StringIO(file, newline=""))] == ["a", "", "", "b", ""]
    assert csv_line([]) == '""\n'


def test_empty_text_is_not_null():
    """As PostgreSQL writes both: nothing between two commas is NULL."""
    assert csv_line([None, "", None]) == ',"",\n'


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
@pytest.mark.parametrize("columns", [1, 2])
def test_postgresql_reads_our_rows(engine: Engine, columns: int):
    """`COPY … CSV HEADER` has every row, and NULL where it was, but for rows of nothing else."""
    rows = [(*row, "x")[:columns] for row in ROWS]
    head = ("first", "second")[:columns]
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, Connection)
        names = ", ".join(f"{name} text" for name in head)
        driver.execute(f"CREATE TEMPORARY TABLE copied (n int GENERATED ALWAYS AS IDENTITY, {names})".encode())
        with driver.cursor().copy(f"COPY copied ({', '.join(head)}) FROM STDIN (FORMAT csv, HEADER)".encode()) as copy:
            copy.write("".join(map(csv_line, [head, *rows])))
        copied = driver.execute(f"SELECT {', '.join(head)} FROM copied ORDER BY n".encode()).fetchall()
        driver.execute("DROP TABLE copied")

    assert copied == (rows if columns > 1 else [(row[0] or "",) for row in rows])
