"""Telling: a result for people, as tables on a screen or in Markdown."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.chaos.result import Result

Line = tuple[str, str]


def lines(result: Result) -> list[Line]:
    """The run in a few lines, name and value."""
    told, counted, audited = result.progress, result.counted, result.audited
    return [
        ("seed", str(result.options.seed)),
        ("database", result.options.database),
        ("machine", result.machine),
        ("versions", ", ".join(f"{name} {number}" for name, number in result.versions.items())),
        ("faults", f"{sum(result.done.values())} of {len(result.faults)} in {result.took_s:.0f} s"),
        ("ended by itself", _counts(result.ended_by_itself)),
        ("slow to end", ", ".join(result.slow_to_end) or "none"),
        ("tasks that raised", _counts(result.raised)),
        ("deliveries told", str(told.drawn)),
        ("accepted (2xx)", f"{told.accepted}, {told.accepted / result.took_s:.0f} in a second"),
        ("attempts", str(told.attempts)),
        ("refused attempts", _counts({k: n for k, n in told.retries.items() if k.isdecimal()} | told.refusals)),
        ("retried", _counts(told.retries)),
        ("not delivered", str(result.undelivered)),
        ("rows in deliveries", f"{counted.rows}, ordinals given out {counted.given_out}"),
        ("audit", f"exit code {audited.exit_code}, lost: {audited.lost}"),
        ("ids without a row", f"{len(counted.ids_missing)} of {counted.ids}"),
        ("ordinals missing, doubled", f"{counted.ordinals_missing}, {counted.ordinals_doubled}"),
        ("rows against the truth", _against_truth(result)),
        ("lost", str(result.lost)),
        ("doubled effects", str(result.doubled)),
        *(
            (f"MiB of {who}", f"{m.begin} at first, {m.most} at most, {m.end} at last")
            for who, m in result.memory.items()
        ),
    ]


def recoveries(result: Result) -> list[tuple[str, ...]]:
    """By kind of fault: how many, and its times of recovery."""
    return [
        (kind, str(one.faults), str(one.recovered), *(_seconds(s) for s in (one.least, one.median, one.most)))
        for kind, one in result.recoveries.items()
    ]


HEAD = ("fault", "times", "recovered", "least s", "median s", "most s")


def show(console: Console, result: Result) -> None:
    """On a screen."""
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
    """The tables of several runs, side by side what can be, for a document."""
    done = list(results)
    told = [dict(lines(one)) for one in done]
    names = list(dict.fromkeys(name for one in told for name in one))
    out = _table(("", *(one.options.database for one in done)), [(n, *(one.get(n, "") for one in told)) for n in names])
    for one in done:
        out += [f"\nRecovery on {one.options.database}:\n", *_table(HEAD, recoveries(one))]
    return "\n".join(out) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]


def _seconds(told: float | None) -> str:
    return "never" if told is None else f"{told:.1f}"


def _counts(told: dict[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(told.items()) if n) or "none"


def _against_truth(result: Result) -> str:
    rows = sum(one.rows for one in result.compared.values())
    lacking = sum(one.lacking for one in result.compared.values())
    surplus = sum(one.surplus for one in result.compared.values())
    return f"{rows} rows in {len(result.compared)} tables, lacking {lacking}, too much {surplus}"
