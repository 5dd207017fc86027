"""Primary: leaving a server disturbs no command that is under way."""

import asyncio
import threading
from contextlib import closing

import redis.asyncio
from redis import Redis

from ledger.primary import AsyncPrimaryConnection, PrimaryConnection, leave_server, leave_server_async

TASKS, ROUNDS = 8, 200


def test_leaving_disturbs_no_task(redis_url: str):
    """Tasks that connect and query all the time, and a server that is left all the time."""

    async def main() -> int:
        async with redis.asyncio.Redis.from_url(redis_url, connection_class=AsyncPrimaryConnection) as client:
            left, answers = asyncio.Event(), 0

            async def query() -> None:
                nonlocal answers
                while not left.is_set():
                    answers += bool(await client.ping())

            tasks = [asyncio.create_task(query()) for _ in range(TASKS)]
            rounds = 0
            while rounds < ROUNDS or (answers <= TASKS and not any(task.done() for task in tasks)):
                await leave_server_async(client)
                await asyncio.sleep(0)
                rounds += 1
            left.set()
            await asyncio.gather(*tasks)
            return answers

    assert asyncio.run(main()) > TASKS


def test_leaving_disturbs_no_thread(redis_url: str):
    """The same for threads."""
    errors: list[Exception] = []
    left = threading.Event()
    with closing(Redis.from_url(redis_url, connection_class=PrimaryConnection)) as client:

        def query() -> None:
            try:
                while not left.is_set():
                    client.ping()
            except Exception as error:  # noqa: BLE001 - it is what the test looks for
                errors.append(error)

        threads = [threading.Thread(target=query) for _ in range(TASKS)]
        for thread in threads:
            thread.start()
        for _ in range(ROUNDS):
            leave_server(client)
        left.set()
        for thread in threads:
            thread.join()
    assert errors == []


def test_a_server_that_was_left_is_reached_by_new_connections(redis_url: str):
    """An idle connection is closed at once, one in use when it is released."""
    with closing(Redis.from_url(redis_url, connection_class=PrimaryConnection)) as client:
        first = client.client_id()
        leave_server(client)
        second = client.client_id()
        with client.pipeline() as pipeline:
            pipeline.watch("key")  # holds its connection
            leave_server(client)
            held = pipeline.client_id()
        third = client.client_id()
    assert len({first, second, held, third}) >= 3
    assert third != held
