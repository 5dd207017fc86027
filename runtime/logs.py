"""Logs: one line per batch and process event, to standard error, as text or JSON.

Never SMS texts, tokens or URLs. Of any exception only the class, the code and the places are logged: its message
may quote the data that it failed on.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

import structlog
from structlog.processors import JSONRenderer
from structlog.stdlib import BoundLogger, ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict, Processor

from runtime.network_errors import describe, network_failure

LogFormat = Literal["text", "json"]

MAX_PLACES = 8
"""Innermost places of a traceback that are logged; the limit of a chain of exceptions, too."""

INFO_LOGGERS = ("uvicorn.error", "celery.apps.worker")
"""Libraries that log starts and ends of processes at INFO; of the others only warnings are logged."""

_REQUEST_MESSAGES = (
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "No supported WebSocket library",
    "ASGI callable returned without completing response.",  # only when the client has hung up
)
_PLAIN = re.compile(r"[^\s\"=\x00-\x1f\x7f]+")
_AS_JSON = JSONRenderer(separators=(",", ":"), default=str)
_CODE = re.compile(r"[A-Z]{3,}\b")
_WARNING = re.compile(r"(.+:\d+): (\w+):")


def logger(name: str) -> BoundLogger:
    """A logger that takes a short event and its details: `log.info("accepted", batch=…, deliveries=…)`."""
    bound: BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def configure_logging(level: str, log_format: LogFormat) -> None:
    """Log the whole process in one format: our lines from `level` up, warnings of libraries, and INFO of INFO_LOGGERS.

    Raises ValueError for an unknown level.
    """
    logging.getLogger("seven").setLevel(level.upper())
    minimum = logging.getLogger("seven").level
    handler = _Lines(sys.stderr)
    handler.addFilter(_redact)
    renderer: Processor = _AS_JSON if log_format == "json" else _as_text
    handler.setFormatter(
        ProcessorFormatter(
            # no other extras of libraries: uvicorn's coloured copy of the message, and Celery's arguments
            foreign_pre_chain=[ExtraAdder(allow=["task", "task_id"])],
            processors=[_arrange, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], max(logging.WARNING, minimum)
    for name in INFO_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.INFO, minimum))
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    sys.unraisablehook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def silence_requests() -> None:
    """Turn off uvicorn's lines about single requests.

    Its access log prints the path, which contains the token, and a GET's query, which contains phone numbers. And each
    request that is not HTTP would write a line. Metrics count them.
    """
    logging.getLogger("uvicorn.error").addFilter(lambda record: not str(record.msg).startswith(_REQUEST_MESSAGES))
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    access.disabled = True


class _Lines(logging.StreamHandler):  # type: ignore[type-arg] # not generic at run time
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Log one line: the library would print the record that it could not write."""
        error = sys.exception()
        if not isinstance(error, OSError):  # then standard error is closed
            logger("seven").error("log line could not be written", of=record.name, cause=type(error).__name__)


def _redact(record: logging.LogRecord) -> bool:
    """Remove the messages of exceptions from a library's line, and everything below its first line.

    Below it, Celery prints the whole body of a message it cannot decode, and asyncio prints the exception.
    """
    if isinstance(record.msg, dict):  # ours
        return True
    if record.name == "celery.app.trace" and isinstance(task := getattr(record, "data", None), dict):
        record.msg, record.args = "task failed", ()
        record.__dict__.update({"task": task.get("name"), "task_id": task.get("id")})
        return True
    if record.name == "uvicorn.error" and '"WebSocket' in str(record.msg):
        return False  # an access log again: it prints path and query of a handshake
    if isinstance(record.args, Mapping):
        record.args = {name: _redacted(argument) for name, argument in record.args.items()}
    elif record.args:
        record.args = tuple(map(_redacted, record.args))
    record.msg = _redacted(record.msg)
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # the arguments do not fit the format
        message = str(record.msg)
    record.msg, record.args = message.strip().partition("\n")[0], ()
    if record.name == "asyncio":
        record.msg = record.msg.partition("(")[0]  # drops the arguments of a callback
    if record.name == "py.warnings" and (warning := _WARNING.match(record.msg)):
        record.msg = f"{warning[2]} at {warning[1]}"
    return True


def _redacted(value: object) -> object:
    if not isinstance(value, BaseException):
        return value
    failure = network_failure(value)
    return describe(value, failure) if failure else _class_and_code(value)


def _arrange(_: Any, __: str, entry: EventDict) -> EventDict:
    """Put time, level, logger and event first, then the details."""
    record: logging.LogRecord = entry.pop("_record")
    entry.pop("_from_structlog")
    ordered: EventDict = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": entry.pop("event"),
    }
    raised = entry.pop("exc_info", None) or record.exc_info
    if isinstance(raised, tuple):
        raised = raised[1]
    elif raised is True:
        raised = sys.exception()
    entry.pop("stack_info", None)
    return {**ordered, **entry, **(_failure(raised) if isinstance(raised, BaseException) else {})}


def _failure(error: BaseException) -> dict[str, Any]:
    """An exception and its causes, and the places of its traceback, innermost last."""
    chain: list[str] = []
    link: BaseException | None = error
    while link is not None and len(chain) < MAX_PLACES:
        chain.append(_class_and_code(link))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    places = [
        f"{frame.f_globals.get('__name__')}:{line}:{frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    failure: dict[str, Any] = {"exception": chain[0], "places": places[-MAX_PLACES:]}
    return failure | {"because": chain[1:]} if chain[1:] else failure


def _class_and_code(error: BaseException) -> str:
    """The class, with the most specific code: errno, SQLSTATE, or the first word of Redis' answer."""
    code = getattr(error, "errno", None) or getattr(error, "sqlstate", None)
    if code is None and type(error).__module__.startswith("redis."):
        match = _CODE.match(str(error))
        code = match and match[0]
    return type(error).__name__ if code is None else f"{type(error).__name__}:{code}"


def _as_text(_: Any, __: str, entry: EventDict) -> str:
    """The library's logfmt would leave control characters in: a line could move the terminal that shows it."""
    time, level, name = entry.pop("timestamp"), entry.pop("level").upper(), entry.pop("logger")
    head = f"{time} {level} {name} {_printable(entry.pop('event'))}"
    return " ".join([head, *(f"{key}={_format(value)}" for key, value in entry.items())])


def _format(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, dict):
        return ",".join(f"{name}:{inner}" for name, inner in value.items())
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _printable(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _log_uncaught(error_class: type[BaseException], error: BaseException | None, place: TracebackType | None) -> None:
    """Log an uncaught exception."""
    if not issubclass(error_class, KeyboardInterrupt | SystemExit):
        logger("seven").critical("uncaught", exc_info=(error or error_class()).with_traceback(place))


structlog.configure(
    processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
    wrapper_class=BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
