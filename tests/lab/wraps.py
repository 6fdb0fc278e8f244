#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sequence numbers and stamps that wrap, and clocks that jump, under clients and a recording. Prints
TAP; runs in the guest, see cases/wraps.sh."""
import contextlib
import json
import os
import random
import signal
import threading
import time

from recordings import POST_MAX, WRAP, check, ended, record, recording, stop
from vivid import BLACK, WEBCAM, Camera, tap

JUMP_NS = 1_000_000_000_000	# 1000 s


class Viewer(threading.Thread):
    """Reads the stream: no part is offline or older than the one before."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.ended, self.error = server, False, None
        self.first = self.last = None	# sequence numbers
        self.wrapped = False
        self.start()

    def run(self):
        try:
            with tap.Stream(self.server, "?extra_headers=1") as stream:
                before_ns = 0
                while not self.ended:
                    head, _ = stream.part()
                    got_ns = tap.now_ns()
                    assert head["X-UStreamer-Online"] == "true", head
                    captured_ns = int(head["X-Glint-Timestamp-Ns"])
                    assert before_ns < captured_ns <= got_ns, (before_ns, head, got_ns)
                    before_ns = captured_ns
                    self.see(int(head["X-Glint-Sequence"]))
        except Exception as error:  # noqa: B902 - is shown by the test
            self.error = error

    def see(self, sequence):
        if self.last is not None:
            assert 0 < (sequence - self.last) % WRAP < WRAP // 2, (self.last, sequence)
            self.wrapped |= sequence < self.last
        else:
            self.first = sequence
        self.last = sequence

    def end(self):
        self.ended = True
        self.join()
        assert self.error is None, self.error


class Asker(threading.Thread):
    """One request after another for a snapshot of from now on, with the frames missing since the last."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.ended, self.error, self.last = server, False, None, None
        self.start()

    def ask(self):
        asked_ns = tap.now_ns()
        since = "" if self.last is None else f"&since={self.last}"
        reply = self.server.get(f"/snapshot?after=now{since}")
        got_ns = tap.now_ns()
        assert reply.status == 200, (reply, reply.body[:300])
        sequence = int(reply.header("X-Glint-Sequence"))
        assert asked_ns <= int(reply.header("X-Glint-Complete-Ns")) <= got_ns, (asked_ns, reply)
        if self.last is not None:
            missing = sum(int(reply.header(f"X-Glint-Since-{name}"))
                          for name in ("Dropped", "Corrupt", "Skipped"))
            assert missing == max((sequence - self.last) % WRAP - 1, 0), (self.last, reply)
        self.last = sequence

    def run(self):
        try:
            while not self.ended:
                self.ask()
        except Exception as error:  # noqa: B902 - is shown by the test
            self.error = error

    end = Viewer.end


@contextlib.contextmanager
def waiting(camera, server):
    """A request that waits for a black picture all the time, and then gets one."""
    with server.connect() as sock:
        sock.sendall(tap.request("GET", "/wait?for=black&timeout=1000").encode())
        server.wait_for(lambda state: state["glint"]["waits"]["pending"] == 1)
        yield
        asked_ns = tap.now_ns()
        camera.set("test_pattern", BLACK)
        reply = tap.Reply(tap.Reader(sock))
        assert reply.status == 200, (reply, reply.body)
        decided = json.loads(reply.body)["result"]["conditions"][0]["decided"]
        assert asked_ns <= decided["complete_ns"] <= tap.now_ns(), (asked_ns, decided)


@contextlib.contextmanager
def clients(camera, server):
    viewer, asker = Viewer(server), Asker(server)
    with waiting(camera, server):
        tap.until(lambda: viewer.first is not None and asker.last is not None)
        yield viewer
    for client in viewer, asker:
        client.end()


@contextlib.contextmanager
def recorded(wraps=()):
    """A recording under clients from before the wrap, or jump, until after it."""
    camera = Camera(WEBCAM)
    for name, value in wraps:
        camera.set(name, value)
    try:
        with recording(WEBCAM, "--capture-fps", "30") as (camera, server):
            with clients(camera, server) as viewer:
                record(server, f"pre=5&post={POST_MAX}&name=all")
                yield camera, server, viewer
                stop(server, "all")
            result = ended(server, "all")
            rows = check(server.clips, "all", 640, 360)
            assert result["frames"] == len(rows) and result["lost"] == 0, result
            server.rows = rows
    finally:
        for name, _ in wraps:
            camera.set(name, 0)


@tap.test
def test_sequence():
    """numbers that begin again at 0 after the largest are one after another, with those that drop"""
    with recorded(wraps=(("wrap_sequence_number", 1),)) as (camera, server, viewer):
        assert viewer.first > WRAP // 2, viewer.first
        camera.set("percentage_of_dropped_buffers", 30)
        tap.until(lambda: viewer.wrapped or viewer.error)
        camera.set("percentage_of_dropped_buffers", 0)
    numbers = [row["seq"] for row in server.rows]
    assert numbers[0] > WRAP // 2 > numbers[-1], numbers


def stamps(kind):
    """They are refused before and after the wrap; each frame has the time of its DQBUF."""
    with recorded(wraps=(("wrap_timestamp", kind),)) as (_, server, viewer):
        end, first = time.monotonic() + 20, viewer.last
        tap.until(lambda: time.monotonic() > end or viewer.error)
        assert viewer.last > first + 20, (first, viewer.last)
        assert server.state()["glint"]["ledger"]["corrupt"] == 0


@tap.test
def test_stamps_of_64_bits():
    """stamps at the end of 64 bits are not believed, and nothing else changes"""
    stamps(1)


@tap.test
def test_stamps_of_32_bits():
    """likewise stamps at the end of 32 bits of seconds"""
    stamps(2)


@tap.test
def test_clock():
    """a service that did not run for a while, as in a suspend, and another time of day"""
    choose = random.Random(1)
    with recorded() as (_, server, viewer):
        for jump_ns in JUMP_NS, -2 * JUMP_NS, JUMP_NS:
            before, last = server.state()["glint"]["ledger"], viewer.last
            os.kill(server.process.pid, signal.SIGSTOP)
            time.sleep(1 + choose.random())
            time.clock_settime_ns(time.CLOCK_REALTIME, time.time_ns() + jump_ns)
            os.kill(server.process.pid, signal.SIGCONT)
            tap.until(lambda last=last: viewer.last > last + 20 or viewer.error)
            ledger = server.state()["glint"]["ledger"]
            assert ledger["unaccounted"] == 0, ledger
            assert ledger["driver_dropped"] > before["driver_dropped"], (before, ledger)
            reply = server.get("/snapshot?after=now")
            offset_ns = time.time_ns() - tap.now_ns()
            shown_ns = (int(reply.header("X-Glint-Realtime-Ns")) -
                        int(reply.header("X-Glint-Complete-Ns")))
            assert abs(shown_ns - offset_ns) < tap.PATIENCE * 1e9, (reply, offset_ns)
            assert abs(float(reply.header("X-Timestamp")) - time.time()) < tap.PATIENCE, reply


tap.main()
