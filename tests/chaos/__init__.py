"""Chaos: real processes under load, ended, stopped and cut off at random moments; then every delivery is accounted for.

`python -m tests.chaos` (`make chaos`) runs it; `test_checks.py` shows that it finds a loss where there is one.
"""
