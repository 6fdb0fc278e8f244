# SPDX-License-Identifier: MIT
"""Shared by the protocol tests: TAP, a private service, and HTTP without a library.

A test is a function with @tap.test; the name of the test is the first line of its docstring, or
else the function's name. tap.main() runs all tests. From the environment: GLINTD, GLINT, BUILD.
"""
import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

GLINTD = os.environ.get("GLINTD", "build/glintd")
BUILD = os.environ.get("BUILD", "build")
PATIENCE = 120	# seconds; reached only when something hangs
PAUSE = 0.005	# seconds between two looks; in the lab each look costs, and each pause is free
MISSING = "/dev/glint-has-no-such-device"
EMULATED = "/dev/video-emu0"

_tests = []


class Skip(Exception):
    """Raised by a test whose requirements are missing."""


def test(function):
    _tests.append(function)
    return function


def sentence(function):
    if function.__doc__:
        return function.__doc__.strip().splitlines()[0]
    return function.__name__.removeprefix("test_").replace("_", " ")


def main(program=GLINTD):
    """Runs all tests of @program."""
    if not os.access(program, os.X_OK):
        print(f"1..0 # SKIP {os.path.basename(program)} is not built")
        return
    print(f"1..{len(_tests)}", flush=True)
    failed = False
    for number, function in enumerate(_tests, 1):
        name = sentence(function)
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:	# pylint: disable=broad-except
            failed = True
            print(f"not ok {number} - {name}")
            for line in traceback.format_exc().splitlines():
                print(f"#   {line}", flush=True)
    sys.exit(failed)


def built_with(option):
    """Whether the service has @option of Kconfig; True when the configuration is unknown."""
    try:
        with open(os.path.join(BUILD, ".config"), encoding="utf-8") as file:
            return f"CONFIG_{option}=y\n" in file.read()
    except OSError:
        return True


def needs(option):
    if not built_with(option):
        raise Skip(f"built without CONFIG_{option}")


def is_sanitized():
    return any(built_with(option) for option in ("ASAN", "TSAN", "UBSAN"))


# --- The service ------------------------------------------------------------------------


def emulated(**settings):
    """Returns the environment of a program that sees the emulated camera, EMULATED; each setting
    is a V4L2EMU_ variable. Skips the test where there is no emulation."""
    library = os.path.join(os.path.abspath(BUILD), "libv4l2emu.so")
    if is_sanitized():
        raise Skip("a sanitizer's library must be loaded before all others")
    if not os.path.exists(library):
        raise Skip("libv4l2emu.so is not built")
    return {**os.environ, "LD_PRELOAD": library,
            **{f"V4L2EMU_{name.upper()}": str(value) for name, value in settings.items()}}


def end(process):
    """Ends @process with SIGTERM, or SIGKILL when it does not end; returns its status."""
    process.terminate()
    try:
        return process.wait(PATIENCE)
    finally:
        process.kill()	# does nothing when the process has ended
        process.wait()


@contextlib.contextmanager
def started(args, **popen):
    """Starts a process that never outlives the with block."""
    process = subprocess.Popen(args, **popen)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()


