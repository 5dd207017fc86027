"""Write figures between two marks: the first into docs/performance.md, all into docs/performance/tables.md; and plots."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.summary import cuts, summary
from bench.trace_cost import together

PAGE = Path(__file__).parents[1] / "docs/performance.md"
PLOTS = PAGE.with_suffix("")
TABLES, FIGURES = PLOTS / "tables.md", PLOTS / "figures.json"
ON_PAGE = ("carrying-postgresql", "knee")
"""The plots that are shown beside the first figures."""
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def write_pages(results: Mapping[str, Any]) -> None:
    """Write both pages, the plots and figures.json."""
    from bench.plots import draw  # noqa: PLC0415 - matplotlib would take memory beside what is measured

    PLOTS.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(results, indent=1) + "\n")
    plots = draw(results, PLOTS)
    shown = [f"![{name}](performance/{name}.svg)" for name in plots if name in ON_PAGE]
    _put(PAGE, "\n".join([*summary(results), "", *shown]) + "\n")
    _put(TABLES, figures(results, [name for name in plots if name not in ON_PAGE]))


def _put(page: Path, text: str) -> None:
    """Replace what is between the marks of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def spread(values: Sequence[float], factor: float = 1, digits: int = 0) -> str:
    """The median with minimum and maximum."""
    numbers = [f"{value * factor:,.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
    return f"{numbers[0]} ({numbers[1]}–{numbers[2]})"


def figures(results: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Everything between the marks: machine, commands, tables and links to these plots, as Markdown."""
    rows = [", ".join(f"{name} {value}" for name, value in results["machine"].items()) + ".", ""]
    runs = {
        command: [question for question, ran in results["asked"].items() if ran == command]
        for command in results["asked"].values()
    }
    rows += [f"- {', '.join(names)}: {command}" for command, names in runs.items()]
    rows += ["", "| ratio of medians, each of one run | |", "|---|---|"]
    rows += [f"| {name} | {ratio:.2f} × |" for name, ratio in results["ratios"].items()]
    rows += _rival_rows(results)
    for dialect, rates in results.get("consuming", {}).items():
        rows += _table(f"deliveries a second, a worker alone, {dialect}", {k: spread(v) for k, v in rates.items() if v})
    rows += [
        *_change_rows(results),
        *_scaling_rows(results.get("scaling", {})),
        *_growth_rows(results.get("growing", {})),
        *_memory_rows(results),
    ]
    if traces := results.get("traces"):
        shares = {share: spread(together(runs), 1, 1) for share, runs in traces.items()}
        rows += _table("traces of: µs of processor per delivery, receiver and worker", shares)
    if kinds := results.get("kinds"):
        rows += _table("deliveries a second of one receiver", {name: spread(values) for name, values in kinds.items()})
    if knee := results.get("knee"):
        rows += ["", "| connections | a second | p50 ms | p99 ms |", "|---|---|---|---|"]
        rows += [f"| {n} | {rate:,.0f} | {p50 * 1000:.2f} | {p99 * 1000:.2f} |" for n, rate, p50, p99 in knee]
    rows += ["", *(f"![{name}]({name}.svg)" for name in plots)]
    return "\n".join(rows) + "\n"


def _rival_rows(results: Mapping[str, Any]) -> list[str]:
    """Ours, the rivals and the bare parts in one table, each figure with its ratio to ours."""
    columns: dict[str, tuple[Mapping[str, Sequence[float]], float, int]] = {}
    if rates := results.get("rates"):
        columns["wire to Redis, a second, 64 connections"] = rates, 1, 0
    if took := results.get("latency"):
        columns["p50 ms, one connection"] = took, 1000, 3
    for dialect, rates in results.get("carrying", {}).items():
        columns[f"wire to {dialect}, a second"] = rates, 1, 0
    if not columns:
        return []
    systems = dict.fromkeys(name for runs, _, _ in columns.values() for name in runs)
    rows = ["", f"| median (least–most) and ratio to ours | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name in systems:
        cells = (
            f"{spread(runs[name], factor, digits)}, {statistics.median(runs[name]) / statistics.median(runs['ours']):.2f} ×"
            if name in runs
            else ""
            for runs, factor, digits in columns.values()
        )
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _change_rows(results: Mapping[str, Any]) -> list[str]:
    """What changes cost: to note them, and to send them."""
    rows: list[str] = []
    for dialect, spent in results.get("noting", {}).items():
        by_title = {"no subscriber": spread(spent["none"]), "one, of all topics": spread(spent["all"])}
        rows += _table(f"µs of processor for each delivery, wire to {dialect}", by_title)
    if dispatching := results.get("dispatching"):
        rows += ["", "| changes to one subscriber | a second | µs of the dispatcher's processor |", "|---|---|---|"]
        rows += [
            f"| {name} | {spread(runs['rate'])} | {spread(runs['dispatcher'])} |" for name, runs in dispatching.items()
        ]
    if delays := results.get("delays"):
        rows += [
            "",
            "| from the 202, at random moments | ms to the row: p50, and p99 or of few the most | to the subscriber's request |",
            "|---|---|---|",
        ]
        rows += [f"| {name} | {cuts(runs['row'])} | {cuts(runs['request'])} |" for name, runs in delays.items()]
    return rows


def _scaling_rows(results: Mapping[str, Any]) -> list[str]:
    rows: list[str] = []
    titles = {
        "carrying": "receivers and workers, wire to postgresql",
        "receiving": "receivers, wire to ledger",
        "draining": "workers, a backlog to postgresql",
    }
    for key, title in titles.items():
        if not (measured := results.get(key)):
            continue
        rows += ["", f"| {title} | deliveries a second | µs of processor for each |", "|---|---|---|"]
        for name, runs in measured.items():
            spent = [
                f"{process} {statistics.median(s[process] for s in runs['spent']):.0f}" for process in runs["spent"][0]
            ]
            rows.append(f"| {name} | {spread(runs['rates'])} | {', '.join(spent)} |")
    return rows


def _growth_rows(results: Mapping[str, Any]) -> list[str]:
    if not results:
        return []
    rows = [
        "",
        "| a delivery's cost beside that in an empty twin | before | among them | the database |",
        "|---|---|---|---|",
    ]
    for name, growth in results.items():
        (_, before), *_, (_, among) = growth["steps"]
        rows.append(f"| {name} | {spread(before, 1, 2)} | {spread(among, 1, 2)} | {growth['bytes'] / 2**30:.1f} GiB |")
    if all("sizes" in growth for growth in results.values()):
        rows += [
            "",
            "| among them | rows, and the cost beside that in the twin | tables and indexes, MiB |",
            "|---|---|---|",
        ]
        for name, growth in results.items():
            for (row_count, ratios), sizes in zip(growth["steps"], growth["sizes"], strict=True):
                taken = " and ".join(f"{size / 2**20:,.0f}" for size in sizes) or "not known"
                rows.append(f"| {name} | {row_count:,}: {spread(ratios, 1, 2)} | {taken} |")
    return rows


def _memory_rows(results: Mapping[str, Any]) -> list[str]:
    rows: list[str] = []
    if pending := results.get("backlog"):
        titles = {"wire": "on the wire", "memory": "memory of Redis", "append-only file": "append-only file"}
        rows += ["", f"| {pending['deliveries']:,} deliveries that wait, in batches of 64 | MiB |", "|---|---|"]
        rows += [f"| {title} | {pending[key] / 2**20:,.0f} |" for key, title in titles.items()]
    if memory := results.get("memory"):
        rows += [
            "",
            "| memory in MiB | at the first look | after the first minute | at most | at the end |",
            "|---|---|---|---|---|",
        ]
        samples_by_title = {f"{name}, full load": samples for name, samples in memory["loaded"].items()}
        samples_by_title["worker, draining"] = memory["draining"]["worker"]
        for name, samples in samples_by_title.items():
            sizes = [size / 2**20 for _, size in samples]
            minute = next(
                (size for at, size in zip((at for at, _ in samples), sizes, strict=True) if at >= 60), sizes[-1]
            )
            rows.append(f"| {name} | {sizes[0]:.1f} | {minute:.1f} | {max(sizes):.1f} | {sizes[-1]:.1f} |")
        rows += [
            "",
            f"{memory['requests']:,} deliveries at full load, {memory['backlog']:,} drained in {memory['took']:.0f} s.",
        ]
    return rows


def _table(title: str, rows: Mapping[str, str]) -> list[str]:
    return [
        "",
        f"| {title} | median (least–most) |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows.items()),
    ]
