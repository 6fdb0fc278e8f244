# SPDX-License-Identifier: MIT
"""Where a frame's time goes, by perf's probes in the service: needs root and perf.

The device's completion is its thread's write to the pipe. Each line includes the cost of one or
two probes.
"""
import os
import re
import statistics
import subprocess
import tempfile
import time

import rig

GROUP = "glint_bench"
STEPS = (("write", "the driver completes the frame"), ("glint_capture_on_poll", "the loop wakes"),
         ("cpu_encode", "the frame is dequeued and reaches the encoder"),
         ("slice_run", "the first slice begins"), ("slice_run__return", "the last slice ends"),
         ("slices_done", "the loop sees it"), ("glint_connection_send", "the packet is sent"),
         ("client_on_sent", "its last byte is in the socket"))


class Unavailable(Exception):
    """perf, or the kernel, cannot do it here."""


def perf(*arguments):
    try:
        return subprocess.run(["perf", *arguments], capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise Unavailable("perf is not installed") from error
    except subprocess.CalledProcessError as error:
        raise Unavailable(error.stderr.strip().splitlines()[-1]) from error


def add_probes(program):
    for name, _ in STEPS[1:]:
        # perf appends "__return" to the name of such a probe.
        function = name.replace("__return", "")
        returns = "%return" if function != name else ""
        perf("probe", "-q", "-x", program, f"{GROUP}:{function}={function}{returns}")


def record(source, seconds):
    """Returns the events of all threads as (time, thread, name)."""
    with tempfile.TemporaryDirectory() as folder, \
         rig.service(rig.glintd(), source) as (process, address):
        data = os.path.join(folder, "data")
        with subprocess.Popen([rig.READER, address, "--seconds", str(seconds + 2)],
                              stdout=subprocess.DEVNULL):
            time.sleep(1.5)
            perf("record", "-q", "-e", f"{GROUP}:*", "-e", "syscalls:sys_enter_write", "-p",
                 str(process.pid), "-o", data, "--", "sleep", str(seconds))
        text = perf("script", "-i", data, "-F", "comm,time,event", "--ns").stdout
    found = re.findall(r"^\s*(\S+)\s+([\d.]+):\s+\S*?:?(\w+):\s*$", text, re.M)
    return sorted((float(when), thread, name) for thread, when, name in found)


def frames(events):
    """Yields the times of the steps of each frame that was sent."""
    times = {}
    for when, thread, name in events:
        if name == "sys_enter_write" and thread.startswith("v4l2emu"):
            yield times
            times = {"write": when}
        elif name == "slice_run__return":
            times[name] = when
        else:
            times.setdefault(name, when)
    yield times


def measure(source, seconds=3):
    """Returns [(label, first tenth in us, median in us)], one for each step after the first."""
    program = rig.glintd().path
    try:
        add_probes(program)
        events = record(source, seconds)
    finally:
        subprocess.run(["perf", "probe", "-q", "-d", f"{GROUP}:*"], check=False,
                       stderr=subprocess.DEVNULL)
    names = [name for name, _ in STEPS]
    whole = [times for times in frames(events) if set(names) <= set(times)
             and all(times[a] <= times[b] for a, b in zip(names, names[1:]))]
    if len(whole) < 10:
        raise Unavailable(f"only {len(whole)} frames were traced")
    rows = []
    for (before, _), (name, label) in zip(STEPS, STEPS[1:]):
        took = sorted((times[name] - times[before]) * 1e6 for times in whole)
        rows.append((label, took[len(took) // 10], statistics.median(took)))
    return rows
