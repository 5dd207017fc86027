"""Functions of the user's, called in processes of their own."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from reactions.function_check import function_fault
from reactions.reaction import FunctionTarget
from reactions.target import Answer, Attempt
from tests.reactions.handlers import BODY, handler, is_alive
from tests.servers import PATIENCE_S, eventually

HANDLERS = """
import os, signal, subprocess, sys, time
from pathlib import Path
HERE = Path(__file__).parent
def good(change):
    with open(HERE / "calls", "a") as file:
        print(os.getpid(), change.type, change.data.msg_id, file=file)
def prints(change):
    print("{}")
    os.write(1, b"{}\\n")
    sys.stdin.read()
def raises(change): raise KeyError("4915100000001")
def leaves(change): sys.exit("4915100000001")
def crashes(change): os._exit(3)
def kills(change): os.kill(os.getpid(), signal.SIGSEGV)
def hangs(change):
    child = subprocess.Popen(["sleep", "300"])
    (HERE / "pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(300)
async def later(change): ...
def yields(change): yield change
class Later:
    async def __call__(self, change): ...
an_object = Later()
def wrapped(function):
    def call(change): return function(change)
    return call
hidden = wrapped(later)
hidden_generator = wrapped(yields)
def two(change, more): ...
def none(): ...
class Annotated:
    @property
    def __signature__(self):
        raise NameError("Change")
    def __call__(self, change): ...
annotated = Annotated()
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(HANDLERS)
    (tmp_path / "broken.py").write_text("\n1 / 0\n")
    (tmp_path / "leaving.py").write_text("import os\nos._exit(5)\n")
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(1.5)\ndef good(change): ...\n")
    (tmp_path / "pydantic.py").write_text("def good(change): ...\n")
    return tmp_path


def test_annotations_need_not_be_valid(directory: Path):
    """Python 3.14 looks at them when it is asked for a signature: a name may be imported for type checkers only."""
    with handler(directory, "shop:annotated") as target:
        assert target.send("chg_1", BODY) == Attempt(Answer.ACCEPTED)


def test_a_function_is_called_with_each_change_in_one_process(directory: Path):
    """The process stays; it is none of ours, and ends with the target."""
    with handler(directory, "shop:good") as target:
        assert [target.send("chg_1", BODY) for _ in range(3)] == [Attempt(Answer.ACCEPTED)] * 3
        pids = {line.split()[0] for line in (directory / "calls").read_text().splitlines()}
        (pid,) = map(int, pids)
        assert pid != os.getpid()
        assert "shop" not in sys.modules
    assert not is_alive(pid)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("shop:raises", "KeyError"),
        ("shop:leaves", "SystemExit"),
        ("shop:crashes", "its process ended with exit code 3"),
        ("shop:kills", "its process ended with SIGSEGV"),
        ("shop:hidden", "it is async or a generator, and a plain function is called"),
        ("shop:hidden_generator", "it is async or a generator, and a plain function is called"),
        ("broken:good", "its module cannot be imported: ZeroDivisionError at broken:2:<module>"),
        ("leaving:good", "its process ended with exit code 5"),
    ],
)
def test_a_failure_has_a_reason_without_a_message(call: str, reason: str, directory: Path, capfd, caplog):
    """The class of an exception, or how the process ended; what an exception says may be personal."""
    with handler(directory, call) as target:
        assert target.send("chg_1", BODY) == Attempt(Answer.FAILED, reason)
    assert "4915100000001" not in caplog.text + "".join(capfd.readouterr())
    if call == "shop:raises":
        assert "shop:12:raises" in caplog.text


def test_prints_are_no_answers(directory: Path, capfd):
    """Handlers may print and read what they like: the protocol has a socket to itself."""
    with handler(directory, "shop:prints") as target:
        assert [target.send("chg_1", BODY).answer for _ in range(2)] == [Answer.ACCEPTED] * 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("{}") >= 2


def test_a_function_that_takes_too_long_is_killed_with_what_it_started(directory: Path):
    """The next change gets a new process."""
    with handler(directory, "shop:hangs", timeout_s=3.0) as target:

        def is_killed() -> bool:
            started = time.monotonic()
            attempt = target.send("chg_1", BODY)
            assert time.monotonic() - started < PATIENCE_S
            assert attempt.answer is Answer.FAILED
            return attempt.reason == "no answer within 3 s; it was killed" and (directory / "pids").exists()

        for _ in range(2):
            eventually(is_killed)  # on a busy machine, the time of an attempt may pass with the import
            pids = [*map(int, (directory / "pids").read_text().split())]
            (directory / "pids").unlink()
            eventually(lambda pids=pids: not any(map(is_alive, pids)))


