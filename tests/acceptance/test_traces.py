"""Traces on real processes: one of each sampled delivery, with every step; and a collector that is away costs nothing."""

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import httpx2
import pytest
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from sqlalchemy import Engine, select

from ledger.client import Ledger
from runtime.trace_ids import trace_id
from seven.events import QUEUES
from store.schema import deliveries
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.collector import Collector, Span, collecting, environment
from tests.conftest import TOKEN
from tests.processes import Receiver, beat, dispatcher, running, worker
from tests.servers import eventually, free_port

STEPS = {"receive", "accept", "announce", "consume", "commit", "settle", "react"}
SERVICES = {
    "receive": "receiver", "accept": "receiver", "announce": "receiver", "batch": "receiver", "consume": "worker",
    "commit": "worker", "settle": "worker", "react": "dispatcher",
}  # fmt: skip


def settings(redis_url: str, database_url: str, **more: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_METRICS_ADDRESS": "off", "SEVEN_HOOK_TOKEN": TOKEN,
        **more,
    }  # fmt: skip


def send(receiver: Receiver, number: int, at_once: int = 16) -> list[str]:
    """Deliver a status of each of so many messages; returns the ids of the deliveries."""

    async def post(client: httpx2.AsyncClient, n: int) -> str:
        report = {"msg_id": f"77{n:06}", "status": "DELIVERED", "timestamp": int(time.time())}
        answer = await client.post(f"{receiver.url}/hooks/{TOKEN}/dlr", json={"webhook_event": "dlr", "data": report})
        assert answer.status_code == 202
        return str(answer.json()["id"])

    async def post_all() -> list[str]:
        ids: list[str] = []
        async with httpx2.AsyncClient() as client:
            for start in range(0, number, at_once):
                numbers = range(start, min(number, start + at_once))
                ids += await asyncio.gather(*(post(client, n) for n in numbers))
        return ids

    return asyncio.run(post_all())


def by_delivery(spans: Iterable[Span]) -> dict[str, list[Span]]:
    grouped: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        if span.delivery is not None:
            grouped[span.delivery].append(span)
    return grouped


def whole(collector: Collector) -> set[str]:
    """The deliveries of which every step has arrived."""
    grouped = by_delivery(collector.spans())
    return {delivery for delivery, spans in grouped.items() if {span.name for span in spans} >= STEPS}


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize("share", [pytest.param(1.0, id="all"), pytest.param(0.3, id="a share")])
def test_a_delivery_is_one_trace(share: float, engine: Engine, database_url: str, redis_url: str, tmp_path: Path):
    """Each one that is sampled is in exactly one trace, with every step of every process, the others are in none."""
    shop = Subscriber("shop")
    with collecting() as collector, serving(shop):
        file = write_file(tmp_path, shop)
        sampler = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": str(share)}
        shared = settings(redis_url, database_url, **environment(collector, **sampler))
        receiver, consumer = Receiver(tmp_path, shared), worker(tmp_path, shared)
        reactor = dispatcher(tmp_path, shared | {"SEVEN_REACTIONS_FILE": str(file)})
        with running(receiver, reactor):
            begin(engine)
            with running(consumer):
                ids = send(receiver, 60)
                bound = TraceIdRatioBased.get_bound_for_rate(share)
                sampled = {each for each in ids if int(trace_id(each)[16:], 16) < bound}
                eventually(lambda: len(shop.received) == len(ids))
                eventually(lambda: whole(collector) >= sampled)
                assert [process.end() for process in (consumer, reactor, receiver)] == [0, 0, -signal.SIGTERM]
    grouped = by_delivery(collector.spans())
    assert {*grouped} == sampled
    assert 0 < len(sampled) <= len(ids)
    for delivery, spans in grouped.items():
        check_trace(delivery, spans)
    check_batches(collector.spans(), sampled)
    assert not [secret for secret in (TOKEN, shop.url, "/hooks/") if secret in collector.text()]
    log = receiver.log.read_text()
    assert all(trace_id(delivery) in log for delivery in sampled)
    assert not [delivery for delivery in ids if delivery not in sampled and trace_id(delivery) in log]


