"""Function check: whether a handler can be imported and called, found out in a process of its own.

Here nothing is imported: a module of the user's may crash, hang, or keep threads, and the process that dispatches has
to live on. It is a fault that ends that process at its start, before anything is sent.
"""

import sys
import time

from reactions.function_child import ChildEndedError, FunctionChild
from reactions.reaction import FunctionTarget

PATIENCE_S = 30.0
OURS = frozenset(
    (
        "seven", "runtime", "ledger", "store", "gateway", "operations", "reactions", "ingest", "workers", "console",
        "emulator", "cli", "bench", "deploy", "tests",
    )
)  # fmt: skip
"""Packages of this project."""


def function_fault(target: FunctionTarget, patience_s: float = PATIENCE_S) -> str | None:
    """What is wrong with a handler; None if it can be called with a change."""
    top = target.module.partition(".")[0]
    if top in OURS or top in sys.stdlib_module_names:
        return f"its module is named as {'a package of seven-ingest' if top in OURS else 'a module of Python'}: {top}"
    try:
        fault = _fault(FunctionChild(target, is_check=True), time.monotonic() + patience_s)
    except TimeoutError:
        return f"its module was not imported within {patience_s:g} s"
    except ChildEndedError as error:
        return f"the process that imported its module {error}"
    return None if fault is None else str(fault)


def _fault(child: FunctionChild, deadline: float) -> object:
    try:
        return child.answer(deadline).get("fault")
    finally:
        child.kill()
