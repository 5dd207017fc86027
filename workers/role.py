"""Role: what a starting worker does, by its queues: consume deliveries, or dispatch changes."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery
from celery.signals import worker_ready

from ledger.announcements import REACTIONS
from runtime.garbage_collector import collect_rarely
from runtime.logs import logger
from workers.remote_control import restrict_remote_control
from workers.watchdog import EXIT_CODE

log = logger("seven.workers")


def begin_role(app: Celery, begin_worker: Callable[[], None], options: Mapping[str, Any], **_: Any) -> None:
    """Make a worker what its queues ask for: with `-Q reactions` a dispatcher. Accepts what Celery's signal has.

    Ends the process with 2 where queues are mixed, or its settings are invalid.
    """
    restrict_remote_control()
    worker_ready.connect(lambda **_: collect_rarely(), weak=False)
    app.amqp.queues.deselect(REACTIONS)  # a worker takes every declared queue
    queues = options.get("queues") or ()
    names = queues.split(",") if isinstance(queues, str) else list(queues)
    if REACTIONS not in names:
        begin_worker()
        return
    if len(names) > 1:
        sys.stderr.write(f"-Q {','.join(names)}: {REACTIONS} is for a worker of its own\n")
        raise SystemExit(2)
    from workers.dispatcher import begin_dispatcher  # noqa: PLC0415 - other workers need none of it

    try:
        begin_dispatcher(app)
    except Exception as error:  # Celery would log it, and go on
        log.exception("the dispatcher could not start")
        raise SystemExit(EXIT_CODE) from error
