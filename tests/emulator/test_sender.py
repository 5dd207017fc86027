"""Delivering: the gateway's patience, and what it takes for success."""

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise, repeat

import pytest

from emulator.report import Fate, State
from emulator.scenarios import deliveries, scenario
from emulator.sender import RETRIED, WAITS_S, RetryPolicy, Sender, deliver
from emulator.wire import Request, requests
from tests.emulator.stub_receiver import Receiver, receiving

HASTY = RetryPolicy(compression=1e9)
HOURS_S = 3600


async def until(holds: Callable[[], bool]) -> None:
    """Poll, while the loop goes on."""
    async with asyncio.timeout(20):
        for pause in repeat(0.01):
            if holds():
                return
            await asyncio.sleep(pause)


def posts(receiver: Receiver, count: int = 1) -> list[Request]:
    return [Request("POST", receiver.url, (("content-type", "text/plain"),), b"n=%d" % n) for n in range(count)]


def test_a_story_arrives_whole(receiver):
    """Every delivery is made once, in its method, to the hook's URL, and the receiver's ids are told."""
    tellings = deliveries(scenario(1, now=datetime.now(UTC)), duplicates=0.2)
    report = asyncio.run(deliver(requests(tellings, receiver.url), concurrency=16))

    assert report.states == {State.DELIVERED: len(tellings)}
    assert len(receiver.heard) == len(tellings) == report.attempts == len(set(report.ids["accepted"]))
    assert list(report.ids) == ["accepted"]
    told = Counter(telling.method for telling in tellings)
    assert Counter(heard.delivery.request_method for heard in receiver.heard) == told
    assert receiver.most_under_way <= 16


@pytest.mark.parametrize("status", [200, 202, 204, 301, 302, 307, 308, 399])
def test_success_and_redirects_are_success(receiver, status):
    """The gateway is content with any 2xx and 3xx, and follows no redirect."""
    receiver.answer = lambda heard: status
    report = asyncio.run(deliver(posts(receiver), HASTY))

    told = status in {200, 202}
    assert report.fates == {
        0: Fate(State.DELIVERED, 1, status, "id-1" if told else None, "accepted" if told else None),
    }
    assert len(receiver.heard) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 415, 422, 451, 501, 505])
def test_any_other_refusal_is_final(receiver, status):
    """Such a delivery is lost: it never comes again."""
    receiver.answer = lambda heard: status
    report = asyncio.run(deliver(posts(receiver, 3), HASTY))

    assert report.refusals == {status: 3}
    assert report.states == {State.REFUSED: 3}
    assert len(receiver.heard) == report.attempts == 3
    assert not report.retries


@pytest.mark.parametrize("status", sorted(RETRIED))
def test_trouble_is_met_with_patience(receiver, status):
    """A receiver in trouble is tried again until it is well; what it says of waiting is not heeded."""
    receiver.answer = lambda heard: status if heard.nth < 4 else 202
    report = asyncio.run(deliver(posts(receiver, 5), HASTY))

    assert report.states == {State.DELIVERED: 5}
    assert {fate.attempts for fate in report.fates.values()} == {4}
    assert report.retries == {str(status): 15}


def test_patience_ends_after_fourteen_attempts(receiver):
    """Then the delivery is dropped."""
    receiver.answer = lambda heard: 503
    report = asyncio.run(deliver(posts(receiver, 2), HASTY))

    assert report.fates == dict.fromkeys(range(2), Fate(State.GIVEN_UP, 14, 503))
    assert len(receiver.heard) == 28
    assert report.retries == {"503": 26}


def test_the_waits_are_the_gateways():
    """1, 5, 30 and 60 minutes, 2 hours, and steps that make three and a half days; all compressed alike."""
    policy = RetryPolicy(compression=60)

    assert [policy.wait_s(attempts) for attempts in range(1, 6)] == [1, 5, 30, 60, 120]
    assert policy.wait_s(14) is None
    assert 3.4 * 24 * HOURS_S < sum(WAITS_S) < 3.6 * 24 * HOURS_S
    assert RetryPolicy().wait_s(1) == pytest.approx(0.2)


def test_retries_keep_their_distance(receiver):
    """Nothing comes again before its time."""
    receiver.answer = lambda heard: 500 if heard.nth < 3 else 202
    asyncio.run(deliver(posts(receiver), RetryPolicy(waits_s=(0.15, 0.3), compression=1)))

    first, second = (later.at - earlier.at for earlier, later in pairwise(receiver.heard))
    assert first >= 0.15 - 0.01
    assert second >= 0.3 - 0.01


