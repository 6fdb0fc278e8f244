#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command "glint events": its lines, its filters and its exit status.

Prints TAP. From the environment: GLINT, GLINTD, BUILD.
"""
import os
import signal
import subprocess

import tap

GLINT = os.environ.get("GLINT", "build/glint")
OK, USAGE, UNREACHABLE, _, NOT_MET = range(5)


def run(service, *arguments):
    return subprocess.run([GLINT, "--socket", service.path, "events", *arguments], text=True,
                          capture_output=True, timeout=tap.PATIENCE, check=False)


def set_quality(service, quality):
    subprocess.run([GLINT, "--socket", service.path, "set", f"quality={quality}"], check=True,
                   timeout=tap.PATIENCE)


@tap.test
def test_lines():
    """each event is a line with its time, its type and its members"""
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        set_quality(service, 44)
        done = run(service, "--all", "--type", "source,settings", "--count", "3")
        assert (done.returncode, done.stderr) == (OK, ""), done
        lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
        assert [len(time) for time, _ in lines] == [12, 12, 12], lines
        assert [" ".join(text.split()) for _, text in lines] == [
            'source online=no reason=opening device=test',
            'source online=yes reason="" device=test',
            'settings generation=1 holds=now quality=44'], lines


@tap.test
def test_json():
    """with --json the lines are the service's, and the last id resumes"""
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        done = run(service, "--json", "--all", "-n", "2")
        events = [tap.json.loads(line) for line in done.stdout.splitlines()]
        assert [event["seq"] for event in events] == [1, 2], events
        done = run(service, "-j", "--last-id", events[0]["id"], "-n", "1")
        assert tap.json.loads(done.stdout) == events[1], done


@tap.test
def test_follow():
    """events are printed as they happen, into a pipe too, until Ctrl-C"""
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        with tap.started([GLINT, "-s", service.path, "events", "-T", "settings"],
                         stdout=subprocess.PIPE, text=True) as follower, follower.stdout:
            service.wait_for(lambda state: state["glint"]["clients"]["followers"] == 1)
            for quality in (51, 52):
                set_quality(service, quality)
                assert f"quality={quality}" in follower.stdout.readline()
            follower.send_signal(signal.SIGINT)
            assert follower.wait(tap.PATIENCE) == OK
            assert follower.stdout.read() == ""


@tap.test
def test_status():
    """nothing in time is 4, a wrong id is 1, and the end of the service is 2"""
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        done = run(service, "--type", "fault", "--within", "0.3")
        assert (done.returncode, done.stdout) == (NOT_MET, ""), done
        assert "no such event" in done.stderr, done
        for id in ("x y", "zzz"):	# pylint: disable=redefined-builtin
            done = run(service, "--last-id", id)
            assert done.returncode == USAGE and id in done.stderr, done
        done = run(service, "--count", "0")
        assert done.returncode == USAGE and "--count" in done.stderr, done
        with tap.started([GLINT, "-s", service.path, "events"], stderr=subprocess.PIPE,
                         text=True) as follower, follower.stderr:
            service.wait_for(lambda state: state["glint"]["clients"]["followers"] == 1)
            service.process.terminate()
            assert follower.wait(tap.PATIENCE) == UNREACHABLE
            assert service.path in follower.stderr.read()


if os.access(GLINT, os.X_OK):
    tap.main()
else:
    print("1..0 # SKIP glint is not built")
