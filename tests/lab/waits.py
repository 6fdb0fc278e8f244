#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""/wait on vivid, a webcam and an HDMI input. Prints TAP; runs in the guest, see cases/waits.sh.

What each frame really shows is taken from snapshots, which have its number and exact pixels.
"""
import contextlib
import json
import os
import subprocess
import threading
import time
import zlib

from vivid import (BARS, BLACK, END_OF_FRAME, HDMI, LEFT_FAST, NO_SIGNAL, P480_59, P600_60,
                   SELECTED, STANDING, START_OF_EXPOSURE, WEBCAM, WHITE, Camera, service, tap)

RANGES = {"full": 1, "limited": 2}	# items of vivid's menu
ATTEMPTS = 50	# on a busy host the snapshots or the judge miss a frame


class Frames(threading.Thread):
    """What frames really show: two lines of the picture, by the number of the frame."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.seen, self.last, self.ended = {}, -1, False
        self.server = server
        width = server.state()["source"]["resolution"]["width"]
        self.query = f"/snapshot?format=pgm&crop={width}x2+0+100"
        self.start()

    def run(self):
        with contextlib.suppress(OSError, EOFError), self.server.connect() as sock:
            reader = tap.Reader(sock)
            while not self.ended:
                sock.sendall(tap.request("GET", self.query).encode())
                reply = tap.Reply(reader)
                if reply.status == 200:
                    number = int(reply.header("X-Glint-Sequence"))
                    if number == self.last:
                        time.sleep(0.005)	# computing takes no time here
                        continue
                    self.seen[number] = (zlib.crc32(reply.body), reply.body[-100])
                    self.last = number

    def until(self, number):
        tap.until(lambda: self.last >= number or not self.is_alive())

    def switch_at(self, verdict, number, begin, old):
        """Asserts that from the frame @begin to the deciding one old(look) is true before @number
        and false from there on, but for frames that are told as missed. Whether the frames at
        both sides of the switch were seen, and none was missed."""
        end = verdict["decided"]["seq"]
        self.until(end)
        looks = {at: old(look) for at, look in dict(self.seen).items() if begin <= at <= end}
        assert not any(looks[at] for at in looks if at >= number), (looks, verdict)
        early = [at for at in looks if at < number and not looks[at]]
        assert len(early) <= verdict["frames_missed"], (early, verdict)
        return verdict["frames_missed"] == 0 and {number - 1, number} <= set(looks)

    def close(self):
        self.ended = True
        self.join()


@contextlib.contextmanager
def watched(server):
    frames = Frames(server)
    tap.until(lambda: frames.last > 0)
    try:
        yield frames
    finally:
        frames.close()


class Wait:
    """A wait under way: the service has it, and has judged two frames for it."""

    def __init__(self, server, query, looks=True, picture=None):
        before = server.state()["glint"]["waits"]
        self.sock = server.connect()
        path = f"/wait?timeout=1000&{query}"
        if picture is None:
            self.sock.sendall(tap.request("GET", path).encode())
        else:
            self.sock.sendall((f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
                               f"Content-Length: {len(picture)}\r\n\r\n").encode() + picture)
        server.wait_for(lambda state: state["glint"]["waits"]["begun"] > before["begun"] and
                        (not looks or state["glint"]["waits"]["frames_judged"] >=
                         before["frames_judged"] + 3))

    def answer(self, status=200):
        with self.sock:
            reply = tap.Reply(tap.Reader(self.sock))
        assert reply.status == status, (reply, reply.body)
        return json.loads(reply.body)["result"]

    def verdict(self, status=200):
        return self.answer(status)["conditions"][0]


@contextlib.contextmanager
def live(path, *args):
    camera = Camera(path)
    camera.defaults()
    camera.set("quantization", 0)
    if path == HDMI:
        camera.set("dv_timings_signal_mode", SELECTED)
        camera.set("dv_timings", P480_59)
    with service(camera, *args) as server:
        server.wait_until_live()
        yield camera, server
        server.wait_for(lambda state: state["glint"]["waits"]["pending"] == 0 and
                        state["glint"]["waits"]["bytes"] == 0)
        assert server.state()["glint"]["ledger"]["unaccounted"] == 0


def webcam(form="YUYV"):
    return live(WEBCAM, "--resolution", "320x180", "--format", form)


def is_whole(verdict, begin):
    """Every number from @begin to the deciding frame was judged or is told as missed."""
    assert verdict["frames_seen"] + verdict["frames_missed"] == \
        verdict["decided"]["seq"] - begin, verdict


# --- Conditions: each returns whether the frames around the deciding one were seen ---------


