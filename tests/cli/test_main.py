"""The command as a whole: what it reads, and how it says what it can do."""

from tests.cli.installation import CommandLine


def test_dotenv_is_read_and_the_environment_stands_over_it(installation: CommandLine):
    """`.env` in the working directory speaks where the environment is silent."""
    (installation.directory / ".env").write_text("SEVEN_DATA_DIR=from-dotenv\n")
    assert installation.run("migrate").returncode == 0
    assert installation.run("migrate", SEVEN_DATA_DIR="from-environment").returncode == 0
    assert {one.name for one in installation.directory.iterdir()} == {".env", "from-dotenv", "from-environment"}


def test_a_setting_may_be_in_a_file(installation: CommandLine):
    """`NAME_FILE` reads the value from a file, as Docker's secrets are told."""
    told = installation.directory / "told"
    told.write_text(f"sqlite:///{installation.directory / 'mine.db'}\n")
    assert installation.run("migrate", DATABASE_URL_FILE=str(told)).returncode == 0
    assert (installation.directory / "mine.db").exists()


def test_it_lists_its_commands(installation: CommandLine):
    """Without a command: the commands there are, and what its exit codes mean; that is usage, hence 2."""
    ended = installation.run()
    assert ended.returncode == 2
    for word in ("up", "send", "trace", "migrate", "Exit codes"):
        assert word in ended.stdout + ended.stderr
    assert installation.run("--help").returncode == 0
