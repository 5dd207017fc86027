"""Benchmarks: throughput, latency and memory as ratios to rivals and to the bare parts, in one run.

`make bench` measures and prints; `make bench ARGS="--write"` also writes docs/performance.md and its plots.
"""
