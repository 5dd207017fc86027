"""Rows by keys: a query for many rows by their keys, with one array for each column, or for SQLite a JSON document."""

from collections.abc import Mapping, Sequence
from json import dumps
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, bindparam, func, select

from store.upsert import array_rows


def select_by_keys(keys: Sequence[Column[Any]], columns: Sequence[ColumnElement[Any]], dialect: str) -> Select[Any]:
    """These columns of the rows whose keys are among those of `key_values`. The keys are columns of one table."""
    if dialect == "postgresql":
        listed = array_rows(keys)
        source, same = listed[0].table, [key == its for key, its in zip(keys, listed, strict=True)]
    else:
        source = func.json_each(bindparam("keys")).table_valued("value", name="listed")
        same = [key == func.json_extract(source.c.value, f"$[{n}]") for n, key in enumerate(keys)]
    return select(*columns).select_from(source).join(keys[0].table, and_(*same))


def key_values(names: Sequence[str], keys: Sequence[tuple[Any, ...]], dialect: str) -> Mapping[str, Any]:
    """The parameters of such a query; there is at least one key."""
    if dialect == "postgresql":
        return dict(zip(names, map(list, zip(*keys, strict=True)), strict=True))
    return {"keys": dumps(keys)}