def check_change(camera, server, frames):
    camera.set("test_pattern", WHITE)
    wait = Wait(server, "for=change&region=200x100+40+40")
    asked_ns = tap.now_ns()
    camera.set("test_pattern", BLACK)
    found = wait.verdict()
    assert found["score"] == 200 * 100, found
    assert found["box"] == {"x": 40, "y": 40, "width": 200, "height": 100}, found
    assert found["first"] == found["decided"], found
    assert found["decided"]["complete_ns"] >= asked_ns, found
    assert found["decided"]["clock"] == camera.clock, found
    is_whole(found, found["reference"]["seq"])
    number = found["decided"]["seq"]
    return frames.switch_at(found, number, found["reference"]["seq"], lambda look: look[1] > 128)


def check_metrics(camera, server, frames):
    exact = True
    for metric in ("stbt", "psnr"):
        camera.set("test_pattern", WHITE)
        wait = Wait(server, f"for=change&metric={metric}")
        camera.set("test_pattern", BLACK)
        found = wait.verdict()
        assert metric == "stbt" or found["score"] < 1, found
        is_whole(found, found["reference"]["seq"])
        number = found["decided"]["seq"]
        exact &= frames.switch_at(found, number, found["reference"]["seq"],
                                  lambda look: look[1] > 128)
    return exact


def check_match(camera, server, frames):
    """A part of the bars, which is sought near the place where it is."""
    camera.set("test_pattern", BARS)
    Wait(server, "for=still&stable=100ms", looks=False).answer()
    part = server.get("/snapshot?format=png&crop=101x30+33+95&after=now").body
    frames.until(frames.last + 1)
    bars = frames.seen[frames.last]
    camera.set("test_pattern", WHITE)
    Wait(server, "for=hash&region=8x8+200+100&differs=1&hash=" + 32 * "0", looks=False).answer()
    Wait(server, "for=still&stable=100ms", looks=False).answer()
    wait = Wait(server, "for=match&at=36+93&margin=4", picture=part)
    begin = frames.last
    camera.set("test_pattern", BARS)
    found = wait.verdict()
    assert found["score"] > 0.99, found
    # The bars are the same in each line: of equal places, the nearest one counts.
    assert found["box"] == {"x": 33, "y": 93, "width": 101, "height": 30}, found
    number = found["decided"]["seq"]
    return frames.switch_at(found, number, begin, lambda look: look != bars)


def check_black(camera, server, frames):
    camera.set("test_pattern", WHITE)
    wait = Wait(server, "for=black")
    begin = frames.last
    camera.set("test_pattern", BLACK)
    found = wait.verdict()
    assert found["score"] <= 1 and found["first"] == found["decided"], found	# vivid rounds
    number = found["decided"]["seq"]
    exact = frames.switch_at(found, number, begin, lambda look: look[1] > 128)
    wait = Wait(server, "for=nonblack&region=8x8+100+100")
    begin = frames.last
    camera.set("test_pattern", WHITE)
    found = wait.verdict()
    assert found["score"] >= 250, found
    number = found["decided"]["seq"]
    return frames.switch_at(found, number, begin, lambda look: look[1] < 128) and exact


def check_hash(camera, server, frames):
    camera.set("test_pattern", WHITE)
    Wait(server, "for=nonblack", looks=False).answer()
    value = json.loads(server.get("/hash").body)["result"]["xxh3_128"]
    wait = Wait(server, f"for=hash&hash={value}&differs=1")
    begin = frames.last
    camera.set("test_pattern", BARS)
    found = wait.verdict()
    number, white = found["decided"]["seq"], frames.seen[begin]
    exact = frames.switch_at(found, number, begin, lambda look: look == white)
    assert json.loads(server.get("/hash").body)["result"]["xxh3_128"] == found["hash"] != value
    return exact


def check_movement(camera, server, frames):
    """motion names the first frame that has moved, still the first one that stands."""
    camera.set("test_pattern", BARS)
    Wait(server, "for=still&stable=100ms", looks=False).answer()
    wait = Wait(server, "for=motion&frames=3/5")
    begin = frames.last
    standing = frames.seen[begin]
    camera.set("horizontal_movement", LEFT_FAST)
    found = wait.verdict()
    assert found["decided"]["seq"] >= found["first"]["seq"] + 2, found
    number = found["first"]["seq"]
    exact = frames.switch_at(found, number, begin, lambda look: look == standing)

    wait = Wait(server, "for=still&stable=200ms")
    begin = frames.last
    camera.set("horizontal_movement", STANDING)
    found = wait.verdict()
    number = found["first"]["seq"]
    assert found["decided"]["complete_ns"] - found["first"]["complete_ns"] >= 200_000_000, found
    frames.until(found["decided"]["seq"])
    standing = frames.seen[frames.last]
    return frames.switch_at(found, number, begin, lambda look: look != standing) and exact


