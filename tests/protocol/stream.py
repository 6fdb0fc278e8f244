#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stream: whole pictures in order, the newest to each in its own time.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import socket

import tap


@tap.test
def test_pictures():
    """pictures are whole, live and in order"""
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        with tap.Stream(service, "?extra_headers=1") as stream:
            last = -1
            for _ in range(30):
                fields, data = stream.part()
                assert tap.jpeg_size(data) == (320, 240)
                assert fields["X-UStreamer-Online"] == "true"
                assert float(fields["X-UStreamer-Latency"]) >= 0
                sequence = int(fields["X-Glint-Sequence"])
                assert sequence > last
                last = sequence


@tap.test
def test_head():
    """its head is ustreamer's, and comes without a picture"""
    with tap.Service(device=tap.MISSING) as service, tap.Stream(service) as stream:
        reply = stream.reply
        assert reply.line == "HTTP/1.0 200 OK"
        assert reply.header("Content-Type") == \
            "multipart/x-mixed-replace;boundary=boundarydonotcross"
        assert reply.header("Content-Length") is None
        assert reply.header("Set-Cookie").startswith("stream_client=0/")
        assert reply.header("Pragma") == "no-cache"


@tap.test
def test_plain_parts():
    """without extra headers a part has three fields"""
    with tap.Service() as service, tap.Stream(service) as stream:
        for _ in range(3):
            fields, _ = stream.part()
            assert list(fields) == ["Content-Type", "Content-Length", "X-Timestamp"]


@tap.test
def test_advance_headers():
    """advance_headers: the next part's head comes with the picture before it"""
    with tap.Service() as service, tap.Stream(service, "?advance_headers=1") as stream:
        for _ in range(5):
            fields = tap.fields_of(stream.reader.until(b"\r\n\r\n").decode())
            assert list(fields) == ["Content-Type", "X-Timestamp"], fields
            picture = stream.reader.until(b"\r\n" + stream.BOUNDARY)
            tap.jpeg_size(picture[:-len(b"\r\n" + stream.BOUNDARY)])


@tap.test
def test_zero_data():
    """zero_data: parts without pictures"""
    with tap.Service() as service, tap.Stream(service, "?zero_data=1") as stream:
        for _ in range(5):
            assert stream.part()[1] == b""


@tap.test
def test_offline():
    """without a device the picture that says so comes at once, and again"""
    with tap.Service("--resolution", "800x600", device=tap.MISSING) as service:
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        with tap.Stream(service, "?extra_headers=1") as stream:
            for _ in range(3):
                fields, data = stream.part()
                assert tap.jpeg_size(data) == (800, 600)
                assert fields["X-UStreamer-Online"] == "false"
                assert fields["X-Glint-Reason"] == "no-device"
                assert "X-Glint-Sequence" not in fields


@tap.test
def test_slow_reader():
    """who does not read skips pictures, delays nobody, and then gets the newest"""
    with tap.Service() as service:
        service.wait_until_live()
        with tap.Stream(service, "?extra_headers=1") as slow, \
             tap.Stream(service, "?extra_headers=1") as fast:
            last = None
            while service.state()["glint"]["clients"]["pictures_skipped"] < 30:
                fields, _ = fast.part()
                sequence = int(fields["X-Glint-Sequence"])
                last = sequence
            # What the kernel holds, the one that was begun, and then what is new.
            before = slow.part()[0]
            jumps = 0
            while int(before["X-Glint-Sequence"]) < last:
                after = slow.part()[0]
                jumps = max(jumps, int(after["X-Glint-Sequence"]) - int(before["X-Glint-Sequence"]))
                before = after
            assert jumps >= 20, jumps


@tap.test
def test_deaf_reader():
    """who takes nothing for --server-timeout is closed"""
    with tap.Service("--server-timeout", "1") as service:
        service.wait_until_live()
        with tap.Stream(service):
            service.wait_for(lambda state: state["glint"]["clients"]["timed_out"] == 1)
            assert service.state()["stream"]["clients"] == 0


@tap.test
def test_half_close():
    """a half-close ends it"""
    with tap.Service() as service, tap.Stream(service) as stream:
        stream.part()
        stream.sock.shutdown(socket.SHUT_WR)
        stream.reader.rest()
        service.wait_for(lambda state: state["stream"]["clients"] == 0)


@tap.test
def test_many():
    """thirty-two at once all get pictures"""
    with tap.Service("--resolution", "320x240") as service:
        streams = [tap.Stream(service) for _ in range(32)]
        for _ in range(5):
            for stream in streams:
                tap.jpeg_size(stream.part()[1])
        assert service.state()["stream"]["clients"] == 32
        for stream in streams:
            stream.sock.close()
        service.wait_for(lambda state: state["stream"]["clients"] == 0)
        # One may still have been under way when the last of them went.
        service.wait_for(lambda state: state["glint"]["encoder"]["pictures_held"] == 0)


tap.main()