def check_trace(delivery: str, spans: list[Span]) -> None:
    """One trace, by its delivery's id; each step once, in its process, below the first or below the consumer's."""
    assert {span.trace for span in spans} == {trace_id(delivery)}
    steps = {span.name: span for span in spans}
    assert len(steps) == len(spans)
    assert {*steps} == STEPS
    first, consumed = steps["receive"], steps["consume"]
    for name, span in steps.items():
        parent = "" if span is first else consumed.id if name in ("commit", "settle") else first.id
        assert (name, span.parent, span.service) == (name, parent, f"seven-ingest-{SERVICES[name]}")
        assert first.began <= span.began <= span.ended
        assert not span.failed
    assert consumed.began <= steps["commit"].ended <= steps["settle"].began <= consumed.ended
    assert first.attributes["http.response.status_code"] == 202
    assert consumed.attributes["seven.outcome"] == "applied"


def check_batches(spans: list[Span], sampled: set[str]) -> None:
    """Each batch is a span that links its deliveries, and that their steps link."""
    batches = {span.attributes["seven.batch.id"]: span for span in spans if span.name == "batch"}
    linked = {link for batch in batches.values() for link in batch.links}
    assert linked == {(span.trace, span.id) for span in spans if span.name == "receive"}
    assert len(linked) == len(sampled)
    for span in spans:
        if span.name in ("accept", "announce", "consume"):
            batch = batches[span.attributes["seven.batch.id"]]
            assert span.links == {(batch.trace, batch.id)}
            assert batch.trace == trace_id(batch.attributes["seven.batch.id"])


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize("hangs", [pytest.param(True, id="hangs"), pytest.param(False, id="refuses")])
def test_a_collector_that_is_away_delays_nothing(
    hangs: bool, engine: Engine, database_url: str, redis_url: str, ledger: Ledger, tmp_path: Path
):
    """It never answers, or is not there: all is accepted and consumed, and processes end in time, meanwhile."""
    with collecting(hangs=True) as collector:
        # two spans fill the queue, and the library would wait for ten minutes
        few = {
            "OTEL_BSP_MAX_QUEUE_SIZE": "2",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "600",
        }
        shared = settings(redis_url, database_url, **environment(collector, **few))
        if not hangs:
            shared["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{free_port()}"
        receiver, consumer = Receiver(tmp_path, shared), worker(tmp_path, shared)
        with running(receiver, consumer):
            ids = send(receiver, 60)
            eventually(lambda: stored(engine) == set(ids))
            eventually(lambda: not any(queue.pending for queue in ledger.figures(QUEUES).queues.values()))
            if hangs:
                eventually(lambda: collector.held == 2)  # a request of each process
            # 143 were one that did not end in time; uvicorn repeats the signal at its end
            assert [consumer.end(), receiver.end()] == [0, -signal.SIGTERM]
        assert not collector.requests


def stored(engine: Engine) -> set[str]:
    with engine.connect().execution_options(reads=True) as connection:
        return set(connection.execute(select(deliveries.c.id)).scalars())


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_failures_are_in_the_trace(engine: Engine, database_url: str, redis_url: str, tmp_path: Path):
    """An attempt to write that failed, and the next one, which did not, are in the delivery's trace."""
    with collecting() as collector:
        shared = settings(redis_url, database_url, SEVEN_SWEEP_S="1", SEVEN_OVERDUE_S="10", **environment(collector))
        receiver, consumer = Receiver(tmp_path, shared), worker(tmp_path, shared)
        clock = beat(tmp_path, shared)
        with running(receiver, consumer, clock):
            consumer.wait_until_logged("ready")
            renamed = "ALTER TABLE deliveries RENAME TO away", "ALTER TABLE away RENAME TO deliveries"
            execute(engine, renamed[0])
            (delivery,) = send(receiver, 1)
            eventually(lambda: consumptions(collector, delivery)[:1] == [True])
            execute(engine, renamed[1])
            eventually(lambda: consumptions(collector, delivery)[-1:] == [False])
    spans = by_delivery(collector.spans())[delivery]
    assert {span.trace for span in spans} == {trace_id(delivery)}
    failed = next(span for span in spans if span.failed)
    assert failed.attributes["error.type"] == "NotMigrated"


def execute(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def consumptions(collector: Collector, delivery: str) -> list[bool]:
    """Whether each attempt to consume it failed."""
    spans = by_delivery(collector.spans())[delivery]
    return [span.failed for span in sorted(spans, key=lambda span: span.began) if span.name == "consume"]
