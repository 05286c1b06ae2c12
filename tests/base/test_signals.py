"""What SIGTERM and SIGUSR1 do to a process outside of training."""

import signal
import subprocess
import sys

import pytest

LISTENING = """
import signal, time
from kimchi_vision.cli import main
main.line.run = lambda *given: (print("ready", flush=True), time.sleep(30))
main.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_sigterm_ends_a_command_with_a_line_and_sigusr1_does_not():
    with subprocess.Popen([sys.executable, "-c", LISTENING], stdout=-1, stderr=-1, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.SIGTERM)
        assert process.communicate() == ("", "Ended by SIGTERM.\n")
    assert process.returncode == 143


DROPPING = """
import os, signal, time
from kimchi_vision.cli import main
class Leaves:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
def work(*given):
    Leaves()
    time.sleep(30)
main.line.run = work
main.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_sigterm_that_comes_while_an_object_is_deleted_is_not_lost():
    done = subprocess.run([sys.executable, "-c", DROPPING], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "Ended by SIGTERM.\n")
