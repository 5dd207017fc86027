"""The baseline of FastAPI and arq: a job for each request, many of them at a time, a transaction for each job.

What a competent developer writes who wants Celery's way of working with asyncio: arq's worker at its best settings, on
uvloop, asyncpg, results not kept. A job leaves the queue after the commit, and is tried again for a month while the
database is away. It merges no repeats, parks nothing that fails, proves no count and notes no changes.

    uvicorn bench.baselines.fastapi_arq:app     arq bench.baselines.fastapi_arq.Jobs --custom-log-dict ….LOGS
"""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import uvloop
from arq import Retry, create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from bench.baselines.payload import TOKEN, Webhook
from bench.baselines.rows import Delivery, open_writer

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
MONTH_MS = 30 * 24 * 3600 * 1000
RETRY_S = 5
LOGS = {"version": 1, "loggers": {"arq": {"level": "WARNING"}}}  # by default two lines for each job


@asynccontextmanager
async def queue(app: FastAPI) -> AsyncIterator[None]:
    """Connect to Redis for as long as the application runs."""
    app.state.queue = await create_pool(REDIS, expires_extra_ms=MONTH_MS)
    yield
    await app.state.queue.aclose()


app = FastAPI(lifespan=queue)


@app.post("/hooks/{token}")
async def receive(token: str, request: Request) -> Response:
    """Enqueue a job that stores the delivery."""
    if token != TOKEN:
        raise HTTPException(404)
    body = await request.body()
    try:
        Webhook.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(422) from error
    delivery_id = str(uuid.uuid4())
    await app.state.queue.enqueue_job("store", delivery_id, datetime.now(UTC), body.decode(), _job_id=delivery_id)
    return JSONResponse({"id": delivery_id}, 202)


async def open_database(context: dict[str, Any]) -> None:
    """Connect a worker."""
    context["resources"] = AsyncExitStack()
    context["writer"] = await context["resources"].enter_async_context(open_writer())


async def close_database(context: dict[str, Any]) -> None:
    """Disconnect it."""
    await context["resources"].aclose()


async def store(context: dict[str, Any], delivery_id: str, received_at: datetime, body: str) -> None:
    """Write archive, message and history in one transaction."""
    try:
        await context["writer"].write([Delivery(id=delivery_id, received_at=received_at, body=body)])
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Retry(RETRY_S) from error


class Jobs:
    """Settings of the worker."""

    functions = (store,)
    redis_settings = REDIS
    on_startup = open_database
    on_shutdown = close_database
    max_jobs = 20
    poll_delay = 0.01
    job_timeout = 60
    keep_result = 0
    max_tries = MONTH_MS // 1000 // RETRY_S
    expires_extra_ms = MONTH_MS
    log_results = False


uvloop.install()  # for the worker: uvicorn has it anyway
