"""backfill: shows what the journal knows and the tables lack, asks, and has it consumed; never "nothing is lacking"
where it could not look."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from ledger.client import Ledger
from operations.audit import Auditor
from seven.events import QUEUES
from seven.opt_out_words_file import read_opt_out_words
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.projection_options import ProjectionOptions
from store.row_writer import Store
from store.schema import deliveries, messages, sent_messages
from tests.cli.installation import CommandLine
from tests.factories.envelopes import Accept, envelope
from tests.gateway.journal_stub import JournalStub, Row, ago, journal_stub, outbound
from workers.consumer import Consumer

KEY = "a-secret-api-key"
NUMBER, TEXT = "4915123456789", "A text that nobody else may read"


def inbound(id_: int, at: str, **changes: Any) -> Row:
    return {"id": str(id_), "from": NUMBER, "to": "49151999", "text": TEXT, "timestamp": at, "price": 0} | changes


@pytest.fixture
def stub() -> Iterator[JournalStub]:
    with journal_stub() as stub:
        yield stub


@pytest.fixture
def installation(tmp_path: Path, redis_url: str, stub: JournalStub) -> CommandLine:
    settings = {"REDIS_URL": redis_url, "SEVEN_API_KEY": KEY, "SEVEN_API_URL": stub.url, "SEVEN_JOURNAL_RATE": "50"}
    installation = CommandLine(tmp_path, **settings)
    assert installation.run("migrate").returncode == 0
    return installation


@pytest.fixture
def engine(installation: CommandLine) -> Iterator[Engine]:
    engine = create_store_engine(f"sqlite:///{installation.data / 'seven.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def consume(ledger: Ledger, engine: Engine) -> Callable[[], None]:
    """Consumes all that is pending, as a worker does."""
    options = ProjectionOptions(opt_out_words=read_opt_out_words(None))
    consumer = Consumer(ledger, Store(engine), CircuitBreaker(), options=options)

    def consume_all() -> None:
        for queue in QUEUES:
            consumer.consume(queue, [each.decode() for each in ledger.redis.zrange(f"seven:pending:{queue}", 0, -1)])

    return consume_all


def test_what_never_came_is_consumed(
    installation: CommandLine, stub: JournalStub, engine: Engine, consume: Callable[[], None], ledger: Ledger
):
    """A dry run says what is lacking, with exit code 1; then it is offered and consumed, and nothing is lacking."""
    stub.lists["outbound"] = [
        outbound(9, "DELIVERED", ago(hours=5)), outbound(8, None, ago(hours=6)), outbound(7, "EXPIRED", ago(days=2)),
    ]  # fmt: skip
    stub.lists["inbound"] = [inbound(3, ago(hours=5), text="STOP")]
    plan = installation.answer("backfill", "--dry-run", code=1)
    assert (plan["lacking"], plan["offered"], plan["complete"]) == (3, 0, True)
    assert not any(queue.pending for queue in ledger.figures(QUEUES).queues.values())

    result = installation.answer("backfill", "--yes")
    assert (result["lacking"], result["offered"]) == (3, 3)
    consume()
    with engine.connect() as connection:
        rows = connection.execute(select(messages.c.msg_id, messages.c.status, messages.c.journal_only)).all()
        kept = connection.execute(select(deliveries.c.event_type, deliveries.c.request_method)).all()
    assert sorted(map(tuple, rows)) == [("7", "EXPIRED", True), ("9", "DELIVERED", True)]
    assert sorted(map(tuple, kept)) == [("dlr", "JOURNAL"), ("dlr", "JOURNAL"), ("sms_mo", "JOURNAL")]
    assert installation.answer("opt-outs", "check", NUMBER, code=1)
    assert installation.answer("backfill", "--yes")["lacking"] == 0
    assert not Auditor(ledger, engine).audit().lost
    assert ledger.redis.hgetall("seven:last") == {}


def test_a_later_status_is_lacking_too(
    installation: CommandLine, stub: JournalStub, engine: Engine, consume: Callable[[], None], accept: Accept
):
    """A known message whose last webhook never came gets its last status, and no second entry in its history."""
    accept(envelope("one", msg_id="7", status="TRANSMITTED", timestamp=int(datetime.now(UTC).timestamp()) - 8000))
    consume()
    stub.lists["outbound"] = [outbound(7, "DELIVERED", ago(hours=2))]
    assert installation.answer("backfill", "--yes")["lists"][0]["changed"] == {"DELIVERED": 1}
    consume()
    with engine.connect() as connection:
        row = connection.execute(select(messages)).one()
        history = connection.exec_driver_sql("SELECT status FROM message_statuses").scalars().all()
    assert (row.status, row.journal_only, history) == ("DELIVERED", None, ["TRANSMITTED"])


def test_what_was_sent_is_kept_where_that_is_set(installation: CommandLine, stub: JournalStub, engine: Engine):
    """With its text only if that is set, too; a dry run keeps nothing, and no number is shown."""
    stub.lists["outbound"] = [outbound(9, "DELIVERED", ago(hours=5)), outbound(8, None, ago(hours=6), label="spring")]
    sent = {"SEVEN_JOURNAL_SENT": "true"}

    def kept() -> list[Any]:
        with engine.connect() as connection:
            c = sent_messages.c
            query = select(c.msg_id, c.recipient, c.label, c.text, c.price).order_by(c.msg_id)
            return [tuple(row) for row in connection.execute(query)]

    installation.run("backfill", "--dry-run", **sent)
    installation.run("backfill", "--yes")
    assert kept() == []
    result = installation.run("backfill", "--yes", **sent)
    assert "2 rows of sent_messages are new or changed" in result.stdout
    price = Decimal("0.075")
    assert kept() == [("8", "49176123456789", "spring", None, price), ("9", "49176123456789", None, None, price)]
    assert "49176" not in result.stdout + result.stderr
    result = installation.run("backfill", "--yes", "--json", SEVEN_JOURNAL_TEXTS="true", **sent)
    assert json.loads(result.stdout)["sent_messages"] == 2
    assert [text for *_, text, _ in kept()] == ["Hello", "Hello"]


def test_nothing_personal_is_shown(installation: CommandLine, stub: JournalStub):
    stub.lists["inbound"] = [inbound(3, ago(hours=5))]
    stub.lists["outbound"] = [outbound(9, "DELIVERED", ago(hours=5), foreign_id=NUMBER)]
    for words in (("--dry-run",), ("--dry-run", "--json"), ("--yes",)):
        result = installation.run("backfill", *words)
        shown = result.stdout + result.stderr
        assert not [secret for secret in (KEY, NUMBER, TEXT, "4917") if secret in shown]


def test_what_may_still_come_is_not_lacking(installation: CommandLine, stub: JournalStub):
    """What happened within 15 minutes is left to its webhook, and what lies beside the range is not read in."""
    stub.lists["outbound"] = [outbound(9, "DELIVERED", ago(minutes=14)), outbound(7, "DELIVERED", ago(days=4, hours=1))]
    assert installation.answer("backfill", "--dry-run")["lacking"] == 0
    assert installation.answer("backfill", "--dry-run", "--since", "5d", code=1)["lacking"] == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, b'"900"'), "the API key is wrong"),
        ((200, b"{}"), "no list"),
        ((200, b'[{"id": "7"'), "cannot be read"),
    ],
)
def test_a_journal_that_cannot_be_read_is_not_empty(
    installation: CommandLine, stub: JournalStub, answer: Any, words: str
):
    """Exit code 3 with the reason, and nothing is changed; never that nothing is lacking."""
    stub.answer = lambda _request, _page: answer
    result = installation.run("backfill", "--yes")
    assert (result.returncode, words in result.stderr) == (3, True)
    assert "lacking" not in result.stdout


def test_a_row_that_cannot_be_read_is_named(installation: CommandLine, stub: JournalStub):
    """The others are compared, and the result is not complete."""
    stub.lists["outbound"] = [
        outbound(9, "DELIVERED", ago(hours=5)),
        {**outbound(8, at=ago(hours=6)), "id": "undefined"},
    ]
    result = installation.run("backfill", "--dry-run")
    assert result.returncode == 1
    assert "a row's id is no number" in result.stdout
    stub.lists["outbound"] = [outbound(9, None, ago(hours=5)), {**outbound(8, at=ago(hours=6)), "id": "undefined"}]
    result = installation.run("backfill", "--dry-run")
    assert (result.returncode, "Nothing is lacking" in result.stdout) == (3, False)


@pytest.mark.parametrize("listed", [[], [outbound(99, "DELIVERED", ago(hours=20))]], ids=["switched off", "a day"])
def test_a_shorter_journal_is_noticed(
    installation: CommandLine, stub: JournalStub, consume: Callable[[], None], accept: Accept, listed: list[Row]
):
    """What is here and not listed shows that the journal is kept for a shorter time: exit code 3."""
    two_days_ago = int(datetime.now(UTC).timestamp()) - 2 * 86_400
    accept(envelope("one", msg_id="7", status="DELIVERED", timestamp=two_days_ago))
    accept(envelope("two", msg_id="99", status="DELIVERED", timestamp=two_days_ago + 100_000))
    consume()
    stub.lists["outbound"] = listed
    result = installation.run("backfill", "--dry-run")
    assert (result.returncode, "Nothing is lacking" in result.stdout) == (3, False)
    assert "kept for a shorter time" in " ".join(result.stdout.split())


@pytest.mark.parametrize("answer", [(404, b""), (200, b'"400"'), (403, b"")])
def test_a_list_that_is_gone_is_said(installation: CommandLine, stub: JournalStub, ledger: Ledger, answer: Any):
    """However the gateway says it, what the others have is offered."""
    stub.lists["outbound"] = [outbound(9, "DELIVERED", ago(hours=5))]
    stub.answer = lambda request, page: answer if request["list"] == "voice_call" else page
    result = installation.run("backfill", "--yes")
    assert result.returncode == 0
    assert "does not list incoming calls any more" in " ".join(result.stdout.split())
    assert ledger.redis.zcard("seven:pending:dlr") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--type", "tracking"), ("--type", "fax"), ("--since", "1h", "--until", "2h"), ("--since", "5m"),
        ("--since", "yesterday-ish"), ("--since", "400d", "--type", "sms_mo"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_an_impossible_request_is_refused(installation: CommandLine, stub: JournalStub, words: tuple[str, ...]):
    """Exit code 2, before the gateway is asked."""
    assert installation.run("backfill", "--dry-run", *words).returncode == 2
    assert stub.requests == []


def test_it_asks_before_it_changes_anything(installation: CommandLine, stub: JournalStub):
    stub.lists["outbound"] = [outbound(9, "DELIVERED", ago(hours=5))]
    result = installation.run("backfill")
    assert (result.returncode, "--yes" in result.stderr) == (2, True)


def test_without_redis_nothing_is_offered(installation: CommandLine, stub: JournalStub):
    stub.lists["outbound"] = [outbound(9, "DELIVERED", ago(hours=5))]
    result = installation.run("backfill", "--yes", REDIS_URL="redis://127.0.0.1:1/0")
    assert (result.returncode, "0 of 1 were offered" in result.stderr) == (3, True)
