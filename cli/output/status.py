"""Output of `status`: the checks first, then what moves; and the same as JSON."""

from dataclasses import asdict
from typing import Any

from cli.output.checks import checks_as_list, exit_code, print_checks
from cli.output.terminal import line, shown, table
from operations.checks.check import Check, Grade, Unread, count
from operations.checks.flow import at_most
from operations.checks.readings import StatusReadings
from runtime.durations import duration
from seven.events import PARKED, QUEUES
from store.row_counts import RowCounts

MOST_TEXT = 56
_WRONG = {0: "nothing is wrong", 1: "1 thing is wrong"}


def print_status(now: StatusReadings, checks: list[Check]) -> None:
    """Print one screen."""
    grades = count(checks)
    verdict = _WRONG.get(grades[Grade.WRONG], f"{grades[Grade.WRONG]} things are wrong")
    if grades[Grade.UNKNOWN]:
        unknown = f"{grades[Grade.UNKNOWN]} could not be determined"
        verdict = f"{verdict}, {unknown}" if grades[Grade.WRONG] else f"incomplete: {unknown}"
    style = "bold green" if exit_code(checks) == 0 else "bold red"
    line(f"{shown(now.at)} UTC: {verdict}", style)
    line()
    print_checks(checks)
    line()
    _queues(now)
    if isinstance(now.store, RowCounts):
        _reasons(now.store)
        _changes(now.store)


def _queues(now: StatusReadings) -> None:
    redis = None if isinstance(now.redis, Unread) else now.redis.ledger
    received = dict(now.store.received) if isinstance(now.store, RowCounts) else None
    rows = []
    queues = {**dict.fromkeys(redis.figures.queues if redis else QUEUES), PARKED: None}
    for queue in sorted(queues, key=lambda queue: queue == PARKED):
        row: list[object] = [queue, "?", "?", "?", "?", "?"]
        if redis:
            figures, last = redis.figures.queues[queue], redis.last_at.get(queue)
            row[1] = duration(redis.figures.now - last) if last else ""
            row[3] = figures.pending or ""
            row[4] = duration(redis.figures.now - figures.oldest_at) if figures.oldest_at else ""
            row[5] = figures.announcements or ""
        if received is not None:
            # parked deliveries have an event type of their own, or none
            hour = received.pop(queue, 0) if queue != PARKED else sum(received.values())
            row[2] = at_most(hour) if hour else ""
        rows.append(row)
    if redis:
        rows.append(["clock", "", "", "", "", redis.clock_announcements or ""])
    table("", ("queue", "quiet for", "last hour", "batches wait", "oldest", "tasks queued"), rows)


def _reasons(rows: RowCounts) -> None:
    lines = [[open_.outcome, number, _short(reason)] for open_ in rows.open for reason, number in open_.reasons]
    if lines:
        line()
        table("", ("outcome", "newest", "because"), lines)


def _short(reason: str) -> str:
    """As much as fits a line; `dead list` shows all of it."""
    return reason if len(reason) <= MOST_TEXT else f"{reason[:MOST_TEXT]}…"


def _changes(rows: RowCounts) -> None:
    changed = [f"{at_most(number)} {table.replace('_', ' ')}" for table, number in rows.changed.items() if number]
    hooks = [f"{number} {action}" for action, number in sorted(rows.hook_changes.items())]
    line()
    line(f"Changed in the last hour: {', '.join(changed) or 'no row'}; hooks: {', '.join(hooks) or 'nothing'}.")


def status_as_dict(now: StatusReadings, checks: list[Check]) -> dict[str, Any]:
    """Everything, for a script: `wrong` and `unknown` first."""
    grades = count(checks)
    return {
        "at": now.at,
        "wrong": grades[Grade.WRONG],
        "unknown": grades[Grade.UNKNOWN],
        "checks": checks_as_list(checks),
        **{name: _plain(getattr(now, name)) for name in ("redis", "store", "workers", "receivers")},
    }


def _plain(value: Any) -> Any:
    """As JSON has it; of the state of the hooks only its figures."""
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, Unread):
        return {"cause": value.reason}
    plain = asdict(value)
    if "hooks" in plain:
        plain["hooks"] = {name: plain["hooks"][name] for name in ("read_ms", "drift", "count")}
    return {name: sorted(member) if isinstance(member, frozenset) else member for name, member in plain.items()}
