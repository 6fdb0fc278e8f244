#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No picture is older than what its request names, proven by the picture's own stamp.

Many clients make random requests to a service whose emulated camera writes the number and the time
of each frame into its JPEG. Prints TAP. From the environment: GLINTD, BUILD, and GLINT_RECEIPTS,
the number of requests (2000 by default).
"""
import json
import os
import random
import struct
import threading
import zlib

import tap

TAG = b"glint-stamp:"
FPS = 120
REQUESTS = int(os.environ.get("GLINT_RECEIPTS", "2000"))


def camera(*args):
    """Returns a service with an emulated MJPEG camera."""
    return tap.Service("--resolution", "320x240", "--format", "MJPEG", "--clients-max", "80",
                       *args, device=tap.EMULATED,
                       environment=tap.emulated(size="320x240", format="MJPEG", fps=FPS))


def stamp_of(jpeg):
    """Returns number and time of the frame, from the comment that the camera has written."""
    at = jpeg.index(TAG) + len(TAG)
    rows = struct.unpack(">4I", jpeg[at:at + 16])
    assert rows[3] == zlib.crc32(struct.pack("<3I", *rows[:3])), rows
    return rows[0], rows[1] << 32 | rows[2]


class Client:
    """A connection that makes random requests and checks each reply."""

    def __init__(self, service, seed):
        self.random = random.Random(seed)
        self.sock = service.connect()
        self.reader = tap.Reader(self.sock)
        self.name = f"m{seed}"
        self.last = None	# number of the last frame
        self.serial = 0
        self.waits_ns = []
        self.kinds = {}

    def ask(self, method, target):
        self.sock.sendall(tap.request(method, target).encode())
        return tap.Reply(self.reader)

    def query(self):
        """Returns a query, the moment that it names in ns, and which of the times is after it."""
        now = tap.now_ns()
        kind = self.random.choice(("plain", "now", "past", "future", "seq", "last", "mark",
                                   "complete", "exposed"))
        if kind == "seq" and self.last is None:
            kind = "now"
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if kind == "past":
            moment = now - self.random.randrange(50000000)
            return f"?after={moment}", moment, "exposure"
        if kind == "future":
            moment = now + self.random.randrange(30000000)
            return f"?after={moment}", moment, "exposure"
        if kind == "complete":
            moment = now + self.random.randrange(-30000000, 30000000)
            return f"?guarantee=complete&after={moment}", moment, "complete"
        if kind == "mark":
            reply = self.ask("POST", f"/marks?id={self.name}&keep=60")
            assert reply.status == 200, reply
            mark = json.loads(reply.body)["result"]
            assert now <= mark["time_ns"] <= tap.now_ns(), mark
            frame = mark["frame"]
            assert frame["before"] == (frame["complete_ns"] <= mark["time_ns"]), mark
            return f"?after=mark:{self.name}", mark["time_ns"], "exposure"
        return {"plain": ("", now, "complete"), "now": ("?after=now", now, "exposure"),
                "last": ("?after=last", 0, "exposure"),
                "exposed": ("?guarantee=exposed", now, "exposure"),
                "seq": (f"?after=seq:{self.last}", 0, "exposure")}[kind]

    def check_since(self, reply, sequence):
        counts = [reply.header(f"X-Glint-Since-{name}") for name in
                  ("Dropped", "Corrupt", "Skipped")]
        assert "unknown" not in counts, reply
        assert sum(map(int, counts)) == max(sequence - self.last - 1, 0), (self.last, reply)

    def snapshot(self):
        query, moment, after = self.query()
        since = self.last is not None and self.random.random() < 0.5
        if since:
            query += f"{'&' if query else '?'}since={self.last}"
        asked = tap.now_ns()
        reply = self.ask("GET", f"/snapshot{query}")
        got = tap.now_ns()
        assert reply.status == 200, (query, reply)
        number, drawn = stamp_of(reply.body)
        assert int(reply.header("X-Glint-Sequence")) == number, reply
        assert int(reply.header("X-Glint-Timestamp-Ns")) // 1000 == drawn // 1000, reply
        # The picture itself was made after the request, whatever the headers say.
        assert drawn >= asked, (query, asked, drawn)
        assert drawn >= moment, (query, moment, drawn)
        complete = int(reply.header("X-Glint-Complete-Ns"))
        assert complete <= got and int(reply.header("X-Glint-Sent-Ns")) <= got, reply
        if after == "exposure":
            exposure = int(reply.header("X-Glint-Exposure-Ns"))
            assert moment <= exposure <= drawn, (query, moment, reply)
        assert complete >= moment, (query, moment, reply)
        if self.last is not None:
            assert number >= self.last, (query, self.last, number)
        if "seq:" in query:
            assert number > self.last, (query, self.last, number)
        if since:
            self.check_since(reply, number)
        serial = int(reply.header("X-Glint-Serial"))
        assert serial >= self.serial, (self.serial, reply)
        self.serial = serial
        self.last = number
        if not query:
            self.waits_ns.append(got - asked)

    def run(self, count, faults):
        try:
            for _ in range(count):
                self.snapshot()
        except Exception as fault:  # noqa: B902 - is shown by the test
            faults.append(fault)
        finally:
            self.sock.close()


def percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] / 1e6


@tap.test
def test_random_requests():
    """random requests of 1 to 64 clients: no picture is older than its request's moment"""
    seed = int(os.environ.get("GLINT_SEED", random.randrange(1 << 30)))
    print(f"# seed {seed}; GLINT_SEED repeats it")
    with camera() as service:
        service.wait_until_live()
        total = 0
        kinds = {}
        for clients in (1, 4, 16, 64):
            share = -(-REQUESTS // (4 * clients))	# rounded up
            faults = []
            crowd = [Client(service, seed + total + i) for i in range(clients)]
            threads = [threading.Thread(target=client.run, args=(share, faults))
                       for client in crowd]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if faults:
                raise faults[0]
            total += share * clients
            for client in crowd:
                for kind, count in client.kinds.items():
                    kinds[kind] = kinds.get(kind, 0) + count
            waits = [wait for client in crowd for wait in client.waits_ns]
            if waits:
                print(f"# {clients} clients: {share * clients} requests; plain ones took "
                      f"{percentile(waits, 0.5):.1f} ms (p50), {percentile(waits, 0.99):.1f} (p99) "
                      f"at {1000 / FPS:.1f} ms a frame")
        print(f"# {total} requests: {kinds}")
        ledger = service.state()["glint"]["ledger"]
        assert ledger["unaccounted"] == 0, ledger
        marks = service.state()["glint"]["marks"]
        assert marks["count"] <= 1 + 4 + 16 + 64 and marks["made"] == kinds["mark"], marks


@tap.test
def test_marks_are_bounded():
    """thousands of marks are bounded in number and bytes, and counted"""
    with tap.Service("--resolution", "640x360") as service:
        service.wait_until_live()
        client = Client(service, 0)
        for number in range(1100):
            assert client.ask("POST", f"/marks?id=n{number}&keep=3600").status == 200
        marks = service.state()["glint"]["marks"]
        assert marks["count"] == 1024 and marks["displaced"] == 1100 - 1024, marks
        assert marks["bytes"] <= 128 << 20 and marks["made"] == 1100, marks
        listed = json.loads(client.ask("GET", "/marks").body)["result"]["marks"]
        assert [mark["id"] for mark in listed] == [f"n{i}" for i in range(1100 - 1024, 1100)]
        assert sum(mark["reference"] is not None for mark in listed) == marks["references"]
        assert client.ask("GET", "/snapshot?after=mark:n0").status == 404
        assert client.ask("GET", "/snapshot?after=mark:n1099").status == 200
        client.sock.close()


@tap.test
def test_counts_between_streams_are_unknown():
    """what lies between frames of two streams is unknown, and never a number"""
    with camera() as service:
        service.wait_until_live()
        client = Client(service, 0)
        before = client.ask("GET", "/snapshot?receipt=headers")
        stream, number = before.header("X-Glint-Stream"), before.header("X-Glint-Sequence")
        for name in ("Dropped", "Corrupt", "Skipped"):
            reply = client.ask("GET", f"/snapshot?since={number}&stream={int(stream) + 1}")
            assert reply.header(f"X-Glint-Since-{name}") == "unknown", reply
        reply = client.ask("GET", f"/snapshot?since={number}&stream={stream}")
        assert reply.header("X-Glint-Since-Dropped").isdigit(), reply
        client.sock.close()


tap.main()
