"""The command as a whole: the settings it reads, and its help."""

from tests.cli.installation import CommandLine


def test_the_environment_takes_precedence_over_dotenv(installation: CommandLine):
    """`.env` in the working directory is read; a variable of the environment takes precedence."""
    (installation.directory / ".env").write_text("SEVEN_DATA_DIR=from-dotenv\n")
    assert installation.run("migrate").returncode == 0
    assert installation.run("migrate", SEVEN_DATA_DIR="from-environment").returncode == 0
    assert {path.name for path in installation.directory.iterdir()} == {".env", "from-dotenv", "from-environment"}


def test_a_setting_may_be_in_a_file(installation: CommandLine):
    """`NAME_FILE` reads the value from a file, such as a Docker secret."""
    secret = installation.directory / "secret"
    secret.write_text(f"sqlite:///{installation.directory / 'mine.db'}\n")
    assert installation.run("migrate", DATABASE_URL_FILE=str(secret)).returncode == 0
    assert (installation.directory / "mine.db").exists()


def test_it_lists_its_commands(installation: CommandLine):
    """Without a command it prints its commands and exit codes, and ends with 2, as that is a usage error."""
    result = installation.run()
    assert result.returncode == 2
    for word in ("up", "send", "trace", "migrate", "Exit codes"):
        assert word in result.stdout + result.stderr
    assert installation.run("--help").returncode == 0
