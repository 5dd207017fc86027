"""Celery's transport on a Redis that fails: the limit of messages that a worker takes at a time stays what it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from tests.servers import PATIENCE_S, valkey
from workers.transport import Transport


@pytest.mark.parametrize("answer", ["ack", "reject"])
def test_a_message_that_redis_refuses_to_remove_takes_no_place_for_ever(tmp_path: Path, answer: str):
    """Its place is free at once, and it stays in Redis, which gives it out again."""
    with valkey(tmp_path) as server, Connection(server.url, transport=Transport) as connection:
        queue = SimpleQueue(connection, "any")
        queue.put({})
        queue.channel.basic_qos(0, 1, False)
        message: Any = queue.get(timeout=PATIENCE_S)
        assert not queue.channel.qos.can_consume()
        with server.client() as client:
            client.replicaof("127.0.0.1", "1")
            with pytest.raises(RedisError):
                getattr(message, answer)()
            free = queue.channel.qos.can_consume()
            client.replicaof("NO", "ONE")
            assert client.hlen("unacked") == 1
        assert free


@contextmanager
def lost(redis_url: str) -> Iterator[Any]:
    """A message whose channel has lost its connection, and whose transport has lost its client, as Celery leaves it."""
    with Connection(redis_url, transport=Transport) as connection:
        queue = SimpleQueue(connection, "any")
        queue.put({})
        message: Any = queue.get(timeout=PATIENCE_S)
        queue.channel._disconnect_pools()
        queue.channel.connection.client = None
        yield message
        queue.channel.connection.client = connection


def test_a_task_of_a_lost_connection_fails_as_celery_expects(redis_url: str):
    """Celery survives errors of connections; any other ends a worker that acknowledges in that moment."""
    with lost(redis_url) as message, pytest.raises(RedisConnectionError):
        message.ack()


def test_messages_of_a_lost_connection_are_given_up(redis_url: str):
    """Nothing is raised when they should be put back: Redis gives them out again."""
    with lost(redis_url) as message:
        message.channel.qos.restore_unacked_once()
        assert not message.channel.qos._delivered
