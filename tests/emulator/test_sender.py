"""The sender: the gateway's retry policy, and the statuses that it accepts."""

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise, repeat

import pytest

from emulator.report import DeliveryResult, State
from emulator.scenarios import plan_deliveries, scenario
from emulator.sender import RETRIED, WAITS_S, RetryPolicy, Sender, deliver
from emulator.wire import Request, requests
from tests.emulator.stub_receiver import Receiver, run_receiver

FAST = RetryPolicy(compression=1e9)
HOURS_S = 3600


async def until(condition: Callable[[], bool]) -> None:
    """Poll without blocking the event loop until the condition holds."""
    async with asyncio.timeout(20):
        for pause in repeat(0.01):
            if condition():
                return
            await asyncio.sleep(pause)


def posts(receiver: Receiver, count: int = 1) -> list[Request]:
    return [Request("POST", receiver.url, (("content-type", "text/plain"),), b"n=%d" % n) for n in range(count)]


def test_a_scenario_arrives_completely(receiver):
    """Every delivery is sent once, in its method, to the target URL, and the receiver's ids are reported."""
    planned = plan_deliveries(scenario(1, now=datetime.now(UTC)), duplicates=0.2)
    report = asyncio.run(deliver(requests(planned, receiver.url), concurrency=16))

    assert report.states == {State.DELIVERED: len(planned)}
    assert len(receiver.requests) == len(planned) == report.attempts == len(set(report.ids["accepted"]))
    assert list(report.ids) == ["accepted"]
    methods = Counter(delivery.method for delivery in planned)
    assert Counter(request.delivery.request_method for request in receiver.requests) == methods
    assert receiver.max_in_flight <= 16


@pytest.mark.parametrize("status", [200, 202, 204, 301, 302, 307, 308, 399])
def test_success_and_redirects_are_success(receiver, status):
    """The gateway accepts any 2xx and 3xx, and follows no redirect."""
    receiver.answer = lambda request: status
    report = asyncio.run(deliver(posts(receiver), FAST))

    has_id = status in {200, 202}
    assert report.results == {
        0: DeliveryResult(State.DELIVERED, 1, status, "id-1" if has_id else None, "accepted" if has_id else None),
    }
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 415, 422, 451, 501, 505])
def test_any_other_refusal_is_final(receiver, status):
    """Such a delivery is lost: it is never retried."""
    receiver.answer = lambda request: status
    report = asyncio.run(deliver(posts(receiver, 3), FAST))

    assert report.refusals == {status: 3}
    assert report.states == {State.REFUSED: 3}
    assert len(receiver.requests) == report.attempts == 3
    assert not report.retries


@pytest.mark.parametrize("status", sorted(RETRIED))
def test_overload_and_server_errors_are_retried(receiver, status):
    """The delivery is retried until it succeeds; Retry-After is ignored."""
    receiver.answer = lambda request: status if request.nth < 4 else 202
    report = asyncio.run(deliver(posts(receiver, 5), FAST))

    assert report.states == {State.DELIVERED: 5}
    assert {result.attempts for result in report.results.values()} == {4}
    assert report.retries == {str(status): 15}


def test_the_gateway_gives_up_after_fourteen_attempts(receiver):
    """After the last attempt the delivery is dropped."""
    receiver.answer = lambda request: 503
    report = asyncio.run(deliver(posts(receiver, 2), FAST))

    assert report.results == dict.fromkeys(range(2), DeliveryResult(State.GIVEN_UP, 14, 503))
    assert len(receiver.requests) == 28
    assert report.retries == {"503": 26}


def test_the_waits_follow_the_gateways_policy():
    """1, 5, 30 and 60 minutes, 2 hours, then steps up to three and a half days; all equally compressed."""
    policy = RetryPolicy(compression=60)

    assert [policy.wait_s(attempts) for attempts in range(1, 6)] == [1, 5, 30, 60, 120]
    assert policy.wait_s(14) is None
    assert 3.4 * 24 * HOURS_S < sum(WAITS_S) < 3.6 * 24 * HOURS_S
    assert RetryPolicy().wait_s(1) == pytest.approx(0.2)


def test_retries_wait_their_time(receiver):
    """No retry is sent early."""
    receiver.answer = lambda request: 500 if request.nth < 3 else 202
    asyncio.run(deliver(posts(receiver), RetryPolicy(waits_s=(0.15, 0.3), compression=1)))

    first, second = (later.at - earlier.at for earlier, later in pairwise(receiver.requests))
    assert first >= 0.15 - 0.01
    assert second >= 0.3 - 0.01


