#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Exact pixels: PNG, PPM, PGM, Y4M and checksums are those of docs/PIXELS.md.

The reference here is written from that page. It works on the driver's bytes of the same frame,
which format=raw returns. Prints TAP. From the environment: GLINTD, BUILD.
"""
import hashlib
import io
import json
import os
import re
import struct
import subprocess
import tempfile
import threading
import zlib

import tap

GLINT = os.environ.get("GLINT", "build/glint")

# --- The reference ----------------------------------------------------------------------------

MATRICES = {
    ("bt601", "full"): (0, 8192, 11485, 2819, 5850, 14516),
    ("bt601", "limited"): (16, 9539, 13075, 3209, 6660, 16525),
    ("bt709", "full"): (0, 8192, 12901, 1535, 3835, 15201),
    ("bt709", "limited"): (16, 9539, 14686, 1747, 4366, 17305),
    ("bt2020", "full"): (0, 8192, 12080, 1348, 4681, 15412),
    ("bt2020", "limited"): (16, 9539, 13752, 1535, 5328, 17545),
}


def clamp(value):
    return max(0, min(255, value))


class Frame:
    """The driver's bytes, as X-Glint-Layout describes them."""

    def __init__(self, data, layout):
        self.data, self.layout = data, layout
        self.width, self.height = layout["width"], layout["height"]
        self.format = layout["format"]
        self.stride = layout["planes"][0]["stride"]
        self.matrix = MATRICES[layout["matrix"], layout["range"]]

    def samples(self, x, y):
        data, stride, size = self.data, self.stride, self.stride * self.height
        line = y * stride
        if self.format in ("YUYV", "UYVY"):
            pair, luma = line + x // 2 * 4, self.format == "UYVY"
            return (data[pair + x % 2 * 2 + luma], data[pair + (not luma)],
                    data[pair + 2 + (not luma)])
        if self.format == "Y210":	# words; the highest byte of each comes last
            pair = line + x // 2 * 8
            return data[pair + x % 2 * 4 + 1], data[pair + 3], data[pair + 7]
        if self.format == "P010":
            at = size + y // 2 * stride + x // 2 * 4
            return data[line + 2 * x + 1], data[at + 1], data[at + 3]
        if self.format == "NV24":
            at = size + 2 * (line + x)
            return data[line + x], data[at], data[at + 1]
        if self.format in ("NV12", "NV16"):
            row = y // 2 if self.format == "NV12" else y
            at = size + row * stride + x // 2 * 2
            return data[line + x], data[at], data[at + 1]
        assert self.format == "YUV420", self.format
        at, quarter = y // 2 * (stride // 2) + x // 2, stride // 2 * ((self.height + 1) // 2)
        return data[line + x], data[size + at], data[size + quarter + at]

    def rgb(self, x, y):
        if self.format in ("RGB24", "BGR24"):
            at = y * self.stride + 3 * x
            pixel = tuple(self.data[at:at + 3])
            return pixel if self.format == "RGB24" else pixel[::-1]
        luma, cb, cr = self.samples(x, y)
        black, cy, rv, gu, gv, bu = self.matrix
        luma, u, v = cy * (luma - black) + 4096, cb - 128, cr - 128
        return (clamp((luma + rv * v) >> 13), clamp((luma - gu * u - gv * v) >> 13),
                clamp((luma + bu * u) >> 13))

    def grey(self, x, y):
        if self.format in ("RGB24", "BGR24"):
            r, g, b = self.rgb(x, y)
            return ((19595 * r + 38470 * g + 7471 * b + 32768) >> 16,)
        luma = self.samples(x, y)[0]
        return (luma if self.matrix[0] == 0 else clamp((9539 * (luma - 16) + 4096) >> 13),)

    def pixels(self, value, region=None, scale=1):
        """Returns the bytes of a crop, where @value is rgb or grey."""
        width, height, left, top = region or (self.width, self.height, 0, 0)
        known, out = {}, bytearray()
        for y in range(0, height, scale):
            for x in range(0, width, scale):
                square = [(left + i, top + j) for j in range(y, min(y + scale, height))
                          for i in range(x, min(x + scale, width))]
                for at in square:
                    if at not in known:
                        known[at] = value(*at)
                for k in range(len(known[square[0]])):
                    total = sum(known[at][k] for at in square)
                    out.append((total + len(square) // 2) // len(square))
        return bytes(out)

    def planes(self):
        """Returns the payload of a Y4M frame."""
        rows = range(0, self.height, 2 if self.format in ("NV12", "P010", "YUV420") else 1)
        columns = range(0, self.width, 1 if self.format == "NV24" else 2)
        luma = bytes(self.samples(x, y)[0] for y in range(self.height) for x in range(self.width))
        return luma + b"".join(bytes(self.samples(x, y)[k] for y in rows for x in columns)
                               for k in (1, 2))


# --- The emulated camera ----------------------------------------------------------------------


def emulated(**settings):
    """Returns a service with the emulated device."""
    return tap.Service(device=tap.EMULATED, environment=tap.emulated(**settings))


# --- Files --------------------------------------------------------------------------------------


def read_png(data):
    """Returns width, height, bytes of a pixel, and the pixels; checks every chunk."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, []
    while at < len(data):
        size, = struct.unpack(">I", data[at:at + 4])
        kind, body = data[at + 4:at + 8], data[at + 8:at + 8 + size]
        crc, = struct.unpack(">I", data[at + 8 + size:at + 12 + size])
        assert crc == zlib.crc32(kind + body), kind
        chunks.append((kind, body))
        at += 12 + size
    assert chunks[0][0] == b"IHDR" and chunks[-1] == (b"IEND", b"")
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert depth == 8 and rest == [0, 0, 0] and colour in (0, 2)
    n = 3 if colour == 2 else 1
    lines = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    line, out = 1 + n * width, bytearray()
    assert len(lines) == line * height
    for y in range(height):
        row = bytearray(lines[y * line:(y + 1) * line])
        assert row[0] in (0, 1)
        if row[0] == 1:
            for i in range(1 + n, line):
                row[i] = (row[i] + row[i - n]) & 255
        out += row[1:]
    return width, height, n, bytes(out)


def read_pnm(data):
    magic, width, height, most, pixels = re.fullmatch(
        rb"P([56])\n(\d+) (\d+)\n(\d+)\n(.*)", data, re.S).groups()
    assert most == b"255"
    return int(width), int(height), 3 if magic == b"6" else 1, pixels


def read_parts(reply):
    """Returns head and body of each part of a multipart reply."""
    boundary = re.fullmatch(r"multipart/mixed; boundary=(\S+)",
                            reply.header("Content-Type")).group(1).encode()
    rest, parts = b"\r\n" + reply.body, []
    while True:
        assert rest.startswith(b"\r\n--" + boundary), rest[:80]
        rest = rest[4 + len(boundary):]
        if rest == b"--\r\n":
            return parts
        head, _, rest = rest[2:].partition(b"\r\n\r\n")
        fields = tap.fields_of(head.decode())
        size = int(fields["Content-Length"])
        parts.append((fields, rest[:size]))
        rest = rest[size:]


def same(got, wanted):
    return hashlib.sha256(got).hexdigest() == hashlib.sha256(wanted).hexdigest()


def text_of(region):
    return "%dx%d+%d+%d" % tuple(region)


def of_one_frame(service, *queries):
    """Returns raw and other snapshots of one frame: asked for at once, until that succeeds."""
    def attempt():
        replies = [None] * (len(queries) + 1)

        def ask(i, query):
            replies[i] = service.get(f"/snapshot?{query}")

        threads = [threading.Thread(target=ask, args=pair)
                   for pair in enumerate(("format=raw", *queries))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for reply in replies:
            assert reply.status == 200, reply
        return len({reply.header("X-Glint-Sequence") for reply in replies}) == 1 and replies

    raw, *others = tap.until(attempt)
    return (Frame(raw.body, json.loads(raw.header("X-Glint-Layout"))), *others)


def check_images(service):
    region = (61, 37, 23, 11)
    # A change of the size of a crop: odd, and not a multiple of the scale.
    frame, png, ppm, pgm, crop = of_one_frame(
        service, "format=png", "format=ppm", "format=pgm&scale=1/4",
        f"format=png&crop={text_of(region)}&scale=1/2")
    whole = frame.pixels(frame.rgb)
    assert png.header("Content-Type") == "image/png"
    width, height, n, pixels = read_png(png.body)
    assert (width, height, n) == (frame.width, frame.height, 3)
    assert same(pixels, whole), frame.layout
    assert ppm.header("Content-Type") == "image/x-portable-pixmap"
    assert read_pnm(ppm.body)[:3] == (width, height, 3) and same(read_pnm(ppm.body)[3], whole)
    assert pgm.header("X-Glint-Scale") == "1/4"
    width, height, n, pixels = read_pnm(pgm.body)
    assert (width, height, n) == ((frame.width + 3) // 4, (frame.height + 3) // 4, 1)
    assert same(pixels, frame.pixels(frame.grey, scale=4))
    assert crop.header("X-Glint-Crop") == text_of(region)
    width, height, n, pixels = read_png(crop.body)
    assert (width, height) == (31, 19)
    assert same(pixels, frame.pixels(frame.rgb, region, 2))


# --- Tests ------------------------------------------------------------------------------------------


@tap.test
def test_pattern():
    """PNG, PPM and PGM of the test pattern are those of the definition, in each of its formats"""
    tap.needs("PIXELS_PNG")
    for form in ("YUV420", "YUYV", "UYVY", "NV12", "RGB24"):
        with tap.Service("--format", form, "--resolution", "320x130") as service:
            service.wait_until_live()
            check_images(service)


@tap.test
def test_ranges():
    """they are those of the definition for a device of limited range, 4:2:2 and 4:2:0"""
    tap.needs("PIXELS_PNG")
    for form in ("YUYV", "NV12"):
        for scope in ("limited", "full"):
            with emulated(format=form, size="256x128", range=scope, fps=30) as service:
                service.wait_until_live()
                frame, png = of_one_frame(service, "format=png")
                assert frame.layout["range"] == scope and frame.format == form, frame.layout
                assert same(read_png(png.body)[3], frame.pixels(frame.rgb))


@tap.test
def test_capture_formats():
    """they are those of the definition for ten bits and two planes; 4:4:4 stays so where asked"""
    tap.needs("PIXELS_PNG")
    for form, bits, chroma, sampling in (
            ("P010", 10, "420mpeg2", 0x22), ("Y210", 10, "422", 0x21), ("NV16", 8, "422", 0x21),
            ("NV24", 8, "444", 0x11), ("RGB24", 8, None, 0x11)):
        with emulated(format=form, size="320x130", fps=30) as service:
            service.wait_until_live()
            state = service.state()["glint"]["format"]
            assert (state["fourcc"].strip(), state["bits"]) == (
                "RGB3" if form == "RGB24" else form, bits), state
            check_images(service)
            if chroma:
                frame, y4m = of_one_frame(service, "format=y4m")
                head, _, payload = y4m.body.split(b"\n", 2)
                assert f"C{chroma}" in head.decode().split(" "), head
                assert same(payload, frame.planes()), form
        for asked, wanted in (("source", sampling), ("420", 0x22)):
            with tap.Service("--chroma", asked, device=tap.EMULATED, environment=tap.emulated(
                    format=form, size="320x130", fps=30)) as service:
                service.wait_until_live()
                jpeg = service.get("/snapshot").body
                at = jpeg.index(b"\xff\xc0") + 11
                assert jpeg[at] == wanted, (form, asked, jpeg[at])


@tap.test
def test_jpegs_of_capture_formats():
    """their JPEGs show the same picture"""
    tap.needs("PIXELS_PNG")
    try:
        from PIL import Image	# pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise tap.Skip("python3-pil is not installed") from error
    for form in ("P010", "Y210", "NV16", "NV24"):
        with tap.Service("--quality", "95", "--chroma", "source", device=tap.EMULATED,
                         environment=tap.emulated(format=form, size="320x240", fps=30)) as service:
            service.wait_until_live()
            _, png, jpeg = of_one_frame(service, "format=png", "format=jpeg")
            wanted = read_png(png.body)[3]
            got = Image.open(io.BytesIO(jpeg.body)).convert("RGB").tobytes()
            assert len(got) == len(wanted)
            off = sum(abs(a - b) for a, b in zip(got, wanted)) / len(wanted)
            assert off < 3, (form, off)


def bayer_rows(frame):
    """Returns the highest eight bits of each pixel of a Bayer frame, in rows."""
    width, group = frame.width, {"SRGGB8": 0, "SRGGB10P": 4, "SRGGB12P": 2}[frame.format]
    lines = [frame.data[y * frame.stride:(y + 1) * frame.stride] for y in range(frame.height)]
    if group:	# the lowest bits of so many pixels follow in a byte
        lines = [bytes(line[x // group * (group + 1) + x % group] for x in range(width))
                 for line in lines]
    return lines


def flat_blocks(frame):
    """Returns place and colour of blocks of 8x8 pixels in which each colour's samples of a Bayer
    frame are equal."""
    blocks, lines = {}, bayer_rows(frame)
    for y in range(0, frame.height - 7, 8):
        for x in range(0, frame.width - 7, 8):
            rows = [lines[y + i][x:x + 8] for i in range(8)]
            if len(set(rows[::2])) == len(set(rows[1::2])) == 1 and \
                    rows[0] == rows[0][:2] * 4 and rows[1] == rows[1][:2] * 4 and \
                    rows[0][1] == rows[1][0]:
                blocks[x, y] = (rows[0][0], rows[0][1], rows[1][1])
    return blocks


def check_converted(form, bits):
    with emulated(format=form, size="320x240", change="blink") as service:
        service.wait_until_live()
        region = (41, 33, 7, 5)
        frame, png, ppm, pgm, crop = of_one_frame(
            service, "format=png", "format=ppm", "format=pgm", f"format=png&crop={text_of(region)}")
        assert frame.format == form and len(frame.data) == 320 * 240 * bits // 8
        for reply in (png, ppm, pgm, crop):
            assert reply.header("X-Glint-Converted") == form, reply
        width, height, n, pixels = read_png(png.body)
        assert (width, height, n) == (320, 240, 3) and same(read_pnm(ppm.body)[3], pixels)
        blocks = flat_blocks(frame)
        assert len(set(blocks.values())) >= 4, blocks
        for (x, y), colour in blocks.items():
            for i in range(2, 6):	# pixels whose neighbours are in the block, too
                at = ((y + i) * 320 + x + i) * 3
                assert max(abs(a - b) for a, b in zip(pixels[at:at + 3], colour)) <= 1, (x, y)
        grey = bytes((19595 * r + 38470 * g + 7471 * b + 32768) >> 16 for r, g, b in
                     zip(pixels[::3], pixels[1::3], pixels[2::3]))
        assert same(read_pnm(pgm.body)[3], grey)
        rows = [pixels[((region[3] + y) * 320 + region[2]) * 3:][:region[0] * 3]
                for y in range(region[1])]
        assert same(read_png(crop.body)[3], b"".join(rows))
        assert service.get("/snapshot?format=raw").header("X-Glint-Converted") is None
        assert service.get("/snapshot?format=y4m").status == 406
        if tap.built_with("PIXELS_HASH"):
            assert json.loads(service.get("/hash").body)["result"]["converted"] == form


@tap.test
def test_converted():
    """of a Bayer camera PNG, PPM and PGM have the sensor's colours, and say who made them"""
    tap.needs("PIXELS_PNG")
    tap.needs("LIBV4LCONVERT")
    for form, bits in (("SRGGB8", 8), ("SRGGB10P", 10), ("SRGGB12P", 12)):
        check_converted(form, bits)


@tap.test
def test_planes():
    """Y4M has the frame's own planes, unchanged; RGB has none"""
    for form, chroma in (("YUYV", "422"), ("NV12", "420mpeg2"), ("YUV420", "420mpeg2")):
        with tap.Service("--format", form, "--resolution", "320x130") as service:
            service.wait_until_live()
            frame, y4m = of_one_frame(service, "format=y4m")
            head, line, payload = y4m.body.split(b"\n", 2)
            words = head.decode().split(" ")
            assert words[0] == "YUV4MPEG2" and line == b"FRAME"
            assert {"W320", "H130", f"C{chroma}", "XCOLORRANGE=FULL"} < set(words), words
            assert same(payload, frame.planes())
    with tap.Service("--format", "RGB24", "--resolution", "320x130") as service:
        service.wait_until_live()
        refused = service.get("/snapshot?format=y4m")
        assert refused.status == 406
        assert json.loads(refused.body)["error"]["reason"] == "no-such-pixels"


@tap.test
def test_crops():
    """several crops, and the receipt, are parts of one reply and one frame"""
    tap.needs("PIXELS_PNG")
    regions = [(40, 30, 0, 0), (1, 1, 319, 129), (320, 130, 0, 0), (33, 17, 101, 51)]
    crops = "&".join(f"crop={text_of(region)}" for region in regions)
    with tap.Service("--resolution", "320x130") as service:
        service.wait_until_live()
        frame, reply = of_one_frame(service, f"format=png&receipt=json&{crops}")
        parts = read_parts(reply)
        assert parts[0][0]["Content-Type"] == "application/json"
        receipt = json.loads(parts[0][1])["result"]
        assert receipt["seq"] == int(reply.header("X-Glint-Sequence"))
        assert len(parts) == 1 + len(regions)
        for region, (fields, body) in zip(regions, parts[1:]):
            assert fields["Content-Type"] == "image/png"
            assert fields["X-Glint-Crop"] == text_of(region)
            assert read_png(body)[:2] == region[:2]
            assert same(read_png(body)[3], frame.pixels(frame.rgb, region))


@tap.test
def test_most_crops():
    """as many crops as there may be fit into one reply, in each format"""
    regions = [(32, 16, 10 * i, 5 * i) for i in range(16)]
    crops = "&".join(f"crop={text_of(region)}" for region in regions)
    with tap.Service("--resolution", "320x130") as service:
        service.wait_until_live()
        formats = ["jpeg", "ppm", "pgm"]
        formats += ["png"] if tap.built_with("PIXELS_PNG") else []
        for name in formats:
            parts = read_parts(service.get(f"/snapshot?format={name}&receipt=json&{crops}"))
            assert len(parts) == 1 + len(regions), name
            assert json.loads(parts[0][1])["ok"] is True, name
            for region, (fields, body) in zip(regions, parts[1:]):
                assert fields["X-Glint-Crop"] == text_of(region), name
                assert int(fields["Content-Length"]) == len(body), name


@tap.test
def test_jpegs():
    """a JPEG can be cropped and reduced, too"""
    with tap.Service("--resolution", "320x130") as service:
        service.wait_until_live()
        reply = service.get("/snapshot?crop=101x51+7+9")
        assert reply.header("Content-Type") == "image/jpeg"
        assert tap.jpeg_size(reply.body) == (101, 51)
        assert tap.jpeg_size(service.get("/snapshot?scale=1/8").body) == (40, 17)


@tap.test
def test_newer_than_the_request():
    """a picture of exact pixels is of a frame that was complete after the request"""
    with tap.Service("--resolution", "320x130") as service:
        service.wait_until_live()
        for _ in range(20):
            asked_ns = tap.now_ns()
            reply = service.get("/snapshot?format=ppm")
            assert int(reply.header("X-Glint-Complete-Ns")) >= asked_ns
        reply = service.get(f"/snapshot?format=ppm&after={tap.now_ns()}")
        assert reply.status == 200 and reply.header("X-Glint-Guarantee") == "exposed"


@tap.test
def test_hashes():
    """checksums are equal for equal pixels, and differ for others"""
    tap.needs("PIXELS_HASH")
    with tap.Service("--resolution", "640x480") as service:
        service.wait_until_live()

        def of(region):
            reply = service.get(f"/hash?region={region}")
            assert reply.status == 200 and reply.header("Content-Type") == "application/json"
            result = json.loads(reply.body)["result"]
            assert result["region"] == region and result["live"] is True
            assert re.fullmatch("[0-9a-f]{32}", result["xxh3_128"])
            assert re.fullmatch("[0-9a-f]{16}", result["average_hash"])
            return result

        # Within the bars nothing moves, and each bar has one colour.
        first = of("30x20+2+2")
        assert first["bytes"] == 30 * 20 * 3
        assert of("30x20+2+2")["xxh3_128"] == first["xxh3_128"]
        assert of("30x20+6+9")["xxh3_128"] == first["xxh3_128"]
        assert of("30x20+82+2")["xxh3_128"] != first["xxh3_128"]
        assert of("20x30+2+2")["average_hash"] == first["average_hash"] == "0" * 16
        assert of("160x20+0+2")["average_hash"] != "0" * 16
        whole = json.loads(service.get("/hash").body)["result"]
        assert whole["region"] == "640x480+0+0" and whole["bytes"] == 640 * 480 * 3


@tap.test
def test_imagehash():
    """the average hash is what PIL and imagehash compute of the PNG"""
    tap.needs("PIXELS_HASH")
    tap.needs("PIXELS_PNG")
    try:
        import numpy	# pylint: disable=import-outside-toplevel
        from PIL import Image	# pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise tap.Skip("python3-pil and python3-numpy are not installed") from error

    def average_hash(image):
        """imagehash.average_hash(image, hash_size=8), as its source has it."""
        small = numpy.asarray(image.convert("L").resize((8, 8), Image.LANCZOS))
        bits = "".join(str(int(bit)) for bit in (small > small.mean()).flatten())
        return f"{int(bits, 2):016x}"

    with tap.Service("--resolution", "640x480") as service:
        service.wait_until_live()
        for region in ((640, 480, 0, 0), (200, 100, 31, 17), (63, 301, 500, 100), (9, 8, 120, 90)):
            def attempt(crop=text_of(region)):
                hashed = json.loads(service.get(f"/hash?region={crop}").body)["result"]
                png = service.get(f"/snapshot?format=png&crop={crop}")
                again = json.loads(service.get(f"/hash?region={crop}").body)["result"]
                # The moving parts stand still for as long as three requests at some time.
                return hashed["xxh3_128"] == again["xxh3_128"] and (hashed, png)

            if region[0] * region[1] > 30000:	# something moves there in each frame
                continue
            hashed, png = tap.until(attempt)
            width, height, _, pixels = read_png(png.body)
            image = Image.frombytes("RGB", (width, height), pixels)
            assert hashed["average_hash"] == average_hash(image), region


@tap.test
def test_offline():
    """without video: the offline picture in the format, marked, or an error where there is none"""
    tap.needs("PIXELS_PNG")
    with tap.Service(device=tap.MISSING) as service:
        reply = service.get("/snapshot?format=png&crop=101x51+7+9")
        assert reply.status == 200 and reply.header("X-UStreamer-Online") == "false"
        assert reply.header("X-Glint-Reason") == "no-device"
        assert read_png(reply.body)[:2] == (101, 51)
        assert len(set(read_png(service.get("/snapshot?format=png").body)[3])) > 2
        for path in ("/snapshot?format=png&strict=1", "/snapshot?format=raw",
                     "/snapshot?format=y4m", "/hash"):
            reply = service.get(path)
            if path == "/hash" and not tap.built_with("PIXELS_HASH"):
                continue
            assert reply.status == 503, (path, reply)
            assert json.loads(reply.body)["error"]["reason"] == "no-device", (path, reply)


@tap.test
def test_bad_requests():
    """what cannot be had is refused with the reason, and the service goes on"""
    with tap.Service("--resolution", "320x130") as service:
        service.wait_until_live()
        for query, reason in (("format=gif", "bad-format"), ("scale=1/3", "bad-scale"),
                              ("crop=0x5+1+1", "bad-crop"), ("crop=5x5", "bad-crop"),
                              ("crop=321x1+0+0", "outside-picture"),
                              ("format=ppm&crop=1x131+0+0", "outside-picture"),
                              ("format=ppm&crop=2x2+319+0", "outside-picture"),
                              ("format=raw&crop=2x2+0+0", "whole-only"),
                              ("format=y4m&scale=1/2", "whole-only"),
                              ("&".join(["crop=2x2+0+0"] * 17), "bad-crop")):
            reply = service.get(f"/snapshot?{query}")
            assert reply.status == 400, (query, reply)
            assert json.loads(reply.body)["error"]["reason"] == reason, (query, reply)
        assert service.get("/snapshot?format=ppm").status == 200
        assert service.get("/hash?region=9x9+400+1").status in (400, 501)
        assert service.get("/hash?nonsense=1").status == 400


@tap.test
def test_clients_that_leave():
    """clients that leave, or do not read, cost nothing in the end"""
    with tap.Service("--resolution", "1920x1080") as service:
        service.wait_until_live()
        socks = []
        for number in range(24):
            sock = service.connect()
            sock.sendall(tap.request("GET", "/snapshot?format=ppm").encode())
            socks.append(sock)
            if number % 2:
                sock.close()
        reply = service.get("/snapshot?format=ppm&scale=1/8")
        assert reply.status == 200, (reply.status, reply.body)
        for sock in socks:
            sock.close()
        stills = service.wait_for(lambda state: state["glint"]["stills"]["bytes"] == 0 and
                                  state["glint"]["stills"]["running"] == 0 and
                                  state["glint"]["stills"]["waiting"] == 0)
        assert stills
        ledger = service.state()["glint"]["ledger"]
        assert ledger["unaccounted"] == 0, ledger


@tap.test
def test_cameras():
    """of a camera's JPEG, the pixels are those that libjpeg decodes of the same bytes"""
    tap.needs("PIXELS_PNG")
    try:
        from PIL import Image	# pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise tap.Skip("python3-pil is not installed") from error
    with emulated(format="MJPEG", size="256x128", fps=30) as service:
        service.wait_until_live()

        def at_once():
            replies = {}

            def ask(form):
                replies[form] = service.get(f"/snapshot?format={form}")

            threads = [threading.Thread(target=ask, args=(form,)) for form in ("raw", "png", "y4m")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return len({r.header("X-Glint-Sequence") for r in replies.values()}) == 1 and replies

        replies = tap.until(at_once)
        assert json.loads(replies["raw"].header("X-Glint-Layout"))["format"] == "JPEG"
        image = Image.open(io.BytesIO(replies["raw"].body))
        assert same(read_png(replies["png"].body)[3], image.convert("RGB").tobytes())
        image = Image.open(io.BytesIO(replies["raw"].body))
        image.draft("L", None)
        luma = replies["y4m"].body.split(b"\n", 2)[2][:256 * 128]
        assert same(luma, image.convert("L").tobytes())


@tap.test
def test_stream_of_planes():
    """/stream.y4m has whole frames in order, each once, whose planes are those of the device"""
    with emulated(format="NV12", size="256x128", fps=30) as service:
        service.wait_until_live()
        with service.connect() as sock:
            sock.sendall(tap.request("GET", "/stream.y4m").encode())
            reader = tap.Reader(sock)
            assert b"video/x-yuv4mpeg" in reader.until(b"\r\n\r\n")
            assert reader.until(b"\n").startswith(b"YUV4MPEG2 W256 H128 F")
            last = -1
            for _ in range(30):
                line = reader.until(b"\n").decode()
                sequence = int(re.fullmatch(r"FRAME XGLINT_SEQ=(\d+)\n", line).group(1))
                assert sequence > last, (sequence, last)
                last = sequence
                luma = reader.exactly(256 * 128 * 3 // 2)
                assert len(set(luma[:256 * 128])) > 4
        service.wait_for(lambda state: state["glint"]["stills"]["bytes"] == 0 and
                         state["glint"]["stills"]["waiting"] == 0)


def glint(service, *args):
    """Returns the exit status and the output of the command."""
    done = subprocess.run([GLINT, "--socket", service.path, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=tap.PATIENCE, text=True, check=False)
    return done.returncode, done.stdout


@tap.test
def test_command():
    """glint snapshot takes the format from the name, and glint compare finds a change"""
    tap.needs("PIXELS_PNG")
    tap.needs("TOOL_GLINT")
    with tap.Service("--resolution", "640x480") as service:
        service.wait_until_live()
        still, ppm = (os.path.join(service.dir, name) for name in ("still.png", "moves.ppm"))
        status, said = glint(service, "snapshot", "-o", still, "--crop", "150x60+80+20")
        assert status == 0, said
        with open(still, "rb") as file:
            assert read_png(file.read())[:3] == (150, 60, 3)
        # There nothing moves; a column further it is another picture.
        status, said = glint(service, "compare", still, "--crop", "150x60+80+20")
        assert (status, said) == (0, "equal: 0 of 9000 pixels differ\n")
        status, said = glint(service, "compare", "--json", still, "--crop", "150x60+81+20")
        result = json.loads(said)
        assert status == 4 and result["equal"] is False
        # One column, where the colour of the next bar begins.
        assert result["different"] == 60 and result["box"] == "1x60+79+0", said
        status, said = glint(service, "compare", still, "--crop", "150x60+81+20", "--pixels", "60")
        assert status == 0 and "60 of 9000" in said, said
        status, said = glint(service, "snapshot", "-o", ppm, "--scale", "1/4")
        with open(ppm, "rb") as file:
            assert status == 0 and read_pnm(file.read())[:2] == (160, 120)
        status, said = glint(service, "compare", still, ppm)
        assert status == 4 and "150x60" in said and "160x120" in said
        for args in (("compare", __file__, ppm), ("compare", "/nonexistent", ppm),
                     ("compare", still, "--crop", "9999x1+0+0"), ("compare",),
                     ("snapshot", "-o", ppm, "--crop", "0x5+1+1"),
                     ("snapshot", "-o", ppm, "--scale", "1/3"),
                     ("snapshot", "-o", ppm, "--format", "gif")):
            assert glint(service, *args)[0] == 1, args
        for options, words in ((("--crop", "9999x1+0+0"), "--crop is not within the picture"),
                               (("--format", "raw", "--scale", "1/2"), "whole frames"),
                               (("--after", "mark:none"), "no mark of the name"),
                               (("--after", "mark:a b"), "mark:a b"),
                               (("--after", "9" * 19), "--after is more than 10 s ahead")):
            status, said = glint(service, "snapshot", "-o", ppm, *options)
            assert status == 1 and words in said, said
    with tap.Service(device=tap.MISSING) as service:
        assert glint(service, "snapshot", "-o", os.devnull, "--format", "png")[0] == 3


# --- Libraries --------------------------------------------------------------------------------

LIBRARIES = ("libisal.so.2", "libspng.so.0", "libv4lconvert.so.0")


def loaded(service):
    """The names of LIBRARIES that the service has loaded."""
    with open(f"/proc/{service.process.pid}/maps", encoding="utf-8") as file:
        maps = file.read()
    return [name for name in LIBRARIES if f"/{name.split('.')[0]}.so" in maps]


def wait_for_damaged_png(service):
    """Returns the reply to a wait whose reference is a PNG that ends too early."""
    picture = b"\x89PNG\r\n\x1a\n" + bytes(40)
    fields = ["Content-Type: image/png", f"Content-Length: {len(picture)}"]
    return service.ask(tap.request("POST", "/wait?for=match", *fields).encode() + picture)


@tap.test
def test_libraries_are_loaded_when_they_are_needed():
    """the libraries of PNGs are loaded for the first PNG, and not before"""
    tap.needs("PIXELS_PNG")
    with tap.Service("--resolution", "320x130") as service:
        service.wait_until_live()
        assert service.get("/snapshot").status == 200
        assert service.get("/snapshot?format=ppm").status == 200
        assert loaded(service) == []
        picture = service.get("/snapshot?format=png")
        assert picture.status == 200 and loaded(service) == ["libisal.so.2"], loaded(service)
        if tap.built_with("JUDGE"):
            assert wait_for_damaged_png(service).status == 400
            assert loaded(service) == ["libisal.so.2", "libspng.so.0"], loaded(service)


@tap.test
def test_a_missing_library_is_refused_by_name():
    """without its library a PNG is refused, the log names the library, and the rest goes on"""
    tap.needs("PIXELS_PNG")
    with tempfile.TemporaryDirectory() as folder:
        for name in LIBRARIES:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"no library")
        environment = {**os.environ, "LD_LIBRARY_PATH": folder}
        with tap.Service("--resolution", "320x130", environment=environment) as service:
            service.wait_until_live()
            for _ in range(2):
                refused = service.get("/snapshot?format=png")
                assert refused.status == 503, refused
                assert json.loads(refused.body)["error"]["reason"] == "library-missing"
            log = service.log_with("libisal.so.2")
            assert log.count("libisal.so.2") == 1, log
            if tap.built_with("JUDGE"):
                refused = wait_for_damaged_png(service)
                assert refused.status == 503, refused
                assert json.loads(refused.body)["error"]["reason"] == "library-missing"
                log = service.log_with("libspng.so.0")
                assert log.count("libspng.so.0") == 1, log
            assert service.get("/snapshot").status == 200
            assert service.get("/snapshot?format=ppm").status == 200


@tap.test
def test_a_wait_for_pixels_that_no_library_reads_is_refused():
    """a wait is not left to its timeout if the library of the device's format is missing"""
    for option in "LIBV4LCONVERT", "JUDGE":
        tap.needs(option)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "libv4lconvert.so.0"), "wb") as file:
            file.write(b"no library")
        environment = {**tap.emulated(format="SRGGB8", size="320x240"), "LD_LIBRARY_PATH": folder}
        with tap.Service("--format", "SRGGB8", device=tap.EMULATED,
                         environment=environment) as service:
            service.wait_for(lambda state: state["glint"]["ledger"]["seen"] > 0)
            for _ in range(2):
                refused = service.get("/wait?for=change&timeout=3600")
                assert refused.status == 503, refused
                assert json.loads(refused.body)["error"]["reason"] == "library-missing", refused
            assert "libv4lconvert.so.0" in service.log_with("libv4lconvert.so.0")


if __name__ == "__main__":
    tap.main()
