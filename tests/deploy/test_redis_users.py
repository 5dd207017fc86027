"""A user of Redis for each process, with deploy/users.yml: setup makes them, and a server with our redis.conf has them."""

import re
from pathlib import Path

import pytest
import redis
import yaml
from redis.backoff import NoBackoff
from redis.retry import Retry

from ledger.redis_users import USERS
from tests.deploy.test_redis_conf import CONF
from tests.deploy.test_setup import GOOD, ROOT, Setup
from tests.servers import Valkey

CONTAINERS = {
    "ingest": "receiver", "worker": "worker", "beat": "beat", "reactions": "dispatcher", "flower": "flower",
    "console": "console", "cli": "cli",
}  # fmt: skip
OVERLAY = yaml.safe_load((ROOT / "deploy/users.yml").read_text())


class Server(Valkey):
    """A server with our redis.conf and the users that setup has made; we are `default`."""

    def __init__(self, directory: Path, secrets: Path) -> None:
        super().__init__(directory)
        conf = CONF.read_text().replace("dir /data", f"dir {directory}")
        self.conf = directory / "redis.conf"
        self.conf.write_text(conf.replace("/run/secrets/users.acl", str(secrets / "redis/users.acl")))
        password = (secrets / "redis/redis_password").read_text()
        self.url = f"redis://:{password}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return [super().command()[0], str(self.conf), "--port", str(self.port), "--bind", "127.0.0.1"]

    def user(self, url: str) -> str:
        """Whom a container's URL logs in as."""
        with redis.Redis.from_url(url.replace("@redis:6379", f"@127.0.0.1:{self.port}")) as client:
            client.client_setname("asks")
            with self.client() as operator:
                return next(str(entry["user"]) for entry in operator.client_list() if entry["name"] == "asks")


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    setup = Setup(tmp_path)
    setup.more = ("users",)
    return setup


def test_each_process_logs_in_by_a_user_of_its_own(setup: Setup, tmp_path: Path):
    """On a real server; no container but Redis' has a password of another user, above all not that of `default`."""
    ended = setup.run(GOOD)
    assert (ended.returncode, ended.stderr) == (0, "")
    files = setup.files()
    assert set(CONTAINERS.values()) == {user.name for user in USERS}
    (tmp_path / "valkey").mkdir()
    server = Server(tmp_path / "valkey", setup.secrets)
    server.start()
    try:
        assert {name: server.user(files[f"{name}/redis_url"]) for name in CONTAINERS} == CONTAINERS
    finally:
        server.kill()
    for user in ("default", *CONTAINERS.values()):
        password = files["redis/redis_password" if user == "default" else f"redis/{user}_password"]
        seen_by = {name.partition("/")[0] for name, content in files.items() if password in content}
        assert seen_by == {"redis", *(name for name, of in CONTAINERS.items() if of == user)}


def test_another_run_changes_nothing(setup: Setup):
    """Passwords are made once; beat and the command line have a worker's secrets but for the user, and beat no database."""
    setup.run(GOOD)
    files = setup.files()
    setup.run(GOOD)
    assert setup.files() == files
    of = {
        name: {path.partition("/")[2]: text for path, text in files.items() if path.startswith(f"{name}/")}
        for name in ("worker", "beat", "cli")
    }
    assert of["beat"].keys() == of["worker"].keys() < of["cli"].keys()
    for name, differ in (("beat", {"redis_url", "database_url"}), ("cli", {"redis_url"})):
        assert {key for key, text in of["worker"].items() if text != of[name][key]} == differ


def test_what_a_process_needs_no_more_is_removed(setup: Setup):
    """A worker shared the pages' passwords with commands; what was made for Redis stays, for the way back."""
    surplus = {f"worker/{name}" for name in ("flower_basic_auth", "seven_console_auth", "seven_reader_url")}
    setup.more = ()
    setup.run(GOOD)
    assert surplus <= setup.files().keys()
    setup.more = ("users",)
    setup.run(GOOD)
    made = setup.files()["redis/receiver_password"]
    assert not surplus & setup.files().keys()
    setup.more = ()
    setup.run(GOOD)
    assert surplus <= setup.files().keys()
    assert setup.files()["redis/receiver_password"] == made


def test_the_overlay_gives_secrets_of_their_own_to_whom_it_takes_from_a_worker():
    """Each mounts its volume where it reads its secrets, and setup writes to all; `check` judges as setup does."""
    services, names = OVERLAY["services"], ("beat", "cli", "migrate")
    assert services["setup"]["volumes"] == [f"{name}-secrets:/secrets/{name}" for name in names]
    for name in names:
        assert services[name] == {"volumes": [f"{name}-secrets:/run/secrets:ro"]}
    assert set(OVERLAY["volumes"]) == {f"{name}-secrets" for name in names}
    setup, check = services["setup"]["command"], services["check"]["command"]
    assert [word for word in setup if word != "/secrets"] == check


def test_compose_takes_both_passwords_during_a_rotation(setup: Setup, tmp_path: Path):
    """`new,old`, setup and ACL LOAD, as the runbook has it: both log in, then the new one alone; nothing restarts."""
    (load,) = set(re.findall(r"redis-cli (ACL LOAD)", (ROOT / "deploy/operate.md").read_text()))
    setup.more = ()
    setup.run({**GOOD, "REDIS_PASSWORD": "the-old-one"})
    (tmp_path / "valkey").mkdir()
    server = Server(tmp_path / "valkey", setup.secrets)
    server.start()
    try:
        url = server.url
        for passwords in ("the-new-one,the-old-one", "the-new-one"):
            assert setup.run({**GOOD, "REDIS_PASSWORD": passwords}).returncode == 0
            assert setup.files()["redis/redis_password"] == "the-new-one"
            assert "the-new-one@" in setup.files()["worker/redis_url"]
            with server.client() as client:
                client.execute_command(*load.split())
            assert {password for password in ("the-new-one", "the-old-one") if logs_in(url, password)} == {
                *passwords.split(",")
            }
            server.url = url.replace("the-old-one", "the-new-one")
    finally:
        server.kill()
    assert setup.run({**GOOD, "REDIS_PASSWORD": "the-new-one,short"}).returncode == 2


def logs_in(url: str, password: str) -> bool:
    try:
        with redis.Redis.from_url(url.replace("the-old-one", password), retry=Retry(NoBackoff(), 0)) as client:
            return bool(client.ping())
    except redis.AuthenticationError:
        return False
