#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stream: complete pictures in order, and the newest picture for each client.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import socket

import tap


@tap.test
def test_pictures():
    """pictures are complete, live and in order"""
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
    """the reply's head is ustreamer's, and is sent before the first picture"""
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
    """without extra_headers a part has three headers"""
    with tap.Service() as service, tap.Stream(service) as stream:
        for _ in range(3):
            fields, _ = stream.part()
            assert list(fields) == ["Content-Type", "Content-Length", "X-Timestamp"]


@tap.test
def test_advance_headers():
    """with advance_headers, the head of the next part comes with the picture before it"""
    with tap.Service() as service, tap.Stream(service, "?advance_headers=1") as stream:
        for _ in range(5):
            fields = tap.fields_of(stream.reader.until(b"\r\n\r\n").decode())
            assert list(fields) == ["Content-Type", "X-Timestamp"], fields
            picture = stream.reader.until(b"\r\n" + stream.BOUNDARY)
            tap.jpeg_size(picture[:-len(b"\r\n" + stream.BOUNDARY)])


@tap.test
def test_zero_data():
    """with zero_data, parts have no pictures"""
    with tap.Service() as service, tap.Stream(service, "?zero_data=1") as stream:
        for _ in range(5):
            assert stream.part()[1] == b""


@tap.test
def test_offline():
    """without a device the offline picture comes at once, and repeatedly"""
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
    """a client that does not read skips pictures, delays no other, and then gets the newest"""
    with tap.Service() as service:
        service.wait_until_live()
        with tap.Stream(service, "?extra_headers=1") as slow, \
             tap.Stream(service, "?extra_headers=1") as fast:
            last = None
            while service.state()["glint"]["clients"]["pictures_skipped"] < 30:
                fields, _ = fast.part()
                sequence = int(fields["X-Glint-Sequence"])
                last = sequence
            # The pictures in the socket's buffer, the one that was being sent, and then the newest.
            before = slow.part()[0]
            jumps = 0
            while int(before["X-Glint-Sequence"]) < last:
                after = slow.part()[0]
                jumps = max(jumps, int(after["X-Glint-Sequence"]) - int(before["X-Glint-Sequence"]))
                before = after
            assert jumps >= 20, jumps


@tap.test
def test_deaf_reader():
    """a client that reads nothing for --server-timeout is closed"""
    with tap.Service("--server-timeout", "1") as service:
        service.wait_until_live()
        with tap.Stream(service):
            service.wait_for(lambda state: state["glint"]["clients"]["timed_out"] == 1)
            assert service.state()["stream"]["clients"] == 0


@tap.test
def test_half_close():
    """a half-close by the client ends a stream"""
    with tap.Service() as service, tap.Stream(service) as stream:
        stream.part()
        stream.sock.shutdown(socket.SHUT_WR)
        stream.reader.rest()
        service.wait_for(lambda state: state["stream"]["clients"] == 0)


@tap.test
def test_many():
    """thirty-two simultaneous streams all get pictures"""
    with tap.Service("--resolution", "320x240") as service:
        streams = [tap.Stream(service) for _ in range(32)]
        for _ in range(5):
            for stream in streams:
                tap.jpeg_size(stream.part()[1])
        assert service.state()["stream"]["clients"] == 32
        for stream in streams:
            stream.sock.close()
        service.wait_for(lambda state: state["stream"]["clients"] == 0)
        # One picture may have been in the encoder when the last client left.
        service.wait_for(lambda state: state["glint"]["encoder"]["pictures_held"] == 0)


@tap.test
def test_rate():
    """fps= bounds the rate of one client, evenly, by the frames' own time; others get all"""
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        with tap.Stream(service, "?fps=10&extra_headers=1") as slow, \
                tap.Stream(service, "?extra_headers=1") as fast:
            stamps = [int(slow.part()[0]["X-Glint-Timestamp-Ns"]) for _ in range(8)]
            assert all(later - sooner > 80e6 for sooner, later in zip(stamps, stamps[1:])), stamps
            stamps = [int(fast.part()[0]["X-Glint-Timestamp-Ns"]) for _ in range(20)]
            assert min(b - a for a, b in zip(stamps, stamps[1:])) < 50e6, stamps
        assert service.get("/stream?fps=0").status == 400
        assert service.get("/stream?fps=x").status == 400


tap.main()
