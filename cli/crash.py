"""Crash: what a command logs of an exception that it did not expect."""

import logging

from runtime.logs import configure_logging, logger


def log_crash(error: Exception) -> None:
    """Log class, code and places of an exception, without its message."""
    if not logging.getLogger("seven").level:  # it was raised before a command began
        configure_logging("WARNING", "text")
    logger("seven").critical("uncaught", exc_info=error)
