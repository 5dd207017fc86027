"""Standard input in place of an argument, for what others must not see on a command line."""

import sys


def argument(text: str) -> str:
    """The argument; where it is `-`, the first line of standard input, empty if there is none."""
    return sys.stdin.readline().strip() if text == "-" else text
