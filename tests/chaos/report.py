"""Report a result for people, as tables on a screen or in Markdown."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.chaos.result import Result

Line = tuple[str, str]


def lines(result: Result) -> list[Line]:
    """Summary of a run: pairs of name and value."""
    progress, counts, audit_result = result.progress, result.counts, result.audit_result
    return [
        ("seed", str(result.options.seed)),
        ("database", result.options.database),
        ("machine", result.machine),
        ("versions", ", ".join(f"{name} {number}" for name, number in result.versions.items())),
        ("faults", f"{sum(result.done.values())} of {len(result.faults)} in {result.took_s:.0f} s"),
        ("ended by itself", _counts(result.ended_by_itself)),
        ("slow to end", ", ".join(result.slow_to_end) or "none"),
        ("tasks that raised", _counts(result.raised)),
        ("deliveries sent", str(progress.drawn)),
        ("dropped at the gateway", str(progress.dropped)),
        ("accepted (2xx)", f"{progress.accepted}, {progress.accepted / result.took_s:.0f} in a second"),
        ("attempts", str(progress.attempts)),
        ("refused attempts", _counts({k: n for k, n in progress.retries.items() if k.isdecimal()} | progress.refusals)),
        ("retried", _counts(progress.retries)),
        ("not delivered", str(result.undelivered)),
        ("rows in deliveries", f"{counts.rows}, ordinals given out {counts.given_out}"),
        ("audit", f"exit code {audit_result.exit_code}, lost: {audit_result.lost}"),
        ("ids without a row", f"{len(counts.ids_missing)} of {counts.ids}"),
        ("ordinals missing, doubled", f"{counts.ordinals_missing}, {counts.ordinals_doubled}"),
        ("rows against the truth", _against_truth(result)),
        *_repair(result),
        *_notified(result),
        ("lost", str(result.lost)),
        ("doubled effects", str(result.doubled)),
        *(
            (f"MiB of {who}", f"{m.begin} at first, {m.most} at most, {m.end} at last")
            for who, m in result.memory.items()
        ),
    ]


def recoveries(result: Result) -> list[tuple[str, ...]]:
    """Table rows by kind of fault: counts and recovery times."""
    return [
        (
            kind,
            str(spread.faults),
            str(spread.recovered),
            *(_seconds(s) for s in (spread.least, spread.median, spread.most)),
        )
        for kind, spread in result.recoveries.items()
    ]


HEAD = ("fault", "times", "recovered", "least s", "median s", "most s")


def show(console: Console, result: Result) -> None:
    """Print a result to the console."""
    grid = Table.grid(padding=(0, 2))
    for name, value in lines(result):
        grid.add_row(name, value)
    console.print(grid)
    table = Table(*HEAD, box=None)
    for row in recoveries(result):
        table.add_row(*row)
    console.print(table)
    for finding in result.findings:
        console.print(f"[red]{finding}[/red]")
    if not result.findings:
        console.print("[green]Nothing lost, nothing doubled.[/green]")


def markdown(results: Iterable[Result]) -> str:
    """Markdown tables of several runs, the summaries side by side."""
    done = list(results)
    columns = [dict(lines(result)) for result in done]
    names = list(dict.fromkeys(name for column in columns for name in column))
    out = _table(
        ("", *(result.options.database for result in done)),
        [(name, *(column.get(name, "") for column in columns)) for name in names],
    )
    for result in done:
        out += [f"\nRecovery on {result.options.database}:\n", *_table(HEAD, recoveries(result))]
    return "\n".join(out) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items()) if n) or "none"


def _repair(result: Result) -> list[Line]:
    """What the backfill after the run has repaired, in a run with dropped webhooks."""
    if (done := result.repair) is None:
        return []
    return [
        ("last webhook dropped", str(done.expected)),
        ("missed, by the meter", f"{done.missed}, by the metric {done.counted}, wrong {done.wrong}"),
        ("repaired", f"{done.repaired}, {done.offered} deliveries offered, in {done.took_s:.0f} s"),
        ("requests to the journal", f"{done.requests} by the pass that counts"),
    ]


def _notified(result: Result) -> list[Line]:
    """What each subscriber has received."""
    return [
        (
            f"changes to {name}",
            f"{each.received} received, {each.again} of them again; of {each.records} records {each.wrong} wrong",
        )
        for name, each in result.notified.items()
    ]


def _against_truth(result: Result) -> str:
    rows = sum(diff.rows for diff in result.diffs.values())
    lacking = sum(diff.lacking for diff in result.diffs.values())
    surplus = sum(diff.surplus for diff in result.diffs.values())
    return f"{rows} rows in {len(result.diffs)} tables, lacking {lacking}, too much {surplus}"
