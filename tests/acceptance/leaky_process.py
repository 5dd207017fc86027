"""Leaky process: the product with an access log that leaks tokens, to prove that the leak tests detect it.

`python -m tests.acceptance.leaky_process MODULE ARGUMENTS…` adds the log to this process, then runs the program.
"""

import sys
from typing import Any

from ingest.endpoint import Endpoint
from runtime.logs import logger
from tests.chaos.processes import launch


def log_paths() -> None:
    """Log the path of every request, as an access log does."""
    answer = Endpoint.__call__

    async def log_and_answer(endpoint: Endpoint, door: Any, scope: Any, receive: Any, send: Any) -> None:
        logger("seven.ingest").info("requested", path=scope["path"])
        await answer(endpoint, door, scope, receive, send)

    Endpoint.__call__ = log_and_answer  # type: ignore[method-assign]


if __name__ == "__main__":
    log_paths()
    launch(sys.argv[1:])
