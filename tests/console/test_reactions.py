"""The page of reactions: who subscribes, what waits, and what to type; read only, and without links' URLs for most."""

import re

import pytest
from sqlalchemy import Engine, update
from starlette.testclient import TestClient

from store.engine import create_store_engine, sqlite_file
from store.outbox import FILE
from store.reader_role import provide_reader
from store.schema import notifications, reactions
from tests.console.conftest import ANNA, BEN, LOGINS, Visitor
from tests.factories.subscribers import FAILING, PAUSED, STARTING, URL, WORKING, put_changes, subscribe

BOTH = pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
LINK = 'href="/reactions"'


@pytest.fixture
def looking(visitor: Visitor) -> TestClient:
    return visitor(seven_console_auth=LOGINS)


def page(client: TestClient, login: tuple[str, str] = ANNA) -> str:
    answer = client.get("/reactions", auth=login)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.text)


@BOTH
def test_it_shows_each_subscriber(looking: TestClient, engine: Engine):
    """State, topics, what waits and why, what was sent, and commands as text."""
    subscribe(engine)
    put_changes(engine, 25)
    text = page(looking)
    assert [text.index(f">{name}</h2>") for name in (STARTING, PAUSED, FAILING, WORKING)]
    for words in (
        "paused: its target failed for 3 days",
        "inbound.received, link.clicked",
        "24, the oldest for 3 h",
        "<dd>status 500</dd>",
        "1 sent, 0 superseded, 0 filtered, 0 stale, 0 expired, 0 skipped",
        "the first 20",
        'seven-ingest reactions pause <span class="unbroken">shop</span>',
        'seven-ingest reactions retry <span class="unbroken">shop</span>',
        'seven-ingest reactions resume <span class="unbroken">campaigns</span>',
    ):
        assert words in text, words
    assert text.count("message.failed</td>") == 20
    assert "<form" not in text.partition("<main")[2]


def test_urls_are_for_those_who_see_texts(looking: TestClient, engine: Engine):
    """A short URL is its recipient's own; message ids and hosts stay."""
    subscribe(engine)
    put_changes(engine)
    path = URL.rpartition("/")[2]
    assert path in page(looking)
    masked = page(looking, BEN)
    assert path not in masked
    assert "77229135982000 go.example/…" in masked


@BOTH
def test_nobody_subscribes(looking: TestClient, engine: Engine):
    """The navigation leads there only where somebody does; looking makes no file."""
    assert LINK not in looking.get("/", auth=ANNA).text
    assert "Nobody subscribes." in page(looking)
    assert LINK not in looking.get("/messages", auth=ANNA).text
    subscribe(engine)
    assert LINK in looking.get("/", auth=ANNA).text
    assert LINK in looking.get("/messages", auth=ANNA).text
    assert "0 sent" in page(looking)
    file = sqlite_file(engine.url)
    assert file is None or not file.with_name(FILE).exists()
    with engine.begin() as connection:
        connection.execute(update(reactions).values(state="off"))
    assert LINK not in looking.get("/", auth=ANNA).text


def test_it_cannot_write(looking: TestClient, engine: Engine):
    """SQLite's file is as it was, also one without tables."""
    subscribe(engine)
    file = sqlite_file(engine.url)
    assert file is not None
    own = file.with_name(FILE)
    own.touch()
    assert "0 sent" in page(looking)
    assert own.read_bytes() == b""


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_by_the_role_that_only_reads(visitor: Visitor, engine: Engine, database_url: str):
    subscribe(engine)
    put_changes(engine)
    reader_url = database_url.replace("seven@", "seven_reactions_reader:secret@")
    assert provide_reader(engine, reader_url) is None
    text = page(visitor(seven_console_auth=LOGINS, seven_reader_url=reader_url))
    assert "6, the oldest for" in text
    assert "1 sent" in text
    reader = create_store_engine(reader_url)
    with reader.connect() as connection, pytest.raises(Exception, match=r"read-only|permission denied"):
        connection.execute(notifications.delete())
    reader.dispose()


def test_hostile_texts_are_texts(looking: TestClient, engine: Engine):
    subscribe(engine)
    reason = "<script>alert(1)</script>\u202e"
    with engine.begin() as connection:
        connection.execute(update(reactions).where(reactions.c.name == PAUSED).values(reason=reason))
    text = page(looking)
    assert "&lt;script&gt;alert(1)" in text
    assert "\u202e" not in text
