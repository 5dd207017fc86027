"""A `.env` with a line that is no setting: setup names it, and nothing starts without what it should have set."""

from pathlib import Path

import pytest

from tests.deploy.test_setup import GOOD, Setup


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param(
            'SEVEN_SIGNING_KEY="abcdefgh1', "line 3: NAME=value is expected; is a quote missing?", id="a quote"
        ),
        pytest.param("SEVEN_SIGNATURE_MODE: enforce", "line 3: NAME=value is expected", id="as in YAML"),
        pytest.param("this is no line", "line 3: NAME=value is expected", id="a sentence"),
        pytest.param("seven_sweep_s=9", "seven_sweep_s: its name is SEVEN_SWEEP_S", id="small letters"),
    ],
)
def test_what_is_no_setting_is_a_fault(setup: Setup, line: str, fault: str):
    setup.env.write_text("".join(f"{name}={value}\n" for name, value in GOOD.items()) + f"{line}\nSEVEN_SWEEP_S=10\n")
    for check in (True, False):
        ended = setup.run_as_it_is(check=check)
        assert (ended.returncode, fault in ended.stderr, "abcdefgh1" in ended.stderr) == (2, True, False)
    assert setup.files() == {}


def test_other_lines_are_fine(setup: Setup):
    """A byte order mark, lines of Windows, comments, `export`, quotes, and names of other programs."""
    text = "".join(f"export {name}='{value}' # ours\r\n" for name, value in GOOD.items())
    setup.env.write_bytes(b"\xef\xbb\xbf# ours\r\n\r\n" + text.encode() + b"other_name=1\r\nEMPTY=\r\n")
    assert setup.run_as_it_is().returncode == 0
