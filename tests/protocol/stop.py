#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGTERM ends the service at any moment, and leaves no process and no file.

Prints TAP. From the environment: GLINTD, BUILD; GLINT_SEED repeats a run.
"""
import os
import random
import signal
import subprocess
import tempfile
import time

import tap

SEED = int(os.environ.get("GLINT_SEED", random.SystemRandom().randrange(1 << 32)))
STOPS = 10 if tap.is_sanitized() else 100	# of each kind

# A service that is started with SIGHUP ignored, as by nohup, goes on ignoring the signal.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
print(f"# GLINT_SEED={SEED}")
chance = random.Random(SEED)


def start(device, path):
    return subprocess.Popen([tap.GLINTD, "--device", device, "--unix", path],
                            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process, seconds):
    """Ends @process after @seconds; returns its exit status."""
    time.sleep(seconds)	# varies the moment; nothing is awaited
    return tap.end(process)


def stop_many(from_its_socket, allowed):
    for number in range(STOPS):
        seconds = chance.random() * 0.05
        with tempfile.TemporaryDirectory(prefix="glint-") as folder:
            path = os.path.join(folder, "socket")
            process = start(("test", tap.MISSING)[number % 2], path)
            if from_its_socket:
                tap.until(lambda: os.path.exists(path))	# pylint: disable=cell-var-from-loop
            status = stop(process, seconds)
            assert status in allowed, f"status {status} after {seconds:.6f} s"
            assert os.listdir(folder) == [], f"{os.listdir(folder)} after {seconds:.6f} s"


@tap.test
def test_any_moment():
    """SIGTERM in the first 50 ms is never lost, and leaves neither process nor file"""
    # Before main() blocks the signal, the kernel ends the process, which has made no file yet.
    stop_many(False, (0, -signal.SIGTERM))


@tap.test
def test_any_moment_with_a_socket():
    """SIGTERM in the 50 ms after the socket has appeared is never lost, and the status is 0"""
    stop_many(True, (0,))


@tap.test
def test_all_signals():
    """SIGTERM, SIGINT and SIGHUP end a streaming service with status 0"""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with tap.Service() as service, tap.Stream(service) as stream:
            stream.part()
            service.process.send_signal(number)
            assert service.process.wait(tap.PATIENCE) == 0
            stream.reader.rest()


@tap.test
def test_with_those_who_do_not_read():
    """clients that do not read, or do not send a request, do not delay the end"""
    with tap.Service() as service:
        service.wait_until_live()
        idle = [service.connect() for _ in range(10)]
        deaf = [service.connect() for _ in range(10)]
        for sock in deaf:
            sock.sendall(tap.request("GET", "/stream").encode())
        service.wait_for(lambda state: state["glint"]["clients"]["pictures_skipped"] > 10)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(tap.PATIENCE) == 0
        for sock in idle + deaf:
            sock.close()


tap.main()
