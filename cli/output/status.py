"""What `status` shows: the checks first, then what moves; and the same as JSON."""

from dataclasses import asdict
from typing import Any

from cli.checks import Check, Grade, Silence, count, exit_code, tell, told
from cli.output.terminal import line, shown, table
from cli.status_judging import at_most
from cli.status_reading import Status
from cli.times import ago
from seven.events import PARKED, QUEUES
from store.row_counts import RowCounts

MOST_TEXT = 56
_WRONG = {0: "nothing is wrong", 1: "1 thing is wrong"}


def report(status: Status, checks: list[Check]) -> None:
    """One screen."""
    grades = count(checks)
    verdict = _WRONG.get(grades[Grade.WRONG], f"{grades[Grade.WRONG]} things are wrong")
    if grades[Grade.UNKNOWN]:
        unknown = f"{grades[Grade.UNKNOWN]} could not be found out"
        verdict = f"{verdict}, {unknown}" if grades[Grade.WRONG] else f"nobody knows: {unknown}"
    style = "bold green" if exit_code(checks) == 0 else "bold red"
    line(f"{shown(status.at)} UTC: {verdict}", style)
    line()
    tell(checks)
    line()
    _queues(status)
    if isinstance(status.store, RowCounts):
        _reasons(status.store)
        _changes(status.store)


def _queues(status: Status) -> None:
    redis = None if isinstance(status.redis, Silence) else status.redis.ledger
    received = dict(status.store.received) if isinstance(status.store, RowCounts) else None
    rows = []
    for queue in QUEUES:
        row: list[object] = [queue, "?", "?", "?", "?", "?"]
        if redis:
            figures, last = redis.figures.queues[queue], redis.last_at.get(queue)
            row[1] = ago(redis.figures.now - last) if last else ""
            row[3] = figures.pending or ""
            row[4] = ago(redis.figures.now - figures.oldest_at) if figures.oldest_at else ""
            row[5] = figures.announcements or ""
        if received is not None:
            # what is parked has its own event type, or none
            hour = received.pop(queue, 0) if queue != PARKED else sum(received.values())
            row[2] = at_most(hour) if hour else ""
        rows.append(row)
    if redis:
        rows.append(["clock", "", "", "", "", redis.clock_announcements or ""])
    table("", ("queue", "quiet for", "last hour", "batches wait", "oldest", "announced"), rows)


def _reasons(store: RowCounts) -> None:
    rows = [[one.outcome, n, _short(reason)] for one in store.open for reason, n in one.reasons]
    if rows:
        line()
        table("", ("outcome", "newest", "because"), rows)


def _short(reason: str) -> str:
    """As much as one line takes; `dead list` tells all of it."""
    return reason if len(reason) <= MOST_TEXT else f"{reason[:MOST_TEXT]}…"


def _changes(store: RowCounts) -> None:
    changed = [f"{at_most(n)} {name.replace('_', ' ')}" for name, n in store.changed.items() if n]
    hooks = [f"{n} {action}" for action, n in sorted(store.hook_changes.items())]
    line()
    line(f"Changed in the last hour: {', '.join(changed) or 'no row'}; hooks: {', '.join(hooks) or 'nothing'}.")


def as_told(status: Status, checks: list[Check]) -> dict[str, Any]:
    """Everything, for a script: `wrong` and `unknown` first."""
    grades = count(checks)
    return {
        "at": status.at,
        "wrong": grades[Grade.WRONG],
        "unknown": grades[Grade.UNKNOWN],
        "checks": told(checks),
        **{name: _plain(getattr(status, name)) for name in ("redis", "store", "workers", "receivers")},
    }


def _plain(value: Any) -> Any:
    """As JSON has it; of the memory of the hooks only its figures."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    plain = asdict(value)
    if "hooks" in plain:
        plain["hooks"] = {name: plain["hooks"][name] for name in ("read_ms", "drift", "count")}
    return {name: sorted(one) if isinstance(one, frozenset) else one for name, one in plain.items()}
