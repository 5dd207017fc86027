"""Logs: one line per batch and process event, to standard error, for people or for machines.

Never what people wrote, never a token or a URL. Of an exception, whoever raised it, only its class, its code and its
place are told: its own words quote what it was raised over.
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
from structlog.stdlib import BoundLogger, ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict, Processor

from runtime.redis_url import tls_failure

Form = Literal["text", "json"]

PLACES = 8
"""Of a traceback, so many of its last places."""

TALKATIVE = ("uvicorn.error", "celery.apps.worker")
"""Libraries whose INFO says when a process starts and ends; of the others warnings are enough."""

_OF_A_REQUEST = (
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "No supported WebSocket library",
    "ASGI callable returned without completing response.",  # ours always do, unless the client has hung up
)
_PLAIN = re.compile(r"[^\s\"=\x00-\x1f\x7f]+")
_CODE = re.compile(r"[A-Z]{3,}\b")
_WARNING = re.compile(r"(.+:\d+): (\w+):")


def logger(name: str) -> BoundLogger:
    """A logger that takes a short event and its particulars: `log.info("accepted", batch=…, deliveries=…)`."""
    told: BoundLogger = structlog.stdlib.get_logger(name)
    return told


def configure_logging(level: str, form: Form) -> None:
    """Have the whole process write one form: our own lines from a level on, the libraries' that matter.

    Raises ValueError for no level.
    """
    logging.getLogger("seven").setLevel(level.upper())
    least = logging.getLogger("seven").level
    handler = _Lines(sys.stderr)
    handler.addFilter(_without_words_of_others)
    renderer: Processor = _as_json if form == "json" else _as_text
    handler.setFormatter(
        ProcessorFormatter(
            # not what libraries tell beside: uvicorn's second, coloured telling, and Celery's arguments
            foreign_pre_chain=[ExtraAdder(allow=["task", "task_id"])],
            processors=[_first_things_first, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], max(logging.WARNING, least)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, least))
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _unforeseen
    sys.unraisablehook = lambda told: _unforeseen(told.exc_type, told.exc_value, told.exc_traceback)
    threading.excepthook = lambda told: _unforeseen(told.exc_type, told.exc_value, told.exc_traceback)


def silence_requests() -> None:
    """Have uvicorn say nothing of single requests.

    Its access log prints the path, in which the token is, and a GET's query, in which the numbers are; and a stranger
    who sends what is no HTTP would write a line with each. Metrics count them.
    """
    logging.getLogger("uvicorn.error").addFilter(lambda told: not str(told.msg).startswith(_OF_A_REQUEST))
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    access.disabled = True


class _Lines(logging.StreamHandler):  # type: ignore[type-arg] # not generic where it runs
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """One line as well: the library's own would quote what was to be logged."""
        error = sys.exception()
        if not isinstance(error, OSError):  # else nobody reads
            logger("seven").error("a line could not be written", of=record.name, cause=type(error).__name__)


def _without_words_of_others(record: logging.LogRecord) -> bool:
    """Take an exception's own words out of what a library says, and whatever it quotes below its first line.

    There Celery has the whole body of a message it does not understand, and asyncio its own account of an exception.
    """
    if isinstance(record.msg, dict):  # ours
        return True
    if record.name == "celery.app.trace" and isinstance(told := getattr(record, "data", None), dict):
        record.msg, record.args = "task failed", ()
        record.__dict__.update({"task": told.get("name"), "task_id": told.get("id")})
        return True
    if record.name == "uvicorn.error" and '"WebSocket' in str(record.msg):
        return False  # an access log once more: of a handshake it tells path and query
    if isinstance(record.args, Mapping):
        record.args = {name: _wordless(one) for name, one in record.args.items()}
    elif record.args:
        record.args = tuple(map(_wordless, record.args))
    record.msg = _wordless(record.msg)
    try:
        said = record.getMessage()
    except (TypeError, ValueError):  # words and arguments that do not fit
        said = str(record.msg)
    record.msg, record.args = said.strip().partition("\n")[0], ()
    if record.name == "asyncio":
        record.msg = record.msg.partition("(")[0]  # of a callback, its arguments
    if record.name == "py.warnings" and (found := _WARNING.match(record.msg)):
        record.msg = f"{found[2]} at {found[1]}"
    return True


def _wordless(one: object) -> object:
    return (tls_failure(one) or _kind(one)) if isinstance(one, BaseException) else one


def _first_things_first(_: Any, __: str, told: EventDict) -> EventDict:
    """When, how grave, who, what; then the particulars."""
    record: logging.LogRecord = told.pop("_record")
    told.pop("_from_structlog")
    ordered: EventDict = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": told.pop("event"),
    }
    raised = told.pop("exc_info", None) or record.exc_info
    if isinstance(raised, tuple):
        raised = raised[1]
    elif raised is True:
        raised = sys.exception()
    told.pop("stack_info", None)
    return {**ordered, **told, **(_failure(raised) if isinstance(raised, BaseException) else {})}


def _failure(error: BaseException) -> dict[str, Any]:
    """An exception and those it came from, and the places it came through, innermost last."""
    chain: list[str] = []
    one: BaseException | None = error
    while one is not None and len(chain) < PLACES:
        chain.append(_kind(one))
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    places = [
        f"{frame.f_globals.get('__name__')}:{line}:{frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    told: dict[str, Any] = {"exception": chain[0], "places": places[-PLACES:]}
    return told | {"because": chain[1:]} if chain[1:] else told


def _kind(error: BaseException) -> str:
    """The class, with the code that says most: the system's, the database's, or Redis' first word."""
    code = getattr(error, "errno", None) or getattr(error, "sqlstate", None)
    if code is None and type(error).__module__.startswith("redis."):
        found = _CODE.match(str(error))
        code = found and found[0]
    return type(error).__name__ if code is None else f"{type(error).__name__}:{code}"


def _as_json(_: Any, __: str, told: EventDict) -> str:
    return json.dumps(told, separators=(",", ":"), default=str)


def _as_text(_: Any, __: str, told: EventDict) -> str:
    head = f"{told.pop('timestamp')} {told.pop('level').upper()} {told.pop('logger')} {_printable(told.pop('event'))}"
    return " ".join([head, *(f"{name}={_word(value)}" for name, value in told.items())])


def _word(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, dict):
        return ",".join(f"{name}:{one}" for name, one in value.items())
    told = str(value)
    return told if _PLAIN.fullmatch(told) else json.dumps(told)


def _printable(told: str) -> str:
    return told if told.isprintable() else json.dumps(told)[1:-1]


def _unforeseen(kind: type[BaseException], error: BaseException | None, raised: TracebackType | None) -> None:
    """Tell of what nobody caught."""
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        logger("seven").critical("uncaught", exc_info=(error or kind()).with_traceback(raised))


structlog.configure(
    processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
    wrapper_class=BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
