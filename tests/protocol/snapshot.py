#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A snapshot is newer than its request, or is marked as not live.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import json
import threading

import tap

TIMES = ("Grab-Begin", "Grab-End", "Grab", "Encode-Begin", "Encode-End", "Expose-Begin",
         "Expose-Cmp", "Expose-End", "Send")


def micros(reply, name):
    seconds, _, fraction = reply.header(f"X-UStreamer-{name}-Timestamp").partition(".")
    assert len(fraction) == 6, reply
    return int(seconds) * 1000000 + int(fraction)


def fresh_snapshot(service):
    """Asserts that a snapshot is newer than its request; returns its sequence number."""
    asked_ns = tap.now_ns()
    reply = service.get("/snapshot")
    got_ns = tap.now_ns()
    assert reply.status == 200 and reply.header("Content-Type") == "image/jpeg"
    assert reply.header("X-UStreamer-Online") == "true", reply
    assert reply.header("X-Glint-Reason") == ""
    # The service took the frame from its device after it had read the request.
    assert asked_ns // 1000 <= micros(reply, "Grab-End") <= got_ns // 1000, (asked_ns, reply)
    assert int(reply.header("X-Glint-Timestamp-Ns")) <= got_ns
    assert int(reply.header("X-Glint-Age-Ns")) <= got_ns
    assert (int(reply.header("X-Glint-Width")), int(reply.header("X-Glint-Height"))) == \
        tap.jpeg_size(reply.body)
    return int(reply.header("X-Glint-Sequence"))


@tap.test
def test_newer_than_the_request():
    """a snapshot's frame has arrived after the request, without and with a stream beside it"""
    with tap.Service() as service:
        service.wait_until_live()
        last = -1
        for number in range(40):
            if number == 20:
                stream = tap.Stream(service)
                stream.part()
            known = service.state()["glint"]["frame"]["sequence"]
            sequence = fresh_snapshot(service)
            assert sequence > known and sequence > last, (known, last, sequence)
            last = sequence
        stream.sock.close()


@tap.test
def test_exposed_after():
    """after= selects a frame whose exposure began after a moment: past, present or future"""
    with tap.Service() as service:
        service.wait_until_live()
        for ahead_ns in (-50000000, 0, 100000000) * 5:
            moment_ns = tap.now_ns() + ahead_ns
            reply = service.get(f"/snapshot?after={moment_ns}")
            assert reply.header("X-UStreamer-Online") == "true", reply
            # The test pattern is stamped when it is exposed.
            exposure_ns = int(reply.header("X-Glint-Exposure-Ns"))
            assert moment_ns <= exposure_ns <= tap.now_ns(), (moment_ns, reply)
            assert exposure_ns == int(reply.header("X-Glint-Timestamp-Ns")), reply
        asked_ns = tap.now_ns()
        reply = service.get("/snapshot?after=now&strict=1")
        assert asked_ns <= int(reply.header("X-Glint-Exposure-Ns")), (asked_ns, reply)


@tap.test
def test_bad_moments():
    """a moment that is malformed or too far ahead is refused with an explanation"""
    with tap.Service() as service:
        for moment in ("soon", "", "-1", "1e9", str(tap.now_ns() + 11 * 10**9), "9" * 30):
            reply = service.get(f"/snapshot?after={moment}")
            assert reply.status == 400 and reply.header("Content-Type") == "application/json"
            error = json.loads(reply.body)["error"]
            assert error["reason"] == "bad-after" and "CLOCK_MONOTONIC" in error["message"]
        assert service.get("/snapshot").status == 200


