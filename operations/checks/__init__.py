"""Checks: what `status` judges now and `doctor` for later, as values; `registry.py` lists all of them.

Each is a function from readings to a `Check`, which names its remedy. None prints, and none changes anything.
"""