def check_transition(camera, server, frames):
    camera.set("test_pattern", WHITE)
    wait = Wait(server, "for=transition&stable=200ms")
    camera.set("test_pattern", BLACK)
    answer = wait.answer()
    found = answer["conditions"][0]
    assert found["status"] == "complete", found
    times = found["transition"]
    number = times["first_change"]["seq"]
    assert times["press"]["seq"] < number == times["first_still"]["seq"], found
    assert times["total_ns"] == times["start_ns"] + times["settle_ns"], found
    assert times["start_ns"] == times["first_change"]["complete_ns"] - answer["since_ns"], found
    is_whole(found, times["press"]["seq"])
    return frames.switch_at(found, number, times["press"]["seq"], lambda look: look[1] > 128)


def check_several(camera, server, frames):
    """any= is met by one of its conditions, all= not before both hold at once."""
    camera.set("test_pattern", WHITE)
    Wait(server, "for=nonblack&threshold=200", looks=False).answer()
    wait = Wait(server, "any=motion,black&frames=20/20")
    begin = frames.last
    camera.set("test_pattern", BLACK)
    answer = wait.answer()
    motion, black = answer["conditions"]
    assert answer["met"] and answer["decided_by"] == 1, answer
    assert black["met"] and not motion["met"], answer
    number = black["decided"]["seq"]
    exact = frames.switch_at(black, number, begin, lambda look: look[1] > 128)

    camera.set("test_pattern", WHITE)
    Wait(server, "for=nonblack&threshold=200", looks=False).answer()
    wait = Wait(server, "all=still,black&stable=100ms")
    # The picture stands still, also for the wait that began before; it is not black.
    Wait(server, "for=still&stable=100ms", looks=False).answer()
    assert server.state()["glint"]["waits"]["pending"] == 1
    begin = frames.last
    camera.set("test_pattern", BLACK)
    answer = wait.answer()
    still, black = answer["conditions"]
    assert answer["met"] and still["met"] and black["met"], answer
    number = still["first"]["seq"]
    return frames.switch_at(still, number, begin, lambda look: look[1] > 128) and exact


CHECKS = (check_change, check_metrics, check_match, check_black, check_hash, check_movement,
          check_transition, check_several)


def set_range(camera, server, scope):
    camera.set("quantization", RANGES[scope])
    server.wait_for(lambda state: state["source"]["online"] and
                    state["glint"]["format"]["range"] == scope)


@tap.test
def test_webcam():
    """the deciding frame is the first that shows it: webcam, YUYV and NV12, both stamps"""
    for form, stamp, clock, scope in (("YUYV", START_OF_EXPOSURE, "monotonic", "limited"),
                                      ("NV12", END_OF_FRAME, "arrival", "full")):
        with webcam(form) as (camera, server):
            camera.set("timestamp_source", stamp)
            set_range(camera, server, scope)
            camera.set_rate(15)
            camera.clock = clock
            with watched(server) as frames:
                for check in CHECKS:
                    assert any(check(camera, server, frames) for _ in range(ATTEMPTS)), \
                        f"{check.__name__}: one of the two frames is always missing"


@tap.test
def test_hdmi():
    """the same at 60 frames a second, of which some are missed: HDMI, 4:2:2 and 4:2:0"""
    for form, scope in (("422P", "full"), ("NV12", "limited")):
        with live(HDMI, "--format", form) as (camera, server):
            set_range(camera, server, scope)
            camera.clock = "monotonic"
            with watched(server) as frames:
                for check in CHECKS:
                    check(camera, server, frames)


@tap.test
def test_bayer():
    """a sensor's own format is judged after libv4lconvert, which the reply says"""
    tap.needs("LIBV4LCONVERT")
    with webcam("SRGGB10") as (camera, server):
        for form, query in (("change", ""), ("change", "&metric=stbt&region=64x64+100+50"),
                            ("black", "")):
            camera.set("test_pattern", WHITE)
            Wait(server, "for=nonblack&threshold=200", looks=False).answer()
            wait = Wait(server, f"for={form}{query}")
            camera.set("test_pattern", BLACK)
            answer = wait.answer()
            assert answer["met"] and answer["converted"] == "SRGGB10", answer


@tap.test
def test_missed():
    """frames that the driver drops or damages are told as missed"""
    with webcam() as (camera, server):
        ledger = server.state()["glint"]["ledger"]
        wait = Wait(server, "for=change")
        camera.set("percentage_of_dropped_buffers", 50)
        before = server.state()["glint"]["ledger"]["driver_dropped"]
        server.wait_for(lambda state: state["glint"]["ledger"]["driver_dropped"] >= before + 3)
        camera.set("percentage_of_dropped_buffers", 0)
        for i in range(1, 4):
            camera.press("inject_v4l2_buf_flag_error")
            server.wait_for(lambda state, i=i: state["glint"]["ledger"]["corrupt"] >=
                            ledger["corrupt"] + i)
        camera.set("test_pattern", BLACK)
        found = wait.verdict()
        assert found["frames_missed"] >= 6, found
        is_whole(found, found["reference"]["seq"])


