#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pictures of vivid that show no source. Prints TAP; runs in the guest, see cases/picture-truth.sh.

The guest's clock is virtual, so the tests compare times: a finding must hold since the frame from
which on vivid shows it.
"""
import contextlib
import os
import tempfile

from vivid import (BARS, BLACK, HDMI, LEFT_FAST, NO_TEXT, P480_59, SELECTED, STANDING,
                   START_OF_EXPOSURE, WEBCAM, WHITE, Camera, service, tap)

SECOND = 1_000_000_000
tap.PAUSE = 0.05
COUNTER = 0	# osd_text_mode: a counter in each frame
NOISE = 21	# other noise in each frame


@contextlib.contextmanager
def live(path, *args, form="YUYV"):
    camera = Camera(path)
    camera.defaults()
    camera.set("test_pattern", BARS)
    camera.set("osd_text_mode", COUNTER)
    if path == HDMI:
        camera.set("dv_timings_signal_mode", SELECTED)
        camera.set("dv_timings", P480_59)
    with service(camera, "--format", form, *args) as server:
        server.wait_until_live()
        if path == WEBCAM:
            camera.set_rate(15)
        with tap.Stream(server, "?extra_headers=1") as stream:
            yield camera, server, stream
        assert server.state()["glint"]["ledger"]["unaccounted"] == 0


def picture(server):
    return server.state()["glint"]["picture"]


def finds(server, name, since_ns, late_ns):
    """The finding holds since a frame that came at most @late_ns after @since_ns."""
    server.wait_for(lambda state: state["glint"]["picture"]["finding"] == name)
    finding = picture(server)[name]
    assert finding["holds"] and finding["rests_on"], finding
    assert since_ns - SECOND // 10 <= finding["since_ns"] <= since_ns + late_ns, \
        (finding["since_ns"] - since_ns, finding)
    return finding


def ends(server, name, since_ns, late_ns=SECOND):
    state = server.wait_for(lambda state: not state["glint"]["picture"][name]["holds"] and state)
    finding = state["glint"]["picture"][name]
    assert since_ns <= finding["since_ns"] <= since_ns + late_ns, finding


def offline(server, stream, reason):
    state = server.wait_for(lambda state: state["glint"]["source"]["reason"] == reason and state)
    source = state["glint"]["source"]
    assert not state["source"]["online"], state["source"]
    assert source["verdict"] == "device-under-test" and source["rests_on"] == "picture", source
    tap.until(lambda: stream.part()[0]["X-Glint-Reason"] == reason)
    reply = server.get("/snapshot")
    assert reply.header("X-UStreamer-Online") == "false", reply
    assert reply.header("X-Glint-Reason") == reason, reply
    assert server.get("/snapshot?strict=1").status == 503


def online(server, stream, since_ns):
    """The source is back: live within a second of the guest's clock."""
    server.wait_until_live()
    assert tap.now_ns() - since_ns < SECOND, tap.now_ns() - since_ns
    tap.until(lambda: stream.part()[0]["X-UStreamer-Online"] == "true")
    source = server.state()["glint"]["source"]
    assert source["reason"] == source["verdict"] == source["rests_on"] == "", source


@tap.test
def test_no_false_alarm():
    """a counter in a corner, a moving picture and noise of a sensor are not frozen"""
    with live(WEBCAM, "--resolution", "640x360", "--frozen-after", "1") as (camera, server, _):
        for movement, pattern in ((STANDING, BARS), (LEFT_FAST, BARS), (STANDING, NOISE)):
            camera.set("horizontal_movement", movement)
            camera.set("test_pattern", pattern)
            camera.set("osd_text_mode", NO_TEXT if pattern == NOISE else COUNTER)
            looks = picture(server)["looks"]
            server.wait_for(lambda state, looks=looks:
                            state["glint"]["picture"]["looks"] > looks + 12)
            assert picture(server)["finding"] == "", picture(server)


