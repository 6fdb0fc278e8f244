#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The service never waits for the reader of stderr; lines have priorities for the journal.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import contextlib
import fcntl
import os
import re
import resource
import signal
import subprocess
import tempfile

import tap

LINE = re.compile(r"(<\d>)?-- (ERROR|WARN |INFO |PERF |VERB |DEBUG) \[\d+\.\d{3} \w+\] .+")


@contextlib.contextmanager
def full_pipe():
    """Returns a full pipe."""
    reader, writer = os.pipe()
    try:
        size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writer, b"x" * (size - 1) + b"\n")
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def read_until(reader, word):
    text = b""
    while word not in text:
        text += os.read(reader, 65536)
    return text


def fill_the_queue(service):
    """Makes connections, each of which logs a line."""
    for _ in range(2000):
        service.state()


@tap.test
def test_reader_that_does_not_read():
    """while stderr is not read, the stream, the state and snapshots go on"""
    with full_pipe() as (reader, writer):
        # The stream is not read while the queue is filled, which may take longer than 10 s.
        with tap.Service("--verbose", "--server-timeout", "60", stderr=writer) as service:
            service.wait_until_live()
            with tap.Stream(service) as stream:
                fill_the_queue(service)
                for _ in range(10):
                    stream.part()
            assert service.get("/snapshot").status == 200
            # The log reports the number of lost lines as soon as it can write again.
            text = read_until(reader, b" lines lost: the reader of stderr is slow").decode()
            lines = text.splitlines()[1:-1]
            assert all(LINE.fullmatch(line) for line in lines), lines


@tap.test
def test_end_with_a_full_pipe():
    """SIGTERM does not wait for a full stderr, and the socket is removed"""
    with full_pipe() as (_, writer):
        with tap.Service("--verbose", stderr=writer) as service:
            service.wait_until_live()
            service.state()
        assert service.exit_code == 0


@tap.test
def test_shared_pipe_stays_blocking():
    """a pipe as stderr stays blocking for other processes that share it"""
    with full_pipe() as (_, writer):
        with tap.Service(stderr=writer) as service:
            service.wait_until_live()
            assert not fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK


@tap.test
def test_lines_before_a_crash():
    """the lines before a crash are written, and the crash takes its course"""
    for number in (signal.SIGABRT, signal.SIGSEGV):
        if tap.is_sanitized() and number == signal.SIGSEGV:
            continue	# the sanitizer's own
        with tempfile.TemporaryDirectory(prefix="glint-") as folder:
            path = os.path.join(folder, "socket")
            arguments = [tap.GLINTD, "--device", "test", "--unix", path]
            with tap.started(arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE,
                                                                   (0, 0))) as process:
                tap.until(lambda: os.path.exists(path))	# pylint: disable=cell-var-from-loop
                with tap.connect(path) as sock:	# the service logs its address before it answers
                    sock.sendall(tap.request("GET", "/state").encode())
                    tap.Reply(tap.Reader(sock))
                process.send_signal(number)
                text = process.communicate(timeout=tap.PATIENCE)[1].decode()
                assert process.returncode == -number, process
                assert f"listening on {path}" in text, text


@tap.test
def test_fatal_messages_at_the_start():
    """an error that ends the service at once is logged, although the log thread has just started"""
    done = subprocess.run([tap.GLINTD, "--unix", "/no/such/folder/socket"], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=tap.PATIENCE)
    assert done.returncode == 1
    assert b"cannot listen on /no/such/folder/socket: No such file" in done.stderr, done


def as_journal(*args):
    """Runs the service with stderr as the journal's stream, and returns its lines."""
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        with open(os.path.join(folder, "journal"), "w+b") as file:
            stat = os.fstat(file.fileno())
            environment = {**os.environ, "JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"}
            subprocess.run([tap.GLINTD, *args], stdin=subprocess.DEVNULL, stderr=file,
                           env=environment, timeout=tap.PATIENCE, check=False)
            file.seek(0)
            return file.read().decode().splitlines()


@tap.test
def test_journal():
    """lines for the journal have priorities, also those about a wrong command line"""
    lines = as_journal("--unix", "/no/such/folder/socket", "--v4p")
    assert lines and all(LINE.fullmatch(line) for line in lines), lines
    assert any(line.startswith("<3>-- ERROR") for line in lines), lines
    assert any(line.startswith("<4>-- WARN") and "--v4p" in line for line in lines), lines
    lines = as_journal("--quality", "0")
    assert len(lines) == 1 and lines[0].startswith("<3>glintd: --quality"), lines


@tap.test
def test_no_password_in_the_log():
    """no line contains the password, not even at log level debug"""
    tap.needs("NET_AUTH")
    with tap.Service("--debug", "--user", "me", "--passwd", "hunter2") as service:
        assert service.get("/state").status == 401
        login = "bWU6aHVudGVyMg=="	# me:hunter2
        assert service.get("/state", "Authorization: Basic " + login).status == 200
        service.end()
        assert "hunter2" not in service.log_text() and login not in service.log_text()


tap.main()
