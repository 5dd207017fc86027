"""Launching: one module after another in the same process, each as if started by `python -m`."""

import runpy
import sys


def launch(arguments: list[str]) -> None:
    """Run the module that the first argument names, with the others as its own."""
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