def test_a_killed_process_is_replaced(directory: Path):
    """kill -9 between two changes goes unnoticed; during one it fails that attempt."""
    with handler(directory, "shop:good") as target:
        target.send("chg_1", BODY)
        os.kill(int((directory / "calls").read_text().split()[0]), signal.SIGKILL)
        eventually(lambda: target.send("chg_1", BODY).answer is Answer.ACCEPTED)
    with handler(directory, "shop:hangs") as target:
        attempts: list[Attempt] = []
        thread = threading.Thread(target=lambda: attempts.append(target.send("chg_1", BODY)))
        thread.start()
        eventually(lambda: (directory / "pids").exists() and (directory / "pids").read_text())
        os.kill(int((directory / "pids").read_text().split()[0]), signal.SIGKILL)
        thread.join(PATIENCE_S)
        assert attempts == [Attempt(Answer.FAILED, "its process ended with SIGKILL")]


@pytest.mark.parametrize("call", ["leaving:good", "shop:crashes"])
def test_deaths_at_once_do_not_spin(call: str, directory: Path):
    """Each start waits longer for the next one; attempts meanwhile fail at once and say for how long to wait."""
    with handler(directory, call) as target:
        target.send("chg_1", BODY)
        attempts = [target.send("chg_1", BODY) for _ in range(50)]
        reasons = [attempt.reason for attempt in attempts]
        assert reasons.count("it ended too soon; its next start has to wait") >= 45
        assert all(attempt.retry_after_s for attempt in attempts if "wait" in attempt.reason)


def test_a_slow_import_goes_on_beyond_an_attempt(directory: Path):
    """Otherwise a module that takes longer than the timeout would never be imported."""
    with handler(directory, "slow:good", timeout_s=1.0) as target:
        first = target.send("chg_1", BODY)
        assert (first.answer, first.reason) == (Answer.FAILED, "its module is still being imported")
        eventually(lambda: target.send("chg_1", BODY).answer is Answer.ACCEPTED)


def test_processes_end_with_who_started_them(directory: Path):
    """Even by kill -9, while a handler runs."""
    code = f"""
    from pathlib import Path
    from reactions.function_target import FunctionCaller
    from reactions.reaction import FunctionTarget, Reaction
    target = FunctionTarget("shop", "hangs", {str(directory)!r})
    FunctionCaller(Reaction("shop", frozenset(), target), target).send("chg_1", {BODY!r})
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)]) as starter:
        eventually(lambda: (directory / "pids").exists() and (directory / "pids").read_text())
        pid = int((directory / "pids").read_text().split()[0])
        starter.kill()
    eventually(lambda: not is_alive(pid))
    os.kill(int((directory / "pids").read_text().split()[1]), signal.SIGKILL)


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("shop:good", None),
        ("shop:absent", "its module has no such function"),
        ("shop:HERE", "it cannot be called"),
        ("shop:later", "it is async or a generator, and a plain function is called"),
        ("shop:yields", "it is async or a generator, and a plain function is called"),
        ("shop:an_object", "it is async or a generator, and a plain function is called"),
        ("shop:two", "it cannot be called with one argument, the change"),
        ("shop:none", "it cannot be called with one argument, the change"),
        ("absent:good", "its module cannot be imported: ModuleNotFoundError absent"),
        ("broken:good", "its module cannot be imported: ZeroDivisionError at broken:2:<module>"),
        ("leaving:good", "the process that imported its module ended with exit code 5"),
        ("slow:good", "its module was not imported within 1 s"),
        ("store.upsert:good", "its module is named as a package of seven-ingest: store"),
        ("queue:Queue", "its module is named as a module of Python: queue"),
        ("pydantic:good", "its module is shadowed: something installed is named pydantic, too"),
    ],
)
def test_a_handler_is_checked_without_being_imported_here(call: str, fault: str | None, directory: Path):
    """Each way in which a function cannot be called with a change has its words."""
    module, _, function = call.partition(":")
    patience = {"patience_s": 1.0} if module == "slow" else {}
    assert function_fault(FunctionTarget(module, function, str(directory)), **patience) == fault
