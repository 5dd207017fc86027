"""The runbook's commands that the rehearsal runs are there, and judge before they change anything."""

import subprocess

import pytest

from tests.deploy import runbook

CHANGES = {
    "a changed .env": runbook.changed_configuration(),
    "a changed secret": runbook.changed_secret(),
    "an upgrade": runbook.upgrade(refuse_nothing=False),
    "an upgrade that refuses nothing": runbook.upgrade(refuse_nothing=True),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_judged_first(name: str):
    """`up` removes old containers before setup has judged: so with a bad check it is not reached.

    `docker` is a function that writes down what it is asked, and whose check fails.
    """
    docker = 'docker() { echo "$*" >&2; [ "$*" != "compose run --rm check" ]; }\n'
    done = subprocess.run(["bash", "-c", docker + CHANGES[name]], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    *reading, last = done.stderr.splitlines()
    assert reading in ([], ["compose ps -q ingest"])
    assert last == "compose run --rm check"


def test_old_receivers_end_after_new_ones_are_there():
    """As many again, whatever their number; and nothing is made that another `up` would make anew."""
    docker = 'docker() { echo "$*" >&2; if [ "$2" = ps ]; then echo one; echo two; fi; }\n'
    script = docker + CHANGES["an upgrade that refuses nothing"]
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)

    asked = done.stderr.splitlines()
    assert asked.index("compose up -d --wait --no-recreate --scale ingest=4 ingest") < asked.index("stop one two")
    assert not [words for words in asked if "--no-deps" in words]
    assert CHANGES["an upgrade"].index("migrate") < CHANGES["an upgrade"].index(" up ")
