"""Write figures into docs/performance.md between two marks, and plots into docs/performance/."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs/performance.md"
PLOTS = Path(__file__).parents[1] / "docs/performance"
FIGURES = PLOTS / "figures.json"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
WIDTH, LEFT, ROW = 760, 190, 26
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#9d755d", "#e45756")
_STYLE = "font: 12px sans-serif; fill: #24292f"


def write_page(results: Mapping[str, Any]) -> None:
    """Write the page, its plots and figures.json."""
    PLOTS.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(results, indent=1) + "\n")
    for name, svg in plots(results):
        (PLOTS / f"{name}.svg").write_text(svg)
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{figures(results)}\n{END}{after}")


def spread(values: Sequence[float], factor: float = 1, digits: int = 0) -> str:
    """The median with minimum and maximum."""
    numbers = [f"{value * factor:,.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
    return f"{numbers[0]} ({numbers[1]}–{numbers[2]})"


def figures(results: Mapping[str, Any]) -> str:
    """Everything between the marks: machine, commands, tables and links to the plots, as Markdown."""
    rows = [", ".join(f"{name} {value}" for name, value in results["machine"].items()) + ".", ""]
    runs = {
        command: [question for question, ran in results["asked"].items() if ran == command]
        for command in results["asked"].values()
    }
    rows += [f"- {', '.join(names)}: {command}" for command, names in runs.items()]
    rows += ["", "| ratio of medians, each of one run | |", "|---|---|"]
    rows += [f"| {name} | {ratio:.2f} × |" for name, ratio in results["ratios"].items()]
    if rates := results.get("rates"):
        rows += _table("deliveries a second, 64 connections", {name: spread(values) for name, values in rates.items()})
    if took := results.get("latency"):
        rows += _table(
            "milliseconds, p50, one connection", {name: spread(values, 1000, 3) for name, values in took.items()}
        )
    for question in ("carrying", "consuming"):
        for dialect, rates in results.get(question, {}).items():
            title = {"carrying": "from the wire to the tables", "consuming": "a worker alone"}[question]
            rows += _table(f"deliveries a second, {title}, {dialect}", {k: spread(v) for k, v in rates.items() if v})
    rows += [
        *_scaling_rows(results.get("scaling", {})),
        *_growth_rows(results.get("growing", {})),
        *_memory_rows(results),
    ]
    if kinds := results.get("kinds"):
        rows += _table("deliveries a second of one receiver", {name: spread(values) for name, values in kinds.items()})
    if knee := results.get("knee"):
        rows += ["", "| connections | a second | p50 ms | p99 ms |", "|---|---|---|---|"]
        rows += [f"| {n} | {rate:,.0f} | {p50 * 1000:.2f} | {p99 * 1000:.2f} |" for n, rate, p50, p99 in knee]
    rows += ["", *(f"![{name}](performance/{name}.svg)" for name, _ in plots(results))]
    return "\n".join(rows) + "\n"


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


def plots(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All plots: pairs of name and SVG."""
    svgs = []
    if rates := results.get("rates"):
        svgs.append(("receiving", bars("Deliveries a second, one receiver, 64 connections", rates)))
    for dialect, rates in results.get("carrying", {}).items():
        svgs.append((f"carrying-{dialect}", bars(f"Deliveries a second, from the wire to {dialect}", rates)))
    if growing := results.get("growing"):
        series = {
            name: [(rows / growth["steps"][-1][0], statistics.median(ratios)) for rows, ratios in growth["steps"]]
            for name, growth in growing.items()
        }
        svgs.append(("growing", lines("A delivery's cost, × that beside empty tables, as they grow", series)))
    if memory := results.get("memory"):
        series = {name: [(at, size / 2**20) for at, size in samples] for name, samples in memory["loaded"].items()}
        series["worker, draining"] = [(at, size / 2**20) for at, size in memory["draining"]["worker"]]
        svgs.append(("memory", lines("Memory in MiB over seconds, at full load and draining", series)))
    if knee := results.get("knee"):
        svgs.append(("knee", curve("p99 in milliseconds against deliveries a second; 1 to 256 connections", knee)))
    return svgs


def bars(title: str, rates: Mapping[str, Sequence[float]]) -> str:
    """A bar chart of medians, each bar with its minimum and maximum."""
    longest = max(max(value) for value in rates.values())
    parts = []
    for row, (name, values) in enumerate(rates.items()):
        y = 40 + row * ROW
        least, middle, most = (
            LEFT + value / longest * (WIDTH - LEFT - 90)
            for value in (min(values), statistics.median(values), max(values))
        )
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end" style="{_STYLE}">{name}</text>')
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{middle - LEFT:.1f}" height="18" fill="#4c78a8"/>')
        parts.append(f'<line x1="{least:.1f}" x2="{most:.1f}" y1="{y + 9}" y2="{y + 9}" stroke="#111"/>')
        parts.append(f'<text x="{most + 6:.1f}" y="{y + 13}" style="{_STYLE}">{statistics.median(values):,.0f}</text>')
    return _svg(title, 50 + ROW * len(rates), parts)


def curve(title: str, knee: Sequence[Sequence[float]]) -> str:
    """Latency against rate; each point has its number of connections and its latency."""
    height, bottom = 320, 290
    fastest, slowest = max(point[1] for point in knee), max(point[3] for point in knee)
    points = [
        (60 + point[1] / fastest * (WIDTH - 120), bottom - point[3] / slowest * (bottom - 50), point) for point in knee
    ]
    parts = [f'<polyline fill="none" stroke="#4c78a8" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)}"/>']
    for x, y, point in points:
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#4c78a8"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle" style="{_STYLE}">{point[0]:.0f}: {point[3] * 1000:.1f}</text>'
        )
    parts.append(f'<line x1="60" x2="{WIDTH - 40}" y1="{bottom}" y2="{bottom}" stroke="#999"/>')
    parts.append(
        f'<text x="{WIDTH - 60}" y="{bottom + 18}" text-anchor="end" style="{_STYLE}">{fastest:,.0f} a second</text>'
    )
    return _svg(title, height, parts)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A line chart from zero up; each line has its last value and its name."""
    bottom, wide = 260, WIDTH - 420
    far = max(x for points in series.values() for x, _ in points)
    high = max(y for points in series.values() for _, y in points)
    parts = [f'<line x1="40" x2="{40 + wide}" y1="{bottom}" y2="{bottom}" stroke="#999"/>']
    ends: list[float] = []
    for (name, points), colour in zip(series.items(), COLOURS, strict=False):
        scaled = [(40 + x / far * wide, bottom - y / high * (bottom - 50)) for x, y in points]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in scaled)}"/>'
        )
        y = scaled[-1][1]
        while any(abs(y - other) < 15 for other in ends):  # names do not overlap
            y += 15
        ends.append(y)
        parts.append(f'<text x="{48 + wide}" y="{y + 4:.1f}" style="font: 11px sans-serif; fill: {colour}">')
        parts.append(f"{points[-1][1]:,.2f} {name}</text>")
    return _svg(title, bottom + 40, parts)


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
    back = f'<rect width="{WIDTH}" height="{height}" fill="white"/><text x="12" y="22" style="{_STYLE}">{title}</text>'
    return "\n".join([head, back, *parts, "</svg>", ""])
