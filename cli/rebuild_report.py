"""What a rebuild has done, or would do: on the screen and as JSON."""

from collections import Counter
from typing import Any

from cli.screen import document, line, shown, table
from workers.rebuilding import Done
from workers.refolding import Left
from workers.store.comparing import Change

MOST_SHOWN = 1000
"""Changes, and subjects that were left, listed one by one; all are counted."""


class Report:
    """Counts what is done as it is done."""

    def __init__(self, dry_run: bool) -> None:
        self.dry_run = dry_run
        self.subjects = 0
        """How many there are; known before anything is done."""
        self.done = self.merged = self.moved = self.not_understood = self.left = 0
        self.rows: Counter[str] = Counter()
        self._changes: list[Change] = []
        self._left: list[tuple[str, Left]] = []

    @property
    def lacks(self) -> bool:
        """Whether not all is as the archive tells, or a delivery of it tells no more."""
        return bool(self.left or self.not_understood)

    def add(self, done: Done) -> None:
        """Take down one chunk."""
        found = done.refolded
        self.done += len(done.chunk.subjects)
        self.merged += len(found.merged)
        self.moved += len(found.moved)
        self.not_understood += len(found.parked)
        self.left += len(found.left)
        self.rows.update(_word(one) for one in found.changes)
        self._changes += found.changes[: MOST_SHOWN - len(self._changes)]
        self._left += [(done.chunk.family.records[0].table, one) for one in found.left[: MOST_SHOWN - len(self._left)]]

    def how_far(self) -> str:
        """For who was stopped."""
        return (
            f"{self.done} of {self.subjects} subjects were done. Each chunk was done wholly or not at all;"
            " the same command again does the rest."
        )

    def tell(self, as_json: bool) -> None:
        """Tell all of it."""
        if as_json:
            document(self._told())
            return
        would = "would be " if self.dry_run else ""
        if self._changes:
            rows = ((one.table, _key(one), _word(one), _difference(one)) for one in self._changes)
            table("Rows", ("table", "key", would.strip(), "from → to"), rows)
            self._more(sum(self.rows.values()) - len(self._changes))
        if self._left:
            told = ((name, one.subject, one.reason) for name, one in self._left)
            table(f"Left as they are: {self.left}", ("table", "subject", "because"), told)
            self._more(self.left - len(self._left))
        counted = ", ".join(f"{self.rows[word]} {word}" for word in _WORDS)
        line(f"{self.done} subjects were looked at; of their rows {would or 'were '}{counted}.")
        if self.merged:
            line(f"{self.merged} whose archive is cut {would or 'were '}merged, not replaced.")
        if self.moved:
            line(f"{self.moved} deliveries {'would ' if self.dry_run else ''}speak of another subject or time.")
        if self.not_understood:
            line(
                f"{self.not_understood} deliveries that were applied are not understood today; they count no more.",
                "yellow",
            )

    def _more(self, number: int) -> None:
        if number > 0:
            line(f"… and {number} more; with a narrower range all are listed.")

    def _told(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            "subjects": self.subjects,
            "done": self.done,
            "rows": {word: self.rows[word] for word in _WORDS},
            "merged": self.merged,
            "moved": self.moved,
            "not_understood": self.not_understood,
            "left": self.left,
            "listed_at_most": MOST_SHOWN,
            "changes": [
                {"table": one.table, "key": one.key, "what": _word(one), "fields": one.fields} for one in self._changes
            ],
            "subjects_left": [
                {"table": name, "subject": one.subject, "reason": one.reason, "cut": one.cut}
                for name, one in self._left
            ],
        }


_WORDS = ("changed", "added", "removed")


def _word(change: Change) -> str:
    return "added" if change.before is None else "removed" if change.after is None else "changed"


def _key(change: Change) -> str:
    return " ".join(shown(part) for part in change.key)


def _difference(change: Change) -> str:
    fields = {name: values for name, values in change.fields.items() if values != (None, None)}
    if change.before and change.after:
        return "; ".join(f"{name}: {_value(before)} → {_value(after)}" for name, (before, after) in fields.items())
    which = 0 if change.before else 1
    return "; ".join(f"{name}: {_value(values[which])}" for name, values in fields.items())


def _value(value: object) -> str:
    return "nothing" if value is None else shown(value)
