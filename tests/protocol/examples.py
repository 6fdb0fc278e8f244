#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The examples, run as README says, against a board that is emulated up to its screen.

The emulated camera has no signal until the board is switched on; then a boot screen comes, on which
a box moves in one part only. Prints TAP. From the environment: GLINTD, BUILD.
"""
import contextlib
import os
import subprocess
import sys
import tempfile

import tap

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
NOT_BOOTED = 4


class Board:
    """A board that is off, and its bench."""

    def __init__(self, stack):
        for option in ("JUDGE", "ENCODE_CPU"):
            tap.needs(option)
        self.dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="glint-"))
        self.off = os.path.join(self.dir, "off")
        with open(self.off, "w", encoding="utf-8"):
            pass
        self.service = stack.enter_context(tap.Service(
            device=tap.EMULATED,
            environment=tap.emulated(size="640x480", fps=30, no_signal=self.off)))
        self.service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-signal")
        self.picture = os.path.join(self.dir, "booted.jpg")

    def run(self, *command, power_on=None, timeout="60"):
        environment = {**os.environ, "GLINT_SOCKET": self.service.path, "REGION": "640x32+0+0",
                       "POWER_ON": power_on or f"rm {self.off}", "BOOT_TIMEOUT": timeout,
                       "PYTHONPATH": os.path.join(ROOT, "python"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=self.dir,
                              timeout=tap.PATIENCE, check=False)

    def check_picture(self):
        with open(self.picture, "rb") as file:
            assert tap.jpeg_size(file.read()) == (640, 480)


def example(name):
    path = os.path.join(ROOT, "examples", name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    commands = [line for line in text.splitlines() if "sleep" in line]
    assert len(commands) == 1 and ("#  " in commands[0] or "    # " in commands[0]), commands
    return path


def check(name, *interpreter):
    with contextlib.ExitStack() as stack:
        board = Board(stack)
        done = board.run(*interpreter, example(name), board.picture)
        assert done.returncode == 0, (done.stdout, done.stderr)
        board.check_picture()
        assert "still" in done.stdout or "settled" in done.stdout, done.stdout
    with contextlib.ExitStack() as stack:
        board = Board(stack)
        done = board.run(*interpreter, example(name), board.picture, power_on="true", timeout="1")
        assert done.returncode == NOT_BOOTED, (done.returncode, done.stdout, done.stderr)
        assert not os.path.exists(board.picture)


@tap.test
def test_shell():
    """the boot test in shell keeps the settled screen; a board that stays off is its fault"""
    check("boot-test.sh", "sh")


@tap.test
def test_python():
    """the boot test in Python likewise"""
    check("boot_test.py", sys.executable)


@tap.test
def test_pytest():
    """the boot test for pytest passes with the board on, and fails with a report with it off"""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import pytest"], capture_output=True,
                          check=False).returncode == 0:
            break
    else:
        raise tap.Skip("no pytest: apt-get install python3-pytest")
    pytest = (python, "-m", "pytest", "-p", "no:cacheprovider", "-p", "pytest_glint",
              example("test_boot.py"))
    with contextlib.ExitStack() as stack:
        board = Board(stack)
        done = board.run(*pytest, "--glint", board.service.path)
        assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout
    with contextlib.ExitStack() as stack:
        board = Board(stack)
        done = board.run(*pytest, "--glint", board.service.path, "--glint-artifacts",
                         os.path.join(board.dir, "out"), power_on="true", timeout="1")
        assert done.returncode == 1 and "NotMet" in done.stdout, done.stdout
        kept = os.listdir(os.path.join(board.dir, "out"))
        assert len(kept) == 1, kept
        assert "failure.jpg" in os.listdir(os.path.join(board.dir, "out", kept[0]))


tap.main()