@tap.test
def test_frozen():
    """a frozen picture is told since its first frame, stays live, and ends with the next change"""
    for path, form in ((WEBCAM, "YUYV"), (WEBCAM, "RGB24"), (HDMI, "NV16")):
        size = ("--resolution", "640x360") if path == WEBCAM else ()
        with live(path, *size, "--frozen-after", "2", form=form) as (camera, server, stream):
            frozen_ns = tap.now_ns()
            camera.set("osd_text_mode", NO_TEXT)
            finding = finds(server, "frozen", frozen_ns, SECOND // 2)
            assert tap.now_ns() - finding["since_ns"] >= 2 * SECOND
            state = server.state()
            assert state["source"]["online"] and state["glint"]["source"]["verdict"] == "", state
            assert stream.part()[0]["X-UStreamer-Online"] == "true"
            moved_ns = tap.now_ns()
            camera.set("osd_text_mode", COUNTER)
            ends(server, "frozen", moved_ns)


@tap.test
def test_frozen_offline():
    """with --offline-when a frozen and a black picture are not live, and both come back in a second"""
    with live(WEBCAM, "--resolution", "640x360", "--frozen-after", "1",
              "--offline-when", "frozen") as (camera, server, stream):
        camera.set("osd_text_mode", NO_TEXT)
        offline(server, stream, "frozen")
        moved_ns = tap.now_ns()
        camera.set("osd_text_mode", COUNTER)
        online(server, stream, moved_ns)
        camera.set("osd_text_mode", NO_TEXT)
        camera.set("test_pattern", BLACK)
        offline(server, stream, "black")
        lit_ns = tap.now_ns()
        camera.set("test_pattern", WHITE)
        camera.set("osd_text_mode", COUNTER)
        online(server, stream, lit_ns)


@tap.test
def test_black():
    """black is told since its first frame, of a webcam and of HDMI in limited range"""
    for path, form in ((WEBCAM, "YUYV"), (HDMI, "NV24")):
        size = ("--resolution", "640x360") if path == WEBCAM else ()
        with live(path, *size, form=form) as (camera, server, stream):
            camera.set("osd_text_mode", NO_TEXT)
            black_ns = tap.now_ns()
            camera.set("test_pattern", BLACK)
            finds(server, "black", black_ns, SECOND // 2)
            assert server.state()["source"]["online"]
            assert stream.part()[0]["X-UStreamer-Online"] == "true"
            lit_ns = tap.now_ns()
            camera.set("test_pattern", WHITE)
            ends(server, "black", lit_ns)
            assert picture(server)["black"]["rests_on"] == ""


@tap.test
def test_card():
    """the card of a grabber is known in another size, and its signal is live within a second"""
    with tempfile.TemporaryDirectory() as folder:
        with live(WEBCAM, "--resolution", "1280x720") as (camera, server, _):
            camera.set("osd_text_mode", NO_TEXT)
            camera.set("test_pattern", BARS)
            reply = server.get("/snapshot?after=now")
            assert reply.header("X-UStreamer-Online") == "true", reply
            with open(os.path.join(folder, "no-signal.jpg"), "wb") as file:
                file.write(reply.body)
        with live(HDMI, "--cards", folder) as (camera, server, stream):
            camera.set("test_pattern", WHITE)
            server.wait_until_live()
            camera.set("osd_text_mode", NO_TEXT)
            card_ns = tap.now_ns()
            camera.set("test_pattern", BARS)
            offline(server, stream, "no-signal-card")
            finding = finds(server, "card", card_ns, SECOND // 2)
            assert "no-signal.jpg" in finding["rests_on"], finding
            back_ns = tap.now_ns()
            camera.set("test_pattern", WHITE)
            online(server, stream, back_ns)


@tap.test
def test_stamps():
    """a finding does not depend on the driver's stamps"""
    with live(WEBCAM, "--resolution", "640x360", "--frozen-after", "1") as (camera, server, _):
        camera.set("timestamp_source", 1 - START_OF_EXPOSURE)
        camera.set("osd_text_mode", NO_TEXT)
        frozen_ns = tap.now_ns()
        finds(server, "frozen", frozen_ns, SECOND // 2)


tap.main()
