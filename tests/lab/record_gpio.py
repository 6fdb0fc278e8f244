#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Lines of a GPIO chip that trigger recordings and show them. Prints TAP; runs in the guest, see
cases/record-gpio.sh. The chip is the kernel's gpio-sim."""
import contextlib
import glob
import os
import subprocess

from recordings import check, ended, recorder, recording, recordings
from vivid import WEBCAM, tap

CONFIG = "/sys/kernel/config"
TRIGGER, ACTIVE = 1, 2	# lines
PRE, POST = 5, 20


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


class Chip:
    """Four lines, two of which have names."""

    def __init__(self):
        folder = f"{CONFIG}/gpio-sim/chip"
        bank = f"{folder}/bank0"
        for line, name in (TRIGGER, "trigger"), (ACTIVE, "recording"):
            os.makedirs(f"{bank}/line{line}", exist_ok=True)
            write(f"{bank}/line{line}/name", name)
        write(f"{bank}/num_lines", "4")
        self.live = f"{folder}/live"
        write(self.live, "1")
        self.name = read(f"{bank}/chip_name")
        self.lines = glob.glob(f"/sys/devices/platform/{read(folder + '/dev_name')}/{self.name}")[0]
        tap.until(lambda: os.path.exists(f"/dev/{self.name}"))

    def pull(self, high):
        write(f"{self.lines}/sim_gpio{TRIGGER}/pull", "pull-up" if high else "pull-down")

    def is_active(self):
        return read(f"{self.lines}/sim_gpio{ACTIVE}/value") == "1"


@contextlib.contextmanager
def gpio(edge=""):
    """A service that records at each edge of the line."""
    chip.pull(False)
    with recording(WEBCAM, "--record-gpio", f"{chip.name}:trigger{edge}", "--record-gpio-out",
                   f"{chip.name}:recording", "--record-pre", str(PRE), "--record-post",
                   str(POST)) as (_, server):
        yield server


def recorded(server, edge):
    """What the edge has recorded: the frames before and after the kernel's stamp of it."""
    known = {entry["name"] for entry in recordings(server)}
    before_ns = tap.now_ns()
    edge()
    after_ns = tap.now_ns()

    def new():
        return next((entry for entry in recordings(server) if entry["name"] not in known), None)
    entry = ended(server, tap.until(new)["name"])
    rows = check(server.clips, entry["name"], 640, 360)
    assert entry["trigger"] == "gpio" and entry["lost"] == 0, entry
    assert rows[0]["n"] == -PRE and rows[-1]["n"] == POST, rows
    first = next(row for row in rows if row["n"] >= 0)
    last = next(row for row in reversed(rows) if row["n"] < 0)
    assert last["ns"] < after_ns and first["ns"] >= before_ns, (before_ns, after_ns, last, first)


@tap.test
def test_edges():
    """each rising edge records the frames around its moment, and a falling one none"""
    with gpio() as server:
        for number in range(1, 6):
            recorded(server, lambda: chip.pull(True))
            chip.pull(False)
            assert recorder(server)["gpio_edges"] == number
        assert recorder(server)["gpio_missed"] == 0


@tap.test
def test_both():
    """with both edges, each of them records"""
    with gpio(":both") as server:
        for high in True, False, True:
            recorded(server, lambda high=high: chip.pull(high))
        assert recorder(server)["gpio_edges"] == 3


@tap.test
def test_out():
    """the other line is high while frames are to come, and low after that"""
    with gpio() as server:
        assert not chip.is_active()
        chip.pull(True)
        tap.until(chip.is_active)
        tap.until(lambda: not chip.is_active())
        assert all(entry["last_seq"] > entry["first_seq"] for entry in recordings(server))


@tap.test
def test_busy():
    """a line that another service has is refused, with what to do"""
    with gpio():
        done = subprocess.run([tap.GLINTD, "--device", "test", "--record", "/run/other",
                               "--record-gpio", f"{chip.name}:trigger"], stderr=subprocess.PIPE,
                              text=True, timeout=tap.PATIENCE, check=False)
        assert done.returncode == 1 and "gpioinfo says which" in done.stderr, done


for command in (("/sbin/modprobe", "-d", os.environ["LAB_MODULES"], "gpio-sim"),
                ("mount", "-t", "configfs", "config", CONFIG)):
    subprocess.run(command, check=True)
chip = Chip()
tap.main()
