"""Leaking: the product with a line in its log that must not be there, to show that the test of leaks sees it.

`python -m tests.acceptance.leaky_process MODULE ARGUMENTS…` spoils this process, then runs the real program.
"""

import sys
from typing import Any

from ingest.endpoint import Endpoint
from runtime.logs import logger
from tests.chaos.processes import launch


def tell_the_path() -> None:
    """Every request is logged, as any access log does it."""
    answer = Endpoint.__call__

    async def telling(receiving: Endpoint, door: Any, scope: Any, receive: Any, send: Any) -> None:
        logger("seven.ingest").info("asked", path=scope["path"])
        await answer(receiving, door, scope, receive, send)

    Endpoint.__call__ = telling  # type: ignore[method-assign]


if __name__ == "__main__":
    tell_the_path()
    launch(sys.argv[1:])
