"""The naive baseline: an endpoint, a model, a task for each request, a transaction for each task.

What a competent developer writes in an afternoon with FastAPI, pydantic, Celery and SQLAlchemy, and writes well: types,
a token, upserts that keep the later status, a history without duplicates, an archive. It answers once Redis has the
message; with the same Redis as ours, that too is after fsync.

    uvicorn bench.baselines.naive:app     celery -A bench.baselines.naive:celery worker
"""

import os
import uuid
from datetime import UTC, datetime
from typing import Any

from celery import Celery
from fastapi import FastAPI, HTTPException
from sqlalchemy import create_engine, event
from sqlalchemy.dialects import postgresql, sqlite

from bench.baselines.payload import TOKEN, Webhook
from bench.baselines.tables import deliveries, messages, statuses

app = FastAPI()
celery = Celery("naive", broker=os.environ["REDIS_URL"])
celery.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=4)

engine = create_engine(os.environ["DATABASE_URL"])
insert = (sqlite if engine.dialect.name == "sqlite" else postgresql).insert

if engine.dialect.name == "sqlite":

    @event.listens_for(engine, "connect")
    def _as_durable_as_ours(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")


@app.post("/hooks/{token}")
async def receive(token: str, webhook: Webhook) -> dict[str, str]:
    """Enqueue a task that stores the delivery."""
    if token != TOKEN:
        raise HTTPException(404)
    delivery_id = str(uuid.uuid4())
    store.apply_async((delivery_id, webhook.model_dump(mode="json")))
    return {"id": delivery_id}


@celery.task
def store(delivery_id: str, webhook: dict[str, Any]) -> None:
    """Write archive, message and history in one transaction."""
    report = Webhook.model_validate(webhook).data
    with engine.begin() as connection:
        connection.execute(insert(deliveries).values(id=delivery_id, received_at=datetime.now(UTC), payload=webhook))
        message = insert(messages).values(msg_id=report.msg_id, status=report.status, status_at=report.timestamp)
        connection.execute(
            message.on_conflict_do_update(
                index_elements=[messages.c.msg_id],
                set_={"status": message.excluded.status, "status_at": message.excluded.status_at},
                where=messages.c.status_at < message.excluded.status_at,
            )
        )
        history = insert(statuses).values(msg_id=report.msg_id, status=report.status, at=report.timestamp)
        connection.execute(history.on_conflict_do_nothing())
