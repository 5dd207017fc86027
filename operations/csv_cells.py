"""CSV cells: rows of a CSV file that a spreadsheet shows as text, and does not run.

Spreadsheets run a cell as a formula by its first character, and people write what they like into an SMS. Such text gets
an apostrophe in front, which spreadsheets take as "this is text".

NULL and the empty text are apart as PostgreSQL's COPY has them: a cell without anything is NULL, `""` is empty text.
"""

import json
import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the full-width forms, which some read as the others."""
_EMPTY = '""'
_QUOTED = frozenset(' ,;"\t\r\n')
"""Also what separates cells in other countries' spreadsheets."""


def csv_line(cells: Iterable[object]) -> str:
    """A line of CSV with its end: UTF-8 text, commas, times in ISO 8601 and UTC.

    It is never blank, for most readers drop blank lines: NULL as the only cell is `""`, too.
    """
    return (",".join(map(_cell, cells)) or _EMPTY) + "\n"


def csv_cell(value: Any) -> str:
    """A value as the text of a cell. Only text is defused: a number may be negative."""
    if value is None or isinstance(value, bool):
        return {None: "", False: "false", True: "true"}[value]
    if isinstance(value, (int, float, Decimal)) and math.isfinite(value):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, datetime) and value.tzinfo:
        value = value.astimezone(UTC)
    if isinstance(value, date):  # as a datetime is, too
        return value.isoformat()
    text = _text(value)
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text


def _text(value: Any) -> str:
    """What has no form of its own in CSV: PostgreSQL's JSON, arrays and rows as JSON, bytes in hexadecimal digits."""
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=csv_cell)
    return bytes(value).hex() if isinstance(value, (bytes, memoryview)) else str(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = csv_cell(value)
    if text and _QUOTED.isdisjoint(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
