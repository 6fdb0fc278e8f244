#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The flight recorder: files are exact to the frame, with any trigger and after any end.

The emulated camera draws each frame's sequence number into it. Prints TAP. From the environment:
GLINTD, GLINT, BUILD.
"""
import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import zlib

import tap

GLINT = os.environ.get("GLINT", "build/glint")
WIDTH, HEIGHT = 640, 480
CELL, LEFT, TOP = 8, 8, 88	# of the stamp; see pattern/stamp.c
ACTIVE_MAX = 4	# recordings under way; GLINT_RECORDS_ACTIVE


def stamp_of(pixels):
    """Returns the sequence number that a YUYV picture shows."""
    rows = []
    for row in range(4):
        line = (TOP + CELL * row + CELL // 2) * WIDTH
        bits = 0
        for column in range(32):
            bits = bits << 1 | (pixels[2 * (line + LEFT + CELL * column + CELL // 2)] > 128)
        rows.append(bits)
    assert rows[3] == zlib.crc32(struct.pack("<3I", *rows[:3])), rows
    return rows[0]


@contextlib.contextmanager
def recording(*args, fps=60, form="YUYV", folder=None, wrapper=(), gate=None, **settings):
    """Starts a service that records an emulated camera; its folder is service.clips. While the
    file @gate exists, the folder's disk does not answer."""
    tap.needs("RECORD")
    environment = tap.emulated(size=f"{WIDTH}x{HEIGHT}", fps=fps, format=form, **settings)
    if gate:
        library = os.path.join(os.path.abspath(tap.BUILD), "tests/preload/slow_files.so")
        if not os.path.exists(library):
            raise tap.Skip("slow_files.so is not built")
        environment.update({"LD_PRELOAD": f"{environment['LD_PRELOAD']} {library}",
                            "SLOW_FILES_DIR": folder, "SLOW_FILES_GATE": gate,
                            "SLOW_FILES_WAITS": f"{gate}.waits"})
    with contextlib.ExitStack() as stack:
        folder = folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="glint-clips-"))
        with tap.Service("--record", folder, "--record-memory", "64", *args, device=tap.EMULATED,
                         environment=environment, wrapper=wrapper) as service:
            service.clips = folder
            service.wait_for(lambda state: state["glint"]["recorder"]["in_ring"] > 10)
            yield service


def post(service, query):
    reply = service.ask(tap.request("POST", f"/record?{query}"))
    return reply.status, json.loads(reply.body)


