#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--static and clips on a file system that does not answer: only what needs the files waits.

The library tests/preload/slow_files.c plays the file system. Prints TAP. From the
environment: GLINTD, BUILD.
"""
import contextlib
import os
import select
import subprocess
import tempfile

import tap

LIBRARY = os.path.join(tap.BUILD, "tests/preload/slow_files.so")
BIG = bytes(range(256)) * 40000


class Site:
    """A folder with two files whose reading a gate can block, and a service that serves them."""

    def __init__(self, *options):
        tap.needs("NET_STATIC")
        if tap.is_sanitized():
            raise tap.Skip("a sanitizer's library must be loaded before all others")
        if not os.path.exists(LIBRARY):
            raise tap.Skip("slow_files.so is not built")
        self.options = options

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="glint-"))
            root = os.path.join(self.dir, "www")
            os.mkdir(root)
            for name, data in (("a.txt", b"text"), ("big", BIG)):
                with open(os.path.join(root, name), "wb") as file:
                    file.write(data)
            self.gate, self.waits = (os.path.join(self.dir, name) for name in ("gate", "waits"))
            environment = {**os.environ, "LD_PRELOAD": LIBRARY, "SLOW_FILES_DIR": root,
                           "SLOW_FILES_GATE": self.gate, "SLOW_FILES_WAITS": self.waits}
            self.root, self.environment = root, environment
            self.service = stack.enter_context(
                tap.Service("--static", root, *self.options, environment=environment))
            self.service.wait_until_live()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def close_gate(self):
        with open(self.gate, "wb"):
            pass

    def open_gate(self):
        os.remove(self.gate)

    def wait_until_stuck(self):
        tap.until(lambda: os.path.exists(self.waits))

    def read_until_stuck(self, reader):
        """The service reads on only when there is room in the connection."""
        def receive():
            if select.select([reader.sock], [], [], 0)[0]:
                assert reader.more()
            return os.path.exists(self.waits)

        tap.until(receive)


def everything_else_goes_on(service):
    assert service.state()["source"]["online"]
    assert service.get("/snapshot").header("X-UStreamer-Online") == "true"
    with tap.Stream(service) as stream:
        for _ in range(5):
            assert stream.part()[1]


@tap.test
def test_open():
    """while opening a file hangs, the state, snapshots and streams go on"""
    with Site() as site, site.service.connect() as sock:
        site.close_gate()
        sock.sendall(tap.request("GET", "/a.txt").encode())
        site.wait_until_stuck()
        everything_else_goes_on(site.service)
        site.open_gate()
        assert tap.Reply(tap.Reader(sock)).body == b"text"


@tap.test
def test_read():
    """while reading a file hangs, everything else goes on, and the file is complete later"""
    with Site() as site, site.service.connect() as sock:
        reader = tap.Reader(sock)
        sock.sendall(tap.request("GET", "/big").encode())
        begin = reader.exactly(100)
        site.close_gate()
        site.read_until_stuck(reader)
        everything_else_goes_on(site.service)
        site.open_gate()
        reader.buffer = begin + reader.buffer
        assert tap.Reply(reader).body == BIG


@tap.test
def test_who_waits():
    """a client that waits longer than --server-timeout gets an error, later ones their files"""
    with Site("--server-timeout", "1") as site:
        site.close_gate()
        reply = site.service.get("/a.txt")
        assert reply.status == 503 and b"file-late" in reply.body, reply
        site.open_gate()
        assert site.service.get("/a.txt").body == b"text"


@tap.test
def test_end():
    """a hanging read does not delay the end of the service"""
    with Site() as site, site.service.connect() as sock:
        site.close_gate()
        sock.sendall(tap.request("GET", "/a.txt").encode())
        site.wait_until_stuck()
        site.service.end()
        assert site.service.exit_code == 0
        assert "does not return: left behind" in site.service.log_text()


@tap.test
def test_clip():
    """a service whose clip cannot be read says so, and ends"""
    tap.needs("REPLAY")
    with Site() as site:
        site.close_gate()
        done = subprocess.run([tap.GLINTD, "--device", f"clip:{site.root}/big", "--unix",
                               os.path.join(site.dir, "clip.sock")], env=site.environment,
                              capture_output=True, timeout=10 * tap.PATIENCE, check=False)
        site.open_gate()
        assert done.returncode == 1, done
        assert b"big': its file system has not answered for" in done.stderr, done


tap.main()
