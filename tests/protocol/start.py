#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The socket's path appears only when it accepts connections.

Prints TAP. From the environment: GLINTD, BUILD; GLINT_SEED repeats a run, RACES and KILLS set the
number of repetitions of those tests.
"""
import contextlib
import json
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time

import tap

STARTS = 20 if tap.is_sanitized() else 200
RACES = int(os.environ.get("RACES", 8 if tap.is_sanitized() else 40))
RACES_AT_ONCE = 8
KILLS = int(os.environ.get("KILLS", 20 if tap.is_sanitized() else 200))
NOBODY = 65534
SEED = int(os.environ.get("GLINT_SEED", random.SystemRandom().randrange(1 << 32)))

print(f"# GLINT_SEED={SEED}")
chance = random.Random(SEED)


def start(path, *args, log=subprocess.DEVNULL):
    return subprocess.Popen([tap.GLINTD, "--device", tap.MISSING, "--unix", path, *args],
                            stdin=subprocess.DEVNULL, stderr=log)


def loser(path, *args):
    """Returns the log of a service that ended because it could not have @path."""
    done = subprocess.run([tap.GLINTD, "--device", tap.MISSING, "--unix", path, *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=tap.PATIENCE, check=False)
    assert done.returncode == 1, done
    return done.stderr


def make_stale(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)


@tap.test
def test_never_refused():
    """in many starts, each connection made as soon as the path exists gets a valid state"""
    for number in range(STARTS):
        device = ("test", tap.MISSING)[number % 2]
        with tap.Service(device=device) as service:
            state = service.state()
            assert state["source"]["resolution"]["width"] > 0
            assert state["glint"]["ledger"]["unaccounted"] == 0


@tap.test
def test_stale_socket_is_replaced():
    """a socket left behind by a dead service is replaced"""
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
            tap.end(second)


def answers(path):
    try:
        with tap.connect(path) as sock:
            sock.sendall(tap.request("GET", "/state").encode())
            return json.loads(tap.Reply(tap.Reader(sock)).body)["ok"]
    except (ConnectionError, EOFError, FileNotFoundError):
        return False	# the stale socket: closed, or about to be


@tap.test
def test_living_socket_is_not_replaced():
    """a second service on a path names the process that has it and ends, even with --unix-rm"""
    with tap.Service(device=tap.MISSING) as service:
        for args in ([], ["--unix-rm"], ["--unix-rm", "--unix-mode", "600"]):
            said = loser(service.path, *args)
            assert service.path in said, said
            assert f"process {service.process.pid} (glintd)" in said, said
            assert tap.listener_of(service.path) == service.process.pid
        service.state()
        assert sorted(os.listdir(service.dir)) == ["log", "socket"]


@tap.test
def test_busy_port_leaves_the_path_alone():
    """a second service that finds the port in use does not touch the path"""
    tap.needs("NET_TCP")
    with tempfile.TemporaryDirectory(prefix="glint-") as folder, \
            socket.create_server(("127.0.0.1", 0)) as server:
        path = os.path.join(folder, "socket")
        make_stale(path)
        before = os.stat(path)
        said = loser(path, "--unix-rm", "--host", "127.0.0.1", "--port",
                     str(server.getsockname()[1]))
        assert f"port {server.getsockname()[1]} is in use" in said and "--port" in said, said
        assert os.stat(path) == before
        assert os.listdir(folder) == ["socket"]


def race(paths):
    """Starts two services on each stale path at once; returns (path, both, their logs)."""
    pairs = [(path, [], []) for path in paths]
    for path, pair, logs in pairs:
        for number in range(2):
            # pylint: disable-next=consider-using-with
            log = open(f"{path}.log{number}", "w+", encoding="utf-8")
            logs.append(log)
            pair.append(start(path, log=log))
            time.sleep(chance.random() * 0.001)	# varies the moment; nothing is awaited
    return pairs


def judge_race(path, pair, logs):
    """Asserts that one service of @pair has the path and that the other names it."""
    tap.until(lambda: any(process.poll() is not None for process in pair))
    tap.until(lambda: answers(path))
    codes = [process.poll() for process in pair]
    assert sorted(codes, key=str) == [1, None], codes
    winner = codes.index(None)
    assert tap.listener_of(path) == pair[winner].pid
    logs[1 - winner].seek(0)
    said = logs[1 - winner].read()
    assert f"process {pair[winner].pid} (glintd)" in said or "is starting there" in said, said


@tap.test
def test_race_for_a_stale_socket():
    """of two services that start at the same time on a stale socket, exactly one goes on"""
    for first in range(0, RACES, RACES_AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="glint-") as folder:
            paths = [os.path.join(folder, str(first + number))
                     for number in range(min(RACES_AT_ONCE, RACES - first))]
            for path in paths:
                make_stale(path)
            pairs = race(paths)
            try:
                for path, pair, logs in pairs:
                    judge_race(path, pair, logs)
            finally:
                for _, pair, logs in pairs:
                    for process, log in zip(pair, logs):
                        tap.end(process)
                        log.close()
            left = [name for name in os.listdir(folder) if ".log" not in name]
            assert left == [], left


@tap.test
def test_what_a_killed_start_leaves_is_cleared():
    """a start removes the files of a service that was killed during its own start"""
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        path = os.path.join(folder, "socket")
        for number in range(KILLS):
            process = start(path)
            if number % 2:
                tap.until(lambda: os.listdir(folder))
            else:
                time.sleep(chance.random() * 0.01)	# varies the moment; nothing is awaited
            process.kill()
            process.wait()
        # Make both files, in case no kill has left them.
        make_stale(os.path.join(folder, ".socket.new"))
        with open(os.path.join(folder, ".socket.lock"), "w", encoding="utf-8"):
            pass
        process = start(path)
        tap.until(lambda: answers(path) or process.poll() is not None)
        assert os.listdir(folder) == ["socket"], os.listdir(folder)
        assert tap.end(process) == 0
        assert os.listdir(folder) == [], os.listdir(folder)


@tap.test
def test_files_of_others_are_not_cleared():
    """files under the temporary names that no service has made are left"""
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        path = os.path.join(folder, "socket")
        new = os.path.join(folder, ".socket.new")
        with open(new, "w", encoding="utf-8"):
            pass
        assert ".new" in loser(path)
        assert os.listdir(folder) == [".socket.new"]
        os.unlink(new)
        os.symlink("elsewhere", os.path.join(folder, ".socket.lock"))
        loser(path)
        assert os.listdir(folder) == [".socket.lock"]


SWAP = """
import os, sys
folder, target = sys.argv[1:]
os.setgid(65534); os.setuid(65534); os.chdir(folder)
print("ready", flush=True)
while os.path.exists("go"):
    for name in os.listdir("."):
        if name[0] == "." and name[-4:] != "lock":
            try:
                os.rename(name, "taken")
                os.symlink(target, name)
                os.unlink("taken")
            except OSError:
                pass
