"""Function process: imports a handler and calls it with one change after another, in a process of its own.

Run as a file, `python -P function_process.py PARENT MODULE FUNCTION DIRECTORY [check]`; its standard input is a socket
to the process that started it. First comes one line with the Python path there. It answers with a line of JSON, `{}` or
what is wrong with the handler; then each line is a change, and is answered by `{}` or by what the handler raised: class
and places, never the message, which may quote personal data.

The handler's code is not imported by who sends changes: it may be slow, crash, or never return.
"""

import ctypes
import inspect
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

PR_SET_PDEATHSIG = 1
MAX_PLACES = 8
LONGEST_NAME = 100
RUNS_NOTHING = "it is async or a generator, and a plain function is called"
"""A call of it would only make an object, and run none of its lines."""
_DEFERRED = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)


def main(parent: int, module: str, function: str, directory: str, is_check: bool) -> None:
    """Serve the parent until it closes the socket."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            return
    channel = socket.socket(fileno=os.dup(0))  # not inherited by what the handler starts
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what handlers print is for people
    lines = channel.makefile("rb")
    sys.path[:] = json.loads(lines.readline())
    if directory not in sys.path:
        sys.path.append(directory)  # at the end: a handler's file shadows nothing of ours
    handler, fault = _handler(module, function, directory)
    if fault or is_check:
        _answer(channel, {"fault": fault} if fault else {})
        return
    from reactions.change import Change  # noqa: PLC0415 - after the path is known

    _answer(channel, {})  # the model is imported by now: no call has to wait for it
    own_id = os.getpid()
    for line in lines:
        answer = _call(handler, Change, line)
        if os.getpid() != own_id:  # the handler forked, and a single process answers
            os._exit(0)
        _answer(channel, answer)


def _handler(module: str, function: str, directory: str) -> tuple[Callable[..., object], str]:
    """The function, or what is wrong with it."""
    try:
        imported = import_module(module)
    except BaseException as error:  # noqa: BLE001 - sys.exit() at the top of a module, too
        is_missing = isinstance(error, ModuleNotFoundError)
        name = f" {error.name}" if isinstance(error, ModuleNotFoundError) else ""
        where = "" if is_missing else "".join(f" at {place}" for place in _places(error.__traceback__)[-1:])
        return _nothing, f"its module cannot be imported: {_class_name(error)}{name}{where}"
    top = module.partition(".")[0]
    if _is_shadowed(top, directory):
        return _nothing, f"its module is shadowed: something installed is named {top}, too"
    handler: Any = imported
    for name in function.split("."):
        handler = getattr(handler, name, None)
    if handler is None:
        return _nothing, "its module has no such function"
    if not callable(handler):
        return _nothing, "it cannot be called"
    if any(is_deferred(each) for each in (handler, type(handler).__call__) for is_deferred in _DEFERRED):
        return _nothing, RUNS_NOTHING
    return handler, _signature_fault(handler)


def _signature_fault(handler: Callable[..., object]) -> str:
    try:
        signature = inspect.signature(handler)
    except Exception:  # noqa: BLE001 - some built-in functions have none; annotations are code, which Python 3.14 runs here
        return ""
    try:
        signature.bind(None)
    except TypeError:
        return "it cannot be called with one argument, the change"
    return ""


def _is_shadowed(top: str, directory: str) -> bool:
    """Whether the directory has a module of this name, and another one was imported."""
    own = [path for path in (Path(directory, f"{top}.py"), Path(directory, top, "__init__.py")) if path.is_file()]
    origin = getattr(sys.modules.get(top), "__file__", None)
    return bool(own) and (origin is None or not any(path.samefile(origin) for path in own if Path(origin).exists()))


def _call(handler: Callable[..., object], model: Any, line: bytes) -> dict[str, object]:
    try:
        result = handler(model.model_validate_json(line))
    except BaseException as error:  # noqa: BLE001 - whatever the handler does is an answer; sys.exit(), too
        return {"failed": _class_name(error), "places": _places(error.__traceback__)}
    if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        if inspect.iscoroutine(result):
            result.close()  # without a warning that nobody awaited it
        return {"failed": RUNS_NOTHING}
    return {}


def _class_name(error: BaseException) -> str:
    return type(error).__name__[:LONGEST_NAME]


def _places(trace: TracebackType | None) -> list[str]:
    """Module, line and function of the innermost frames."""
    frames = list(traceback.walk_tb(trace))
    return [
        f"{frame.f_globals.get('__name__')}:{line}:{frame.f_code.co_name}"
        for frame, line in frames
        if frame.f_code.co_filename != __file__ and not frame.f_code.co_filename.startswith("<frozen importlib")
    ][-MAX_PLACES:]


def _answer(channel: socket.socket, answer: dict[str, object]) -> None:
    channel.sendall(json.dumps(answer).encode() + b"\n")


def _nothing(_: object) -> None:
    """Stands for a handler that there is none of."""


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], "check" in sys.argv[5:])
