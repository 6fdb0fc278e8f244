#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmarks' emulated capture device, as seen by programs.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import zlib

import tap

READER = os.path.join(tap.BUILD, "tests/bench/reader")
PATH = tap.EMULATED


def run(*command, **settings):
    if not shutil.which(command[0]):
        raise tap.Skip(f"{command[0]} is not installed")
    done = subprocess.run(command, env=tap.emulated(**settings), capture_output=True, text=True,
                          timeout=tap.PATIENCE, check=False)
    return done.stdout + done.stderr


def read(path, *arguments):
    """Returns what the benchmarks' reader measures at @path in a second."""
    if not os.path.exists(READER):
        raise tap.Skip("the reader is not built")
    done = subprocess.run([READER, path, "--seconds", "1", *arguments], stdout=subprocess.PIPE,
                          timeout=tap.PATIENCE, check=True)
    return json.loads(done.stdout)


def stamp_of(rows):
    """Returns sequence number and time from four rows of bits; the last row is their checksum."""
    assert rows[3] == zlib.crc32(struct.pack("<3I", *rows[:3])), rows
    return rows[0], rows[1] << 32 | rows[2]


def stamp_in_luma(luma, width):
    """Reads the stamp like pattern/stamp.c: a picture of 128 lines, cells of 16 pixels, wider than
    1024."""
    rows = []
    for row in range(4):
        bits = 0
        for column in range(32):
            bits = bits << 1 | (luma[(56 + 16 * row + 8) * width + 8 + 16 * column + 8] > 128)
        rows.append(bits)
    return stamp_of(rows)


def frames(count, **settings):
    """Returns the frames that v4l2-ctl writes, and its messages."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "frames")
        said = run("v4l2-ctl", "-d", PATH, "--stream-mmap", f"--stream-count={count}",
                   f"--stream-to={path}", "--verbose", **settings)
        with open(path, "rb") as file:
            data = file.read()
    return data, [(int(sequence), int(used)) for sequence, used in
                  re.findall(r"seq: +(\d+) bytesused: (\d+)", said)]


@tap.test
def test_streaming():
    """v4l2-ctl streams from it, and each frame carries the stamp of its sequence number"""
    data, said = frames(5, size="1280x720", fps=120)
    size = 1280 * 720 * 2
    assert len(said) == 5 and len(data) == 5 * size, said
    times = []
    for number, (sequence, used) in enumerate(said):
        assert used == size
        luma = data[number * size:(number + 1) * size:2]
        seen, when = stamp_in_luma(luma, 1280)
        assert seen == sequence
        times.append(when)
    assert times == sorted(times) and times[-1] <= tap.now_ns()


@tap.test
def test_formats():
    """frames in UYVY, NV12 and RGB24 carry the stamp too, in each scene"""
    for fourcc, size, first, step in (("UYVY", 1280 * 720 * 2, 1, 2), ("NV12", 1280 * 1080, 0, 1),
                                      ("RGB24", 1280 * 720 * 3, 1, 3)):
        seen = set()
        for scene in ("screen", "busy", "photo", "ui"):
            data, said = frames(1, size="1280x720", format=fourcc, scene=scene)
            assert said[0][1] == size == len(data)
            assert stamp_in_luma(data[first::step], 1280)[0] == said[0][0]
            seen.add(hash(data[:1280 * 10]))
        assert len(seen) == 4, fourcc


@tap.test
def test_changes():
    """everything changes from frame to frame, a box only, or nothing between blinks"""
    size, count = 1280 * 720 * 2, 4
    changed = {}
    for change in ("all", "box", "blink"):
        data, _ = frames(count, size="1280x720", fps=240, scene="photo", change=change)
        pictures = [data[i * size:(i + 1) * size] for i in range(count)]
        # The box and the stamp are at the left; the right half is without both.
        halves = [b"".join(picture[y * 2560 + 1280:(y + 1) * 2560] for y in range(720))
                  for picture in pictures]
        changed[change] = len(set(pictures)), len(set(halves))
    assert changed["all"] == (count, count), changed
    assert changed["box"] == (count, 1), changed
    assert changed["blink"][0] < count and changed["blink"][1] == 1, changed


@tap.test
def test_range():
    """the device declares the range of its settings"""
    for levels, word in (("limited", "Limited Range"), ("full", "Full Range")):
        said = run("v4l2-ctl", "-d", PATH, "--get-fmt-video", range=levels)
        assert word in said, said


@tap.test
def test_gstreamer():
    """GStreamer, which starts the stream through a duplicate of its descriptor, gets frames"""
    said = run("gst-launch-1.0", "v4l2src", f"device={PATH}", "num-buffers=10", "!",
               "fakesink", "silent=false", "-v", size="640x480", fps=120)
    if "no element" in said:
        raise tap.Skip("GStreamer has no v4l2src")
    assert said.count("chain") >= 10 and "ERROR" not in said, said


@tap.test
def test_compliance():
    """v4l2-compliance passes its streaming tests"""
    said = run("v4l2-compliance", "-d", PATH, "-s5", size="640x480", fps=120)
    # Versions after 1.22 add how the buffers were made: "MMAP (select, REQBUFS)".
    for name in (r"MMAP \(no poll(, REQBUFS)?\)", r"MMAP \(select(, REQBUFS)?\)",
                 r"MMAP \(epoll(, REQBUFS)?\)", "VIDIOC_REQBUFS/CREATE_BUFS/QUERYBUF",
                 "VIDIOC_EXPBUF", "VIDIOC_QUERYCAP",
                 "VIDIOC_ENUM_FMT/FRAMESIZES/FRAMEINTERVALS", "VIDIOC_G_FMT"):
        assert re.search(rf"test {name}: OK", said), f"{name}: {said}"


@tap.test
def test_drops():
    """frames without a queued buffer are counted, and their sequence numbers are skipped"""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "stats")
        # v4l2-ctl pauses for a second after the third frame, and has at most four buffers.
        pause = "count=3,mode=0" if "count=<c>" in run("v4l2-ctl", "--help-streaming") else "3"
        said = run("v4l2-ctl", "-d", PATH, "--stream-mmap=4", "--stream-count=8", "--verbose",
                   f"--stream-sleep={pause}", size="320x240", fps=240, stats=path)
        numbers = [int(number) for number in re.findall(r"seq: +(\d+)", said)]
        with open(path, "rb") as file:
            produced, dropped, late, cpu_ns = struct.unpack("<4Q", file.read())
    assert len(numbers) == 8 and numbers[-1] - numbers[0] > 7, numbers
    assert produced >= 8 and dropped > 0 and cpu_ns > 0
    assert produced + dropped + late > numbers[-1]


@tap.test
def test_bad_settings():
    """a wrong setting ends the program with an explanation"""
    for name, value in (("size", "1920"), ("size", "1921x1080"), ("fps", "0"), ("format", "RGB3"),
                        ("scene", "desk"), ("change", "none"), ("range", "video")):
        said = run("v4l2-ctl", "-d", PATH, "--all", **{name: value})
        assert f"V4L2EMU_{name.upper()}={value}" in said, said


@tap.test
def test_service():
    """glintd serves the emulated device: frames are live, and all are accounted for"""
    with tap.Service("--resolution", "1280x720", device=PATH,
                     environment=tap.emulated(size="1280x720")) as service:
        service.wait_until_live()
        with tap.Stream(service, "?extra_headers=1") as stream:
            for _ in range(10):
                fields, data = stream.part()
                assert fields["X-UStreamer-Online"] == "true"
                assert tap.jpeg_size(data) == (1280, 720)
        ledger = service.state()["glint"]["ledger"]
        assert ledger["unaccounted"] == 0 and ledger["delivered"] >= 10


@tap.test
def test_size_without_wish():
    """without --resolution the size is the device's own, and /state has it"""
    for arguments in ((), ("--compat", "none"), ("--desired-fps", "100")):
        with tap.Service(*arguments, device=PATH, environment=tap.emulated()) as service:
            service.wait_until_live()
            assert service.state()["source"]["resolution"] == {"width": 1920, "height": 1080}
            reply = service.get("/snapshot")
            assert tap.jpeg_size(reply.body) == (1920, 1080), reply