def test_what_waits_is_in_nobodys_way(receiver):
    """With a single line to the receiver, others are delivered while one waits for its retry."""
    receiver.answer = lambda heard: 429 if heard.delivery.body == b"n=0" and heard.nth == 1 else 202
    policy = RetryPolicy(waits_s=(2,), compression=1)
    report = asyncio.run(deliver(posts(receiver, 20), policy, concurrency=1))

    bodies = [heard.delivery.body for heard in receiver.heard]
    assert bodies.index(b"n=0", 1) > bodies.index(b"n=1")  # before the last, too, unless those took two seconds
    assert [body for body in bodies if body != b"n=0"] == [b"n=%d" % n for n in range(1, 20)]
    assert report.fates[0].attempts == 2
    assert receiver.most_under_way == 1


def test_silence_is_not_waited_out(receiver):
    """An attempt without an answer in time ends, and counts as trouble; the line is good for the next."""
    receiver.answer = lambda heard: None if heard.nth < 3 else 202
    policy = RetryPolicy(compression=1e9, timeout_s=0.15)
    report = asyncio.run(deliver(posts(receiver, 3), policy, concurrency=1))

    assert report.states == {State.DELIVERED: 3}
    assert report.retries == {"timeout": 6}


def test_a_receiver_that_is_not_there_is_tried_again():
    """Deliveries begun before the receiver is up arrive when it is."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    policy = RetryPolicy(waits_s=(0.05,) * 400, compression=1)

    async def meet() -> tuple[Sender, Receiver]:
        early = Request("POST", f"http://127.0.0.1:{port}/", (), b"n=1")
        delivering = Sender([early], policy)
        running = asyncio.create_task(delivering.run())
        await until(lambda: bool(delivering.report.retries))
        with receiving(port) as receiver:
            await running
        return delivering, receiver

    delivering, receiver = asyncio.run(meet())
    assert delivering.report.states == {State.DELIVERED: 1}
    assert list(delivering.report.retries) == ["connection"]
    assert len(receiver.heard) == 1


def test_a_connection_that_breaks_is_trouble():
    """A receiver that hangs up without a word is tried again, and given up in the end."""

    async def main() -> Sender:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            delivering = Sender([Request("GET", f"http://127.0.0.1:{port}/?n=1", (), b"")], HASTY)
            await delivering.run()
        return delivering

    report = asyncio.run(main()).report
    assert report.fates == {0: Fate(State.GIVEN_UP, 14, None)}
    assert report.retries == {"connection": 13}


def test_a_rate_is_kept(receiver):
    """New deliveries begin no faster than they are asked to."""
    began_at = time.monotonic()
    asyncio.run(deliver(posts(receiver, 21), HASTY, rate=50))

    assert time.monotonic() - began_at >= 20 / 50


def test_requests_are_drawn_as_there_is_room(receiver):
    """Thirty thousand requests are never all in memory: few are drawn ahead of what is delivered."""
    ahead = []

    def drawn():
        for n, request in enumerate(posts(receiver, 300)):
            ahead.append(n - len(delivering.report.fates))
            yield request

    async def main() -> None:
        nonlocal delivering
        delivering = Sender(drawn(), HASTY, concurrency=4)
        await delivering.run()

    delivering: Sender
    asyncio.run(main())
    assert len(ahead) == 300
    assert max(ahead) <= 12


def test_nothing_to_deliver_ends_at_once():
    """An empty story is told."""
    assert asyncio.run(deliver([])).fates == {}


def test_telling_can_be_stopped(receiver):
    """Cancelled, nothing is left running, and the report stays readable."""
    receiver.answer = lambda heard: 503

    async def main() -> Sender:
        delivering = Sender(posts(receiver, 50), RetryPolicy(compression=1))
        running = asyncio.create_task(delivering.run())
        await until(lambda: delivering.report.retries["503"] == 50)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return delivering

    assert asyncio.run(main()).report.attempts == 50


def test_logs_keep_the_secret(receiver, caplog):
    """No token, number or text is logged, however much is asked for."""
    with caplog.at_level(logging.DEBUG):
        tellings = deliveries(scenario(1, now=datetime.now(UTC), messages=20))
        asyncio.run(deliver(requests(tellings, receiver.url)))

    assert "a-token-of-some-length" not in caplog.text
    assert not [telling for telling in tellings if str(telling.occurrence.fields.get("sender", "…")) in caplog.text]
