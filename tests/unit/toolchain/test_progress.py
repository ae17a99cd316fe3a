import sys
import threading
import time
from pathlib import Path

import pytest

from tools.toolchain.errors import ToolchainError
from tools.toolchain.locks import locked
from tools.toolchain.progress import run


def test_a_long_step_says_that_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    run([sys.executable, "-c", "import time; time.sleep(0.5)"], "waiting", heartbeat=0.1)
    said = capsys.readouterr().err.splitlines()
    assert len(said) >= 2
    assert all("waiting: " in line and "s so far" in line for line in said)


def test_a_failed_step_shows_the_end_of_what_it_printed() -> None:
    program = "import sys; print('\\n'.join(map(str, range(100)))); sys.exit('disk full')"
    with pytest.raises(ToolchainError) as caught:
        run([sys.executable, "-u", "-c", program], "building")
    assert "building failed" in str(caught.value)
    assert "disk full" in str(caught.value)
    assert "    99\n" in str(caught.value)
    assert "    50\n" not in str(caught.value)


def test_a_program_that_does_not_exist_is_named() -> None:
    with pytest.raises(ToolchainError, match="cannot run /nowhere/go: No such file"):
        run(["/nowhere/go"], "building")


def test_a_second_setup_waits_for_the_first_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path):
            order.append("second")

    with locked(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        deadline = time.monotonic() + 10
        while f"waiting for another setup that works in {tmp_path}" not in capsys.readouterr().err:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