def test_waiting_retries_do_not_block_others(receiver):
    """Over a single connection, other deliveries are sent while one waits for its retry."""
    receiver.answer = lambda request: 429 if request.delivery.body == b"n=0" and request.nth == 1 else 202
    policy = RetryPolicy(waits_s=(2,), compression=1)
    report = asyncio.run(deliver(posts(receiver, 20), policy, concurrency=1))

    bodies = [request.delivery.body for request in receiver.requests]
    assert bodies.index(b"n=0", 1) > bodies.index(b"n=1")  # also before the last, unless those took two seconds
    assert [body for body in bodies if body != b"n=0"] == [b"n=%d" % n for n in range(1, 20)]
    assert report.results[0].attempts == 2
    assert receiver.max_in_flight == 1


def test_a_timeout_is_retried(receiver):
    """An attempt without an answer in time ends and is retried; the sender stays usable."""
    receiver.answer = lambda request: None if request.nth < 3 else 202
    policy = RetryPolicy(compression=1e9, timeout_s=0.15)
    report = asyncio.run(deliver(posts(receiver, 3), policy, concurrency=1))

    assert report.states == {State.DELIVERED: 3}
    assert set(report.retries) == {"timeout"}
    assert report.retries["timeout"] >= 6  # a slow machine may be late with an answer, too


def test_an_unreachable_receiver_is_retried():
    """Deliveries begun before the receiver starts arrive once it is up."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    policy = RetryPolicy(waits_s=(0.05,) * 400, compression=1)

    async def main() -> tuple[Sender, Receiver]:
        early = Request("POST", f"http://127.0.0.1:{port}/", (), b"n=1")
        sender = Sender([early], policy)
        running = asyncio.create_task(sender.run())
        await until(lambda: bool(sender.report.retries))
        with run_receiver(port) as receiver:
            await running
        return sender, receiver

    sender, receiver = asyncio.run(main())
    assert sender.report.states == {State.DELIVERED: 1}
    assert list(sender.report.retries) == ["connection"]
    assert len(receiver.requests) == 1


def test_a_broken_connection_is_retried():
    """A receiver that closes connections without an answer is retried up to the last attempt."""

    async def main() -> Sender:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            sender = Sender([Request("GET", f"http://127.0.0.1:{port}/?n=1", (), b"")], FAST)
            await sender.run()
        return sender

    report = asyncio.run(main()).report
    assert report.results == {0: DeliveryResult(State.GIVEN_UP, 14, None)}
    assert report.retries == {"connection": 13}


def test_a_rate_is_kept(receiver):
    """New deliveries begin no faster than the given rate."""
    began_at = time.monotonic()
    asyncio.run(deliver(posts(receiver, 21), FAST, rate=50))

    assert time.monotonic() - began_at >= 20 / 50


def test_requests_are_drawn_when_they_can_be_sent(receiver):
    """A long scenario is never in memory as a whole: few requests are drawn ahead of the deliveries."""
    ahead = []

    def draw():
        for n, request in enumerate(posts(receiver, 300)):
            ahead.append(n - len(sender.report.results))
            yield request

    async def main() -> None:
        nonlocal sender
        sender = Sender(draw(), FAST, concurrency=4)
        await sender.run()

    sender: Sender
    asyncio.run(main())
    assert len(ahead) == 300
    assert max(ahead) <= 12


def test_nothing_to_deliver_ends_at_once():
    """Without requests the report is empty."""
    assert asyncio.run(deliver([])).results == {}


def test_a_sender_can_be_cancelled(receiver):
    """After a cancellation no task is left, and the report is readable."""
    receiver.answer = lambda request: 503

    async def main() -> Sender:
        sender = Sender(posts(receiver, 50), RetryPolicy(compression=1, timeout_s=60))
        running = asyncio.create_task(sender.run())
        await until(lambda: sender.report.retries["503"] == 50)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return sender

    assert asyncio.run(main()).report.attempts == 50


def test_logs_contain_no_secret(receiver, caplog):
    """No token, number or text is logged, at any level."""
    with caplog.at_level(logging.DEBUG):
        planned = plan_deliveries(scenario(1, now=datetime.now(UTC), messages=20))
        asyncio.run(deliver(requests(planned, receiver.url)))

    assert "a-token-of-some-length" not in caplog.text
    assert not [delivery for delivery in planned if str(delivery.event.fields.get("sender", "…")) in caplog.text]
