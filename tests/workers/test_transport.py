"""Celery's transport on a Redis that fails: the limit of messages that a worker takes at a time stays what it is."""

from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue
from redis.exceptions import RedisError

from tests.servers import valkey
from workers.transport import Transport


@pytest.mark.parametrize("answer", ["ack", "reject"])
def test_a_message_that_redis_refuses_to_remove_takes_no_place_for_ever(tmp_path: Path, answer: str):
    """Its place is free at once, and it stays in Redis, which gives it out again."""
    with valkey(tmp_path) as server, Connection(server.url, transport=Transport) as connection:
        queue = SimpleQueue(connection, "any")
        queue.put({})
        queue.channel.basic_qos(0, 1, False)
        message: Any = queue.get(timeout=20)
        assert not queue.channel.qos.can_consume()
        with server.client() as client:
            client.replicaof("127.0.0.1", "1")
            with pytest.raises(RedisError):
                getattr(message, answer)()
            free = queue.channel.qos.can_consume()
            client.replicaof("NO", "ONE")
            assert client.hlen("unacked") == 1
        assert free
