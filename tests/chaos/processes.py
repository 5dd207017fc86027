"""Launch modules one after another in the same process, each as if by `python -m`."""

import runpy
import sys


def launch(arguments: list[str]) -> None:
    """Run the module named by the first argument, with the others as its arguments."""
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
