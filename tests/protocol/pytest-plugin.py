#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pytest plugin and the Robot Framework library, used as a tester uses them.

Prints TAP. From the environment: GLINTD, BUILD. The plugin needs pytest (python3-pytest).
"""
import functools
import json
import os
import subprocess
import sys
import tempfile

import tap

PYTHON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../python")

TESTS = '''
def test_good(screen):
    mark = screen.mark()
    verdict = screen.wait("change", since=mark, timeout=60)
    assert verdict.met and verdict.decided.seq > 0
    assert screen.snapshot(after=mark).receipt.live

def test_bad(screen):
    screen.snapshot()
    screen.glint.configure(quality=41)
    screen.wait("black", timeout=0.2)

def test_of_something_else():
    assert False
'''


@functools.lru_cache
def interpreter():
    """A python3 that has pytest."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import pytest"], capture_output=True,
                          check=False).returncode == 0:
            return python
    return None


def run_pytest(folder, tests, *arguments):
    if not interpreter():
        raise tap.Skip("no pytest: apt-get install python3-pytest")
    with open(os.path.join(folder, "test_it.py"), "w", encoding="utf-8") as file:
        file.write(tests)
    return subprocess.run([interpreter(), "-B", "-m", "pytest", "-p", "no:cacheprovider",
                           "--rootdir", folder, "-p", "pytest_glint", *arguments], cwd=folder, text=True,
                          env={**os.environ, "PYTHONPATH": PYTHON}, capture_output=True,
                          timeout=tap.PATIENCE, check=False)


@tap.test
def test_failure():
    """a test that fails has its receipt, its events and its pictures in the report"""
    tap.needs("ENCODE_CPU")
    tap.needs("JUDGE")
    with tap.Service("--resolution", "320x240") as service, \
            tempfile.TemporaryDirectory() as folder:
        service.wait_until_live()
        done = run_pytest(folder, TESTS, "--glint", service.path, "--glint-artifacts", "out")
        assert done.returncode == 1 and "2 failed, 1 passed" in done.stdout, done.stdout
        for title in ("glint receipt", "glint events", "glint picture"):
            assert done.stdout.count(f" {title} ") == 1, (title, done.stdout)
        assert '"changed": {"quality": 41}' in done.stdout, done.stdout
        assert os.listdir(os.path.join(folder, "out")) == ["test_it.py_test_bad"]
        kept = os.path.join(folder, "out", "test_it.py_test_bad")
        assert sorted(os.listdir(kept)) == ["events.jsonl", "failure.jpg", "last.jpg",
                                            "receipt.json"]
        for name in ("failure.jpg", "last.jpg"):
            with open(os.path.join(kept, name), "rb") as file:
                assert tap.jpeg_size(file.read()) == (320, 240)
        with open(os.path.join(kept, "receipt.json"), encoding="utf-8") as file:
            facts = json.load(file)
        assert facts["failure"]["seq"] > facts["last"]["receipt"]["seq"], facts
        assert facts["last"]["verdict"]["for"] == "black", facts
        with open(os.path.join(kept, "events.jsonl"), encoding="utf-8") as file:
            assert "settings" in [json.loads(line)["type"] for line in file]


@tap.test
def test_compare():
    """a screen that differs from its reference fails with the number of pixels and where"""
    tap.needs("PIXELS_PNG")
    tests = '''
REGION = "32x16+0+0"

def test_same(screen):
    screen.snapshot(format="png", crop=REGION).save("same.png")
    screen.compare("same.png", region=REGION)

def test_other(screen):
    data = screen.snapshot(format="ppm", crop=REGION).data
    screen.compare(data[:-3] + bytes(255 - byte for byte in data[-3:]), region=REGION)
'''
    with tap.Service("--resolution", "320x240") as service, \
            tempfile.TemporaryDirectory() as folder:
        service.wait_until_live()
        done = run_pytest(folder, tests, "--glint", service.path, "--glint-artifacts", "out")
        assert "1 failed, 1 passed" in done.stdout, done.stdout
        assert "1 of 512 pixels differ from the reference, within 1x1+31+15" in done.stdout, done
        assert "last.ppm" in os.listdir(os.path.join(folder, "out", "test_it.py_test_other"))


