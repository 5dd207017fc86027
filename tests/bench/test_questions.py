"""Every question of `make bench` is answered: each short, for what it starts and counts rather than for its figures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import LONG, QUESTIONS
from bench.wrk_scripts import KEYS
from seven.events import EVENT_TYPES
from tests.deploy.tools import module, tool
from tests.extent import thorough
from tests.processes import ROOT

SHORT = (
    *("--rounds", "1", "--seconds", "1", "--deliveries", "800", "--rows", "2000", "--backlog", "2000"),
    *("--minutes", "0.05"),
)


def test_every_event_type_can_be_sent():
    """One that is missing would end the run after an hour."""
    assert set(KEYS) == set(EVENT_TYPES)


@thorough
@pytest.mark.duration(30)
@pytest.mark.parametrize("question", [*QUESTIONS, *LONG])
def test_a_question_is_answered(question: str, tmp_path: Path):
    """By the command, with a figure for everything that it compares."""
    tool("wrk")
    module("faststream")
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench", question, *SHORT, "--json", str(file)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(file.read_text())
    assert figures[question]
    assert set(figures["asked"]) == {question}