def index_of(folder, name):
    with open(os.path.join(folder, f"{name}.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def check(folder, name, form="YUYV"):
    """Asserts that each frame of the file is the one that the index says, and none is missing
    unnoticed. Returns the index."""
    lines = index_of(folder, name)
    rows = [line for line in lines if line["n"] is not None]
    with open(os.path.join(folder, f"{name}.mkv"), "rb") as file:
        data = file.read()
    for row in rows:
        pixels = data[row["offset"]:row["offset"] + row["size"]]
        if form == "YUYV":
            assert stamp_of(pixels) == row["seq"], row
        else:
            assert pixels[:2] == b"\xff\xd8" and pixels[-2:] == b"\xff\xd9", row
    for before, row in zip(rows, rows[1:]):
        missing = row["dropped"] + row["corrupt"] + row["lost"] + row["skipped"]
        assert row["seq"] == before["seq"] + 1 + missing, (before, row)
        assert row["n"] == before["n"] + 1 + missing, (before, row)
    return rows


@tap.test
def test_window():
    """a file has the frames before and behind the trigger, exact to the frame"""
    with recording() as service:
        status, answer = post(service, "pre=20&post=15&name=one&wait=1")
        result = answer["result"]
        assert status == 200 and result["state"] == "closed", answer
        rows = check(service.clips, "one")
        zero = next(row for row in rows if row["n"] == 0)
        assert zero["seq"] == result["trigger_seq"], answer
        assert zero["exposure_ns"] >= result["moment_ns"], (zero, answer)
        before = rows[rows.index(zero) - 1]
        assert before["exposure_ns"] < result["moment_ns"], (before, answer)
        assert rows[0]["n"] >= -20 and rows[-1]["n"] <= 15, rows
        assert len(rows) == result["frames"]
        assert sorted(os.listdir(service.clips)) == [".glint-record.lock", "one.jsonl", "one.mkv"]
        recorder = service.state()["glint"]["recorder"]
        assert recorder["seen"] == (recorder["recorded"] + recorder["lost"] + recorder["passed"] +
                                    recorder["in_ring"]), recorder


@tap.test
def test_players():
    """ffprobe reads the exact stamps, and ffmpeg decodes the recorded pixels"""
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        raise tap.Skip("ffmpeg is not installed")
    with recording() as service:
        assert post(service, "pre=5&post=5&name=one&wait=1")[0] == 200
        path = os.path.join(service.clips, "one.mkv")
        rows = check(service.clips, "one")
        packets = json.loads(subprocess.run(
            ["ffprobe", "-v", "error", "-select_streams", "v", "-show_packets", "-of", "json", path],
            stdout=subprocess.PIPE, check=True, timeout=tap.PATIENCE).stdout)["packets"]
        times = [round(float(packet["pts_time"]) * 1e6) for packet in packets]
        assert times == [row["ns"] // 1000 for row in rows], (times, rows)
        hashes = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-f", "framehash", "-hash",
             "sha256", "-"], stdout=subprocess.PIPE, check=True, text=True,
            timeout=tap.PATIENCE).stdout
        decoded = [line.rsplit(",", 1)[1].strip() for line in hashes.splitlines()
                   if not line.startswith("#")]
        with open(path, "rb") as file:
            data = file.read()
        recorded = [hashlib.sha256(data[row["offset"]:row["offset"] + row["size"]]).hexdigest()
                    for row in rows]
        assert decoded == recorded


@tap.test
def test_restarted():
    """a window over two streams, in which numbers repeat, has its trigger where the index has it"""
    with recording(fps=10) as service:
        before = service.state()["glint"]["frame"]["sequence"]
        subprocess.run([GLINT, "-s", service.path, "set", "buffers=6"], check=True,
                       stdout=subprocess.DEVNULL, timeout=tap.PATIENCE)
        service.wait_for(lambda state: 1 < state["glint"]["frame"]["sequence"] < before)
        assert post(service, "pre=60&post=5&name=two&wait=1")[0] == 200
        rows = index_of(service.clips, "two")
        zero = [row["n"] for row in rows].index(0)
        assert len({row["stream"] for row in rows}) == 2, rows
        info = subprocess.run([GLINT, "clip", "info", os.path.join(service.clips, "two.mkv")],
                              stdout=subprocess.PIPE, text=True, check=True,
                              timeout=tap.PATIENCE).stdout
        assert f", frame {zero} of the clip" in info, (zero, info)


@tap.test
def test_jpeg():
    """a camera's own JPEGs are recorded as they are"""
    with recording(form="MJPEG") as service:
        status, answer = post(service, "pre=5&post=5&name=jpeg&wait=1")
        assert status == 200 and answer["result"]["frames"] > 0, answer
        assert len(check(service.clips, "jpeg", "MJPEG")) == answer["result"]["frames"]


@tap.test
def test_encoded():
    """the service's own JPEGs are recorded, and the index says which frames were left out"""
    with recording("--record-what", "jpeg", "--desired-fps", "20") as service:
        status, answer = post(service, "pre=60&post=60&name=jpeg&wait=1")
        result = answer["result"]
        assert status == 200 and result["state"] == "closed", answer
        rows = check(service.clips, "jpeg", "MJPEG")
        assert 0 < len(rows) == result["frames"] < 120 and result["skipped"] > 30, answer
        assert sum(row["skipped"] for row in rows[1:]) + sum(
            row["skipped"] for row in index_of(service.clips, "jpeg") if row["n"] is None) == \
            result["skipped"], answer
        recorder = service.state()["glint"]["recorder"]
        assert recorder["memory_reason"] == "encoded" and recorder["lost"] == 0, recorder
        assert recorder["skipped"] >= result["skipped"], recorder
        if shutil.which("ffmpeg"):
            subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i",
                            os.path.join(service.clips, "jpeg.mkv"), "-map", "0:v", "-f", "null",
                            "-"], check=True, timeout=tap.PATIENCE)


