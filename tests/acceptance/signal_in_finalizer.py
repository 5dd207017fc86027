"""Launch a process that gets SIGTERM while it disposes of a Redis client: Python ignores exceptions raised there.

Kombu makes a client for each message, so beat spends some of its time in that place.
"""

import os
import runpy
import signal
import sys

import redis

_dispose = redis.Redis.__del__


def _dispose_signalled(client: redis.Redis) -> None:
    redis.Redis.__del__ = _dispose
    os.kill(os.getpid(), signal.SIGTERM)
    _dispose(client)


if __name__ == "__main__":
    from celery.signals import beat_init

    @beat_init.connect(weak=False)
    def _arm(**_: object) -> None:
        redis.Redis.__del__ = _dispose_signalled

    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