class Service:
    """glintd on a unix socket in a new folder, both removed at the end of the with block."""

    def __init__(self, *args, device="test", unix=True, environment=None, stderr=None,
                 wrapper=()):
        self.args = ["--device", device, *args] if device else list(args)
        self.unix = unix
        self.environment = environment
        self.stderr = stderr	# instead of the file of log_text()
        self.wrapper = wrapper	# a command that becomes glintd
        self.exit_code = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="glint-"))
            self.path = os.path.join(self.dir, "socket")
            self.log = stack.enter_context(open(os.path.join(self.dir, "log"), "wb"))
            args = [*self.args, "--unix", self.path] if self.unix else self.args
            self.process = subprocess.Popen([*self.wrapper, GLINTD, *args],
                                            stdin=subprocess.DEVNULL,
                                            stderr=self.stderr or self.log,
                                            env=self.environment)
            stack.callback(self.end)
            if self.unix:
                self.wait_for_path()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        if exception[0]:
            for line in self.log_text().splitlines()[-20:]:
                print(f"#   glintd: {line}")
        self._stack.close()

    def wait_for_path(self):
        """Waits until the socket exists, and so accepts connections."""
        until(lambda: os.path.exists(self.path) or self.process.poll() is not None)
        assert self.process.poll() is None, f"exit status {self.process.poll()}: {self.log_text()}"

    def log_text(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_with(self, text):
        """The log, once it has TEXT: a thread of the service writes it, later than the reply."""
        until(lambda: text in self.log_text())
        return self.log_text()

    def end(self):
        self.exit_code = end(self.process)
        assert not os.path.exists(self.path), "the socket is left behind"

    # Requests, each on a new connection.

    def connect(self):
        return connect(self.path)

    def ask(self, text):
        with self.connect() as sock:
            sock.sendall(text if isinstance(text, bytes) else text.encode())
            return Reply(Reader(sock))

    def get(self, path, *fields):
        return self.ask(request("GET", path, *fields))

    def state(self):
        reply = self.get("/state")
        assert reply.status == 200, reply
        assert reply.header("Content-Type") == "application/json", reply
        document = json.loads(reply.body)
        assert document["ok"] is True
        return document["result"]

    def wait_for(self, condition):
        """Requests the state until @condition holds for it."""
        return until(lambda: condition(self.state()))

    def wait_until_live(self):
        self.wait_for(lambda state: state["source"]["online"])


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it never becomes true"
        time.sleep(PAUSE)	# lets time pass also where computing takes none: in the lab


# --- HTTP -----------------------------------------------------------------------------------


def connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(PATIENCE)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def request(method, path, *fields):
    """Returns a minimal HTTP/1.1 request with @fields."""
    return "".join(line + "\r\n" for line in
                   (f"{method} {path} HTTP/1.1", "Host: localhost", *fields, ""))


def listener_of(path):
    """Returns the id of the process that listens at @path."""
    with connect(path) as sock:
        peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", peer)[0]


class Reader:
    """Reads a socket up to a mark or a number of bytes."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def more(self):
        chunk = self.sock.recv(65536)
        self.buffer += chunk
        return bool(chunk)

    def take(self, count):
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def until(self, mark):
        while mark not in self.buffer:
            if not self.more():
                raise EOFError(f"the connection ends after {self.buffer!r}")
        return self.take(self.buffer.index(mark) + len(mark))

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise EOFError(f"the connection ends {count - len(self.buffer)} bytes too early")
        return self.take(count)

    def rest(self):
        while self.more():
            pass
        return self.take(len(self.buffer))


def fields_of(head):
    fields = {}
    for line in head.split("\r\n"):
        if line:
            name, _, value = line.partition(": ")
            assert name not in fields, f"{name} is there twice"
            fields[name] = value
    return fields


class Reply:
    """Status line, head, and Content-Length bytes of body."""

    def __init__(self, reader, body=True):
        head = reader.until(b"\r\n\r\n").decode("latin-1")
        self.line, _, rest = head.partition("\r\n")
        self.version, status, self.reason = self.line.split(" ", 2)
        self.status = int(status)
        self.fields = fields_of(rest)
        length = self.header("Content-Length")
        self.body = reader.exactly(int(length)) if body and length is not None else b""

    def header(self, name):
        return self.fields.get(name)

    def __repr__(self):
        return f"{self.line} {self.fields} {self.body[:200]!r}"


class Stream:
    """A GET /stream, requested as by a browser through a tunnel."""

    BOUNDARY = b"--boundarydonotcross\r\n"

    def __init__(self, service, query=""):
        self.sock = service.connect()
        self.reader = Reader(self.sock)
        self.sock.sendall(request("GET", "/stream" + query).encode())
        self.reply = Reply(self.reader, body=False)
        assert self.reader.until(self.BOUNDARY) == self.BOUNDARY

    def part(self):
        """Returns the next part: its headers and its picture."""
        fields = fields_of(self.reader.until(b"\r\n\r\n").decode("latin-1"))
        data = self.reader.exactly(int(fields["Content-Length"]))
        assert self.reader.exactly(2 + len(self.BOUNDARY)) == b"\r\n" + self.BOUNDARY
        return fields, data

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.sock.close()


def jpeg_size(data):
    """Returns width and height of a JPEG; asserts that it looks complete."""
    assert data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9", "not a whole JPEG"
    at = 2
    while data[at] == 0xff:
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4], "big")
        if marker in (0xc0, 0xc1, 0xc2):
            height, width = (int.from_bytes(data[at + i:at + i + 2], "big") for i in (5, 7))
            return width, height
        at += 2 + length
    raise AssertionError("a JPEG without a size")


def source_reasons():
    """Returns all reasons for no live video, as the service's source code has them."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/capture/reason.c")
    with open(path, encoding="utf-8") as file:
        reasons = re.findall(r'\] = "([a-z-]+)"', file.read())
    assert "no-signal" in reasons and len(reasons) > 20, reasons
    return reasons


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
