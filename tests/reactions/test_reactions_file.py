"""The file of reactions: what it may say, and that everything wrong with it is named at once."""

import os
from base64 import b64encode
from pathlib import Path

import pytest

from reactions.reaction import FunctionTarget, Reaction, UrlTarget
from reactions.reactions_file import InvalidReactions, read_reactions
from seven.hooks import Addresses
from seven.topics import TOPICS, expand

OWN = Addresses(("https://hooks.example.com",), ("token-0123456789-0123456789",))
SECRET = "whsec_" + b64encode(b"k" * 32).decode()
URL = 'url = "https://shop.example/seven?key=hush"\nsecret_file = "secret"\n'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "empty").write_text("")
    (tmp_path / "short").write_text("whsec_aHVz")
    (tmp_path / "tickets.py").write_text("def open_ticket(change): ...\n")
    return tmp_path


def faults_of(directory: Path, text: str) -> tuple[str, ...]:
    """What is wrong with a file; nothing of its URLs and secrets is quoted."""
    (directory / "reactions.toml").write_text(text)
    with pytest.raises(InvalidReactions) as raised:
        read_reactions(directory / "reactions.toml", OWN)
    assert "hush" not in str(raised.value)
    assert SECRET[6:] not in str(raised.value)
    return raised.value.faults


def test_a_file_with_everything(directory: Path):
    """Each key, relative paths beside the file, patterns expanded, numbers in `where` as they are written."""
    (directory / "reactions.toml").write_text(
        f"""
[[reaction]]
name = "shop"
on = ["message.failed", "opt_out.*"]
{URL}allow_http = true
allow_link_local = true
payload = true
max_age_days = 1
timeout_s = 10
concurrency = 16
heartbeat_minutes = 2.5

[[reaction]]
name = "tickets"
on = ["inbound.received"]
where = {{ recipient = 4915100000001, sender = ["shop", "4915100000002"] }}
call = "tickets:open_ticket"
"""
    )
    shop, tickets = read_reactions(directory / "reactions.toml", OWN)
    url_target = UrlTarget("https://shop.example/seven?key=hush", directory / "secret", True, True)
    assert shop == Reaction(
        "shop", expand(["message.failed", "opt_out.*"]), url_target, {}, True, 86_400.0, 10.0, 16, 150.0
    )
    where = {"recipient": frozenset({"4915100000001"}), "sender": frozenset({"shop", "4915100000002"})}
    target = FunctionTarget("tickets", "open_ticket", str(directory))
    assert tickets == Reaction("tickets", frozenset({"inbound.received"}), target, where, timeout_s=30.0)
    assert "hush" not in repr(shop)


def test_an_empty_file_has_no_reactions(directory: Path):
    """Which is fine; and all topics have a pattern."""
    (directory / "reactions.toml").write_text("")
    assert read_reactions(directory / "reactions.toml", OWN) == []
    (directory / "reactions.toml").write_text(f'[[reaction]]\nname = "a"\non = ["*"]\n{URL}')
    assert read_reactions(directory / "reactions.toml", OWN)[0].topics == frozenset(TOPICS)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        pytest.param('on = ["message.faild"]', "on: no topic is named 'message.faild'; message.failed is", id="topic"),
        pytest.param("on = []", "on: it is a list of topics", id="no topics"),
        pytest.param('on = "message.failed"', "on: it is a list of topics", id="topics as text"),
        pytest.param("concurency = 3", "concurency: no key is named so; concurrency is", id="unknown key"),
        pytest.param("concurrency = 17", "concurrency: it is a whole number from 1 to 16", id="concurrency"),
        pytest.param("concurrency = 1.5", "concurrency: it is a whole number from 1 to 16", id="half"),
        pytest.param("timeout_s = 0", "timeout_s: it is a number from 0.1 to 300", id="timeout"),
        pytest.param("timeout_s = nan", "timeout_s: it is a number from 0.1 to 300", id="nan"),
        pytest.param("timeout_s = true", "timeout_s: it is a number from 0.1 to 300", id="bool"),
        pytest.param("max_age_days = -1", "max_age_days: it is a number from", id="age"),
        pytest.param('heartbeat_minutes = "5"', "heartbeat_minutes: it is a number from 0.5 to 1440", id="heartbeat"),
        pytest.param('payload = "yes"', "payload: it is true or false", id="payload"),
        pytest.param("allow_http = 1", "allow_http: it is true or false", id="flag"),
        pytest.param(
            "where = { statuss = 1 }", "where: not all its topics have a field named 'statuss'; status is", id="field"
        ),
        pytest.param("where = { status = [] }", "where: a field's value is a text", id="no value"),
        pytest.param("where = { status = 0x" + "f" * 5000 + " }", "where: a field's value is a text", id="huge value"),
        pytest.param("where = { status = 1.5 }", "where: a field's value is a text", id="fraction"),
        pytest.param("where = 1", "where: it is a table", id="where"),
        pytest.param('url = "https://hooks.example.com/hooks/hush"', "url: it is our own receiver", id="own receiver"),
        pytest.param(
            'secret_file = "short"', "secret_file: a secret has 24 to 64 bytes, this one 3", id="short secret"
        ),
        pytest.param('secret_file = "\\u0000"', "secret_file: it is the path", id="NUL"),
        pytest.param('url = "http://shop.example/?key=hush"', "url: it is without TLS", id="http"),
        pytest.param("url = 1", "url: it is a text", id="url"),
        pytest.param('secret_file = "empty"', "secret_file: it is empty", id="empty secret"),
        pytest.param('secret_file = "absent"', "secret_file: it cannot be read: no such file", id="no secret"),
        pytest.param("secret_file = 1", "secret_file: it is the path", id="secret path"),
        pytest.param('call = "tickets:open_ticket"', "url: it has both url and call", id="both"),
        pytest.param('name = "Shop"', "name: it has 1 to 40 characters of a-z, 0-9 and -", id="name"),
    ],
)
def test_each_fault_names_the_reaction_and_the_key(lines: str, fault: str, directory: Path):
    """One fault, one line."""
    key = lines.partition(" ")[0]
    valid = f'name = "shop"\non = ["message.failed"]\n{URL}'.splitlines()
    text = "\n".join(["[[reaction]]", *(line for line in valid if line.partition(" ")[0] != key), lines])
    (given,) = faults_of(directory, text)
    assert given.startswith(f"reaction {'1' if key == 'name' else 'shop'}, {fault}")


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("tickets:absent", "its module has no such function"),
        ("absent:open", "its module cannot be imported: ModuleNotFoundError absent"),
        ("store.upsert:write", "its module is named as a package of seven-ingest: store"),
        ("tickets", "it is module:function"),
        ("tickets:a:b", "it is module:function"),
        ("../tickets:a", "it is module:function"),
    ],
)
def test_faults_of_a_function(call: str, fault: str, directory: Path):
    """What cannot be called is named before anything is sent."""
    (given,) = faults_of(directory, f'[[reaction]]\nname = "t"\non = ["*"]\ncall = "{call}"')
    assert given.startswith(f"reaction t, call: {fault}")


