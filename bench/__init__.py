"""Bench: how fast it is, beside what people would write and beside the parts alone; ratios of one run on one machine.

`make bench` measures and prints; `make bench ARGS="--write"` also writes docs/performance.md and its plots.
"""
