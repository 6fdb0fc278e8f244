#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--systemd: notifications of readiness, status and end; a hanging manager delays nothing.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import contextlib
import os
import socket
import tempfile

import tap


class Manager:
    """Plays systemd: the socket for notifications."""

    def __init__(self, abstract=False):
        self.abstract = abstract
        self.heard = []	# all lines, in order

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="glint-"))
            self.name = ("@" if self.abstract else "") + os.path.join(self.dir, "notify")
            self.address = self.name.replace("@", "\0")
            self.sock = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            self.sock.bind(self.address)
            self.sock.settimeout(tap.PATIENCE)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def environment(self):
        return {**os.environ, "NOTIFY_SOCKET": self.name}

    def hear_until(self, line):
        """Reads until @line arrives; ignores lines of other senders."""
        while line not in self.heard:
            text = self.sock.recv(4096).decode()
            self.heard += [each for each in text.splitlines() if "=" in each]

    def fill(self):
        """Fills the socket, so that the next notification blocks. The sender's buffer is bounded as
        well."""
        with contextlib.suppress(BlockingIOError):
            while True:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                    sock.setblocking(False)
                    sock.sendto(b"x", self.address)


def tell_life(abstract):
    with Manager(abstract) as manager:
        with tap.Service("--systemd", environment=manager.environment()) as service:
            manager.hear_until("READY=1")
            service.state()
            manager.hear_until("STATUS=live")
            service.end()
            manager.hear_until("STOPPING=1")
        assert manager.heard.count("READY=1") == 1, manager.heard
        assert manager.heard[-1] == "STOPPING=1", manager.heard


@tap.test
def test_path():
    """a notification socket in the file system gets readiness, the first frame and the end"""
    tap.needs("SYSTEMD")
    tell_life(False)


@tap.test
def test_abstract():
    """an abstract notification socket gets readiness, the first frame and the end"""
    tap.needs("SYSTEMD")
    tell_life(True)


@tap.test
def test_manager_that_hangs():
    """while the manager hangs, a stream and the state go on, and the notifications arrive later"""
    tap.needs("SYSTEMD")
    with Manager() as manager:
        manager.fill()
        with tap.Service("--systemd", environment=manager.environment()) as service:
            service.wait_until_live()
            with tap.Stream(service, "?extra_headers=1") as stream:
                numbers = []
                while len(numbers) < 60:	# two seconds of frames, enough for retries
                    fields, _ = stream.part()
                    if "X-Glint-Sequence" not in fields:
                        continue	# the first may be the offline picture
                    numbers.append(int(fields["X-Glint-Sequence"]))
                    if len(numbers) % 20 == 0:
                        service.state()
                assert numbers == sorted(set(numbers)), numbers
                manager.hear_until("READY=1")
                manager.hear_until("STATUS=live")
                stream.part()
            assert manager.heard.count("READY=1") == 1, manager.heard


@tap.test
def test_end_while_the_manager_hangs():
    """a hanging manager does not delay the end"""
    tap.needs("SYSTEMD")
    with Manager() as manager:
        manager.fill()
        with tap.Service("--systemd", environment=manager.environment()) as service:
            service.state()
            service.end()
            assert service.exit_code == 0


@tap.test
def test_manager_that_is_gone():
    """a manager that has ended gives one line in the log"""
    tap.needs("SYSTEMD")
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        name = os.path.join(folder, "gone")
        with tap.Service("--systemd", environment={**os.environ, "NOTIFY_SOCKET": name}) as service:
            service.wait_until_live()
            service.end()
            assert service.log_text().count(name) == 1, service.log_text()


tap.main()
