"""Standard input in place of an argument, for what others must not see on a command line."""

import sys


def argument(text: str, name: str) -> str:
    """The argument; where it is `-`, the first line of standard input, empty if there is none.

    On a terminal it is asked for by its name.
    """
    if text != "-":
        return text
    if sys.stdin.isatty():
        sys.stderr.write(f"{name}: ")
        sys.stderr.flush()
    return sys.stdin.readline().strip()
