"""What a handler does to its own process disturbs neither the answers nor who sends changes."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reactions import example
from reactions.change import Change
from reactions.target import Answer, Attempt
from runtime.settings.registry import secret_names
from tests.reactions.handlers import BODY, descriptors, handler, is_alive
from tests.servers import PATIENCE_S, eventually

ACCEPTED = Attempt(Answer.ACCEPTED)
HANDLERS = """
import json, os, socket, subprocess, sys, threading, time, multiprocessing
from pathlib import Path
HERE = Path(__file__).parent
def note(name, value):
    with open(HERE / name, "a") as file:
        file.write(f"{value}\\n")

def writes(change):
    for number in (1, 2): os.write(number, b'{"failed":"x"}\\n')
    print("{}", flush=True)
    sys.stdout.buffer.write(b"\\xff\\n")
def closes(change):
    sys.stdout.close(); sys.stderr.close(); sys.stdin.close()
    for number in (0, 1, 2):
        try: os.close(number)
        except OSError: pass
def reads(change):
    note("read", repr(sys.stdin.read()) + repr(os.read(0, 10)))
def forks(change):
    note("forked", os.fork())
def forks_and_raises(change):
    if os.fork() == 0: raise ValueError
def multiplies(change):
    process = multiprocessing.get_context("fork").Process(target=note, args=("child", 1))
    process.start(); process.join()
def threads(change):
    for _ in range(3): threading.Thread(target=time.sleep, args=(300,)).start()
def moves(change):
    note("cwd", os.getcwd()); os.chdir("/")
def exhausts(change):
    note("pid", os.getpid()); bytearray(1 << 62)
def signals(change):
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)
    note("pid", os.getpid()); time.sleep(300)
def breaks(change):
    for number in range(3, 50):
        try: os.write(number, b"hush\\n")
        except OSError: pass
def keeps(change):
    note("bodies", change.model_dump_json())
def environment(change):
    (HERE / "environment").write_text(json.dumps(dict(os.environ)))
def meets(change):
    note("pids", os.getpid())
    while len(set((HERE / "pids").read_text().split())) < 2: time.sleep(0.01)
class Desk:
    @staticmethod
    def opens(change): note("desk", 1)
    def __call__(self, change): note("desk", 2)
desk = Desk()
def lazily(change):
    import sibling
    note("sibling", sibling.VALUE)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(HANDLERS)
    (tmp_path / "sibling.py").write_text("VALUE = 1\n")
    (tmp_path / "desks").mkdir()
    (tmp_path / "desks/__init__.py").write_text("from shop import Desk\n")
    (tmp_path / "desks/first.py").write_text("from desks import Desk\nfrom shop import note\n\nopens = Desk.opens\n")
    return tmp_path


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize(
    "function", ["writes", "closes", "reads", "multiplies", "threads", "moves", "lazily", "desk", "Desk.opens"]
)
def test_handlers_may_do_as_they_like(function: str, directory: Path):
    """Change after change is accepted, in the same process."""
    with handler(directory, f"shop:{function}") as target:
        assert [target.send("chg_1", BODY) for _ in range(4)] == [ACCEPTED] * 4
    expected = {
        "reads": ("read", ["''b''"] * 4),
        "multiplies": ("child", ["1"] * 4),
        "moves": ("cwd", [os.getcwd(), "/", "/", "/"]),
        "lazily": ("sibling", ["1"] * 4),
        "desk": ("desk", ["2"] * 4),
        "Desk.opens": ("desk", ["1"] * 4),
    }
    if function in expected:
        name, noted = expected[function]
        assert lines(directory / name) == noted


def test_a_module_in_a_package(directory: Path):
    """Which imports its own package, and its neighbours."""
    with handler(directory, "desks.first:opens") as target:
        assert target.send("chg_1", BODY) == ACCEPTED
    assert lines(directory / "desk") == ["1"]


@pytest.mark.parametrize("function", ["forks", "forks_and_raises"])
def test_a_handler_that_forks_answers_once(function: str, directory: Path):
    """The other process ends where the handler does: it takes no change, and its answer is none."""
    with handler(directory, f"shop:{function}", concurrency=1) as target:
        assert [target.send("chg_1", BODY) for _ in range(5)] == [ACCEPTED] * 5
    forked = [int(line) for line in lines(directory / "forked")]
    assert not forked or sorted(forked)[:5] == [0] * 5
    eventually(lambda: not any(map(is_alive, filter(None, forked))))


