"""Secrets of targets: read from a file, again when it changes, and never quoted."""

import os
from base64 import b64encode
from pathlib import Path

import pytest

from reactions.secret_file import SecretFile, read_secrets
from reactions.signature import signed_headers


def secret(byte: bytes, length: int = 32) -> str:
    return "whsec_" + b64encode(byte * length).decode()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param("\n \n", "empty", id="blank"),
        pytest.param(b64encode(b"kkkkkkkk" * 4).decode(), "whsec_", id="no prefix"),
        pytest.param("whsec_" + "k!" * 20, "base64", id="no base64"),
        pytest.param("whsec_" + "ä" * 40, "base64", id="no ASCII"),
        pytest.param(secret(b"k", 23), "24 to 64 bytes, this one 23", id="short"),
        pytest.param(secret(b"k", 65), "24 to 64 bytes, this one 65", id="long"),
        pytest.param("\n".join(map(secret, (b"a", b"b", b"c"))), "3 secrets", id="three"),
        pytest.param("k" * 5000, "more than 4,096", id="large"),
        pytest.param(b"\xff\xfe", "not UTF-8", id="binary"),
    ],
)
def test_invalid_secrets_are_refused_without_being_quoted(content: str | bytes, fault: str, tmp_path: Path):
    """The reason is named, and nothing of the file."""
    file = tmp_path / "secret"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=fault) as raised:
        read_secrets(file)
    assert "kk" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_missing_file_a_directory_and_a_pipe_are_no_secrets(tmp_path: Path):
    """None of them is waited for."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match=r"it (cannot be read|is no file)"):
            read_secrets(path)


def test_two_secrets_and_spellings(tmp_path: Path):
    """The current one first; padded or not, with line ends of any system."""
    file = tmp_path / "secret"
    file.write_bytes(b"\xef\xbb\xbf" + f"{secret(b'a')}\r\n\r\n  {secret(b'b', 25).rstrip('=')}".encode())
    assert read_secrets(file) == (b"a" * 32, b"b" * 25)


def test_secrets_rotate_and_a_broken_file_keeps_the_former(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """A change is seen at once; an invalid one is logged once, without content."""
    file = tmp_path / "secret"
    file.write_text(secret(b"a"))
    secrets = SecretFile(file, "shop")
    assert secrets.keys() == (b"a" * 32,)
    file.write_text(f"{secret(b'b')}\n{secret(b'a')}\n")
    assert secrets.keys() == (b"b" * 32, b"a" * 32)
    file.write_text("whsec_kkkkkk")
    for _ in range(3):
        assert secrets.keys() == (b"b" * 32, b"a" * 32)
    file.unlink()
    assert secrets.keys() == (b"b" * 32, b"a" * 32)
    assert caplog.text.count("became invalid") == 2
    assert "kkkk" not in caplog.text
    file.write_text(secret(b"c"))
    assert secrets.keys() == (b"c" * 32,)


@pytest.mark.parametrize("change_id", ["a.1", "a\r\nx: y", "", "ä", "a b"])
def test_an_id_with_other_characters_is_not_signed(change_id: str):
    """A full stop would let parts of what is signed be shifted, a line end would be a header."""
    with pytest.raises(ValueError, match="an id of a change"):
        signed_headers((b"k" * 32,), change_id, 1, b"{}")
