"""opt-outs: list, check, add, end and scan, with their exit codes."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from seven.opt_outs import opt_out_entry
from seven.records import InboundMessage
from store.row_writer import Store
from tests.cli.installation import CommandLine
from tests.cli.terminal import output_on_terminal
from tests.factories.rows import NOON
from tests.forks import COMMAND

NUMBER, OTHER, OURS = "4915123456789", "4915198765432", "4915199999999"


@pytest.fixture
def kept(installation: CommandLine, redis_url: str, database_url: str, engine: Engine) -> CommandLine:
    """An installation with one number that has opted out of one of ours, and one that is back in."""
    installation.environment |= {"REDIS_URL": redis_url, "DATABASE_URL": database_url}
    Store(engine).write(opt_out_entry((NUMBER, OURS, "sms"), "out", NOON, "stop", "1"))
    for n, state in enumerate(("out", "in")):
        at = NOON + timedelta(minutes=n)
        Store(engine).write(opt_out_entry((OTHER, OURS, "sms"), state, at, "word", f"{n}"))  # type: ignore[arg-type]
    return installation


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["+49 151 23456789"], 1),
        (["0151 98765432"], 0),
        ([OTHER, NUMBER], 1),
        ([NUMBER, "--recipient", OURS], 1),
        ([NUMBER, "--recipient", "+49 30 1234567"], 0),
        ([NUMBER, "--channel", "rcs"], 0),
        ([NUMBER, "--channel", "fax"], 2),
        (["SMS"], 2),
        ([], 2),
        ([NUMBER, "--file", "-"], 2),
    ],
)
def test_check(kept: CommandLine, arguments: list[str], code: int) -> None:
    """0: nobody has opted out, 1: somebody has, of any recipient or of the one that is named."""
    assert kept.run("opt-outs", "check", *arguments).returncode == code


@pytest.mark.parametrize("recipient", ["", " \t"])
@pytest.mark.parametrize(
    "words",
    [("check", NUMBER), ("check", "--file", "numbers"), ("list",), ("add", OTHER), ("end", NUMBER)],
    ids=" ".join,
)
def test_a_blank_recipient_is_none(kept: CommandLine, words: tuple[str, ...], recipient: str) -> None:
    """A script's unset variable: neither an answer that hides an opt-out, nor a change for everybody, but 2."""
    (kept.directory / "numbers").write_text(f"{NUMBER}\n")
    result = kept.run("opt-outs", *words, "--recipient", recipient)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "--recipient: a number or agent is expected.\n"
    assert [kept.run("opt-outs", "check", number).returncode for number in (NUMBER, OTHER)] == [1, 0]


def test_check_without_a_database_is_no_no(kept: CommandLine) -> None:
    """What could not be found out is 3."""
    kept.environment["DATABASE_URL"] = "postgresql://seven:x@127.0.0.1:1/none"
    assert kept.run("opt-outs", "check", NUMBER).returncode == 3


def test_list(kept: CommandLine) -> None:
    """Those that stand, and those that have ended."""
    answer = json.loads(kept.run("opt-outs", "list", "--json").stdout)
    assert (answer["opt_outs"], [row["number"] for row in answer["listed"]]) == (1, [NUMBER])
    assert OTHER in kept.run("opt-outs", "list", "--ended").stdout


def test_by_hand(kept: CommandLine) -> None:
    """Added without a recipient it is of all; `end` ends them all, also in the same second, and says when none was."""
    assert kept.run("opt-outs", "add", OTHER, "--note", "wrote a letter").returncode == 0
    assert kept.run("opt-outs", "check", OTHER, "--recipient", "whoever").returncode == 1
    assert kept.run("opt-outs", "end", OTHER).returncode == 0
    assert kept.run("opt-outs", "check", OTHER).returncode == 0
    assert kept.run("opt-outs", "end", OTHER).returncode == 1
    assert kept.run("opt-outs", "add", OTHER, "--channel", "sms").returncode == 0
    assert kept.run("opt-outs", "check", OTHER).returncode == 1
    assert kept.run("opt-outs", "add", OTHER, "--note", " ").returncode == 2


def test_a_number_comes_by_standard_input(kept: CommandLine) -> None:
    """On a command line others may see it; without one there the answer is a usage error."""

    def run(*words: str, given: str) -> int:
        command = [sys.executable, COMMAND, *words, "-"]
        return subprocess.run(
            command, cwd=kept.directory, env=kept.environment, input=given, text=True, capture_output=True, check=False
        ).returncode

    assert [run("opt-outs", "add", given=f" +{OTHER}\n"), run("trace", given=f"+{OTHER}\n")] == [0, 0]
    assert kept.run("opt-outs", "check", OTHER).returncode == 1
    assert run("opt-outs", "end", given=f"+{OTHER}\n") == 0
    assert [run(*words, given="") for words in (("opt-outs", "add"), ("opt-outs", "end"), ("trace",))] == [2, 2, 2]


