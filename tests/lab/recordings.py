# SPDX-License-Identifier: MIT
"""Shared by the cases that record vivid: a service that records, and what its files must show.

vivid moves its picture by the same step with each sequence number, also with those that it drops.
So the pixels prove which frame is in a file.
"""
import contextlib
import json
import os
import tempfile
import threading

from vivid import BARS, HDMI, LEFT_FAST, P480_59, SELECTED, Camera, service, tap

WRAP = 1 << 32	# of sequence numbers
POST_MAX = 9999	# frames behind the trigger, for recordings that something else ends


# --- Clips ----------------------------------------------------------------------------------


def index_of(folder, name):
    with open(os.path.join(folder, f"{name}.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def missing(row):
    return row["dropped"] + row["corrupt"] + row["lost"] + row["skipped"]


def check_order(rows):
    """Asserts that no frame is there twice, and that each missing one is counted."""
    for before, row in zip(rows, rows[1:]):
        assert row["ns"] > before["ns"], (before, row)
        assert row["n"] == before["n"] + 1 + missing(row), (before, row)
        # When it is late, vivid gives two frames one number; the stamps have shown that they are two.
        repeated = row["seq"] == before["seq"] and missing(row) == 0
        if row["stream"] == before["stream"] and not repeated:
            assert row["seq"] == (before["seq"] + 1 + missing(row)) % WRAP, (before, row)


def check(folder, name, width, height, since=0):
    """Asserts that each frame of a YUYV clip is the one that the index says; those with lower numbers
    than @since may show anything. Returns the index."""
    rows = [row for row in index_of(folder, name) if row["n"] is not None]
    check_order(rows)
    step = (width + 319) // 320 * 4	# of vivid's fast movement, in pixels
    line = 2 * width
    firsts = {}
    with open(os.path.join(folder, f"{name}.mkv"), "rb") as file:
        for row in rows:
            assert row["size"] == line * height, row
            if row["seq"] < since:
                continue
            file.seek(row["offset"])
            pixels = file.read(row["size"])
            shown = pixels[height // 2 * line:][:line]
            assert pixels == shown * height, f"frame {row['seq']} is torn"
            first_seq, first = firsts.setdefault(row["stream"], (row["seq"], shown))
            at = 2 * (step * ((row["seq"] - first_seq) % WRAP) % width)
            assert shown == first[at:] + first[:at], f"{row['seq']} shows another frame"
    return rows


# --- The service ----------------------------------------------------------------------------


def recorder(server):
    return server.state()["glint"]["recorder"]


def post(server, query):
    reply = server.ask(tap.request("POST", f"/record?{query}"))
    return reply.status, json.loads(reply.body)


def record(server, query):
    status, answer = post(server, query)
    assert status == 200, answer
    return answer["result"]


def stop(server, name):
    reply = server.ask(tap.request("DELETE", f"/record?name={name}"))
    assert reply.status == 200, reply


def recordings(server):
    return json.loads(server.get("/record").body)["result"]["recordings"]


def ended(server, name):
    """Waits for the end of the recording, and returns what is known of it."""
    def find():
        return next(entry for entry in recordings(server) if entry["name"] == name)
    return tap.until(lambda: find()["closed_ns"] and find())


class Viewer(threading.Thread):
    """A client that reads the stream, whatever happens to the recordings."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.parts, self.ended, self.error = server, 0, False, None
        self.start()

    def run(self):
        try:
            with tap.Stream(self.server) as stream:
                while not self.ended:
                    stream.part()
                    self.parts += 1
        except (OSError, EOFError, AssertionError) as error:
            self.error = error

    def sees_more(self):
        before = self.parts
        tap.until(lambda: self.parts > before + 2 or self.error)
        assert not self.error, self.error


@contextlib.contextmanager
def recording(path, *args, folder=None, wait=True):
    """A service that records the camera into server.clips, with a client that looks on."""
    camera = Camera(path)
    camera.defaults()
    camera.set("test_pattern", BARS)
    camera.set("horizontal_movement", LEFT_FAST)
    if path == HDMI:
        camera.set("dv_timings_signal_mode", SELECTED)
        camera.set("dv_timings", P480_59)
    else:
        args = ("-r", "640x360", *args)
    with contextlib.ExitStack() as stack:
        folder = folder or stack.enter_context(tempfile.TemporaryDirectory(dir="/run"))
        server = stack.enter_context(service(camera, "--format", "YUYV", "--record", folder,
                                             "--record-memory", "32", *args))
        server.clips = folder
        server.viewer = Viewer(server)
        server.wait_until_live()
        if wait:
            server.wait_for(lambda state: state["glint"]["recorder"]["in_ring"] > 12)
        yield camera, server
        if server.process.poll() is None:
            server.viewer.sees_more()
            state = server.state()["glint"]
            assert state["ledger"]["unaccounted"] == 0, state["ledger"]
            figures = state["recorder"]
            assert figures["seen"] == (figures["recorded"] + figures["lost"] +
                                       figures["passed"] + figures["in_ring"]), figures
        server.viewer.ended = True
