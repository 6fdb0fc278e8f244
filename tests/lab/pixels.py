#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Exact pixels of vivid. Prints TAP; runs in the guest, see cases/pixels.sh.

The reference is that of tests/protocol/pixels.py, which computes the pixels from the driver's bytes.
That the matrix and the range are the right ones is seen in the colours of vivid's bars.
"""
import contextlib
import importlib.util
import json
import os
import struct

from vivid import BARS, HDMI, LEFT_FAST, P480_59, SELECTED, WEBCAM, Camera, service, tap


def load_reference():
    path = os.path.join(os.path.dirname(tap.__file__), "pixels.py")
    spec = importlib.util.spec_from_file_location("reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tap._tests.clear()	# those of the reference  pylint: disable=protected-access
    return module


reference = load_reference()

COLOURS = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0),
           (0, 0, 255), (0, 0, 0)]

# Items of vivid's menus.
FULL, LIMITED = 1, 2
RANGES = {"full": FULL, "limited": LIMITED}
BT601, BT709, BT2020 = 1, 2, 6
MATRICES = {"bt601": BT601, "bt709": BT709, "bt2020": BT2020}


@contextlib.contextmanager
def live(path, *args):
    camera = Camera(path)
    camera.defaults()
    camera.set("test_pattern", BARS)
    if path == HDMI:
        camera.set("dv_timings_signal_mode", SELECTED)
        camera.set("dv_timings", P480_59)
    with service(camera, *args) as server:
        server.wait_until_live()
        yield camera, server
        assert server.state()["glint"]["ledger"]["unaccounted"] == 0


def expect_bars(width, height, pixels):
    """Up to 4 levels are vivid's rounding; another matrix or range differs by 20 and more."""
    for i, colour in enumerate(COLOURS):
        at = ((height - 8) * width + i * width // 8 + width // 16) * 3
        seen = struct.unpack("3B", pixels[at:at + 3])
        assert all(abs(a - b) <= 4 for a, b in zip(seen, colour)), (i, seen, colour)


def check(server, layout, whole=False):
    """@whole: compare each pixel of the picture, else those of two crops."""
    crops = [(61, 37, 23, 11), (80, 45, 240, 135)]
    frame, png, half, grey = reference.of_one_frame(
        server, "format=png", f"format=png&crop={reference.text_of(crops[0])}&scale=1/2",
        f"format=pgm&crop={reference.text_of(crops[1])}")
    for key, value in layout.items():
        assert frame.layout[key] == value, (frame.layout, layout)
    width, height, _, pixels = reference.read_png(png.body)
    expect_bars(width, height, pixels)
    assert reference.same(reference.read_png(half.body)[3], frame.pixels(frame.rgb, crops[0], 2))
    assert reference.same(reference.read_pnm(grey.body)[3], frame.pixels(frame.grey, crops[1]))
    if whole:
        assert reference.same(pixels, frame.pixels(frame.rgb)), frame.layout
    for left, top in ((0, 0), (23, 11), (width - 1, height - 1)):
        at = (top * width + left) * 3
        assert tuple(pixels[at:at + 3]) == frame.rgb(left, top)


@tap.test
def test_formats():
    """PNG, PGM, crops and scales are those of the definition: 4:2:0, 4:2:2, RGB"""
    for form in ("YUYV", "NV12", "YUV420", "RGB24"):
        with live(WEBCAM, "--resolution", "320x180", "--format", form) as (camera, server):
            camera.set_rate(15)
            check(server, {"format": form}, whole=form == "NV12")
    with live(HDMI, "--format", "NV16") as (camera, server):
        check(server, {"format": "NV16"})


@tap.test
def test_converted():
    """what libv4lconvert makes of a sensor's format is said, and is the same for each reader"""
    tap.needs("LIBV4LCONVERT")
    for form in ("SRGGB8", "SGBRG10", "SBGGR16"):
        with live(WEBCAM, "--resolution", "320x180", "--format", form) as (camera, server):
            camera.set_rate(15)
            with tap.Stream(server):	# the encoder reads the same frames
                raw, png, again, grey = reference.of_one_frame(
                    server, "format=png", "format=png&crop=320x180+0+0", "format=pgm")
            assert raw.layout["format"] == form, raw.layout
            for reply in (png, again, grey):
                assert reply.header("X-Glint-Converted") == form, reply
            width, height, _, pixels = reference.read_png(png.body)
            expect_bars(width, height, pixels)
            assert reference.read_png(again.body)[3] == pixels
            result = json.loads(server.get("/hash").body)["result"]
            assert result["converted"] == form, result


@tap.test
def test_ranges():
    """the range and the matrix follow the source while it streams"""
    for form, cases in (("UYVY", (("bt601", "full"), ("bt709", "limited"))),
                        ("NV12", (("bt709", "full"), ("bt2020", "limited")))):
        with live(WEBCAM, "--resolution", "320x180", "--format", form) as (camera, server):
            for matrix, scope in cases:
                camera.set("y_cbcr_encoding", MATRICES[matrix])
                camera.set("quantization", RANGES[scope])
                server.wait_for(lambda state, want=(matrix, scope): state["source"]["online"] and (
                    state["glint"]["format"]["matrix"], state["glint"]["format"]["range"]) == want)
                camera.set_rate(15)
                check(server, {"matrix": matrix, "range": scope})
            camera.set("y_cbcr_encoding", 0)
            camera.set("quantization", 0)


@tap.test
def test_hashes():
    """/hash is equal for a picture that stands still, and differs for one that moves"""
    with live(HDMI) as (camera, server):
        def of(query=""):
            return json.loads(server.get(f"/hash{query}").body)["result"]

        first, second = of(), of()
        assert second["seq"] > first["seq"], (first, second)
        assert second["xxh3_128"] == first["xxh3_128"], (first, second)
        assert second["average_hash"] == first["average_hash"]
        assert of("?region=80x200+81+9")["xxh3_128"] != of("?region=80x200+161+9")["xxh3_128"]
        camera.set("horizontal_movement", LEFT_FAST)
        tap.until(lambda: of()["xxh3_128"] != of()["xxh3_128"])


tap.main()
