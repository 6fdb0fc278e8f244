#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What "make run" starts, prints and leaves behind. Prints TAP.

From the environment: GLINTD, GLINT, BUILD.
"""
import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import urllib.request

import tap

RUN = os.path.join(os.path.dirname(__file__), "../../scripts/run")
ENVIRONMENT = {**os.environ, "O": os.path.abspath(tap.BUILD)}


@contextlib.contextmanager
def running(*args, **environment):
    """Runs scripts/run; yields its process and a function that returns its output so far."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([RUN, *args], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**ENVIRONMENT, **environment})

        def said():
            return os.pread(log.fileno(), 1 << 20, 0).decode()

        try:
            yield process, said
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(tap.PATIENCE)


def failed(*args):
    """Returns the output of a scripts/run that cannot start the service."""
    done = subprocess.run([RUN, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=tap.PATIENCE, env=ENVIRONMENT,
                          text=True, check=False)
    assert done.returncode == 1, done
    return done.stdout


@tap.test
def test_what_it_says_works():
    """make run prints the addresses of its arguments, and a service answers there"""
    tap.needs("NET_TCP")
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        path = os.path.join(folder, "s")
        with running("--device", "test", f"--unix={path}", "-p", "0") as (process, said):
            text = tap.until(lambda: "Ctrl-C stops." in said() and said())
            url = re.search(r"^Watch +(http://127\.0\.0\.1:\d+)/$", text, re.M)[1]
            assert "8080" not in text
            assert text.index("listening on ") < text.index(url)
            with urllib.request.urlopen(f"{url}/state", timeout=tap.PATIENCE) as reply:
                assert reply.status == 200
            for word in ("Snapshot", "Socket", "Command"):
                command = re.search(rf"^{word} +(.*)$", text, re.M)
                if command is None:
                    assert word == "Command" and not tap.built_with("TOOL_GLINT")
                    continue
                done = subprocess.run(command[1], shell=True, cwd=folder, timeout=tap.PATIENCE,
                                      capture_output=True, check=False)
                assert done.returncode == 0, done
            with open(os.path.join(folder, "screen.jpg"), "rb") as file:
                tap.jpeg_size(file.read())
            process.terminate()
            assert process.wait(tap.PATIENCE) == 0
            assert not os.path.exists(path)


@tap.test
def test_who_has_the_port():
    """for a port in use, make run names the process that has it and how to choose another port"""
    tap.needs("NET_TCP")
    with tempfile.TemporaryDirectory(prefix="glint-") as folder, \
            socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said = failed("--device", "test", "--unix", f"{folder}/s", "--port", str(port))
        assert f"Port {port} is in use by process {os.getpid()} (" in said, said
        assert 'RUN_ARGS="--port ' in said, said
        assert "Watch" not in said, said
        assert os.listdir(folder) == []


@tap.test
def test_twice():
    """a second make run on the same socket names the process that has it, and the first goes on"""
    tap.needs("NET_TCP")
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        args = ["--device", "test", "--unix", os.path.join(folder, "s"), "--port", "0"]
        with running(*args) as (process, said):
            tap.until(lambda: "Ctrl-C stops." in said())
            second = failed(*args)
            assert re.search(r"process \d+ \(glintd\) listens there", second), second
            assert process.poll() is None
            tap.connect(os.path.join(folder, "s")).close()


# Runs in a private /dev with a camera that only root may open.
FORBIDDEN = """
mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && ln -s /proc/self/fd /dev/fd &&
mknod -m $1 /dev/video0 c 81 0 && chgrp $2 /dev/video0 || exit 99
shift 2
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
"""


def as_nobody(mode, group, *command):
    done = subprocess.run(["unshare", "--mount", "sh", "-c", FORBIDDEN, "-", mode, group, *command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=tap.PATIENCE, text=True, check=False)
    if done.returncode == 99 or "unshare failed" in done.stdout:
        raise tap.Skip("no /dev of its own can be had here")
    return done.returncode, done.stdout


@tap.test
def test_no_permission():
    """for a forbidden camera, make run names the group to join and shows no test pattern"""
    tap.needs("TOOL_GLINT")
    if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("unshare"):
        raise tap.Skip("needs root, setpriv and unshare")
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        os.chmod(folder, 0o755)
        for name, path in (("run", RUN), ("glint", os.environ.get("GLINT", "build/glint")),
                           ("glintd", tap.GLINTD)):
            shutil.copy(path, os.path.join(folder, name))
        for mode, group in (("600", "root"), ("660", "video")):
            code, said = as_nobody(mode, group, os.path.join(folder, "glint"), "devices")
            assert code == 2, said
            assert "Permission denied" in said and "usermod -aG video $USER" in said, said
            assert "plugged in" not in said, said
            code, said = as_nobody(mode, group, "env", f"O={folder}", os.path.join(folder, "run"))
            assert code == 1, said
            assert "/dev/video0: Permission denied" in said, said
            assert "usermod -aG video $USER" in said and "log in again" in said, said
            assert "pattern" not in said.replace("The test pattern instead", ""), said
            assert "listening" not in said, said


tap.main()
