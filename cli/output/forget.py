"""What `forget` says: what it has found, what it has done, and what it cannot reach."""

from typing import Any

from cli.output.terminal import line, table
from operations.erasure import Forgotten, Found

BEYOND_REACH = (
    "Messages that you sent to a number: status reports name none. Forget them by --msg-id or --foreign-id.",
    "A number told without its country code, in a text or a payload: give that spelling, too.",
    "The gateway itself, and your own records of what you sent.",
    "Copies that others have made, acting on changes or reading the tables.",
    "Backups, and a database's archived logs.",
    "Redis' append-only file, until it is rewritten (BGREWRITEAOF).",
    "The database's own files, until freed space is used again: VACUUM, for SQLite with a checkpoint after it.",
    "What the gateway tells once more: it may, for 3.5 days. Run the same again after four.",
)


def tell_plan(found: Found) -> None:
    """What one look has found."""
    counts = found.counts
    if not found:
        line("Nothing of that kind is kept.")
        _tell_beyond()
        return
    tables = sorted({*counts.blanked, *counts.removed})
    rows = [(name, counts.blanked[name], counts.removed[name]) for name in tables]
    table("Rows to be blanked, or removed where their key names somebody", ("table", "blanked", "removed"), rows)
    if found.batches:
        line(f"In the ledger, to be consumed first: {found.waiting} deliveries in {len(found.batches)} batches.")


def tell_done(done: Forgotten, good: bool) -> None:
    """What was done about it."""
    tables = sorted(name for name in {*done.blanked, *done.removed} if done.blanked[name] or done.removed[name])
    rows = [(name, done.blanked[name], done.removed[name]) for name in tables]
    table("Done", ("table", "blanked", "removed"), rows)
    if good:
        line(f"Looked {done.looks} times: nothing of that kind is kept any more.", "green")
    elif done.left and done.left.batches:
        line(
            f"{done.left.waiting} deliveries still wait in the ledger. Have workers consume them, and run it again.",
            "red",
        )
    else:
        line("Not all of it is done. Run the same again.", "red")
    _tell_beyond()


def told_plan(found: Found) -> dict[str, Any]:
    """What one look has found, for a script."""
    return {**_counts(found.counts), "waiting": found.waiting, "batches": len(found.batches)}


def told_done(done: Forgotten, good: bool) -> dict[str, Any]:
    """What was done, for a script."""
    return {
        "done": _counts(done),
        "looks": done.looks,
        "left": None if good else told_plan(done.left or Found()),
        "beyond_reach": BEYOND_REACH,
    }


def _counts(told: Forgotten) -> dict[str, dict[str, int]]:
    return {
        "blanked": {name: rows for name, rows in sorted(told.blanked.items()) if rows},
        "removed": {name: rows for name, rows in sorted(told.removed.items()) if rows},
    }


def _tell_beyond() -> None:
    line()
    line("Out of reach of this command:")
    for one in BEYOND_REACH:
        line(f"- {one}")