@tap.test
def test_random_triggers():
    """windows at random moments, overlapping too, have no frame twice and none missing"""
    with recording("--record-overlap", "separate") as service:
        for i in range(20):
            pre, after, back = random.randrange(12), random.randrange(12), random.randrange(8)
            service.wait_for(lambda state: state["glint"]["recorder"]["active"] < ACTIVE_MAX)
            service.wait_for(lambda state: state["glint"]["recorder"]["active"] < 4)
            newest = service.state()["glint"]["frame"]["sequence"]
            status, answer = post(service, f"pre={pre}&post={after}&name=w{i}&at=seq:{newest - back}"
                                           f"{'&wait=1' if i % 3 == 2 else ''}")
            assert status == 200, answer
        service.wait_for(lambda state: state["glint"]["recorder"]["active"] == 0)
        assert service.state()["glint"]["recorder"]["closed"] == 20
        for i in range(20):
            check(service.clips, f"w{i}")


@tap.test
def test_no_copy():
    """a device that takes the recorder's memory fills it, and nothing is copied"""
    # The source waits for the memory, but not for ever: a small one is ready on any machine.
    with recording("--record-overlap", "separate", "--record-memory", "32",
                   memory="userptr") as service:
        service.wait_for(lambda state: state["glint"]["recorder"]["memory"] == "userptr" and
                         state["glint"]["recorder"]["in_ring"] > 10)
        before = service.state()["glint"]["recorder"]
        assert before["memory_reason"] == "", before
        with tap.Stream(service) as stream:
            for i in range(12):
                pre, after = random.randrange(30), random.randrange(12)
                service.wait_for(
                    lambda state: state["glint"]["recorder"]["active"] < ACTIVE_MAX)
                status, answer = post(service, f"pre={pre}&post={after}&name=w{i}"
                                               f"{'&wait=1' if i % 3 == 2 else ''}")
                assert status == 200, answer
                stream.part()
        service.wait_for(lambda state: state["glint"]["recorder"]["active"] == 0)
        for i in range(12):
            check(service.clips, f"w{i}")
        state = service.state()["glint"]
        assert state["recorder"]["copied"] == before["copied"], state["recorder"]
        assert state["buffers"]["kind"] == "userptr", state["buffers"]
        assert state["ledger"]["unaccounted"] == 0, state["ledger"]


@tap.test
def test_reasons_for_copies():
    """/state says why frames are copied"""
    for form, memory, reason in (("YUYV", "mmap", "driver"), ("MJPEG", "userptr", "jpeg")):
        with recording("--record-memory", "16", form=form, memory=memory) as service:
            service.wait_for(lambda state, reason=reason:
                             state["glint"]["recorder"]["memory_reason"] == reason)
            found = service.state()["glint"]["recorder"]
            assert found["memory"] == "copy" and found["copied"] > 0, found


@tap.test
def test_until():
    """until=accepted replies before frame 0 is there; the recording is made all the same"""
    with recording() as service:
        soon = tap.now_ns() + 1_000_000_000
        status, answer = post(service, f"at={soon}&pre=5&post=5&name=soon&until=accepted")
        result = answer["result"]
        assert status == 200 and result["name"] == "soon" and result["moment_ns"] == soon, answer
        assert result["state"] == "waiting" and result["trigger_seq"] is None, answer
        status, answer = post(service, "at=last&pre=5&post=5&name=open&until=open")
        assert status == 200 and answer["result"]["trigger_seq"] is not None, answer
        status, answer = post(service, "at=last&pre=5&post=5&name=whole&until=complete")
        assert status == 200 and answer["result"]["state"] == "closed", answer
        tap.until(lambda: os.path.exists(os.path.join(service.clips, "soon.mkv")))
        rows = check(service.clips, "soon")
        zero = next(row for row in rows if row["n"] == 0)
        assert zero["exposure_ns"] >= soon > rows[rows.index(zero) - 1]["exposure_ns"], rows
        status, answer = post(service, "at=0&until=accepted")
        assert status == 409 and answer["error"]["reason"] == "not-held", answer
        status, answer = post(service, "until=open&wait=1")
        assert status == 400 and answer["error"]["reason"] == "bad-until", answer
        assert post(service, "until=later")[0] == 400


@tap.test
def test_extended():
    """a trigger during a recording makes it longer"""
    with recording() as service:
        status, answer = post(service, "pre=2&post=60&name=long")
        assert status == 200 and answer["result"]["state"] == "running", answer
        status, answer = post(service, "post=90&wait=1")
        assert status == 200 and answer["result"]["extended"], answer
        assert answer["result"]["name"] == "long" and answer["result"]["triggers"] == 2, answer
        assert check(service.clips, "long")[-1]["n"] > 60


