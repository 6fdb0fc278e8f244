#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signals, descriptors and rights of the process.

Prints TAP. From the environment: GLINTD, GLINT, BUILD.
"""
import os
import resource
import signal
import subprocess
import tempfile

import tap

GLINT = os.environ.get("GLINT", "build/glint")
HARMLESS = (signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM,
            signal.SIGPROF, signal.SIGIO, signal.SIGPWR, signal.SIGXFSZ, signal.SIGRTMIN,
            signal.SIGRTMAX)


def status_of(process):
    """Returns /proc/PID/status as a dictionary."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


@tap.test
def test_harmless_signals():
    """signals without a meaning for the service do not end it"""
    with tap.Service() as service:
        service.wait_until_live()
        for number in HARMLESS:
            service.process.send_signal(number)
        service.state()
        assert service.process.poll() is None


@tap.test
def test_core_dump():
    """SIGQUIT and SIGXCPU end the service by that signal, and the socket is removed"""
    for number in (signal.SIGQUIT, signal.SIGXCPU):
        with tap.Service() as service:
            resource.prlimit(service.process.pid, resource.RLIMIT_CORE, (0, 0))
            service.wait_until_live()
            service.process.send_signal(number)
            assert service.process.wait(tap.PATIENCE) == -number
            assert not os.path.exists(service.path)


@tap.test
def test_hangup():
    """a terminal that hangs up does not end a service started by nohup"""
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        path = os.path.join(folder, "socket")
        with tap.started(["nohup", tap.GLINTD, "--device", "test", "--unix", path],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL) as process:
            tap.until(lambda: os.path.exists(path))
            process.send_signal(signal.SIGHUP)
            with tap.connect(path) as sock:
                sock.sendall(tap.request("GET", "/state").encode())
                assert tap.Reply(tap.Reader(sock)).status == 200
            assert tap.end(process) == 0


def closed(descriptors):
    """Returns a function that closes @descriptors in the child before the program starts."""
    def close():
        for number in descriptors:
            os.close(number)
    return close


@tap.test
def test_closed_descriptors():
    """the service works with descriptors 0 to 2 closed, and uses them for nothing else"""
    for descriptors in ((2,), (0,), (1, 2), (0, 1, 2)):
        with tempfile.TemporaryDirectory(prefix="glint-") as folder:
            path = os.path.join(folder, "socket")
            with tap.started([tap.GLINTD, "--device", "test", "--unix", path, "--debug"],
                             preexec_fn=closed(descriptors)) as process:
                # pylint: disable=cell-var-from-loop
                tap.until(lambda: os.path.exists(path) or process.poll() is not None)
                with tap.connect(path) as sock:
                    sock.sendall(tap.request("GET", "/snapshot").encode())
                    assert tap.Reply(tap.Reader(sock)).status == 200
                for number in descriptors:
                    assert os.readlink(f"/proc/{process.pid}/fd/{number}") == "/dev/null"
                assert tap.end(process) == 0


@tap.test
def test_command_with_closed_descriptors():
    """the command fails when its output is closed, and writes it to no other file"""
    if not os.access(GLINT, os.X_OK):
        raise tap.Skip("glint is not built")
    with tap.Service() as service:
        service.wait_until_live()
        done = subprocess.run([GLINT, "state", "--socket", service.path], check=False,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              preexec_fn=closed((0, 1)), timeout=tap.PATIENCE)
        assert done.returncode == 1 and b"stdout" in done.stderr, done
        done = subprocess.run([GLINT, "state", "--socket", service.path], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              preexec_fn=closed((0, 2)), timeout=tap.PATIENCE)
        assert done.returncode == 0 and b"640x480" in done.stdout, done


@tap.test
def test_no_new_privileges():
    """neither the service nor its child processes can gain privileges"""
    with tap.Service() as service:
        assert status_of(service.process)["NoNewPrivs"] == "1"


@tap.test
def test_parent_death():
    """--exit-on-parent-death still ends the service with its parent"""
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        path = os.path.join(folder, "socket")
        with tap.started(["sh", "-c", '"$@" & wait', "sh", tap.GLINTD, "--device", "test",
                          "--exit-on-parent-death", "--unix", path],
                         stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as parent:
            tap.until(lambda: os.path.exists(path))
            child = os.pidfd_open(tap.listener_of(path))
            try:
                parent.kill()
                parent.wait()
                tap.until(lambda: not os.path.exists(path))
            except BaseException:
                signal.pidfd_send_signal(child, signal.SIGKILL)
                raise
            finally:
                os.close(child)


def wait_for_reading(process):
    """Waits until @process sleeps in a system call."""
    tap.until(lambda: status_of(process)["State"].startswith("S") and process.poll() is None)


@tap.test
def test_config_from_a_pipe():
    """SIGTERM ends the service while it waits for its configuration from a pipe"""
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        for config in (fifo, "/dev/stdin"):
            with tap.started([tap.GLINTD, "--config", config], stdin=subprocess.PIPE,
                             stderr=subprocess.DEVNULL) as process:
                wait_for_reading(process)
                assert tap.end(process) in (0, -signal.SIGTERM)
        assert os.listdir(folder) == ["fifo"]


@tap.test
def test_config_that_is_a_pipe():
    """a configuration can come from a pipe"""
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        path = os.path.join(folder, "socket")
        with tap.started([tap.GLINTD, "--config", "/dev/stdin"], stdin=subprocess.PIPE,
                         stderr=subprocess.DEVNULL) as process:
            process.stdin.write(f"device = test\nunix = '{path}'\n".encode())
            process.stdin.close()
            tap.until(lambda: os.path.exists(path))
            assert tap.end(process) == 0


def log_of(*args):
    with tap.Service(*args) as service:
        service.end()
        return service.log_text()


@tap.test
def test_root():
    """the service warns once when it runs as root"""
    if os.geteuid() != 0:
        raise tap.Skip("not root")
    assert log_of().count("running as root") == 1


@tap.test
def test_open_to_all():
    """the service warns once when it listens on TCP without a login, and not otherwise"""
    tap.needs("NET_TCP")
    word = "without a login"
    assert log_of("--host", "0.0.0.0", "--port", "0").count(word) == 1
    assert log_of("--host", "localhost", "--port", "0").count(word) == 1
    assert log_of().count(word) == 0
    if tap.built_with("NET_AUTH"):
        assert log_of("--host", "0.0.0.0", "--port", "0", "--user", "u", "--passwd",
                      "p").count(word) == 0


tap.main()
