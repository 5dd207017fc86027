"""The baseline of FastStream on Redis Streams: an entry for each request, read in batches, a transaction for each batch.

What a competent developer writes who has read what makes such a service fast: FastStream's own ASGI application with no
framework on top, orjson, uvloop, asyncpg, statements of many rows. A batch is acknowledged and deleted after the commit;
what a worker held when it died, or could not write, is claimed after a minute. It merges no repeats, parks nothing that
fails, proves no count and notes no changes.

    uvicorn bench.baselines.faststream_batches:app     faststream run bench.baselines.faststream_batches:worker
"""

import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import orjson
from faststream import AckPolicy, Context, ContextRepo, FastStream
from faststream.asgi import AsgiFastStream, AsgiResponse, Request
from faststream.asgi.types import Receive, Scope, Send
from faststream.redis import RedisBroker, RedisRouter, StreamSub
from faststream.redis.annotations import RedisBatchStreamMessage
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bench.baselines.payload import TOKEN, Webhook
from bench.baselines.rows import Delivery, Writer, open_writer

REDIS_URL = os.environ["REDIS_URL"]
STREAM, GROUP, CONSUMER = "deliveries", "store", f"{socket.gethostname()}-{os.getpid()}"
MOST_IN_A_BATCH = 500
IDLE_MS = 60_000

publisher = RedisBroker(REDIS_URL, logger=None)


async def receive(scope: Scope, receive: Receive, send: Send) -> None:
    """Add the delivery to the stream."""
    body = await Request(scope, receive, send).body()
    try:
        Webhook.model_validate_json(body)
    except ValidationError:
        await AsgiResponse(b"", 422)(scope, receive, send)
        return
    delivery_id = str(uuid.uuid4())
    delivery = {"id": delivery_id, "received_at": datetime.now(UTC), "body": body.decode()}
    await publisher.publish(orjson.dumps(delivery), stream=STREAM)
    response = AsgiResponse(orjson.dumps({"id": delivery_id}), 202, {"content-type": "application/json"})
    await response(scope, receive, send)


app = AsgiFastStream(publisher, asgi_routes=[(f"/hooks/{TOKEN}", receive)], logger=None)


@app.on_startup
async def create_group() -> None:
    """Create the group before the first entry: FastStream's own begins with what comes after it."""
    async with Redis.from_url(REDIS_URL) as client:
        try:
            await client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


subscribers = RedisRouter()
new = StreamSub(STREAM, group=GROUP, consumer=CONSUMER, batch=True, max_records=MOST_IN_A_BATCH)
abandoned = StreamSub(
    STREAM, group=GROUP, consumer=CONSUMER, batch=True, min_idle_time=IDLE_MS, polling_interval=IDLE_MS // 10
)  # by default it looks ten times a second


@subscribers.subscriber(stream=new, ack_policy=AckPolicy.MANUAL)
@subscribers.subscriber(stream=abandoned, ack_policy=AckPolicy.MANUAL)
async def store(
    deliveries: list[Delivery], message: RedisBatchStreamMessage, writer: Annotated[Writer, Context()]
) -> None:
    """Write archive, messages and history of a batch in one transaction."""
    await writer.write(deliveries)
    await message.ack()
    await message.delete()


@asynccontextmanager
async def database(context: ContextRepo) -> AsyncIterator[None]:
    """Connect the worker to the database for as long as it runs."""
    async with open_writer() as writer:
        context.set_global("writer", writer)
        yield


worker = FastStream(RedisBroker(REDIS_URL, routers=[subscribers], logger=None), lifespan=database)