@tap.test
def test_killed():
    """what a killed service had written is recovered at the next start"""
    with tempfile.TemporaryDirectory(prefix="glint-clips-") as folder:
        service = contextlib.ExitStack()
        with service:
            running = service.enter_context(recording(folder=folder))
            assert post(running, "pre=10&post=9999&name=cut-off")[0] == 200
            running.wait_for(
                lambda state: state["glint"]["recorder"]["bytes_written"] > 20 * 2 * WIDTH * HEIGHT)
            running.process.kill()
            running.process.wait()
            os.unlink(running.path)
            assert ".cut-off.mkv.part" in os.listdir(folder)
        with recording(folder=folder) as again:
            assert again.state()["glint"]["recorder"]["recovered"] == 1
            assert len(check(folder, "cut-off.recovered")) >= 20
            assert not [name for name in os.listdir(folder) if name.endswith(".part")]


@tap.test
def test_recover():
    """glint clip recover finishes a killed service's file, and leaves a running service's alone"""
    tap.needs("TOOL_GLINT")
    with tempfile.TemporaryDirectory(prefix="glint-clips-") as folder:
        part = os.path.join(folder, ".cut-off.mkv.part")
        with contextlib.ExitStack() as service:
            running = service.enter_context(recording(folder=folder))
            assert post(running, "pre=10&post=9999&name=cut-off")[0] == 200
            running.wait_for(
                lambda state: state["glint"]["recorder"]["bytes_written"] > 20 * 2 * WIDTH * HEIGHT)
            glint("clip", "recover", part, code=1)
            assert os.path.exists(part)
            running.process.kill()
            running.process.wait()
            os.unlink(running.path)
        said = glint("clip", "recover", part)
        assert said.startswith("cut-off.recovered.mkv\t"), said
        assert len(check(folder, "cut-off.recovered")) >= 20
        assert not [name for name in os.listdir(folder) if name.endswith(".part")]


@contextlib.contextmanager
def recording_on_disk(*args, **settings):
    """Starts a service whose ring on the disk is full, so that it goes round."""
    with recording("--record-disk", "256", "--record-memory", "32", *args, fps=240,
                   **settings) as service:
        service.wait_for(lambda state: state["glint"]["recorder"]["passed"] > 0)
        yield service


@tap.test
def test_disk_windows():
    """windows of a ring on the disk, much older than the memory, are exact to the frame"""
    for args, memory in (((), "userptr"), (("--loop", "epoll"), "mmap")):
        with recording_on_disk("--record-overlap", "separate", *args, memory=memory) as service:
            for i in range(10):
                pre, after, back = (random.randrange(n) for n in (100, 12, 100))
                service.wait_for(
                    lambda state: state["glint"]["recorder"]["active"] < ACTIVE_MAX)
                newest = service.state()["glint"]["frame"]["sequence"]
                status, answer = post(service, f"pre={pre}&post={after}&name=w{i}"
                                               f"&at=seq:{newest - back}"
                                               f"{'&wait=1' if i % 3 == 2 else ''}")
                assert status == 200, answer
            service.wait_for(lambda state: state["glint"]["recorder"]["active"] == 0)
            for i in range(10):
                check(service.clips, f"w{i}")
            recorder = service.state()["glint"]["recorder"]
            assert recorder["disk_bytes"] == 256 << 20 and recorder["disk_error"] == "", recorder
            assert recorder["closed"] == 10, recorder
            assert recorder["seen"] == (recorder["recorded"] + recorder["lost"] +
                                        recorder["passed"] + recorder["in_ring"]), recorder
            assert ".glint-ring" in os.listdir(service.clips)


def kept_by(state):
    return state["recorder"]["seen"] - state["recorder"]["lost"]


