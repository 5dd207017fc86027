"""The report of `rebuild`, as tables and as JSON.

Only a dry run shows values, which may be personal data; otherwise the report names the changed fields of each row.
"""

from collections import Counter
from typing import Any

from cli.exits import Interruption, reason_of
from cli.output.terminal import document, line, shown, table
from operations.rebuild import ChunkResult
from operations.refold import LeftSubject
from store.record_rows import RowDifference

MOST_SHOWN = 1000
"""Listed changes, and listed subjects that were left; all are counted."""


class Report:
    """Adds up the results of chunks, and prints them."""

    def __init__(self, dry_run: bool) -> None:
        self.dry_run = dry_run
        self.subjects = 0
        """All in the scope; known before the first chunk."""
        self.done = self.merged = self.moved = self.dropped = self.left = 0
        self.rows: dict[str, Counter[str]] = {}
        """Numbers of rows changed, added and removed, by table."""
        self._changes: list[RowDifference] = []
        self._left: list[tuple[str, LeftSubject]] = []

    def add(self, result: ChunkResult) -> None:
        """Add the result of one chunk."""
        refolded = result.refolded
        self.done += len(result.chunk.subjects)
        self.merged += len(refolded.merged)
        self.moved += len(refolded.moved)
        self.dropped += len(refolded.dropped)
        self.left += len(refolded.left)
        for change in refolded.changes:
            self.rows.setdefault(change.table, Counter())[_kind(change)] += 1
        self._changes += refolded.changes[: MOST_SHOWN - len(self._changes)]
        table_name = result.chunk.aggregate.records[0].table
        self._left += [(table_name, left) for left in refolded.left[: MOST_SHOWN - len(self._left)]]

    def print(self, as_json: bool, interruption: Interruption | None) -> None:
        """Print the chunks added so far."""
        if as_json:
            document(self._as_dict(interruption))
            return
        would = "would be " if self.dry_run else ""
        if self._changes:
            heading, details = ("from → to", _difference) if self.dry_run else ("fields", _field_names)
            rows = ((change.table, _key(change), _kind(change), details(change)) for change in self._changes)
            table("Rows", ("table", "key", would.strip() or "was", heading), rows)
            self._print_more(self._total.total() - len(self._changes))
            counts = ((name, *(kinds[kind] or "" for kind in _KINDS)) for name, kinds in sorted(self.rows.items()))
            table("Rows by table", ("table", *_KINDS), counts)
        if self._left:
            reasons = ((name, left.subject, left.reason) for name, left in self._left)
            table(f"Left as they are: {self.left}", ("table", "subject", "because"), reasons)
            self._print_more(self.left - len(self._left))
        totals = ", ".join(f"{self._total[kind]} {kind}" for kind in _KINDS)
        line(f"{self.done} subjects were checked; of their rows {would or 'were '}{totals}.")
        if self.merged:
            line(f"{self.merged} whose archive is incomplete {would or 'were '}merged, not replaced.")
        if self.moved:
            line(f"{self.moved} deliveries {'would have' if self.dry_run else 'have'} another subject, time or remark.")
        if self.dropped:
            line(f"{self.dropped} deliveries that are not understood today {would or 'were '}dropped.", "yellow")

    @property
    def _total(self) -> Counter[str]:
        return sum(self.rows.values(), Counter())

    def _print_more(self, number: int) -> None:
        if number > 0:
            line(f"… and {number} more; select a narrower range to list all.")

    def _as_dict(self, interruption: Interruption | None) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            "subjects": self.subjects,
            "done": self.done,
            "rows": _counts(self._total),
            "tables": {name: _counts(kinds) for name, kinds in sorted(self.rows.items())},
            "merged": self.merged,
            "moved": self.moved,
            "dropped": self.dropped,
            "left": self.left,
            "listed_at_most": MOST_SHOWN,
            "changes": [
                {"table": change.table, "key": change.key, "what": _kind(change), "fields": list(change.fields)}
                | ({"values": change.fields} if self.dry_run else {})
                for change in self._changes
            ],
            "subjects_left": [
                {"table": name, "subject": left.subject, "reason": left.reason, "cut": left.cut}
                for name, left in self._left
            ],
            "stopped": reason_of(interruption),
        }


_KINDS = ("changed", "added", "removed")


def _kind(change: RowDifference) -> str:
    return "added" if change.before is None else "removed" if change.after is None else "changed"


def _counts(rows: Counter[str]) -> dict[str, int]:
    return {kind: rows[kind] for kind in _KINDS}


def _key(change: RowDifference) -> str:
    return " ".join(shown(part) for part in change.key)


def _field_names(change: RowDifference) -> str:
    return ", ".join(change.fields)


def _difference(change: RowDifference) -> str:
    fields = {name: values for name, values in change.fields.items() if values != (None, None)}
    if change.before and change.after:
        return "; ".join(f"{name}: {_value(before)} → {_value(after)}" for name, (before, after) in fields.items())
    which = 0 if change.before else 1
    return "; ".join(f"{name}: {_value(values[which])}" for name, values in fields.items())


def _value(value: object) -> str:
    return "nothing" if value is None else shown(value)
