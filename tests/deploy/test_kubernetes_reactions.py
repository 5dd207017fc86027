"""deploy/kubernetes/configure.py: SEVEN_REACTIONS_DIRECTORY becomes a Secret, whole or not at all."""

from pathlib import Path

import pytest

from tests.deploy.kubernetes import Installation, pod, select
from tests.deploy.test_setup import GOOD

MINE = GOOD | {"SEVEN_REACTIONS_DIRECTORY": "./mine"}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Manifests, and a directory of reactions."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/reactions.toml").write_text("# mine\n")
    return Installation(tmp_path)


def laid_out(installation: Installation) -> list[str]:
    return sorted(file.name for file in (installation.directory / "config/reactions-directory").iterdir())


def test_by_products_are_left_out(installation: Installation):
    """What editors and Python leave beside the files, whose names a Secret may not have."""
    mine = installation.env.parent / "mine"
    (mine / "__pycache__").mkdir()
    (mine / ".git").mkdir()
    for name in ("reactions.toml~", ".reactions.toml.swp", "__pycache__/handlers.pyc", "shop_secret"):
        (mine / name).write_text("x\n")
    ended = installation.configure(MINE)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert laid_out(installation) == ["reactions.toml", "shop_secret"]


def test_what_a_secret_cannot_have_is_a_fault(installation: Installation):
    """Each by its name, and nothing is written: a dispatcher without its functions would not start."""
    mine = installation.env.parent / "mine"
    (mine / "handlers").mkdir()
    (mine / "handlers/__init__.py").write_text("")
    (mine / "my handler.py").write_text("")
    ended = installation.configure(MINE)

    assert (ended.returncode, ended.stdout) == (2, "")
    first, second = ended.stderr.splitlines()
    assert first.startswith("configuration: SEVEN_REACTIONS_DIRECTORY: handlers: a Secret has only files")
    assert second.startswith("configuration: SEVEN_REACTIONS_DIRECTORY: my handler.py: a name in a Secret has")
    assert not list((installation.directory / "config").iterdir())


def test_more_than_kubectl_remembers_is_a_fault(installation: Installation):
    """`kubectl apply` keeps what it applied in an annotation, which has 256 KiB at most."""
    (installation.env.parent / "mine/words.txt").write_bytes(b"x" * 190_000)
    ended = installation.configure(MINE)

    assert ended.returncode == 2
    assert ended.stderr == "configuration: SEVEN_REACTIONS_DIRECTORY: 190,007 bytes in all; a Secret takes 190,000\n"


def test_a_directory_that_is_not_there_is_a_fault(installation: Installation):
    """A misspelt one would be no subscribers."""
    ended = installation.configure(GOOD | {"SEVEN_REACTIONS_DIRECTORY": "./mien"})

    assert (ended.returncode, ended.stderr) == (
        2,
        "configuration: SEVEN_REACTIONS_DIRECTORY: there is no such directory\n",
    )


def test_the_secret_is_always_there(installation: Installation):
    """So its volume need not be optional, and no dispatcher starts without its file because a Secret was removed."""
    assert installation.configure().returncode == 0
    documents = installation.render("small")

    (secret,) = [name for name in select(documents, "Secret") if name.startswith("reactions-directory-")]
    assert select(documents, "Secret")[secret]["data"] == {}
    volumes = pod(select(documents, "Deployment")["reactions"])["spec"]["volumes"]
    assert {"name": "reactions", "secret": {"secretName": secret}} in volumes