@tap.test
def test_sixteen_at_once():
    """sixteen simultaneous requests all get a fresh snapshot"""
    with tap.Service() as service:
        service.wait_until_live()
        known = service.state()["glint"]["frame"]["sequence"]
        got, failed = [], []

        def one():
            try:
                got.append(fresh_snapshot(service))
            except Exception as error:	# pylint: disable=broad-except
                failed.append(error)

        threads = [threading.Thread(target=one) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed, failed
        assert len(got) == 16 and min(got) > known
        state = service.state()["glint"]
        assert state["encoder"]["encoded"] <= len(set(got)) + 1, "they did not share"
        assert state["clients"]["snapshots_waiting"] == 0


@tap.test
def test_at_once_after_the_start():
    """right after the start, a snapshot waits for the first frame"""
    for _ in range(3 if tap.is_sanitized() else 20):
        with tap.Service() as service:
            reply = service.get("/snapshot")
            assert reply.header("X-UStreamer-Online") == "true", reply


@tap.test
def test_head():
    """the reply has the headers of ustreamer 4.9 and 6.62, and glint's own"""
    with tap.Service() as service:
        service.wait_until_live()
        reply = service.get("/snapshot")
        stamps = {name: micros(reply, name) for name in TIMES}
        assert stamps["Grab-Begin"] <= stamps["Grab-End"] <= stamps["Encode-Begin"]
        assert stamps["Encode-Begin"] <= stamps["Encode-End"] <= stamps["Send"]
        assert reply.header("X-UStreamer-Dropped") == "0"
        assert reply.header("X-UStreamer-Width") == reply.header("X-Glint-Width")
        assert reply.header("X-UStreamer-Height") == reply.header("X-Glint-Height")
        assert reply.header("X-Glint-Clock") in ("monotonic", "arrival")
        assert reply.header("X-Timestamp")
        assert "no-store" in reply.header("Cache-Control")
        assert reply.header("Pragma") == "no-cache"


@tap.test
def test_without_video():
    """without a device the reply is an offline picture with status 200"""
    with tap.Service("--resolution", "800x600", device=tap.MISSING) as service:
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        reply = service.get("/snapshot")
        assert reply.status == 200
        assert reply.header("X-UStreamer-Online") == "false"
        assert reply.header("X-Glint-Reason") == "no-device"
        assert reply.header("X-Glint-Sequence") is None
        assert tap.jpeg_size(reply.body) == (800, 600)


@tap.test
def test_size_without_wish():
    """without --resolution, state and picture have 640x480 until a device has been seen"""
    for arguments in ((), ("--compat", "ustreamer")):
        with tap.Service(*arguments, device=tap.MISSING) as service:
            service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
            assert service.state()["source"]["resolution"] == {"width": 640, "height": 480}
            assert tap.jpeg_size(service.get("/snapshot").body) == (640, 480)


# This size takes a moment to draw, but even on a slow machine far less than a snapshot waits;
# the thread sanitizer makes a picture take ten times as long.
LARGE = ("--resolution", "3840x2160" if tap.is_sanitized() else "7680x4320")


def drawing(state):
    return state["glint"]["offline_pictures"]["drawing"]


@tap.test
def test_drawing():
    """while the offline picture is drawn, the state answers; all clients share one drawing"""
    with tap.Service(*LARGE, device=tap.MISSING) as service, service.connect() as sock, \
            tap.Stream(service) as stream:
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        sock.sendall(tap.request("GET", "/snapshot").encode())
        service.wait_for(lambda state: drawing(state) and
                         state["glint"]["clients"]["snapshots_waiting"] == 1)
        reply = tap.Reply(tap.Reader(sock))
        assert reply.status == 200 and reply.header("X-Glint-Reason") == "no-device", reply
        size = tuple(map(int, LARGE[1].split("x")))
        assert tap.jpeg_size(reply.body) == size
        assert tap.jpeg_size(stream.part()[1]) == size
        # The stream may have requested a picture before the reason was known.
        assert service.state()["glint"]["offline_pictures"]["drawn"] <= 2


@tap.test
def test_end_while_drawing():
    """the end of the service does not wait for a drawing"""
    with tap.Service(*LARGE, device=tap.MISSING) as service, tap.Stream(service):
        service.wait_for(drawing)
        service.end()
        assert service.exit_code == 0 and "left behind" not in service.log_text()


@tap.test
def test_strict():
    """with strict=1 an error replaces the offline picture, and nothing else changes"""
    with tap.Service(device=tap.MISSING) as service:
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        reply = service.get("/snapshot?strict=1")
        assert reply.status == 503 and reply.header("Content-Type") == "application/json"
        document = json.loads(reply.body)
        assert document["ok"] is False
        assert document["error"]["reason"] == "no-device" and document["error"]["message"]
    with tap.Service() as service:
        assert service.get("/snapshot?strict=1").header("X-UStreamer-Online") == "true"


@tap.test
def test_strict_service():
    """--strict makes strict=1 the default, and strict=0 overrides it"""
    with tap.Service("--strict", device=tap.MISSING) as service:
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        for path in ("/snapshot", "/?action=snapshot"):
            reply = service.get(path)
            assert reply.status == 503, reply
            assert json.loads(reply.body)["error"]["reason"] == "no-device"
        reply = service.get("/snapshot?strict=0")
        assert reply.status == 200 and reply.header("X-UStreamer-Online") == "false"
    with tap.Service("--strict") as service:
        assert service.get("/snapshot").header("X-UStreamer-Online") == "true"


tap.main()
