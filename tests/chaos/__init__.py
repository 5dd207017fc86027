"""Chaos runs: real processes under load, killed, paused and cut off at random moments; then every delivery is verified.

`python -m tests.chaos` (`make chaos`) runs it; `test_checks.py` proves that the checks detect losses.
"""
