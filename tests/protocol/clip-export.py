#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""glint clip export and show: decoded frames are those that were recorded, and nothing is left half."""
import array
import csv
import hashlib
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import zlib

import browser
import clips
import tap
from clips import GLINT, glint

WIDTH, HEIGHT = 64, 32


def sha(data):
    return hashlib.sha256(data).hexdigest()


def folder():
    return tempfile.TemporaryDirectory(prefix="glint-export-")


def made(path, fourcc="GREY", count=12, size=WIDTH * HEIGHT, missing=(), **options):
    source = random.Random(5)
    clip = clips.Clip(path, fourcc, WIDTH, HEIGHT, trigger_seq=104, **options)
    frames = []
    for i in range(count):
        frames.append(source.randbytes(size))
        if fourcc in ("P010", "Y210"):	# 10 bits a sample, at the top of 16
            frames[-1] = bytes(byte & (0xff if at % 2 else 0xc0) for at, byte in enumerate(frames[-1]))
        clip.add(frames[-1], missing=2 if i in missing else 0)
    clip.finish()
    return clip, frames


def png_pixels(data):
    """The pixels of a PNG of eight bits a sample, by the standard library."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8:at + 8 + size]
        assert zlib.crc32(kind + content) == struct.unpack_from(">I", data, at + 8 + size)[0]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", content)
            assert depth == 8
        packed += content if kind == b"IDAT" else b""
        at += size + 12
    step = {0: 1, 2: 3}[colour]
    lines, before, pixels = zlib.decompress(packed), bytearray(width * step), b""
    for y in range(height):
        start = y * (width * step + 1)
        how, line = lines[start], bytearray(lines[start + 1:start + 1 + width * step])
        for x, value in enumerate(line):
            left = line[x - step] if x >= step else 0
            corner = before[x - step] if x >= step else 0
            up = before[x]
            guess = left + up - corner
            paeth = min((left, up, corner),
                        key=lambda v: abs(guess - v)) if how == 4 else 0
            line[x] = (value + (0, left, up, (left + up) // 2, paeth)[how]) & 0xff
        pixels += line
        before = line
    return pixels


@tap.test
def test_png():
    """a folder of PNGs has the recorded pixels, and its table their facts"""
    tap.needs("PIXELS_PNG")
    with folder() as tmp:
        for fourcc, size in (("GREY", WIDTH * HEIGHT), ("RGB3", 3 * WIDTH * HEIGHT)):
            path, out = os.path.join(tmp, f"{fourcc}.mkv"), os.path.join(tmp, fourcc)
            clip, frames = made(path, fourcc, size=size, missing=(6,))
            glint("export", path, "-o", out, "--format", "png")
            with open(os.path.join(out, "frames.csv"), encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            assert len(rows) == len(frames) == 12
            for row, pixels, line in zip(rows, frames, clip.lines):
                with open(os.path.join(out, row["file"]), "rb") as file:
                    assert sha(png_pixels(file.read())) == sha(pixels), row
                for name in ("n", "seq", "ns", "dropped"):
                    assert int(row[name]) == line[name], (row, line)
            glint("export", path, "-o", out, status=1)


@tap.test
def test_raw_and_jpeg():
    """a folder of raw frames, or of the device's own JPEGs, has the recorded bytes"""
    with folder() as tmp:
        for fourcc, end in (("YUYV", "raw"), ("MJPG", "jpg")):
            path, out = os.path.join(tmp, f"{fourcc}.mkv"), os.path.join(tmp, fourcc)
            _, frames = made(path, fourcc, size=2 * WIDTH * HEIGHT)
            glint("export", path, "-o", out, "--from", "-2", "--to", "3")
            names = sorted(name for name in os.listdir(out) if name.endswith(end))
            assert len(names) == 6, names
            for name, pixels in zip(names, frames[2:]):
                with open(os.path.join(out, name), "rb") as file:
                    assert sha(file.read()) == sha(pixels)


