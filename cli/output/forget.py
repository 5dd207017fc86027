"""Output of `forget`: what it found, what it blanked, and what it cannot reach."""

from collections.abc import Mapping
from typing import Any

from cli.output.terminal import line, table
from operations.erasure_matches import Erasure, Matches
from seven.plurals import counted
from store.notifications import KEPT

BEYOND_REACH = (
    "Messages that you sent to a number, but for those in sent_messages: forget them by --msg-id or --foreign-id.",
    "A number without its country code, unless that is SEVEN_COUNTRY_CODE and the number begins with its 0.",
    "Your own numbers, where messages and calls came in to them or went out from them: --own-number.",
    "The gateway itself, and your own records of what you sent.",
    "Copies made by programs that react to changes or read the tables.",
    "Backups, and the archived logs of a database.",
    "Redis' append-only file, until it is rewritten (BGREWRITEAOF).",
    "The database's own files, until freed space is used again: VACUUM, for SQLite with a checkpoint after it.",
)
"""Whether or not the erasure lasts."""
REPEATS = "Deliveries that the gateway repeats: it may, for 3.5 days. Run the same command again after four."
UNDATED = "Repeats to which the gateway gives a new time, as it may where an event has none of its own."
NO_KEY = (
    "SEVEN_ERASURE_KEY is not set, so this does not last: a repeat or a replay brings the number back, and opt-outs "
    "stay under it. Set it for workers and commands; deploy/operate.md, Erasure."
)


def beyond_reach(lasts: bool) -> list[str]:
    """What an erasure cannot reach."""
    return [*BEYOND_REACH, UNDATED if lasts else REPEATS]


def print_plan(matches: Matches, lasts: bool) -> None:
    """Print what a search found."""
    counts = matches.counts
    if not matches:
        line("Nothing about this person is kept.")
        _print_beyond_reach(lasts)
        return
    tables = sorted(counts.blanked)
    rows = [(name, counts.blanked[name]) for name in tables]
    table("Rows to blank; they stay, under another key if theirs names the person", ("table", "blanked"), rows)
    if matches.batches:
        line(f"In the ledger, to be consumed first: {matches.waiting} deliveries in {len(matches.batches)} batches.")


def print_notified(notified: Mapping[str, int]) -> None:
    """Print which subscribers were sent something about the person: they keep what they were sent."""
    if notified:
        names = ", ".join(f"{name} ({counted(number, 'change')})" for name, number in notified.items())
        line(
            f"Notified of this person in the last {KEPT.days} days, and to be asked to forget as well: {names}.",
            "yellow",
        )


def print_done(done: Erasure, good: bool, lasts: bool) -> None:
    """Print what was blanked and removed, and what is left."""
    tables = sorted(name for name in {*done.blanked, *done.removed} if done.blanked[name] or done.removed[name])
    rows = [(name, done.blanked[name], done.removed[name]) for name in tables]
    table("Done", ("table", "blanked", "removed: repeats of blanked rows"), rows)
    if good:
        line(f"Searched {done.passes} times: nothing about this person is kept any more.", "green")
        if lasts:
            line("What is dated before now and comes in again is blanked on its way.", "green")
    elif done.left and done.left.batches:
        line(
            f"{done.left.waiting} deliveries still wait in the ledger. Run it again once workers have consumed them.",
            "red",
        )
    else:
        line("Not everything is done. Run the same command again.", "red")
    _print_beyond_reach(lasts)


def matches_as_dict(matches: Matches) -> dict[str, Any]:
    """What a search found, for `--json`."""
    return {**_counts(matches.counts), "waiting": matches.waiting, "batches": len(matches.batches)}


def erasure_as_dict(done: Erasure, good: bool, lasts: bool) -> dict[str, Any]:
    """What was blanked and removed, and what is left, for `--json`."""
    return {
        "done": _counts(done),
        "looks": done.passes,
        "left": None if good else matches_as_dict(done.left or Matches()),
        "beyond_reach": beyond_reach(lasts),
        "lasts": lasts,
    }


def _counts(erasure: Erasure) -> dict[str, dict[str, int]]:
    return {
        "blanked": {name: rows for name, rows in sorted(erasure.blanked.items()) if rows},
        "removed": {name: rows for name, rows in sorted(erasure.removed.items()) if rows},
    }


def _print_beyond_reach(lasts: bool) -> None:
    line()
    line("Out of reach of this command:")
    for sentence in beyond_reach(lasts):
        line(f"- {sentence}")
