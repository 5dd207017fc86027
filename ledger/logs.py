"""Logs: one line per batch and process event, key=value, to standard error. Never what people wrote, never a URL."""

import logging
import sys


def configure_logging(level: str) -> None:
    """Have our own loggers write; the libraries' keep what their process gave them. Raises ValueError for no level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    ours = logging.getLogger("seven")
    ours.handlers = [handler]
    ours.propagate = False
    ours.setLevel(level.upper())


def silence_access_log() -> None:
    """Uvicorn's access log prints the path, in which the token is, and a GET's query, in which the numbers are."""
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    access.disabled = True