@tap.test
def test_y4m():
    """Y4M has the recorded samples as planes"""
    with folder() as tmp:
        path, out = os.path.join(tmp, "a.mkv"), os.path.join(tmp, "a.y4m")
        _, frames = made(path, "YUYV", size=2 * WIDTH * HEIGHT)
        glint("export", path, "-o", out)
        with open(out, "rb") as file:
            head, _, rest = file.read().partition(b"\n")
        assert head.startswith(b"YUV4MPEG2 W64 H32 ") and b"C422" in head, head
        for pixels in frames:
            planes = pixels[0::2] + pixels[1::4] + pixels[3::4]
            assert rest[:6] == b"FRAME\n" and sha(rest[6:6 + len(planes)]) == sha(planes)
            rest = rest[6 + len(planes):]
        assert rest == b""


class Mcap:
    """Reads an MCAP file, by its specification: the index, and the chunks that it names."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        magic = b"\x89MCAP0\r\n"
        assert self.data.startswith(magic) and self.data.endswith(magic)
        summary, _, _ = struct.unpack_from("<QQI", self.data, len(self.data) - 8 - 20)
        assert self.data[len(self.data) - 8 - 29] == 2
        self.schemas, self.channels, self.messages, self.counts = [], {}, [], {}
        self.count = 0
        linear = [op for op, _ in self.records(8, len(self.data) - 8)]
        assert linear[0] == 1 and linear[-1] == 2 and linear.count(15) == 1, linear
        for opcode, content in self.records(summary, len(self.data) - 8):
            if opcode == 3:
                name, at = self.string(content, 2)
                encoding, at = self.string(content, at)
                self.schemas.append((name, encoding, content[at + 4:]))
            elif opcode == 4:
                ident, schema = struct.unpack_from("<HH", content)
                topic, at = self.string(content, 4)
                kind, at = self.string(content, at)
                name, at = self.string(content, at + 4)
                assert (schema, topic, kind, name) == (1, "/image", "protobuf", "stream")
                self.channels[ident] = int(self.string(content, at)[0])
            elif opcode == 11:
                self.count, schemas, channels = struct.unpack_from("<QHI", content)
                size, = struct.unpack_from("<I", content, 42)
                assert schemas == 1 and size == 10 * channels == len(content) - 46, content
                self.counts = dict(struct.unpack_from("<HQ", content, 46 + 10 * i)
                                   for i in range(channels))
            elif opcode == 8:
                begin, _, offset, length = struct.unpack_from("<QQQQ", content)
                self.chunk(begin, offset, length)

    @staticmethod
    def string(data, at):
        size, = struct.unpack_from("<I", data, at)
        return data[at + 4:at + 4 + size].decode(), at + 4 + size

    def records(self, at, end):
        while at < end:
            opcode, size = struct.unpack_from("<BQ", self.data, at)
            yield opcode, self.data[at + 9:at + 9 + size]
            at += 9 + size
        assert at == end

    def chunk(self, begin, offset, length):
        (opcode, content), = self.records(offset, offset + length)
        assert opcode == 6
        _, _, size = struct.unpack_from("<QQQ", content)
        compression, at = self.string(content, 28)
        packed, = struct.unpack_from("<Q", content, at)
        assert compression == "" and packed == size == len(content) - at - 8
        kind, inner = struct.unpack_from("<BQ", content, at + 8)
        assert kind == 5 and inner == size - 9
        channel, seq, log, publish = struct.unpack_from("<HIQQ", content, at + 17)
        assert log == publish == begin
        self.messages.append((self.channels[channel], seq, log, content[at + 17 + 22:]))


def protobuf(data):
    """The fields of a message."""
    fields, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            value = varint()
        elif key & 7 == 5:
            value, = struct.unpack_from("<I", data, at)
            at += 4
        else:
            size = varint()
            value = data[at:at + size]
            at += size
        fields.setdefault(key >> 3, []).append(value)
    return fields


@tap.test
def test_mcap():
    """MCAP has the recorded bytes with their numbers and times of day"""
    with folder() as tmp:
        for fourcc, encoding, step in (("GREY", b"mono8", WIDTH), ("YUYV", b"yuyv", 2 * WIDTH),
                                       ("RGB3", b"rgb8", 3 * WIDTH), ("MJPG", None, 0)):
            path, out = os.path.join(tmp, f"{fourcc}.mkv"), os.path.join(tmp, f"{fourcc}.mcap")
            clip, frames = made(path, fourcc, size=(step or WIDTH) * HEIGHT, missing=(3,))
            glint("export", path, "-o", out)
            mcap = Mcap(out)
            (name, kind, schema), = mcap.schemas
            assert kind == "protobuf" and mcap.channels == {1: 1}
            assert name == ("foxglove.RawImage" if encoding else "foxglove.CompressedImage")
            files = [protobuf(file) for file in protobuf(schema)[1]]
            assert [file[1][0] for file in files] == [
                b"google/protobuf/timestamp.proto", f"{name.replace('.', '/')}.proto".encode()]
            assert mcap.count == len(mcap.messages) == len(frames)
            for (stream, seq, log, message), pixels, line in zip(mcap.messages, frames, clip.lines):
                image = protobuf(message)
                assert seq == line["seq"] and stream == 1
                assert log == line["ns"] + clip.head["realtime_ns"] - clip.head["monotonic_ns"]
                stamp = protobuf(image[1][0])
                assert stamp[1][0] * 10 ** 9 + stamp.get(2, [0])[0] == log
                if encoding:
                    assert (image[2], image[3], image[4], image[5]) == (
                        [WIDTH], [HEIGHT], [encoding], [step]), image
                else:
                    assert image[3] == [b"jpeg"]
                assert sha(image[6 if encoding else 2][0]) == sha(pixels)


def decoded(path, *args):
    """The pixels of all frames, in the format that the file has or that @args ask for."""
    return subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough",
                           *args, "-f", "rawvideo", "-"], stdout=subprocess.PIPE, check=True,
                          timeout=tap.PATIENCE).stdout


def probed(path):
    """The codec, and the times of the frames in nanoseconds."""
    found = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-show_streams", "-show_packets", "-of", "json",
         path], stdout=subprocess.PIPE, check=True, timeout=tap.PATIENCE).stdout)
    stream, = found["streams"]
    unit = 10 ** 9 // int(stream["time_base"].split("/")[1])
    return stream["codec_name"], [packet["pts"] * unit for packet in found["packets"]]


def needs_ffmpeg():
    tap.needs("CLIP_LIBAV")
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        raise tap.Skip("ffmpeg is not installed")


def planes(fourcc, pixels):
    """The samples of a frame, plane by plane."""
    if fourcc == "YUYV":
        return pixels[0::2] + pixels[1::4] + pixels[3::4]
    if fourcc == "UYVY":
        return pixels[1::2] + pixels[0::4] + pixels[2::4]
    luma = WIDTH * HEIGHT
    if fourcc in ("NV16", "NV24"):
        return pixels[:luma] + pixels[luma::2] + pixels[luma + 1::2]
    if fourcc in ("P010", "Y210"):
        samples = array.array("H", [sample >> 6 for sample in array.array("H", pixels)])
        return (samples[:luma] + samples[luma::2] + samples[luma + 1::2] if fourcc == "P010" else
                samples[0::2] + samples[1::4] + samples[3::4]).tobytes()
    return pixels[:luma] + pixels[luma::2] + pixels[luma + 1::2] if fourcc == "NV12" else pixels


@tap.test
def test_libav():
    """frames that others decode from FFV1 and QuickTime are the recorded ones, and so are their times"""
    needs_ffmpeg()
    with folder() as tmp:
        for fourcc, eighths, how in (("GREY", 8, ()), ("YUYV", 16, ()), ("UYVY", 16, ()),
                                     ("NV16", 16, ()), ("NV24", 24, ()), ("P010", 24, ()),
                                     ("Y210", 32, ()), ("NV12", 12, ()), ("YU12", 12, ()), ("422P", 16, ()),
                                     ("444P", 24, ()), ("RGB3", 24, ("-pix_fmt", "rgb24")),
                                     ("BGR3", 24, ("-pix_fmt", "bgr24")),
                                     ("AR24", 32, ("-pix_fmt", "bgra"))):
            path = os.path.join(tmp, f"{fourcc}.mkv")
            clip, frames = made(path, fourcc, size=WIDTH * HEIGHT * eighths // 8, missing=(3,), fps=997)
            times = [line["ns"] for line in clip.lines]
            for end, zero in (("mkv", 0), ("mov", times[0])):
                out = os.path.join(tmp, f"{fourcc}-out.{end}")
                glint("export", path, "-o", out)
                codec, found = probed(out)
                packed = end == "mov" and fourcc in ("YUYV", "UYVY")
                assert codec == ("rawvideo" if packed else "ffv1"), codec
                assert [ns + zero for ns in found] == times, (fourcc, end, found)
                wanted = b"".join(pixels if packed else planes(fourcc, pixels) for pixels in frames)
                assert sha(decoded(out, *how)) == sha(wanted), (fourcc, end)


@tap.test
def test_libav_facts():
    """FFV1 has a line of facts with each frame, parts of a clip are exported, and JPEGs are not touched"""
    needs_ffmpeg()
    with folder() as tmp:
        path, out = os.path.join(tmp, "a.mkv"), os.path.join(tmp, "out.mkv")
        clip, frames = made(path, missing=(3,))
        glint("export", path, "-o", out, "--from", "0", "--to", "3")
        wanted = [line for line in clip.lines if 0 <= line["n"] <= 3]
        text = subprocess.run(["ffmpeg", "-v", "error", "-i", out, "-map", "0:s", "-c", "copy", "-f", "data",
                               "-"], stdout=subprocess.PIPE, check=True, timeout=tap.PATIENCE).stdout.decode()
        facts = [json.loads(line) for line in text.replace("}{", "}\n{").splitlines()]
        assert [(fact["n"], fact["seq"], fact["ns"]) for fact in facts] == \
            [(line["n"], line["seq"], line["ns"]) for line in wanted], facts
        first = clip.lines.index(wanted[0])
        assert decoded(out) == b"".join(frames[first:first + len(wanted)])

        # A pause of half an hour has no room in 31 bits of nanoseconds, one of an hour in none at all.
        path, out = os.path.join(tmp, "b.mkv"), os.path.join(tmp, "b.mov")
        clip = clips.Clip(path, "GREY", WIDTH, HEIGHT)
        for ns in 10 ** 9, 2 * 10 ** 9, 1802 * 10 ** 9 + 1000:
            clip.add(bytes(WIDTH * HEIGHT), ns=ns)
        clip.finish()
        glint("export", path, "-o", out)
        assert probed(out)[1] == [0, 10 ** 9, 1801 * 10 ** 9 + 1000], probed(out)
        clip = clips.Clip(path, "GREY", WIDTH, HEIGHT)
        for ns in 10 ** 9, 3601 * 10 ** 9:
            clip.add(bytes(WIDTH * HEIGHT), ns=ns)
        clip.finish()
        refusal = glint("export", path, "-o", os.path.join(tmp, "c.mov"), status=1)
        assert "35 minutes" in refusal.stderr and not os.path.exists(os.path.join(tmp, "c.mov")), refusal

        # libavformat warns of more than two or four seconds in nanoseconds, in words of its own.
        clip = clips.Clip(path, "GREY", WIDTH, HEIGHT)
        for seconds in range(9):
            clip.add(bytes(WIDTH * HEIGHT), ns=10 ** 9 * seconds)
        clip.finish()
        assert glint("export", path, "-o", os.path.join(tmp, "d.mov")).stderr == ""

        jpeg = subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc=s={WIDTH}x{HEIGHT}",
                               "-frames:v", "1", "-f", "mjpeg", "-"], stdout=subprocess.PIPE, check=True,
                              timeout=tap.PATIENCE).stdout
        path = os.path.join(tmp, "c.mkv")
        clip = clips.Clip(path, "MJPG", WIDTH, HEIGHT)
        for _ in range(5):
            clip.add(jpeg)
        clip.finish()
        for end in "mkv", "mov":
            out = os.path.join(tmp, f"c-out.{end}")
            glint("export", path, "-o", out)
            assert probed(out)[0] == "mjpeg"
            assert decoded(out, "-c", "copy") == 5 * jpeg, end


@tap.test
def test_libav_colours():
    """exports say which matrix and range the samples have, and QuickTime has no guess for RGB"""
    needs_ffmpeg()
    with folder() as tmp:
        for fourcc, eighths in ("UYVY", 16), ("NV12", 12), ("RGB3", 24):
            for matrix, name in (1, "bt709"), (6, "smpte170m"), (9, "bt2020nc"):
                path = os.path.join(tmp, "a.mkv")
                made(path, fourcc, size=WIDTH * HEIGHT * eighths // 8, count=2, matrix=matrix)
                for end in "mkv", "mov":
                    out = os.path.join(tmp, f"{fourcc}{matrix}.{end}")
                    glint("export", path, "-o", out)
                    found = json.loads(subprocess.run(
                        ["ffprobe", "-v", "error", "-select_streams", "v", "-show_streams", "-show_format",
                         "-of", "json", out], stdout=subprocess.PIPE, check=True, timeout=tap.PATIENCE).stdout)
                    stream, = found["streams"]
                    if fourcc == "RGB3":
                        assert stream.get("color_space") in (None, "gbr"), stream
                        continue
                    assert stream["color_space"] == name, stream
                    assert stream["color_range"] == "pc" if end == "mkv" else \
                        found["format"]["tags"]["comment"].endswith("; full range"), found


@tap.test
def test_streams():
    """frames of two streams that have the same numbers are told apart everywhere"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        clip = clips.Clip(path, "GREY", WIDTH, HEIGHT, first_seq=0, trigger_seq=2, trigger_stream=2)
        for shade in range(5):
            clip.add(bytes([shade]) * WIDTH * HEIGHT)
        clip.restart(lost=3)
        clip.add(bytes(WIDTH * HEIGHT), missing=1)
        clip.add(bytes(WIDTH * HEIGHT))
        clip.finish()
        wanted = [(line["seq"], line["stream"]) for line in clip.lines]
        assert wanted == [(n, 1) for n in range(5)] + [(1, 2), (2, 2)]

        info = glint("info", path, status=3).stdout
        assert "at sequence 2 of stream 2, frame 6 of the clip, counted from 0\n" in info, info
        assert "before frame -1 (sequence 1 of stream 2): 4 dropped" in info, info
        facts = json.loads(glint("info", "--json", path, status=3).stdout)
        assert (facts["trigger_seq"], facts["trigger_stream"]) == (2, 2), facts
        missing = glint("info", "--missing", path, status=3).stdout
        assert missing == "5\t1\n6\t1\n7\t1\n0\t2\n", missing

        glint("export", path, "-o", os.path.join(tmp, "raw"))
        with open(os.path.join(tmp, "raw", "frames.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(int(row["seq"]), int(row["stream"])) for row in rows] == wanted, rows
        assert int(rows[-1]["n"]) == 0, rows

        glint("export", path, "-o", os.path.join(tmp, "a.mcap"))
        mcap = Mcap(os.path.join(tmp, "a.mcap"))
        assert mcap.channels == {1: 1, 2: 2} and mcap.counts == {1: 5, 2: 2}, mcap.counts
        assert [(seq, stream) for stream, seq, _, _ in mcap.messages] == wanted, mcap.messages

        page = os.path.join(tmp, "a.html")
        glint("show", path, "--html", page)
        with open(page, encoding="utf-8") as file:
            frames = re.findall(r'"n":(-?\d+),"seq":(\d+),"stream":(\d+)', file.read())
        assert [(int(seq), int(stream)) for _, seq, stream in frames] == wanted, frames


@tap.test
def test_interrupt():
    """Ctrl-C leaves no file and no folder"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path, "YUYV", count=3000, size=2 * WIDTH * HEIGHT)
        before = set(os.listdir(tmp))
        libav = ("b.mkv", "a.mov") if tap.built_with("CLIP_LIBAV") else ()
        for name in ("a.y4m", "a.mcap", "raw", "cut.mkv", *libav):
            out = os.path.join(tmp, name)
            verb = "cut" if name == "cut.mkv" else "export"
            process = subprocess.Popen([GLINT, "clip", verb, path, "-o", out],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            while process.poll() is None and not os.path.exists(f"{out}.part"):
                time.sleep(0.001)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=tap.PATIENCE)
            if process.returncode == 0:	# it was faster
                assert os.path.exists(out)
                before |= {name, "cut.jsonl"} if verb == "cut" else {name}
            else:
                assert process.returncode == -signal.SIGINT, process.returncode
            assert set(os.listdir(tmp)) == before, os.listdir(tmp)


@tap.test
def test_refused():
    """what cannot be exported is refused, and leaves nothing"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path, "RGB3", size=3 * WIDTH * HEIGHT)
        glint("export", path, "-o", os.path.join(tmp, "a.y4m"), status=1)
        made(path, "GREY", size=100)
        glint("export", path, "-o", os.path.join(tmp, "a.mcap"), status=1)
        glint("show", path, status=1)
        with open(os.path.join(tmp, "b.mcap"), "wb"):
            pass
        glint("export", path, "-o", os.path.join(tmp, "b.mcap"), status=1)
        if tap.built_with("PIXELS_PNG"):
            made(path, "pRAA")
            out = glint("export", path, "-o", os.path.join(tmp, "png"), "-f", "png", status=1)
            assert "cannot be PNGs" in out.stderr and "folder" not in out.stderr, out
        made(path, "BA81")
        for end in "mkv", "mov":
            out = glint("export", path, "-o", os.path.join(tmp, f"c.{end}"), status=1)
            words = "BA81" if tap.built_with("CLIP_LIBAV") else "built without libavformat"
            assert words in out.stderr, out
        assert sorted(os.listdir(tmp)) == ["a.jsonl", "a.mkv", "b.mcap"], os.listdir(tmp)


@tap.test
def test_show():
    """show draws the time line with gap and trigger, and frames"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path, missing=(8,))
        text = glint("show", path).stdout
        assert "12 frames of 64x32 GREY" in text and "2 missing" in text, text
        line = text.splitlines()[3]
        assert line.count("▲") == 1 and line.count("✗") == 1, line
        assert line.index("▲") < line.index("✗") and len(line) == 12, line
        assert "+0 " in text and "-4 " in text and "+9 " in text, text


@tap.test
def test_html():
    """the HTML file shows each frame in a browser, by keyboard"""
    with folder() as tmp:
        path, out = os.path.join(tmp, "a.mkv"), os.path.join(tmp, "a.html")
        clip = clips.Clip(path, "GREY", WIDTH, HEIGHT, trigger_seq=104)
        for i in range(10):
            clip.add(bytes([20 * i + 20]) * WIDTH * HEIGHT, missing=3 if i == 7 else 0)
        clip.finish()
        glint("show", path, "--html", out)
        page = browser.Browser()
        page.start()
        try:
            page.open(f"file://{out}")
            tap.until(lambda: page.evaluate("document.readyState") == "complete")

            def key(name):
                page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown',"
                              f"{{key:'{name}',bubbles:true}}))")

            def facts():
                return page.evaluate("document.getElementById('facts').textContent")

            def shade():
                script = ("(()=>{const i=document.getElementById('picture');if(!i.complete||"
                          "!i.naturalWidth)return -1;const c=document.createElement('canvas');"
                          "c.width=c.height=1;const x=c.getContext('2d');x.drawImage(i,0,0,1,1);"
                          "return x.getImageData(0,0,1,1).data[0]})()")
                tap.until(lambda: page.evaluate(script) >= 0)
                return page.evaluate(script)

            assert "frame 0 " in facts(), facts()
            tap.until(lambda: abs(shade() - 100) <= 2)
            key("ArrowRight")
            assert "frame +1 " in facts(), facts()
            tap.until(lambda: abs(shade() - 120) <= 2)
            key("Home")
            assert "frame -4 " in facts(), facts()
            key("ArrowLeft")
            assert "frame -4 " in facts(), facts()
            key("g")
            assert "frame +6 " in facts() and "3 missing" in facts(), facts()
            key("End")
            assert "frame +8 " in facts(), facts()
            key("0")
            assert "frame 0 " in facts(), facts()
        finally:
            page.end()


if __name__ == "__main__":
    tap.main(GLINT)
