"""What a rebuild has done, or would do: on the screen and as JSON.

What people wrote is told by a dry run only, which is asked for it; else which fields of which rows have changed.
"""

from collections import Counter
from typing import Any

from cli.exits import Interruption, why
from cli.output.terminal import document, line, shown, table
from operations.rebuild import Done
from operations.refold import Left
from store.record_rows import Change

MOST_SHOWN = 1000
"""Changes, and subjects that were left, listed one by one; all are counted."""


class Report:
    """Counts what is done as it is done."""

    def __init__(self, dry_run: bool) -> None:
        self.dry_run = dry_run
        self.subjects = 0
        """How many there are; known before anything is done."""
        self.done = self.merged = self.moved = self.dropped = self.left = 0
        self.rows: dict[str, Counter[str]] = {}
        """By table, how many were changed, added and removed."""
        self._changes: list[Change] = []
        self._left: list[tuple[str, Left]] = []

    @property
    def lacks(self) -> bool:
        """Whether not all is as the archive tells."""
        return bool(self.left)

    def add(self, done: Done) -> None:
        """Take down one chunk."""
        found = done.refolded
        self.done += len(done.chunk.subjects)
        self.merged += len(found.merged)
        self.moved += len(found.moved)
        self.dropped += len(found.dropped)
        self.left += len(found.left)
        for one in found.changes:
            self.rows.setdefault(one.table, Counter())[_word(one)] += 1
        self._changes += found.changes[: MOST_SHOWN - len(self._changes)]
        self._left += [(done.chunk.family.records[0].table, one) for one in found.left[: MOST_SHOWN - len(self._left)]]

    def tell(self, as_json: bool, stopped: Interruption | None) -> None:
        """Tell all of it, as far as it came."""
        if as_json:
            document(self._told(stopped))
            return
        would = "would be " if self.dry_run else ""
        if self._changes:
            what, tell = ("from → to", _difference) if self.dry_run else ("fields", _names)
            rows = ((one.table, _key(one), _word(one), tell(one)) for one in self._changes)
            table("Rows", ("table", "key", would.strip(), what), rows)
            self._more(self._all.total() - len(self._changes))
            counts = ((name, *(its[word] or "" for word in _WORDS)) for name, its in sorted(self.rows.items()))
            table("Rows by table", ("table", *_WORDS), counts)
        if self._left:
            told = ((name, one.subject, one.reason) for name, one in self._left)
            table(f"Left as they are: {self.left}", ("table", "subject", "because"), told)
            self._more(self.left - len(self._left))
        counted = ", ".join(f"{self._all[word]} {word}" for word in _WORDS)
        line(f"{self.done} subjects were looked at; of their rows {would or 'were '}{counted}.")
        if self.merged:
            line(f"{self.merged} whose archive is cut {would or 'were '}merged, not replaced.")
        if self.moved:
            line(f"{self.moved} deliveries {'would ' if self.dry_run else ''}speak of another subject or time.")
        if self.dropped:
            line(f"{self.dropped} deliveries that are not understood today {would or 'were '}dropped.", "yellow")

    @property
    def _all(self) -> Counter[str]:
        return sum(self.rows.values(), Counter())

    def _more(self, number: int) -> None:
        if number > 0:
            line(f"… and {number} more; with a narrower range all are listed.")

    def _told(self, stopped: Interruption | None) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            "subjects": self.subjects,
            "done": self.done,
            "rows": _counts(self._all),
            "tables": {name: _counts(its) for name, its in sorted(self.rows.items())},
            "merged": self.merged,
            "moved": self.moved,
            "dropped": self.dropped,
            "left": self.left,
            "listed_at_most": MOST_SHOWN,
            "changes": [
                {"table": one.table, "key": one.key, "what": _word(one), "fields": list(one.fields)}
                | ({"values": one.fields} if self.dry_run else {})
                for one in self._changes
            ],
            "subjects_left": [
                {"table": name, "subject": one.subject, "reason": one.reason, "cut": one.cut}
                for name, one in self._left
            ],
            "stopped": why(stopped),
        }


_WORDS = ("changed", "added", "removed")


def _word(change: Change) -> str:
    return "added" if change.before is None else "removed" if change.after is None else "changed"


def _counts(rows: Counter[str]) -> dict[str, int]:
    return {word: rows[word] for word in _WORDS}


def _key(change: Change) -> str:
    return " ".join(shown(part) for part in change.key)


def _names(change: Change) -> str:
    return ", ".join(change.fields)


def _difference(change: Change) -> str:
    fields = {name: values for name, values in change.fields.items() if values != (None, None)}
    if change.before and change.after:
        return "; ".join(f"{name}: {_value(before)} → {_value(after)}" for name, (before, after) in fields.items())
    which = 0 if change.before else 1
    return "; ".join(f"{name}: {_value(values[which])}" for name, values in fields.items())


def _value(value: object) -> str:
    return "nothing" if value is None else shown(value)