"""


@tap.test
def test_no_link_is_followed_in_the_folder_of_another_user():
    """in a folder whose owner swaps the socket for a link, only the socket's mode is set"""
    if os.geteuid() != 0:
        raise tap.Skip("only root serves in the folders of other users")
    with tempfile.TemporaryDirectory(prefix="glint-") as top:
        os.chmod(top, 0o755)
        folder, target = os.path.join(top, "theirs"), os.path.join(top, "target")
        os.mkdir(folder)
        for path in (target, os.path.join(folder, "go")):
            with open(path, "w", encoding="utf-8"):
                pass
        os.chmod(target, 0o600)
        os.chown(folder, NOBODY, NOBODY)
        with subprocess.Popen([sys.executable, "-c", SWAP, folder, target],
                              stdout=subprocess.PIPE) as swapper:
            try:
                swapper.stdout.readline()
                path = os.path.join(folder, "socket")
                for _ in range(2 * KILLS):
                    process = start(path, "--unix-mode", "666")
                    tap.until(lambda: os.path.lexists(path) or process.poll() is not None)	# pylint: disable=cell-var-from-loop
                    tap.end(process)
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(path)
                    assert stat.S_IMODE(os.stat(target).st_mode) == 0o600
            finally:
                os.unlink(os.path.join(folder, "go"))
                swapper.wait(tap.PATIENCE)


@tap.test
def test_unix_rm_and_mode():
    """--unix-rm replaces a file, and the socket has --unix-mode from the beginning"""
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
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o606
            assert answers(path)
        finally:
            assert tap.end(second) == 0


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


# --- Sockets of systemd -------------------------------------------------------------------


@tap.test
def test_passed_socket_is_used_and_left():
    """a socket passed by systemd for the same path is used by three services in turn, and stays"""
    tap.needs("SYSTEMD")
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        path = os.path.join(folder, "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(8)
            before = os.stat(path).st_ino
            for _ in range(3):
                # Like systemd: the descriptor is number 3, and the variables name the process.
                command = 'exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
                process = subprocess.Popen(["sh", "-c", command, "-", tap.GLINTD, "--device", "test",
                                            "--systemd", "--unix", path], stdin=listener,
                                           stderr=subprocess.DEVNULL)
                try:
                    assert answers(path)
                finally:
                    assert tap.end(process) == 0
                assert os.stat(path).st_ino == before
            assert os.listdir(folder) == ["socket"]


@tap.test
def test_socket_activation():
    """a service started by systemd-socket-activate answers the connection that started it"""
    tap.needs("SYSTEMD")
    if not shutil.which("systemd-socket-activate"):
        raise tap.Skip("systemd-socket-activate is not installed")
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        path = os.path.join(folder, "socket")
        for _ in range(3):
            process = subprocess.Popen(["systemd-socket-activate", "-l", path, tap.GLINTD,
                                        "--device", "test", "--systemd", "--unix", path],
                                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                tap.until(lambda: os.path.exists(path))
                before = os.stat(path).st_ino
                tap.until(lambda: answers(path))
            finally:
                assert tap.end(process) == 0
            assert os.stat(path).st_ino == before
            os.unlink(path)


@tap.test
def test_failures_are_told():
    """an address that cannot be listened on gives one line with its name, and status 1"""
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
