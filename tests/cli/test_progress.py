"""Progress: keeps its rate, shows how far it is, and ends between two parts."""

import signal

import pytest

from cli.output.progress import Portions, UnderWay


@pytest.mark.parametrize("rate", [0.5, 3.0, 16.0, 500.0, 100_000.0])
@pytest.mark.parametrize("stall_s", [0.0, 7.0], ids=["steady", "after a stall"])
def test_no_more_than_the_rate(rate: float, stall_s: float):
    """In any interval at most the rate and one portion begin; lost time is not made up for."""
    now = 0.0
    begun: list[tuple[float, int]] = []

    def clock() -> float:
        return now

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    with Portions(range(400), "replayed", rate, clock, sleep) as portions:
        for number, portion in enumerate(portions):
            begun.append((now, len(portion)))
            now += stall_s if number == 1 else 0.001
    assert sum(size for _, size in begun) == portions.done == 400
    largest = max(size for _, size in begun)
    for first, (start, _) in enumerate(begun):
        for last in range(first, len(begun)):
            number = sum(size for _, size in begun[first : last + 1])
            assert number <= rate * (begun[last][0] - start) + largest + 1e-6
    assert largest <= max(1, rate / 4)


def test_ctrl_c_ends_after_the_portion_under_way():
    """After the first Ctrl-C the current portion ends and no other begins; a second one would raise as usual."""
    processed = []
    before = signal.getsignal(signal.SIGINT)
    with Portions(range(10), "replayed", 4.0) as portions:
        for portion in portions:
            signal.raise_signal(signal.SIGINT)
            processed.append(portion[0])
            assert signal.getsignal(signal.SIGINT) is before
    assert (processed, portions.done, portions.interrupted) == ([0], 1, True)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_cuts_a_pause_short():
    """Ctrl-C ends a pause between two parts at once; a second one raises as usual."""
    before = signal.getsignal(signal.SIGINT)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        signal.raise_signal(signal.SIGINT)

    with UnderWay("subjects", 2, sleep=sleep) as progress:
        progress.pause(3600)
        assert signal.getsignal(signal.SIGINT) is before
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert (len(slept), progress.interrupted) == (1, True)


def test_without_a_terminal_a_line_now_and_then(capsys: pytest.CaptureFixture[str]):
    """On standard error: the number done, and the total."""
    times = [0.0]
    with UnderWay("subjects", 9, clock=lambda: times[-1]) as progress:
        for at in (1.0, 11.0, 12.0):
            times.append(at)
            progress.advance(2)
    assert capsys.readouterr().err == "subjects: 4 of 9\n"