def test_the_end_of_one_sender_is_not_the_end_of_all(kept: CommandLine) -> None:
    """Who wrote a letter stays opted out of everybody, whatever ends for one recipient; the command says so, with 1."""
    assert kept.run("opt-outs", "add", OTHER, "--note", "letter").returncode == 0
    assert kept.run("opt-outs", "add", OTHER, "--recipient", "4930123456").returncode == 0
    for ended in (True, False):
        result = kept.run("opt-outs", "end", OTHER, "--recipient", "+49 30 123456")
        assert (result.returncode, "Ended: " in result.stdout) == (1, ended)
        assert "An opt-out from every recipient still stands" in result.stdout
    for scope in ([], ["--recipient", "4930123456"], ["--recipient", "whoever"]):
        assert kept.run("opt-outs", "check", OTHER, *scope).returncode == 1
    assert kept.run("opt-outs", "end", OTHER).returncode == 0
    assert kept.run("opt-outs", "check", OTHER).returncode == 0


def test_a_file_of_numbers(kept: CommandLine, tmp_path: Path) -> None:
    """The answer is those that have opted out, as they stand in the file, also where all opt-outs are read at once."""
    file = tmp_path / "numbers"
    file.write_text(f"+{NUMBER}\n\n 0151 23456789 \n{OTHER}\n")
    few = kept.run("opt-outs", "check", "--file", str(file))
    assert (few.returncode, few.stdout) == (1, f"+{NUMBER}\n0151 23456789\n")
    many = tmp_path / "many"
    many.write_text("".join(f"+4917{n:09d}\n" for n in range(100_000, 121_000)) + f"+{NUMBER}\n")
    answer = kept.run("opt-outs", "check", "--file", str(many), "--json")
    assert json.loads(answer.stdout) == {"numbers": 21_001, "opted_out": [f"+{NUMBER}"], "invalid_lines": []}
    file.write_text(f"{OTHER}\nnobody\n")
    unclear = kept.run("opt-outs", "check", "--file", str(file))
    assert (unclear.returncode, unclear.stdout) == (2, "")
    assert "nobody" not in unclear.stderr
    assert kept.run("opt-outs", "check", "--file", str(tmp_path / "none")).returncode == 2


def test_a_list_that_could_not_be_written_is_no_answer(kept: CommandLine) -> None:
    """On a full disk: 3, and not the 1 of a list that somebody may send by."""
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [COMMAND, "opt-outs", "check", "--file", "-"], cwd=kept.directory, env=kept.environment, input=NUMBER,
            text=True, stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert (result.returncode, "incomplete: No space left on device" in result.stderr) == (3, True)


def test_scan_with_own_words(kept: CommandLine, engine: Engine, tmp_path: Path) -> None:
    """Texts of before, by the words of the file; a file at fault is a usage error that says where."""
    Store(engine).write([InboundMessage("7", OTHER, None, "Genug!", NOON + timedelta(days=1), channel="sms")])
    words = tmp_path / "words.toml"
    words.write_text('[de]\nstop = ["genug"]\n')
    kept.environment["SEVEN_OPT_OUT_WORDS_FILE"] = str(words)
    assert json.loads(kept.run("opt-outs", "scan", "--json").stdout) == {"texts": 1, "opt_outs": 1}
    assert kept.run("opt-outs", "check", OTHER).returncode == 1
    words.write_text("[de]\nhalt = []\n")
    result = kept.run("opt-outs", "scan")
    assert (result.returncode, "SEVEN_OPT_OUT_WORDS: [de] halt" in result.stderr) == (2, True)


@pytest.mark.parametrize("words", [("list",), ("list", "--ended"), ("check", NUMBER, OTHER)], ids=" ".join)
def test_it_fits_a_terminal(kept: CommandLine, words: tuple[str, ...]) -> None:
    """Every line in 80 columns, one line a row, with a long note and a long id among them."""
    kept.run("opt-outs", "add", OTHER, "--note", "wrote a letter to the office in Kassel on the third of May")
    kept.run("opt-outs", "end", OTHER, "--note", "called, and wants the offers of every month again")
    output = output_on_terminal(kept, ("opt-outs", *words), 80)
    assert max(map(len, output.splitlines())) <= 80
    assert any((OURS in line and NUMBER in line) or OTHER in line for line in output.splitlines())
