# SPDX-License-Identifier: MIT
"""What the protocol tests share: TAP, a service of one's own, and HTTP without a library.

A test is a function with @tap.test; its docstring, or else its name, is the sentence that
it tests.
tap.main() runs all of them. From the environment: GLINTD, GLINT, BUILD.
"""
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

GLINTD = os.environ.get("GLINTD", "build/glintd")
BUILD = os.environ.get("BUILD", "build")
PATIENCE = 120	# seconds; only met when something hangs
MISSING = "/dev/glint-has-no-such-device"

_tests = []


class Skip(Exception):
    """What the test needs is not there."""


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
    """Whether the service has an option of Kconfig; True when nobody knows."""
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


def end(process):
    """Ends @process with SIGTERM; returns its status. One that does not end is killed."""
    process.terminate()
    try:
        return process.wait(PATIENCE)
    finally:
        process.kill()	# nothing when it has ended
        process.wait()


@contextlib.contextmanager
def started(args, **popen):
    """A process that does not outlive the with block, however the block ends."""
    process = subprocess.Popen(args, **popen)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()


class Service:
    """glintd on a unix socket in a folder of its own, gone at the end of the with block."""

    def __init__(self, *args, device="test", unix=True, environment=None, stderr=None):
        self.args = ["--device", device, *args] if device else list(args)
        self.unix = unix
        self.environment = environment
        self.stderr = stderr	# instead of the file of log_text()
        self.exit_code = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="glint-"))
            self.path = os.path.join(self.dir, "socket")
            self.log = stack.enter_context(open(os.path.join(self.dir, "log"), "wb"))
            args = [*self.args, "--unix", self.path] if self.unix else self.args
            self.process = subprocess.Popen([GLINTD, *args], stdin=subprocess.DEVNULL,
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
        """Until the socket is there: it never refuses then."""
        until(lambda: os.path.exists(self.path) or self.process.poll() is not None)
        assert self.process.poll() is None, f"exit status {self.process.poll()}: {self.log_text()}"

    def log_text(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def end(self):
        self.exit_code = end(self.process)
        assert not os.path.exists(self.path), "the socket is left behind"

    # What tests ask it, each on a connection of its own.

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
        """Asks for the state until it is so."""
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
        os.sched_yield()


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
    """As HTTP/1.1 wants it, and no field more than asked for."""
    return "".join(line + "\r\n" for line in
                   (f"{method} {path} HTTP/1.1", "Host: localhost", *fields, ""))


def listener_of(path):
    """The process that listens at @path."""
    with connect(path) as sock:
        peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", peer)[0]


class Reader:
    """Bytes of a socket, up to a mark or a number."""

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
    """Status line, head and, as long as Content-Length says, the body."""

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
    """A GET /stream, asked for as a browser's tunnel does."""

    BOUNDARY = b"--boundarydonotcross\r\n"

    def __init__(self, service, query=""):
        self.sock = service.connect()
        self.reader = Reader(self.sock)
        self.sock.sendall(request("GET", "/stream" + query).encode())
        self.reply = Reply(self.reader, body=False)
        assert self.reader.until(self.BOUNDARY) == self.BOUNDARY

    def part(self):
        """The next part: its fields and its picture."""
        fields = fields_of(self.reader.until(b"\r\n\r\n").decode("latin-1"))
        data = self.reader.exactly(int(fields["Content-Length"]))
        assert self.reader.exactly(2 + len(self.BOUNDARY)) == b"\r\n" + self.BOUNDARY
        return fields, data

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.sock.close()


def jpeg_size(data):
    """Width and height of a whole JPEG; asserts that it looks like one."""
    assert data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9", "not a whole JPEG"
    at = 2
    while data[at] == 0xff:
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4], "big")
        if marker in (0xc0, 0xc1, 0xc2):
            height, width = (int.from_bytes(data[at + i:at + i + 2], "big") for i in (5, 7))
            return width, height
        at += 2 + length
    raise AssertionError("a JPEG without a size")


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
