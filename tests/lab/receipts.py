#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random requests on vivid. Prints TAP; runs in the guest, see cases/waits-receipts.sh.

The picture becomes black or white at random moments. A picture of after=now shows what was set last
before the request, or something that was set while the request was under way.
"""
import os
import random
import threading
import time

from vivid import (BLACK, END_OF_FRAME, HDMI, P480_59, SELECTED, START_OF_EXPOSURE, WEBCAM, WHITE,
                   Camera, service, tap)

REQUESTS = 96	# of each number of clients
CLIENTS = 1, 4, 16


class Screen(threading.Thread):
    """Changes the picture until it is closed; knows what it may show in which time."""

    def __init__(self, camera, seed):
        super().__init__(daemon=True)
        self.camera, self.random, self.ended = camera, random.Random(seed), False
        self.changes = []	# begin, end, whether the picture becomes white
        self.change(True)
        self.start()

    def change(self, white):
        begin = tap.now_ns()
        self.changes.append([begin, None, white])
        self.camera.set("test_pattern", WHITE if white else BLACK)
        self.changes[-1][1] = tap.now_ns()

    def run(self):
        while not self.ended:
            time.sleep(self.random.uniform(0.01, 0.1))
            self.change(not self.changes[-1][2])

    def may_show(self, asked, got):
        changes = [(begin, end or got, white) for begin, end, white in list(self.changes)]
        last = max((change for change in changes if change[1] <= asked), key=lambda c: c[1])
        return {last[2]} | {white for begin, end, white in changes if end > asked and begin < got}

    def close(self):
        self.ended = True
        self.join()


class Client(threading.Thread):
    def __init__(self, server, screen, seed, count, faults):
        super().__init__(daemon=True)
        self.server, self.screen, self.count, self.faults = server, screen, count, faults
        self.random, self.last = random.Random(seed), None
        self.name_of_mark = f"c{seed}"
        self.start()

    def query(self):
        kind = self.random.choice(("now", "past", "complete", "mark", "exposed"))
        if kind == "mark":
            reply = self.server.ask(tap.request("POST", f"/marks?id={self.name_of_mark}",
                                                "Content-Length: 0"))
            assert reply.status == 200, reply
            return f"after=mark:{self.name_of_mark}", False
        return {"now": ("after=now", True), "exposed": ("guarantee=exposed", True),
                "past": (f"after={max(tap.now_ns() - 20_000_000, 0)}", False),
                "complete": ("guarantee=complete&after=now", False)}[kind]

    def snapshot(self):
        asked = tap.now_ns()	# of a mark, before it is set
        query, shows = self.query()
        if self.last is not None:
            query += f"&since={self.last}"
        asked = tap.now_ns() if shows else asked
        reply = self.server.get(f"/snapshot?format=pgm&crop=64x64+100+60&{query}")
        got = tap.now_ns()
        assert reply.status == 200, (query, reply, reply.body)
        sequence = int(reply.header("X-Glint-Sequence"))
        complete = int(reply.header("X-Glint-Complete-Ns"))
        # Unknown of a stream's first frames, where stamps are of the end of the frame.
        exposure = int(reply.header("X-Glint-Exposure-Ns") or 0)
        assert exposure <= complete <= got, reply
        pixels = set(reply.body[-64 * 64:])
        assert max(pixels) < 40 or min(pixels) > 215, sorted(pixels)
        if shows or "mark:" in query:
            assert exposure >= asked, (query, asked, reply)
            assert (min(pixels) > 215) in self.screen.may_show(asked, got), (query, asked, reply)
        elif "complete" in query:
            assert complete >= asked, (query, asked, reply)
        if self.last is not None:
            counts = [reply.header(f"X-Glint-Since-{name}") for name in
                      ("Dropped", "Corrupt", "Skipped")]
            assert sequence >= self.last or "past" in query, (query, reply)
            assert sum(map(int, counts)) == max(sequence - self.last - 1, 0), (query, reply)
        self.last = sequence

    def run(self):
        try:
            for _ in range(self.count):
                self.snapshot()
        except Exception as fault:  # noqa: B902 - is shown by the test
            self.faults.append(fault)


def check(path, stamp, *args):
    camera = Camera(path)
    camera.defaults()
    camera.set("timestamp_source", stamp)
    if path == HDMI:
        camera.set("dv_timings_signal_mode", SELECTED)
        camera.set("dv_timings", P480_59)
    seed = int(os.environ.get("GLINT_SEED", random.randrange(1 << 30)))
    print(f"# seed {seed}; GLINT_SEED repeats it")
    with service(camera, "--clients-max", "40", *args) as server:
        server.wait_until_live()
        screen = Screen(camera, seed)
        try:
            for n in CLIENTS:
                faults = []
                crowd = [Client(server, screen, seed + 100 * n + i, REQUESTS // n, faults)
                         for i in range(n)]
                for client in crowd:
                    client.join()
                if faults:
                    raise faults[0]
        finally:
            screen.close()
        assert len(screen.changes) > 10, len(screen.changes)
        assert server.state()["glint"]["ledger"]["unaccounted"] == 0


@tap.test
def test_webcam():
    """a webcam that stamps the start of the exposure, and one that stamps the end of the frame"""
    for stamp in (START_OF_EXPOSURE, END_OF_FRAME):
        check(WEBCAM, stamp, "--resolution", "320x180")


@tap.test
def test_hdmi():
    """an HDMI input, with both stamps"""
    for stamp in (START_OF_EXPOSURE, END_OF_FRAME):
        check(HDMI, stamp)


tap.main()
