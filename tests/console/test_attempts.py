"""Wrong passwords: slowed by network, and nobody is locked out."""

import pytest

from console.access import Logins
from console.attempts import BURST_S, COOKIE, LONGEST_S, TURN_S, Attempts
from runtime.settings.console import parse_console_logins
from tests.console.conftest import ANNA, BEN, LOGINS, Visitor

FREE = int(BURST_S / TURN_S)
QUEUE = int(LONGEST_S / TURN_S)


class Clock:
    """A clock that stands still until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def wrong(attempts: Attempts, address: str, times: int) -> list[float | None]:
    return [attempts.wait_s(address) for _ in range(times)]


def test_wrong_passwords_wait_longer_and_longer():
    """Ten are free, the next wait half a second each, and beyond three seconds they are not checked."""
    waits = wrong(Attempts(Clock()), "192.0.2.7", FREE + QUEUE + 5)

    assert waits[: FREE + 1] == [0.0] * (FREE + 1)
    assert waits[FREE + 1 : FREE + 1 + QUEUE] == pytest.approx([TURN_S * n for n in range(1, QUEUE + 1)])
    assert waits[FREE + 1 + QUEUE :] == [None] * 4


def test_other_networks_do_not_wait():
    """A flood of one network costs no other a turn; the addresses of one /64 are one network."""
    attempts = Attempts(Clock())
    wrong(attempts, "2001:db8::1", 100)

    assert attempts.wait_s("2001:db8::2") is None
    assert attempts.wait_s("2001:db8:0:1::1") == 0
    assert attempts.wait_s("192.0.2.7") == 0


def test_time_forgives_and_right_passwords_cost_nothing():
    """After the flood ends, its network waits for seconds only."""
    clock = Clock()
    attempts = Attempts(clock)
    wrong(attempts, "192.0.2.7", 100)
    clock.now += TURN_S
    assert attempts.wait_s("192.0.2.7") is not None
    clock.now += BURST_S + 2 * LONGEST_S
    assert attempts.wait_s("192.0.2.7") == 0

    for _ in range(100):
        assert attempts.wait_s("198.51.100.1") == 0
        attempts.give_back("198.51.100.1")


def test_a_flood_of_networks_takes_no_memory():
    """The latest ten thousand are remembered."""
    attempts = Attempts(Clock())
    for number in range(11_000):
        attempts.wait_s(f"10.0.{number // 250}.{number % 250}")
    assert len(attempts._turns) == 10_000


def test_a_browser_that_has_logged_in_has_turns_of_its_own():
    """By a cookie that is of no use for another name, nor at another console; the password is checked all the same."""
    attempts = Attempts(Clock())
    cookie = attempts.cookie("anna")
    device = attempts.device(cookie, b"anna:whatever")

    assert device
    assert attempts.device(cookie, b"ben:whatever") is None
    assert Attempts().device(cookie, b"anna:whatever") is None
    assert attempts.device("é.\x00", b"anna:\xff") is None
    wrong(attempts, "192.0.2.7", 100)
    assert attempts.wait_s(device) == 0
    assert wrong(attempts, device, 100)[-1] is None


def test_every_login_is_compared(monkeypatch: pytest.MonkeyPatch):
    """A check takes the same work for a right name, a wrong one and any password: all logins are compared each time."""
    compared: list[bytes] = []
    monkeypatch.setattr("console.access.hmac.compare_digest", lambda a, b: compared.append(b) or a == b)
    logins = Logins.of(parse_console_logins(LOGINS))
    for credentials in (":".join(ANNA), ":".join(BEN), "nobody:x", "", "anna:" + "x" * 10_000):
        compared.clear()
        logins.viewer(credentials.encode())
        assert len(compared) == 2
        assert {len(digest) for digest in compared} == {64}


def test_the_cookie_is_given_once_and_only_to_who_logs_in(visitor: Visitor):
    """HttpOnly and SameSite; over TLS it is Secure."""
    client = visitor(seven_console_auth=LOGINS)
    assert "set-cookie" not in client.get("/static/console.css", auth=("anna", "wrong-password")).headers
    given = client.get("/static/console.css", auth=ANNA).headers["set-cookie"]
    assert given.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(given.split("; "))
    assert "set-cookie" not in client.get("/static/console.css", auth=ANNA).headers
    assert "set-cookie" not in visitor().get("/static/console.css").headers
    secure = visitor(base_url="https://console.example", seven_console_auth=LOGINS)
    assert "; Secure" in secure.get("/static/console.css", auth=ANNA).headers["set-cookie"]