@tap.test
def test_disk_killed():
    """a ring that a killed service left becomes a clip of its frames, up to the last moment"""
    tap.needs("TOOL_GLINT")
    with tempfile.TemporaryDirectory(prefix="glint-clips-") as folder:
        ring = os.path.join(folder, ".glint-ring")
        left = os.path.join(folder, "glint-ring.left")
        with recording_on_disk(folder=folder) as running:
            glint("clip", "recover", ring, code=1)
            state = running.state()["glint"]
            newest, kept = state["frame"]["sequence"], kept_by(state)
            # The memory holds 54 frames: when all have been replaced, the disk has the older ones.
            running.wait_for(
                lambda state: kept_by(state["glint"]) > kept + 100 + random.randrange(99))
            running.process.kill()
            running.process.wait()
            os.unlink(running.path)
        with recording("--record-disk", "256", folder=folder):
            assert os.path.exists(left) and os.path.exists(ring)
            # Beside a service that runs.
            said = glint("clip", "recover", left)
        assert said.startswith("ring.recovered.mkv\t"), said
        assert sorted(os.listdir(folder)) == [".glint-record.lock", "glint-ring.left",
                                              "ring.recovered.jsonl", "ring.recovered.mkv"]
        rows = check(folder, "ring.recovered")
        assert len(rows) > 100, len(rows)
        assert rows[-1]["n"] == 0, rows[-1]
        assert rows[-1]["seq"] >= newest, (rows[-1], newest)


@tap.test
def test_ended():
    """a recording that is under way is finished when the service ends"""
    with tempfile.TemporaryDirectory(prefix="glint-clips-") as folder:
        with recording(folder=folder) as service:
            assert post(service, "pre=10&post=9999&name=end")[0] == 200
        names = os.listdir(folder)
        if "end.mkv" not in names:	# the disk took longer than the service may take to end
            assert ".end.mkv.part" in names, names
        else:
            check(folder, "end")


@tap.test
def test_slow_sync():
    """while a disk does not take what is cached, all else goes on, and the service can end"""
    with tempfile.TemporaryDirectory(prefix="glint-clips-") as base:
        folder, gate = os.path.join(base, "clips"), os.path.join(base, "gate")
        os.mkdir(folder)
        with recording(folder=folder, gate=gate) as service:
            assert post(service, "pre=5&post=5&name=early&wait=1")[0] == 200
            assert post(service, "pre=5&post=9999&name=a")[0] == 200
            with open(gate, "wb"):
                pass
            assert service.ask(tap.request("DELETE", "/record?name=a")).status == 200
            tap.until(lambda: os.path.exists(f"{gate}.waits"))
            assert ".a.mkv.part" in os.listdir(folder) and "a.jsonl" not in os.listdir(folder)
            # Much more than the memory holds.
            assert post(service, "pre=5&post=9999&name=b")[0] == 200
            written = service.state()["glint"]["recorder"]["bytes_written"]
            with tap.Stream(service) as stream:
                service.wait_for(lambda state: state["glint"]["recorder"]["bytes_written"] >
                                 written + (96 << 20))
                assert stream.part()[1]
            figures = service.state()["glint"]["recorder"]
            assert figures["active"] == 2 and figures["closed"] == 1, figures
            assert figures["lost"] == 0, figures
            assert figures["seen"] == (figures["recorded"] + figures["lost"] + figures["passed"] +
                                       figures["in_ring"]), figures
        assert sorted(name for name in os.listdir(folder) if not name.startswith(".")) == [
            "early.jsonl", "early.mkv"]
        os.unlink(gate)
        with recording(folder=folder) as again:
            assert again.state()["glint"]["recorder"]["recovered"] == 2
        for name in ("early", "a.recovered", "b.recovered"):
            check(folder, name)


@tap.test
def test_no_space():
    """a file that cannot grow is finished with the frames it has, and further ones are recorded"""
    with recording() as service:
        pid, space = service.process.pid, 20 * 2 * WIDTH * HEIGHT
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (space, before[1]))
        status, answer = post(service, "pre=5&post=9999&name=big&wait=1")
        result = answer["result"]
        assert status == 200 and result["state"] == "failed", answer
        assert result["file"] == "big.incomplete.mkv" and result["ended"] == "disk-error", answer
        rows = check(service.clips, "big.incomplete")
        assert len(rows) == result["frames"] > 0 and result["error"], answer
        assert rows[0]["seq"] == result["first_seq"], answer
        assert rows[-1]["seq"] == result["last_seq"], answer
        assert not [name for name in os.listdir(service.clips) if name.endswith(".part")]
        if tap.built_with("TOOL_GLINT"):
            path = os.path.join(service.clips, "big.incomplete.mkv")
            info = glint("clip", "info", path, code=3)
            assert "ended: disk-error; incomplete: " in info, info
            assert json.loads(glint("clip", "info", "--json", path, code=3))["incomplete"]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        status, answer = post(service, "pre=5&post=5&name=small&wait=1")
        assert status == 200 and answer["result"]["state"] == "closed", answer
        check(service.clips, "small")


