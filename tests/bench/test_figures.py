"""Ratios and the page of figures: all rivals in one table, and the headline is beside the best of them."""

from typing import Any

import pytest

from bench.page import figures
from bench.ratios import ratios
from bench.summary import cuts, summary

RESULTS: dict[str, Any] = {
    "machine": {"cores": "2"},
    "asked": {"rates": "`make bench rates`"},
    "rates": {"ours": [900.0, 1000.0], "naive": [100.0], "arq": [150.0], "faststream": [500.0], "bare": [2000.0]},
    "latency": {"ours": [0.002], "naive": [0.008], "arq": [0.001], "faststream": [0.004], "bare": [0.0001], "set": [0.0003]},
    "carrying": {"postgresql": {"ours": [800.0], "naive": [40.0], "arq": [1600.0], "faststream": [400.0]}},
}  # fmt: skip


def test_the_headline_is_beside_the_best_rival():
    """The rival with the highest rate, or the lowest latency, whether ours is ahead of it or not; the parts are none."""
    expected = {
        "receiver / the best rival, faststream": 1.9,
        "receiver / bare endpoint": 0.475,
        "p50 / (SET + bare endpoint)": 5.0,
        "p50 / the best rival's, arq": 2.0,
        "end to end / the best rival, arq, postgresql": 0.5,
    }
    assert ratios(RESULTS) == pytest.approx(expected)


def test_figures_from_before_there_were_rivals_still_have_ratios():
    """A run that repeats only some questions keeps the figures of an earlier one."""
    assert "p50 / (SET + bare endpoint)" in ratios({"latency": {"ours": [0.002], "bare": [0.001], "set": [0.001]}})
    assert "receiver / the best rival, naive" in ratios({"rates": {"ours": [9.0], "naive": [1.0], "bare": [20.0]}})


def test_all_rivals_are_in_one_table():
    """A row each, a column a question, each figure with its ratio to ours."""
    page = figures(RESULTS | {"ratios": ratios(RESULTS)}, [])

    assert "| receiver / the best rival, faststream | 1.90 × |" in page
    assert (
        "| median (least–most) and ratio to ours | wire to Redis, a second, 64 connections | p50 ms, one connection"
        " | wire to postgresql, a second |\n"
        "|---|---|---|---|\n"
        "| ours | 950 (900–1,000), 1.00 × | 2.000 (2.000–2.000), 1.00 × | 800 (800–800), 1.00 × |\n"
        "| naive | 100 (100–100), 0.11 × | 8.000 (8.000–8.000), 4.00 × | 40 (40–40), 0.05 × |\n"
        "| arq | 150 (150–150), 0.16 × | 1.000 (1.000–1.000), 0.50 × | 1,600 (1,600–1,600), 2.00 × |\n"
        "| faststream | 500 (500–500), 0.53 × | 4.000 (4.000–4.000), 2.00 × | 400 (400–400), 0.50 × |\n"
        "| bare | 2,000 (2,000–2,000), 2.11 × | 0.100 (0.100–0.100), 0.05 × |  |\n"
        "| set |  | 0.300 (0.300–0.300), 0.15 × |  |\n"
    ) in page


def test_the_first_figures_say_who_is_faster():
    """A line each, only of what was measured; the rival named is the best, also where it beats us."""
    spent = {"spent": [{"receiver": 90.0, "worker": 60.0, "wrk": 14.0}]}
    seconds = {"row": [0.010] * 98 + [0.050] * 2, "request": [0.020] * 100}
    measured = RESULTS | {
        "scaling": {"carrying": {"1 and 1": spent, "1 and 2": {"spent": []}}},
        "delays": {"1 a second, postgresql": {}, "10 a second, postgresql": seconds},
        "growing": {"5 of this week, postgresql": {"steps": [[0, [9.0]], [5, [1.3]]]}},
    }

    assert cuts([0.001, 0.002, 0.009]) == "2 and 9"  # too few for a percentile
    assert summary({}) == ["| | |", "|---|---|"]
    assert summary(measured)[2:] == [
        "| One receiver accepts, on disk | 950 deliveries a second: 1.90 × the best rival, faststream, 0.47 × a bare endpoint |",
        "| From the wire to rows in postgresql | 800 deliveries a second: 0.50 × the best rival, arq |",
        "| Processor time of a delivery | 150 µs: receiver 90, worker 60 |",
        "| After the 202, at ten a second, postgresql | 10 and 50 ms to its row, 20 and 20 ms to a subscriber's request (p50, p99) |",
        "| Beside millions of others, postgresql, it costs | 1.3 to 1.3 × as much as in empty tables, by the order of the ids |",
    ]