@tap.test
def test_no_service():
    """without a service the test that needs one is an error, and the others run"""
    with tempfile.TemporaryDirectory() as folder:
        done = run_pytest(folder, TESTS, "--glint", "/nowhere/glint.sock")
        assert "1 failed, 2 errors" in done.stdout, done.stdout
        assert "/nowhere/glint.sock: No such file or directory" in done.stdout, done.stdout


@tap.test
def test_service_dies():
    """a service that ends during a test does not hide the failure of the test"""
    tests = '''
import os, signal
def test_end(screen):
    os.kill(int(os.environ["GLINT_PID"]), signal.SIGKILL)
    assert 1 == 2, "the real reason"
'''
    with tap.Service("--resolution", "320x240") as service, \
            tempfile.TemporaryDirectory() as folder:
        service.wait_until_live()
        os.environ["GLINT_PID"] = str(service.process.pid)
        done = run_pytest(folder, tests, "--glint", service.path)
        os.unlink(service.path)
    assert "the real reason" in done.stdout, done.stdout
    assert "nothing can be attached" in done.stdout, done.stdout
    assert "1 failed" in done.stdout and "INTERNALERROR" not in done.stdout, done.stdout


KEYWORDS = (("Screen Should Be Live",),
            ("${mark}=", "Mark", "before", "keep=60"),
            ("Wait For Screen", "change", "since=${mark}", "timeout=60"),
            ("Wait For Screen", "nonblack", "scale=1/8", "timeout=60"),
            ("Save Snapshot", "%s", "after=${mark}"))


def run_robot(python, folder, service, picture):
    """Runs the keywords as a suite of Robot Framework."""
    suite = os.path.join(folder, "screen.robot")
    lines = ["    ".join(("", *words)) for words in KEYWORDS]
    with open(suite, "w", encoding="utf-8") as file:
        file.write(f"*** Settings ***\nLibrary    GlintLibrary    {service.path}\n"
                   "*** Test Cases ***\nThe Screen Is Seen\n" + "\n".join(lines) % picture + "\n")
    done = subprocess.run([python, "-m", "robot", "--pythonpath", PYTHON, "--outputdir", folder, suite],
                          capture_output=True, text=True, timeout=10 * tap.PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def call_as_robot(service, picture):
    """Calls the keywords as Robot Framework does: by their names in small letters, with texts."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, PYTHON)
    import GlintLibrary  # pylint: disable=import-outside-toplevel,import-error
    library, mark = GlintLibrary.GlintLibrary(service.path), None
    for words in KEYWORDS:
        words = [picture if word == "%s" else word for word in words if word != "${mark}="]
        texts = [word for word in words[1:] if "=" not in word]
        named = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        named = {name: mark if value == "${mark}" else value for name, value in named.items()}
        result = getattr(library, words[0].lower().replace(" ", "_"))(*texts, **named)
        mark = result if words[0] == "Mark" else mark
        assert not words[0].startswith("Wait") or result.met
        assert not words[0].startswith("Save") or result.exposure_ns >= mark.time_ns, result


@tap.test
def test_robot():
    """the keywords of the Robot Framework library wait, mark and save"""
    tap.needs("ENCODE_CPU")
    tap.needs("JUDGE")
    robot = next((python for python in (sys.executable, "/usr/bin/python3")
                  if subprocess.run([python, "-c", "import robot"], capture_output=True,
                                    check=False).returncode == 0), None)
    with tap.Service("--resolution", "320x240") as service, \
            tempfile.TemporaryDirectory() as folder:
        service.wait_until_live()
        picture = os.path.join(folder, "a.jpg")
        if robot:
            run_robot(robot, folder, service, picture)
        else:
            print("# Robot Framework is not installed, and Debian has no package of it: "
                  "the library is called without it")
            call_as_robot(service, picture)
        with open(picture, "rb") as file:
            assert tap.jpeg_size(file.read()) == (320, 240)


tap.main()