def test_a_handler_that_runs_out_of_memory(directory: Path):
    """Is a failure like any other; the process stays."""
    with handler(directory, "shop:exhausts") as target:
        assert {target.send("chg_1", BODY).reason for _ in range(2)} <= {"MemoryError", "OverflowError"}
    assert len(set(lines(directory / "pid"))) == 1


def test_a_handler_that_ignores_signals_is_killed(directory: Path):
    """As the target is closed, too."""
    with handler(directory, "shop:signals", timeout_s=60.0) as target:
        attempts: list[Attempt] = []
        thread = threading.Thread(target=lambda: attempts.append(target.send("chg_1", BODY)))
        thread.start()
        eventually(lambda: lines(directory / "pid"))
        target.close()
        thread.join(PATIENCE_S)
        assert attempts == [Attempt(Answer.FAILED, "its process ended with SIGKILL")]
        assert target.send("chg_1", BODY) == Attempt(Answer.FAILED, "its processes were ended")
    assert not is_alive(int(lines(directory / "pid")[0]))
    assert len(lines(directory / "pid")) == 1


def test_a_handler_that_writes_to_whatever_is_open(directory: Path):
    """Fails, with nothing of what it wrote; the next change gets a new process."""
    with handler(directory, "shop:breaks") as target:
        attempt = target.send("chg_1", BODY)
    assert attempt == Attempt(Answer.FAILED, "its process answered something other than its outcome")


def test_a_change_arrives_as_it_was_sent(directory: Path):
    """Large, with line ends and any character; only its form is one line."""
    change = example("inbound.received")
    text = "ä\u2028\n\r\n\x85\U0001f600" + "x" * 1_000_000
    large = change.model_copy(update={"data": change.data.model_copy(update={"text": text})})
    with handler(directory, "shop:keeps") as target:
        assert target.send("chg_1", large.body()) == ACCEPTED
        assert target.send("chg_1", json.dumps(json.loads(BODY), indent=2).encode()) == ACCEPTED
    first, second = lines_of_json(directory / "bodies")
    assert Change.model_validate_json(first) == large
    assert Change.model_validate_json(second) == example("message.failed")


def lines_of_json(file: Path) -> list[str]:
    return file.read_bytes().decode().removesuffix("\n").split("\n")


def test_the_environment_has_no_secret_of_ours(directory: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither values nor files; everything else is there."""
    names = {*secret_names(), *(f"{name}_FILE" for name in secret_names())}
    assert "SEVEN_API_KEY" in names
    for name in names:
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("SHOP_URL", "https://shop.example")
    monkeypatch.setenv("SEVEN_PUBLIC_URL", "https://hooks.example")
    with handler(directory, "shop:environment") as target:
        assert target.send("chg_1", BODY) == ACCEPTED
    environment = json.loads((directory / "environment").read_text())
    assert names.isdisjoint(environment)
    assert "hush" not in environment.values()
    assert environment["SHOP_URL"] == "https://shop.example"
    assert environment["SEVEN_PUBLIC_URL"] == "https://hooks.example"
    assert environment["PATH"] == os.environ["PATH"]


def test_calls_at_once_have_a_process_each(directory: Path):
    """Two that wait for each other both end; a third process is not started."""
    with handler(directory, "shop:meets") as target, ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: target.send("chg_1", BODY), range(20))) == [ACCEPTED] * 20
    assert len(set(lines(directory / "pids"))) == 2


def test_a_module_is_read_again_after_a_restart(directory: Path):
    """And not before: all processes run the same code, unless one has to be replaced."""
    module = directory / "versions.py"
    module.write_text("from shop import note\ndef opens(change): note('version', 'first')\n")
    with handler(directory, "versions:opens", concurrency=1) as target:
        assert target.send("chg_1", BODY) == ACCEPTED
        module.write_text("from shop import note\ndef opens(change): note('version', 'second version')\n")
        assert target.send("chg_1", BODY) == ACCEPTED
    with handler(directory, "versions:opens") as target:
        assert target.send("chg_1", BODY) == ACCEPTED
    assert lines(directory / "version") == ["first", "first", "second version"]


def test_processes_that_cannot_be_started(directory: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the machine has no room for one: the attempt fails, and the next start waits."""
    before = descriptors()
    monkeypatch.setattr("sys.executable", str(directory / "absent"))
    with handler(directory, "shop:keeps") as target:
        attempt = target.send("chg_1", BODY)
        assert attempt.reason.startswith("its process could not be started")
        assert target.send("chg_1", BODY).retry_after_s
        monkeypatch.undo()
        eventually(lambda: target.send("chg_1", BODY) == ACCEPTED)
    eventually(lambda: descriptors() <= before)