def test_every_fault_is_listed_at_once(directory: Path):
    """Of all reactions, and of the file itself."""
    text = f"""
reactoin = 1
[[reaction]]
name = "a"
on = ["message.x", "nothing.*"]
url = "ftp://x/?key=hush"
secret_file = "empty"
tiemout_s = 1
[[reaction]]
name = "a"
on = ["*"]
call = "tickets:absent"
allow_http = true
[[reaction]]
on = ["*"]
{URL}
"""
    faults = faults_of(directory, text)
    assert [fault.partition(":")[0] for fault in faults] == [
        "reactoin", "reaction a, tiemout_s", "reaction a, on", "reaction a, on", "reaction a, url", "reaction a, secret_file",
        "reaction a, name", "reaction a, allow_http", "reaction a, call", "reaction 3, name",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"[[reaction]\n", "SEVEN_REACTIONS_FILE: invalid TOML: "),
        (b'x = "\xff"', "SEVEN_REACTIONS_FILE: it is not UTF-8"),
        ("x = 1\n".encode("utf-16"), "SEVEN_REACTIONS_FILE: it is not UTF-8"),
        (b"#" * 1_000_001, "SEVEN_REACTIONS_FILE: it has more than 1,000,000 bytes"),
        (b"x = " + b"9" * 5000, "SEVEN_REACTIONS_FILE: invalid TOML: "),
        (b'[[reaction]]\nname = "a"\nname = "hush"', "SEVEN_REACTIONS_FILE: invalid TOML: "),
        (b'[[reaction]]\nurl = "hush', "SEVEN_REACTIONS_FILE: invalid TOML: "),
        (b'[reaction]\nname = "a"', "reaction: each reaction begins with [[reaction]]"),
        (b"reaction = [1]", "reaction: each reaction begins with [[reaction]]"),
        (b"x = " + b"[" * 5000, "SEVEN_REACTIONS_FILE: invalid TOML: "),
    ],
)
def test_files_that_are_no_reactions(content: bytes, fault: str, directory: Path):
    """With the line, where TOML is invalid."""
    (directory / "reactions.toml").write_bytes(content)
    with pytest.raises(InvalidReactions) as raised:
        read_reactions(directory / "reactions.toml", OWN)
    assert raised.value.faults[-1].startswith(fault)
    assert "hush" not in str(raised.value)
    if content.startswith(b"[[reaction]\n"):
        assert "line 1" in raised.value.faults[0]


def test_a_missing_file(directory: Path):
    """Is a fault too: a subscriber would never hear of anything. Nor is a pipe waited for."""
    os.mkfifo(directory / "pipe")
    for name, fault in (("absent", "cannot be read: no such file"), ("pipe", "is no file"), (".", "is no file")):
        with pytest.raises(InvalidReactions, match=fault):
            read_reactions(directory / name, OWN)


def test_links_and_byte_order_marks(directory: Path):
    """Docker and Kubernetes mount links; what the file names is looked for beside the link."""
    text = f'\ufeff[[reaction]]\nname = "a"\non = ["*"]\n{URL}[[reaction]]\nname = "b"\non = ["*"]\ncall = "tickets:open_ticket"'
    (directory / "data").mkdir()
    (directory / "data/reactions").write_text(text)
    (directory / "data/secret").write_text(SECRET)
    (directory / "secret").unlink()
    (directory / "secret").symlink_to("data/secret")
    (directory / "reactions.toml").symlink_to("data/reactions")
    first, second = read_reactions(directory / "reactions.toml", OWN)
    assert isinstance(first.target, UrlTarget)
    assert first.target.secret_file == directory / "secret"
    assert second.target == FunctionTarget("tickets", "open_ticket", str(directory))


@pytest.mark.parametrize(
    "number", ["nan", "inf", "-inf", "1e400", "true", "-1", "0", '"3"', "[3]", "1979-05-27", "0x" + "f" * 5000]
)
@pytest.mark.parametrize("key", ["timeout_s", "concurrency", "max_age_days", "heartbeat_minutes"])
def test_what_is_no_number_of_its_range(key: str, number: str, directory: Path):
    """Each is one fault, however large."""
    (given,) = faults_of(directory, f'[[reaction]]\nname = "a"\non = ["*"]\n{key} = {number}\n{URL}')
    assert given.startswith(f"reaction a, {key}: it is a ")
