#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The emulated capture device of the benchmarks, as programs find it.

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
LIBRARY = os.path.join(tap.BUILD, "libv4l2emu.so")
PATH = "/dev/video-emu0"


def environment(**settings):
    return {**os.environ, "LD_PRELOAD": LIBRARY,
            **{f"V4L2EMU_{name.upper()}": str(value) for name, value in settings.items()}}


def needs_emulation():
    if tap.is_sanitized():
        raise tap.Skip("a sanitizer's library must be loaded before all others")
    if not os.path.exists(LIBRARY):
        raise tap.Skip("libv4l2emu.so is not built")


def run(*command, **settings):
    needs_emulation()
    if not shutil.which(command[0]):
        raise tap.Skip(f"{command[0]} is not installed")
    done = subprocess.run(command, env=environment(**settings), capture_output=True, text=True,
                          timeout=tap.PATIENCE, check=False)
    return done.stdout + done.stderr


def read(path, *arguments):
    """What the benchmarks' reader finds there in a second."""
    if not os.path.exists(READER):
        raise tap.Skip("the reader is not built")
    done = subprocess.run([READER, path, "--seconds", "1", *arguments], stdout=subprocess.PIPE,
                          timeout=tap.PATIENCE, check=True)
    return json.loads(done.stdout)


def stamp_of(rows):
    """Sequence number and time of four rows of bits, whose last one is their checksum."""
    assert rows[3] == zlib.crc32(struct.pack("<3I", *rows[:3])), rows
    return rows[0], rows[1] << 32 | rows[2]


def stamp_in_luma(luma, width):
    """As pattern/stamp.c reads it from a picture of 128 lines; cells of 16, width over 1024."""
    rows = []
    for row in range(4):
        bits = 0
        for column in range(32):
            bits = bits << 1 | (luma[(56 + 16 * row + 8) * width + 8 + 16 * column + 8] > 128)
        rows.append(bits)
    return stamp_of(rows)


def frames(count, **settings):
    """Frames as v4l2-ctl writes them, and what it says of them."""
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
    """in UYVY and NV12 the stamp is there as well"""
    for fourcc, size, first, step in (("UYVY", 1280 * 720 * 2, 1, 2), ("NV12", 1280 * 1080, 0, 1)):
        data, said = frames(1, size="1280x720", format=fourcc)
        assert said[0][1] == size == len(data)
        assert stamp_in_luma(data[first::step], 1280)[0] == said[0][0]


@tap.test
def test_compliance():
    """v4l2-compliance finds its streaming right"""
    said = run("v4l2-compliance", "-d", PATH, "-s5", size="640x480", fps=120)
    # Later ones than 1.22 say how the buffers were made: "MMAP (select, REQBUFS)".
    for name in (r"MMAP \(no poll(, REQBUFS)?\)", r"MMAP \(select(, REQBUFS)?\)",
                 r"MMAP \(epoll(, REQBUFS)?\)", "VIDIOC_REQBUFS/CREATE_BUFS/QUERYBUF",
                 "VIDIOC_EXPBUF", "VIDIOC_QUERYCAP",
                 "VIDIOC_ENUM_FMT/FRAMESIZES/FRAMEINTERVALS", "VIDIOC_G_FMT"):
        assert re.search(rf"test {name}: OK", said), f"{name}: {said}"


@tap.test
def test_drops():
    """frames for which nobody has a buffer are counted, and their numbers are left out"""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "stats")
        # It pauses for a second after the third frame, and has no more than four buffers.
        pause = "count=3,mode=0" if "count=<c>" in run("v4l2-ctl", "--help-streaming") else "3"
        said = run("v4l2-ctl", "-d", PATH, "--stream-mmap=4", "--stream-count=8", "--verbose",
                   f"--stream-sleep={pause}", size="320x240", fps=240, stats=path)
        numbers = [int(number) for number in re.findall(r"seq: +(\d+)", said)]
        with open(path, "rb") as file:
            produced, dropped, cpu_ns = struct.unpack("<3Q", file.read())
    assert len(numbers) == 8 and numbers[-1] - numbers[0] > 7, numbers
    assert produced >= 8 and dropped > 0 and cpu_ns > 0
    assert produced + dropped > numbers[-1]


@tap.test
def test_bad_settings():
    """a setting that makes no sense ends the program and says why"""
    for name, value in (("size", "1920"), ("size", "1921x1080"), ("fps", "0"), ("format", "RGB3")):
        said = run("v4l2-ctl", "-d", PATH, "--all", **{name: value})
        assert f"V4L2EMU_{name.upper()}={value}" in said, said


@tap.test
def test_service():
    """glintd serves it: frames are live, and all are accounted for"""
    needs_emulation()
    with tap.Service("--resolution", "1280x720", device=PATH,
                     environment=environment(size="1280x720")) as service:
        service.wait_until_live()
        with tap.Stream(service, "?extra_headers=1") as stream:
            for _ in range(10):
                fields, data = stream.part()
                assert fields["X-UStreamer-Online"] == "true"
                assert tap.jpeg_size(data) == (1280, 720)
        ledger = service.state()["glint"]["ledger"]
        assert ledger["unaccounted"] == 0 and ledger["delivered"] >= 10


@tap.test
def test_reader():
    """the benchmarks' reader finds a stamp in each picture of a stream and of a snapshot"""
    needs_emulation()
    with tap.Service("--resolution", "1280x720", device=PATH,
                     environment=environment(size="1280x720")) as service:
        service.wait_until_live()
        for arguments in (("--clients", "3"), ("--snapshots", "2")):
            found = read(service.path, *arguments, "--pid", str(service.process.pid))
            assert found["received"] > found["pictures"] > 0, found
            assert found["bad"] == 0 and found["stale"] == 0, found
            assert found["cpu_us_per_picture"] > 0 and found["rss_kib"] > 0, found


@tap.test
def test_ustreamer():
    """ustreamer serves it, and its pictures carry the stamp"""
    needs_emulation()
    if not shutil.which("ustreamer"):
        raise tap.Skip("ustreamer is not installed")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        service = subprocess.Popen(["ustreamer", "-d", PATH, "-r", "1280x720", "--unix", path],
                                   env=environment(size="1280x720"), stderr=subprocess.DEVNULL)
        try:
            tap.until(lambda: os.path.exists(path) and online(path))
            found = read(path)
            assert found["received"] > 0 and found["bad"] == 0, found
        finally:
            # It may overlook a SIGTERM.
            service.kill()
            service.wait(tap.PATIENCE)


def online(path):
    """Whether a server shows what the device has, and not a picture of its own."""
    with tap.connect(path) as sock:
        sock.sendall(tap.request("GET", "/snapshot").encode())
        return tap.jpeg_size(tap.Reply(tap.Reader(sock)).body) == (1280, 720)


@tap.test
def test_passthrough():
    """a JPEG goes through glintd as it is: its stamp and its sequence number agree"""
    needs_emulation()
    with tap.Service("--resolution", "1280x720", "--format", "MJPEG", device=PATH,
                     environment=environment(size="1280x720", format="MJPEG")) as service:
        service.wait_until_live()
        with tap.Stream(service, "?extra_headers=1") as stream:
            for _ in range(10):
                fields, data = stream.part()
                at = data.index(b"glint-stamp:") + len(b"glint-stamp:")
                stamp = stamp_of(struct.unpack(">4I", data[at:at + 16]))
                assert stamp[0] == int(fields["X-Glint-Sequence"])


tap.main()
