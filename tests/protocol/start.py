#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The path of the socket appears when it can be connected to, and not a moment before.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import json
import os
import socket
import subprocess

import tap

STARTS = 20 if tap.is_sanitized() else 200


@tap.test
def test_never_refused():
    """of many starts none refuses who connects as soon as the path exists, and each state is valid"""
    for number in range(STARTS):
        device = ("test", tap.MISSING)[number % 2]
        with tap.Service(device=device) as service:
            state = service.state()
            assert state["source"]["resolution"]["width"] > 0
            assert state["glint"]["ledger"]["unaccounted"] == 0


@tap.test
def test_stale_socket_is_replaced():
    """a socket that a dead service has left behind is replaced"""
    with tap.Service() as first:
        path = first.path
        first.process.kill()
        first.process.wait()
        assert os.path.exists(path)
        second = subprocess.Popen([tap.GLINTD, "--device", "test", "--unix", path],
                                  stdin=subprocess.DEVNULL, stderr=first.log)
        try:
            tap.until(lambda: answers(path))
        finally:
            second.terminate()
            second.wait(tap.PATIENCE)


def answers(path):
    try:
        with tap.connect(path) as sock:
            sock.sendall(tap.request("GET", "/state").encode())
            return json.loads(tap.Reply(tap.Reader(sock)).body)["ok"]
    except (ConnectionError, EOFError):
        return False	# the stale one: closed, or about to be


@tap.test
def test_living_socket_is_not_replaced():
    """a second service on the same path ends with an error, and the first goes on"""
    with tap.Service() as service:
        second = subprocess.run([tap.GLINTD, "--device", "test", "--unix", service.path],
                                stdin=subprocess.DEVNULL, capture_output=True,
                                timeout=tap.PATIENCE, check=False)
        assert second.returncode == 1, second
        assert service.path.encode() in second.stderr
        service.state()


@tap.test
def test_unix_rm_and_mode():
    """--unix-rm replaces a file, --unix-mode is the socket's from the beginning"""
    with tap.Service(device=tap.MISSING) as other:
        path = os.path.join(other.dir, "other")
        with open(path, "w", encoding="utf-8"):
            pass
        with open(os.path.join(other.dir, "log2"), "wb") as log:
            second = subprocess.Popen([tap.GLINTD, "--device", "test", "--unix-rm", "--unix-mode",
                                       "606", "--unix", path], stdin=subprocess.DEVNULL,
                                      stderr=log)
        try:
            tap.until(lambda: not os.path.isfile(path) and os.path.exists(path))
            assert os.stat(path).st_mode & 0o777 == 0o606
            assert answers(path)
        finally:
            second.terminate()
            assert second.wait(tap.PATIENCE) == 0


@tap.test
def test_tcp():
    """--host and --port serve the same on TCP"""
    tap.needs("NET_TCP")
    with tap.Service("--host", "127.0.0.1", "--port", "0") as service:
        line = tap.until(lambda: [text for text in service.log_text().splitlines()
                                  if "127.0.0.1, port " in text])
        port = int(line[0].rsplit(" ", 1)[1])
        with socket.create_connection(("127.0.0.1", port), tap.PATIENCE) as sock:
            sock.sendall(tap.request("GET", "/snapshot").encode())
            tap.jpeg_size(tap.Reply(tap.Reader(sock)).body)


@tap.test
def test_failures_are_told():
    """what cannot be listened on is one line with its name, and status 1"""
    for args, word in ((["--unix", "/nonexistent/socket"], b"/nonexistent/socket"),
                       (["--unix", "/" + "x" * 107], b"unix"),
                       (["--cpus", "1023", "--unix", "/tmp/x"], b"--cpus"),
                       (["--systemd"], b"systemd has passed no socket"),
                       (["--static", "/nonexistent", "--unix", "/tmp/x"], b"/nonexistent")):
        if "--static" in args and not tap.built_with("NET_STATIC"):
            continue
        if "--systemd" in args and not tap.built_with("SYSTEMD"):
            continue
        done = subprocess.run([tap.GLINTD, "--device", "test", *args], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=tap.PATIENCE, check=False)
        assert done.returncode == 1, done
        assert word in done.stderr, done


tap.main()