@tap.test
def test_name_taken():
    """a name that is taken while a recording is under way is left alone, and glint record says so"""
    tap.needs("TOOL_GLINT")
    with recording() as service:
        command = [GLINT, "record", "--socket", service.path, "--pre", "2", "--post", "9999",
                   "--name", "a"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            tap.until(lambda: os.path.exists(os.path.join(service.clips, ".a.jsonl.part")))
            with open(os.path.join(service.clips, "a.mkv"), "w", encoding="utf-8") as file:
                file.write("mine")
            glint("record", "--socket", service.path, "--stop", "a")
            said, _ = running.communicate(timeout=tap.PATIENCE)
        assert running.returncode == 3 and "failed" in said, (running.returncode, said)
        with open(os.path.join(service.clips, "a.mkv"), encoding="utf-8") as file:
            assert file.read() == "mine"
        left = sorted(os.listdir(service.clips))
        assert left == [".a.jsonl.part", ".a.mkv.part", ".glint-record.lock", "a.mkv"], left


@tap.test
def test_signal():
    """SIGUSR1 triggers a recording"""
    with recording("--record-pre", "5", "--record-post", "5") as service:
        service.process.send_signal(signal.SIGUSR1)
        service.wait_for(lambda state: state["glint"]["recorder"]["closed"] == 1)
        recordings = json.loads(service.get("/record").body)["result"]["recordings"]
        assert recordings[0]["trigger"] == "signal", recordings
        check(service.clips, recordings[0]["name"])


@tap.test
def test_conditions():
    """a condition of /wait triggers, times out, and is given up with its client"""
    tap.needs("JUDGE")
    with recording() as service:
        status, answer = post(service, "for=motion&frames=2&pre=5&post=5&name=moved&wait=1")
        result = answer["result"]
        assert status == 200 and result["trigger"] == "motion", answer
        assert result["state"] == "closed", answer
        rows = check(service.clips, "moved")
        assert next(row for row in rows if row["n"] == 0)["seq"] == result["trigger_seq"], answer
        status, answer = post(service, "for=black&timeout=50ms")
        assert status == 504 and answer["error"]["reason"] == "timeout", answer
        for query, reason in (("for=hash", "bad-hash"), ("for=match", "bad-reference"),
                              ("for=any", "bad-for"), ("for=black&region=9x9+0+0&region=9x9+9+9",
                                                       "bad-region"),
                              ("for=black&at=last", "bad-at"),
                              ("for=black&region=9x9", "bad-region")):
            status, answer = post(service, query)
            assert status == 400 and answer["error"]["reason"] == reason, (query, answer)
        with service.connect() as sock:
            sock.sendall(tap.request("POST", "/record?for=black&name=never").encode())
            service.wait_for(lambda state: state["glint"]["waits"]["pending"] == 1)
        service.wait_for(lambda state: state["glint"]["waits"]["pending"] == 0)
        assert service.state()["glint"]["recorder"]["closed"] == 1
        if tap.built_with("TOOL_GLINT"):
            said = glint("record", "--socket", service.path, "--when", "change", "--pre", "2",
                         "--post", "3", "--name", "changed")
            assert said.startswith("changed.mkv\t"), said
            check(service.clips, "changed")
    with tap.Service() as service:
        status, answer = post(service, "for=black")
        assert status == 503 and answer["error"]["reason"] == "no-recorder", answer


def post_picture(service, query, picture):
    with service.connect() as sock:
        sock.settimeout(tap.PATIENCE)
        sock.sendall(f"POST /record?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     f"Content-Type: image/x-portable-pixmap\r\n"
                     f"Content-Length: {len(picture)}\r\n\r\n".encode() + picture)
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    head, body = data.split(b"\r\n\r\n", 1)
    return int(head.split()[1]), json.loads(body)


@tap.test
def test_pictures_and_checksums():
    """a match, a checksum and a transition trigger; a picture belongs to a match alone"""
    tap.needs("JUDGE")
    part = "320x16+160+0"	# of the picture, where nothing moves
    with recording() as service:
        picture = service.get(f"/snapshot?format=ppm&crop={part}").body
        for name, query in (("there", "place=160+0"), ("near", "place=157+2&margin=5"),
                            ("region", f"region={part}")):
            status, answer = post_picture(
                service, f"for=match&{query}&name={name}&pre=3&post=3&wait=1", picture)
            assert status == 200 and answer["result"]["trigger"] == "match", (name, answer)
            rows = check(service.clips, name)
            zero = next(row for row in rows if row["n"] == 0)
            assert zero["seq"] == answer["result"]["trigger_seq"], (name, answer)
        for query, reason in (("for=match&place=60", "bad-place"), ("for=still", "bad-reference"),
                              ("name=x", "bad-for")):
            status, answer = post_picture(service, query, picture)
            assert status == 400 and answer["error"]["reason"] == reason, (query, answer)
        status, answer = post_picture(service, "for=match&place=0+88&timeout=200ms", picture)
        assert status == 504 and answer["error"]["reason"] == "timeout", answer
        queries = [("settled", f"for=transition&region={part}&start_timeout=50ms", 504)]
        if tap.built_with("PIXELS_HASH"):
            digest = json.loads(service.get(f"/hash?region={part}").body)["result"]["xxh3_128"]
            queries += [("same", f"for=hash&hash={digest}&region={part}", 200),
                        ("other", f"for=hash&hash={digest}&differs=1", 200)]
        for name, query, expected in queries:
            status, answer = post(service, f"{query}&name={name}&pre=3&post=3&wait=1")
            assert status == expected, (name, answer)
            if status == 200:
                check(service.clips, name)
        if tap.built_with("TOOL_GLINT"):
            path = os.path.join(service.clips, "part.ppm")
            with open(path, "wb") as file:
                file.write(picture)
            said = glint("record", "--socket", service.path, "--when", "match", "--reference",
                         path, "--place", "160+0", "--pre", "2", "--post", "2", "--name", "tool")
            assert said.startswith("tool.mkv\t"), said


@tap.test
def test_stopped():
    """DELETE ends a recording, whose file is complete then"""
    with recording() as service:
        assert post(service, "pre=3&post=9999&name=a")[0] == 200
        reply = service.ask(tap.request("DELETE", "/record?name=a"))
        assert reply.status == 200, reply
        service.wait_for(lambda state: state["glint"]["recorder"]["closed"] == 1)
        check(service.clips, "a")


def fails_to_start(folder):
    done = subprocess.run([tap.GLINTD, "--device", "test", "--unix", "/tmp/glint-never",
                           "--record", folder], stderr=subprocess.PIPE, text=True, check=False,
                          timeout=tap.PATIENCE)
    assert done.returncode == 1, done
    return done.stderr


@tap.test
def test_folders():
    """a folder that is missing, a link, another service's or anyone's is refused with the reason"""
    tap.needs("RECORD")
    tap.needs("PATTERN")
    with tempfile.TemporaryDirectory(prefix="glint-clips-") as folder:
        link = os.path.join(folder, "link")
        os.symlink(folder, link)
        assert "it is a link" in fails_to_start(link)
        assert "no such folder" in fails_to_start(os.path.join(folder, "none"))
        assert "it is no folder" in fails_to_start(tap.GLINTD)
        with tap.Service("--record", folder):
            assert "another service records" in fails_to_start(folder)
        os.chmod(folder, 0o777)
        assert "anyone may write" in fails_to_start(folder)


@tap.test
def test_refusals():
    """names with slashes, moments that are gone and files that exist are refused"""
    with recording() as service:
        for query, status, reason in (("name=a/b", 400, "bad-name"), ("name=..", 400, "bad-name"),
                                      ("pre=x", 400, "bad-pre"), ("at=1", 409, "not-held"),
                                      ("at=mark:none", 404, "unknown-mark")):
            found, answer = post(service, query)
            assert found == status and answer["error"]["reason"] == reason, (query, answer)
        with open(os.path.join(service.clips, "mine.mkv"), "w", encoding="utf-8") as file:
            file.write("mine")
        status, answer = post(service, "name=mine")
        assert status == 409 and answer["error"]["reason"] == "name-exists", answer
        with open(os.path.join(service.clips, "mine.mkv"), encoding="utf-8") as file:
            assert file.read() == "mine"
    with tap.Service() as service:
        status, answer = post(service, "")
        assert status == 503 and answer["error"]["reason"] == "no-recorder", answer


@tap.test
def test_moments_ahead():
    """a moment may be a minute ahead; times take the units of all durations"""
    with recording() as service:
        status, answer = post(service, f"name=ahead&until=accepted&at={tap.now_ns() + 50 * 10 ** 9}")
        assert status == 200 and answer["result"]["state"] == "waiting", answer
        status, answer = post(service, f"name=far&at={tap.now_ns() + 70 * 10 ** 9}")
        assert status == 400 and answer["error"]["reason"] == "bad-at", answer
        status, answer = post(service, "name=short&pre=1ns&post=1ns&until=complete")
        assert status == 200 and answer["result"]["frames"] == 1, answer


def glint(*args, code=0):
    done = subprocess.run([GLINT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=tap.PATIENCE)
    assert done.returncode == code, done
    return done.stdout


@tap.test
def test_command_of_a_failed_recording():
    """glint record says what the disk said, and its status is 3"""
    tap.needs("TOOL_GLINT")
    if not shutil.which("prlimit"):
        raise tap.Skip("prlimit is not installed")
    limit = ("prlimit", f"--fsize={40 << 20}")
    with recording("--record-memory", "16", fps=240, wrapper=limit) as service:
        said = glint("record", "--socket", service.path, "--pre", "5", "--post", "200", "--name",
                     "long", code=3)
        assert said.startswith("long.incomplete.mkv\t") and said.endswith(
            "missing\tfailed: File too large\n"), said
        check(service.clips, "long.incomplete")


@tap.test
def test_command_of_a_long_recording():
    """glint record waits as long as --max-wait says, and names it when that is too short"""
    tap.needs("TOOL_GLINT")
    with recording() as service:
        begun = time.monotonic()
        done = subprocess.run(
            [GLINT, "record", "--socket", service.path, "--timeout", "30", "--post", "60s",
             "--name", "long", "--max-wait", "0.5"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False, timeout=tap.PATIENCE)
        assert 0.5 <= time.monotonic() - begun < 20, done
        assert done.returncode == 2 and not done.stdout, done
        assert "--max-wait" in done.stderr and "--timeout" not in done.stderr, done
        assert "running" in glint("record", "--socket", service.path, "--list")


@tap.test
def test_command():
    """glint record records, and glint clip says what is in the file, cuts it and exports it"""
    tap.needs("TOOL_GLINT")
    with recording() as service:
        address = ("--socket", service.path)
        said = glint("record", *address, "--pre", "10", "--post", "5", "--name", "one")
        assert said.startswith("one.mkv\t"), said
        assert "one.mkv" in glint("record", *address, "--list")
        said = glint("record", *address, "--post", "5", "--name", "soon", "--until", "accepted")
        assert said.split()[0] == "soon" and said.split()[-1] in ("waiting", "running"), said
        glint("record", *address, "--until", "later", code=1)
        path = os.path.join(service.clips, "one.mkv")
        info = json.loads(glint("clip", "info", "--json", path))
        rows = check(service.clips, "one")
        assert info["frames"] == len(rows) and info["width"] == WIDTH, info
        cut = os.path.join(service.clips, "part.mkv")
        glint("clip", "cut", path, "--from", "-3", "--to", "2", "-o", cut)
        kept = check(service.clips, "part")
        assert [row["seq"] for row in kept] == [row["seq"] for row in rows if -3 <= row["n"] <= 2]
        assert glint("clip", "info", cut).startswith("part: ")
        y4m = os.path.join(service.clips, "one.y4m")
        glint("clip", "export", path, "-o", y4m)
        size = os.path.getsize(y4m)
        assert size > len(rows) * 2 * WIDTH * HEIGHT
        glint("clip", "export", path, "-o", y4m, code=1)
        assert os.path.getsize(y4m) == size
        frames = os.path.join(service.clips, "frames")
        glint("clip", "export", path, "-o", frames)
        assert len(os.listdir(frames)) == len(rows) + 1
        glint("clip", "info", GLINT, code=1)


tap.main()