@tap.test
def test_reader():
    """the benchmarks' reader finds a stamp in each picture of a stream and of a snapshot"""
    with tap.Service("--resolution", "1280x720", device=PATH,
                     environment=tap.emulated(size="1280x720")) as service:
        service.wait_until_live()
        for arguments in (("--clients", "3"), ("--snapshots", "2")):
            found = read(service.path, *arguments, "--pid", str(service.process.pid))
            assert found["received"] > found["pictures"] > 0, found
            assert found["bad"] == 0 and found["stale"] == 0, found
            assert found["cpu_us_per_picture"] > 0 and found["rss_kib"] > 0, found


@tap.test
def test_ustreamer():
    """ustreamer serves the emulated device, and its pictures carry the stamp"""
    if not shutil.which("ustreamer"):
        raise tap.Skip("ustreamer is not installed")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        service = subprocess.Popen(["ustreamer", "-d", PATH, "-r", "1280x720", "--unix", path],
                                   env=tap.emulated(size="1280x720"), stderr=subprocess.DEVNULL)
        try:
            tap.until(lambda: os.path.exists(path) and online(path))
            found = read(path)
            assert found["received"] > 0 and found["bad"] == 0, found
        finally:
            # ustreamer may lose a SIGTERM.
            service.kill()
            service.wait(tap.PATIENCE)


def online(path):
    """Whether the server shows the device's picture, and not its own offline picture."""
    with tap.connect(path) as sock:
        sock.sendall(tap.request("GET", "/snapshot").encode())
        return tap.jpeg_size(tap.Reply(tap.Reader(sock)).body) == (1280, 720)


@tap.test
def test_passthrough():
    """a JPEG passes through glintd unchanged: its stamp and its sequence number agree"""
    with tap.Service("--resolution", "1280x720", "--format", "MJPEG", device=PATH,
                     environment=tap.emulated(size="1280x720", format="MJPEG")) as service:
        service.wait_until_live()
        with tap.Stream(service, "?extra_headers=1") as stream:
            for _ in range(10):
                fields, data = stream.part()
                at = data.index(b"glint-stamp:") + len(b"glint-stamp:")
                stamp = stamp_of(struct.unpack(">4I", data[at:at + 16]))
                assert stamp[0] == int(fields["X-Glint-Sequence"])


tap.main()