@tap.test
def test_signal():
    """a lost signal: offline with its reason, live, a change, and the end of a still run"""
    with live(HDMI) as (camera, server):
        camera.set("test_pattern", BARS)
        camera.set("horizontal_movement", LEFT_FAST)
        still = Wait(server, "for=still&stable=300ms")
        offline = Wait(server, "for=offline", looks=False)
        camera.set("dv_timings_signal_mode", NO_SIGNAL)
        answer = offline.answer()
        assert answer["source_reason"] == "unpowered", answer    # vivid takes the 5 V as well
        camera.set("horizontal_movement", STANDING)
        back = Wait(server, "for=live", looks=False)
        seen = Wait(server, "for=nonblack", looks=False)
        back_ns = tap.now_ns()
        camera.set("dv_timings_signal_mode", SELECTED)
        for wait in (back, seen):
            answer = wait.answer()
            assert answer["source_reason"] == "", answer
            assert answer["conditions"][0]["decided"]["complete_ns"] >= back_ns, answer
        assert still.verdict()["first"]["complete_ns"] >= back_ns
        # Nothing moves now: the loss alone is a change.
        change = Wait(server, "for=change")
        camera.set("dv_timings_signal_mode", NO_SIGNAL)
        server.wait_for(lambda state: not state["source"]["online"])
        back_ns = tap.now_ns()
        camera.set("dv_timings_signal_mode", SELECTED)
        found = change.verdict()
        assert found["decided"]["complete_ns"] >= back_ns, found


@tap.test
def test_timings():
    """a picture of another size is a change; a region outside of it shows nothing"""
    with live(HDMI) as (camera, server):
        camera.set("dv_timings", P600_60)
        server.wait_for(lambda state: state["source"]["online"] and
                        state["source"]["resolution"]["width"] == 800)
        change = Wait(server, "for=change")
        camera.set("test_pattern", BLACK)
        change.answer()
        change = Wait(server, "for=change")
        outside = Wait(server, "for=nonblack&region=100x100+690+490")
        camera.set("dv_timings", P480_59)
        change.answer()
        server.wait_for(lambda state: state["source"]["online"] and
                        state["source"]["resolution"]["width"] == 640)
        camera.set("test_pattern", WHITE)
        Wait(server, "for=nonblack", looks=False).answer()
        assert server.state()["glint"]["waits"]["pending"] == 1
        camera.set("dv_timings", P600_60)
        found = outside.verdict()
        assert found["score"] >= 250, found


@tap.test
def test_timeouts():
    """a transition's own timeouts, and the status of glint wait"""
    with webcam() as (camera, server):
        found = Wait(server, "for=transition&start_timeout=200ms", looks=False).verdict(504)
        assert found["status"] == "start-timeout" and found["frames_seen"] > 0, found
        camera.set("test_pattern", BARS)
        camera.set("horizontal_movement", LEFT_FAST)
        Wait(server, "for=motion&frames=2/2", looks=False).answer()
        found = Wait(server, "for=transition&stable_timeout=300ms", looks=False).verdict(504)
        assert found["status"] == "stable-timeout", found
        for what, status in (("motion", 0), ("black", 4)):
            done = subprocess.run([os.path.join(tap.BUILD, "glint"), "wait", what, "--timeout",
                                   "100" if status == 0 else "200ms", "--socket", server.path],
                                  capture_output=True, text=True, check=False)
            assert done.returncode == status, done
        camera.set("horizontal_movement", STANDING)


@tap.test
def test_clients():
    """a client that goes ends its wait; clients that never read cost no other client a frame"""
    with webcam() as (camera, server):
        before = server.state()["glint"]["waits"]
        for _ in range(3):
            Wait(server, "for=black").sock.close()
        server.wait_for(lambda state: state["glint"]["waits"]["cancelled"] ==
                        before["cancelled"] + 3)
        silent = [Wait(server, "for=black", looks=False) for _ in range(16)]
        camera.set("test_pattern", BLACK)
        server.wait_for(lambda state: state["glint"]["waits"]["met"] >= before["met"] + 16)
        assert Wait(server, "for=black", looks=False).verdict()["frames_seen"] == 1
        for wait in silent:
            wait.sock.close()


@tap.test
def test_unplugged():
    """offline and live for a webcam that is unplugged and comes back"""
    with webcam() as (camera, server):
        change = Wait(server, "for=change")
        offline = Wait(server, "for=offline", looks=False)
        camera.press("disconnect")
        answer = offline.answer()
        assert answer["source_reason"] != "", answer
        Wait(server, "for=live", looks=False).answer()
        assert change.verdict()["met"]


tap.main()
