#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""python/glint.py against the running service, and against a service that the test plays.

Prints TAP. From the environment: GLINTD, GLINT, BUILD.
"""
import contextlib
import os
import socket
import struct
import sys
import tempfile
import threading
import zlib

import tap

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../python"))
import glint  # pylint: disable=wrong-import-position

SMALL = ("--resolution", "320x240")


def raised(kind, function, *args, **named):
    """The error of @kind that the call raises."""
    try:
        value = function(*args, **named)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {value!r}")


@contextlib.contextmanager
def played(*answers):
    """A service that gives each connection the next of @answers. Yields address and requests."""
    requests = []
    with tempfile.TemporaryDirectory(prefix="glint-") as folder, \
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        path = os.path.join(folder, "socket")
        listener.bind(path)
        listener.listen()

        def serve():
            for answer in answers:
                peer = listener.accept()[0]
                with peer:
                    text = peer.recv(65536)
                    requests.append(text)
                    peer.sendall(answer)
                    peer.shutdown(socket.SHUT_WR)
                    peer.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield path, requests
        thread.join(tap.PATIENCE)


@tap.test
def test_state():
    """the state is that of the service, by path and by TCP"""
    tap.needs("NET_TCP")
    with tap.Service("--host", "127.0.0.1", "--port", "0", *SMALL) as service:
        service.wait_until_live()
        with glint.Glint(service.path) as lab:
            assert lab.is_live()
            assert lab.state()["source"]["resolution"] == {"width": 320, "height": 240}
        port = service.log_text().partition("on 127.0.0.1, port ")[2].split()[0]
        assert glint.Glint(f"127.0.0.1:{port}").is_live()
        assert glint.Glint(f"http://localhost:{port}/").is_live()


@tap.test
def test_snapshot():
    """a picture is newer than its moment, and its receipt counts since the last one"""
    tap.needs("ENCODE_CPU")
    with tap.Service(*SMALL) as service, glint.Glint(service.path) as lab:
        service.wait_until_live()
        first = lab.snapshot()
        assert first.type == "image/jpeg" and tap.jpeg_size(first.data) == (320, 240)
        before = tap.now_ns()
        second = lab.snapshot(after=before, since=first.receipt)
        receipt = second.receipt
        assert receipt.live and receipt.reason == "" and receipt.clock == "monotonic", receipt
        assert receipt.exposure_ns >= before, (before, receipt)
        assert receipt.complete_ns >= receipt.exposure_ns and receipt.error_ns is not None, receipt
        assert receipt.seq > first.receipt.seq and receipt.serial > first.receipt.serial, receipt
        assert receipt.since == first.receipt.seq, receipt
        between = receipt.seq - first.receipt.seq - 1
        assert receipt.dropped + receipt.corrupt + receipt.skipped == between, (between, receipt)
        assert lab.snapshot(after=receipt).receipt.seq > receipt.seq
        assert lab.snapshot(after="now", guarantee="exposed").receipt.guarantee == "exposed"


@tap.test
def test_several_parts():
    """several parts of one frame are pictures of their own, with the same receipt"""
    tap.needs("PIXELS_PNG")
    with tap.Service(*SMALL) as service, glint.Glint(service.path) as lab:
        service.wait_until_live()
        parts = lab.snapshots(["64x32+0+0", glint.Region(8, 16, 40, 24)], format="ppm",
                              after="now")
        assert [part.data[:13] for part in parts] == [
            b"P6\n64 32\n255\n", b"P6\n40 24\n255\n"], parts
        assert parts[0].receipt == parts[1].receipt and parts[0].receipt.seq is not None, parts
        assert len(parts[0].data) == 13 + 64 * 32 * 3 and parts[0].type, parts
        # Where the parts overlap they have the same pixels.
        rows = [part.data[13:] for part in parts]
        assert rows[0][(16 * 64 + 8) * 3:(16 * 64 + 48) * 3] == rows[1][:40 * 3]
        only = lab.snapshots(["64x32+0+0"])
        assert len(only) == 1 and only[0].data.startswith(b"\x89PNG"), only
        error = raised(glint.Refused, lab.snapshots, ["64x32+0+0", "640x480+0+0"])
        assert error.status == 400, error
        raised(ValueError, lab.snapshots, [])


@tap.test
def test_conditions_with_their_own_parameters():
    """each condition has its own region, threshold and reference"""
    tap.needs("JUDGE")
    tap.needs("PIXELS_PNG")
    with tap.Service(*SMALL) as service, glint.Glint(service.path) as lab:
        service.wait_until_live()
        part = lab.snapshot(format="png", crop="32x8+0+0")
        verdict = lab.wait({"for": "black", "threshold": 0, "region": "32x32+100+100"},
                           {"for": "match", "reference": part, "similarity": 0.2},
                           timeout=tap.PATIENCE)
        assert verdict.kind == "match" and verdict.met, verdict
        verdict = lab.wait("live", {"for": "nonblack", "exclude": ["8x8+0+0", "8x8+16+0"]},
                           all=True, timeout=tap.PATIENCE)
        assert verdict.met, verdict
        error = raised(glint.NotMet, lab.wait, {"for": "still", "stable": 60.0}, timeout=0.3)
        assert [verdict.kind for verdict in error.verdicts] == ["still"], error.verdicts
        error = raised(glint.Refused, lab.wait, {"for": "still", "region": "9x9+9999+0"})
        assert (error.status, error.reason) == (400, "bad-region"), error
        raised(ValueError, lab.wait, {"for": "black"}, reference=part)


@tap.test
def test_save():
    """a saved picture is the bytes of the picture, and no part is left"""
    with tempfile.TemporaryDirectory() as folder:
        picture = glint.Picture(b"jpeg", "image/jpeg", glint.Receipt(True, ""))
        picture.save(os.path.join(folder, "a.jpg"))
        picture.save(os.path.join(folder, "a.jpg"))
        assert os.listdir(folder) == ["a.jpg"]
        with open(os.path.join(folder, "a.jpg"), "rb") as file:
            assert file.read() == b"jpeg"


@tap.test
def test_no_video():
    """without live video a snapshot is NoVideo with the reason, or the picture that says so"""
    with tap.Service(*SMALL, device=tap.MISSING) as service, glint.Glint(service.path) as lab:
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        error = raised(glint.NoVideo, lab.snapshot)
        assert (error.status, error.reason) == (503, "no-device"), error
        assert isinstance(error, glint.Refused) and isinstance(error, glint.GlintError)
        picture = lab.snapshot(any=True)
        assert not picture.receipt.live and picture.receipt.reason == "no-device", picture
        assert picture.receipt.seq is None, picture
        assert not lab.is_live()


@tap.test
def test_all_reasons():
    """a refusal for any of the source's reasons is NoVideo"""
    assert set(tap.source_reasons()) <= glint._OFFLINE, glint._OFFLINE


@tap.test
def test_configure():
    """settings change by keyword; a refusal has the reason and changes nothing"""
    with tap.Service(*SMALL) as service, glint.Glint(service.path) as lab:
        answer = lab.configure(quality=55, desired_fps=5)
        assert answer["changed"] == ["quality", "desired-fps"], answer
        assert lab.config()["quality"]["value"] == 55
        error = raised(glint.Refused, lab.configure, quality=300)
        assert (error.status, error.reason) == (400, "bad-value"), error
        assert "1 to 100" in error.message and error.document["ok"] is False, error
        assert lab.config()["quality"]["value"] == 55
        lab.configure(quality=None)
        assert lab.config()["quality"]["value"] == 80


@tap.test
def test_marks():
    """a mark is a moment: the next picture after it is newer"""
    tap.needs("ENCODE_CPU")
    with tap.Service(*SMALL) as service, glint.Glint(service.path) as lab:
        service.wait_until_live()
        before = tap.now_ns()
        mark = lab.mark("before-key", keep=60)
        assert mark.id == "before-key" and before <= mark.time_ns <= tap.now_ns(), mark
        assert [each.id for each in lab.marks()] == ["before-key"]
        picture = lab.snapshot(after=mark, guarantee="exposed")
        assert picture.receipt.exposure_ns >= mark.time_ns, (mark, picture)
        lab.unmark(mark)
        assert not lab.marks()
        assert raised(glint.Refused, lab.unmark, mark).reason == "unknown-mark"


@tap.test
def test_exact():
    """exact pixels are a region's, and its checksum is that of the same pixels"""
    tap.needs("PIXELS_PNG")
    tap.needs("PIXELS_HASH")
    with tap.Service(*SMALL) as service, glint.Glint(service.path) as lab:
        service.wait_until_live()
        region = glint.Region(16, 8, 64, 32)
        picture = lab.snapshot(format="ppm", crop=region)
        assert picture.data.startswith(b"P6\n64 32\n255\n"), picture.data[:20]
        assert len(picture.data) == 13 + 3 * 64 * 32, len(picture.data)
        assert lab.snapshot(format="ppm", scale=2).data.startswith(b"P6\n160 120\n")
        png = lab.snapshot(format="png", crop="64x32+16+8")
        assert png.type == "image/png" and png.data.startswith(b"\x89PNG"), png
        found = lab.hash(region)
        assert (len(found.exact), len(found.perceptual)) == (32, 16), found
        assert found.region == "64x32+16+8" and found.document["live"] is True, found
        error = raised(glint.Refused, lab.snapshot, format="ppm", crop="64x32+9999+0")
        assert error.reason == "outside-picture", error


@tap.test
def test_compare():
    """a still part of the screen equals its picture, and what differs is counted and boxed"""
    tap.needs("PIXELS_PNG")
    region = glint.Region(0, 0, 32, 16)
    with tap.Service(*SMALL) as service, glint.Glint(service.path) as lab:
        service.wait_until_live()
        for format in ("png", "ppm"):	# pylint: disable=redefined-builtin
            reference = lab.snapshot(format=format, crop=region)
            found = lab.compare(reference, region=region, after="now")
            assert found.equal and found.pixels == 512 and found.box is None, found
            assert found.picture.receipt.seq > reference.receipt.seq, found
        changed = bytearray(reference.data)
        for x, y, by in ((3, 2, 9), (10, 7, 3)):
            at = len(changed) - 3 * 512 + 3 * (32 * y + x)
            changed[at] += by if changed[at] < 128 else -by
        found = lab.compare(bytes(changed), region=region)
        assert (found.differing, found.box) == (2, (3, 2, 8, 6)), found
        found = lab.compare(bytes(changed), region=region, threshold=3)
        assert (found.differing, found.box) == (1, (3, 2, 1, 1)), found
        for wrong in (b"", b"P6\n", b"\x89PNG\r\n\x1a\n", b"P5\n1 1\n255\n1", bytes(changed)):
            raised(ValueError, lab.compare, wrong, region="16x16+0+0")


def png_of(width, height, colour, rows):
    """A PNG of @rows, each with its filter in front."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    head = struct.pack(">2I5B", width, height, 8, colour, 0, 0, 0)
    packed = zlib.compress(b"".join(rows))
    half = len(packed) // 2
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed[:half])
            + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b""))


@tap.test
def test_png():
    """each filter of PNG is undone, and a damaged file is a ValueError"""
    filtered = [b"\0" + bytes([1, 2, 3, 4, 5, 6]), b"\1" + bytes([1, 1, 1, 1, 1, 1]),
                b"\2" + bytes([1, 1, 1, 255, 0, 1]), b"\3" + bytes([10, 10, 10, 10, 10, 10]),
                b"\4" + bytes([1, 2, 3, 4, 5, 6])]
    plain = [1, 2, 3, 4, 5, 6, 1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 3, 11, 11, 11, 16, 16, 17,
             12, 13, 14, 20, 21, 23]
    read = glint._read_png(png_of(2, 5, 2, filtered))	# pylint: disable=protected-access
    assert list(read.rgb) == plain, list(read.rgb)
    read = glint._read_pixels(png_of(2, 1, 0, [b"\1\5\1"]))	# pylint: disable=protected-access
    assert list(read.rgb) == [5, 5, 5, 6, 6, 6], read
    good = png_of(2, 5, 2, filtered)
    wrong = [good[:cut] for cut in range(9, len(good) - 30)]
    wrong += [png_of(2, 1, 6, [b"\0" + bytes(8)]), png_of(2, 1, 2, [b"\7" + bytes(6)]),
              png_of(2, 2, 2, [b"\0" + bytes(6)]), png_of(1 << 30, 1 << 30, 2, [b""])]
    for data in wrong:
        raised(ValueError, glint._read_pixels, data)	# pylint: disable=protected-access


@tap.test
def test_events():
    """events come in order; silence is NotMet, and the stream goes on"""
    with tap.Service(*SMALL) as service, glint.Glint(service.path) as lab:
        service.wait_until_live()
        with lab.events() as events:
            place = events.last_id
            raised(glint.NotMet, events.get, 0.2)
            lab.configure(quality=50)
            event = events.get(tap.PATIENCE)
            assert event.type == "settings" and event.data["changed"] == {"quality": 50}, event
            assert event.id == events.last_id != place
        lab.configure(quality=51)
        with lab.events(place) as events:
            told = [next(events).data["changed"]["quality"] for _ in range(2)]
            assert told == [50, 51], told
        with lab.events(0) as events:
            assert next(events).seq == 1
        error = raised(glint.Refused, lab.events, "x")
        assert error.status == 400, error
        assert service.process.poll() is None


@tap.test
def test_events_end():
    """the end of the service ends the events, with an error"""
    with tap.Service(*SMALL) as service:
        events = glint.Glint(service.path).events()
        service.process.terminate()
        while True:
            error = raised_or_none(events)
            if error:
                break
    assert "ended" in str(error) or "middle" in str(error) or "reset" in str(error), error


def raised_or_none(events):
    try:
        next(events)
    except glint.Unreachable as error:
        return error
    return None


@tap.test
def test_pictures():
    """pictures come with growing numbers, and closing the client ends them"""
    tap.needs("ENCODE_CPU")
    with tap.Service(*SMALL) as service:
        service.wait_until_live()
        with glint.Glint(service.path) as lab:
            pictures = lab.pictures()
            numbers = []
            for picture in pictures:
                tap.jpeg_size(picture.data)
                numbers.append(picture.receipt.seq)
                if len(numbers) == 10:
                    break
            assert numbers == sorted(set(numbers)), numbers
        raised(Exception, next, pictures)
        service.wait_for(lambda state: state["stream"]["clients"] == 0)


@tap.test
def test_login():
    """a login is sent; without it the service refuses"""
    tap.needs("NET_AUTH")
    with tap.Service("--user", "lab", "--passwd", "a:b", *SMALL) as service:
        assert raised(glint.Refused, glint.Glint(service.path).state).status == 401
        glint.Glint(service.path, login=("lab", "a:b")).state()


@tap.test
def test_unreachable():
    """no socket, a service that does not answer, and half an answer are Unreachable"""
    error = raised(glint.Unreachable, glint.Glint("/nowhere/glint.sock").state)
    assert "/nowhere/glint.sock" in str(error) and "No such file" in str(error), error
    with played(b"") as (path, _):
        assert "closes" in str(raised(glint.Unreachable, glint.Glint(path).state))
    head = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    with played(head + b"{") as (path, _):
        assert "middle" in str(raised(glint.Unreachable, glint.Glint(path).state))
    with tempfile.TemporaryDirectory() as folder, \
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(os.path.join(folder, "socket"))
        listener.listen()
        lab = glint.Glint(listener.getsockname(), timeout=0.1)
        assert "in time" in str(raised(glint.Unreachable, lab.state))


@tap.test
def test_garbled():
    """answers that make no sense are Garbled"""
    for answer in (b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n<a/>",
                   b"HTTP/1.0 200 OK\r\n\r\n{}", b"HTTP/1.0 200 OK\r\n\r\n[]",
                   b"HTTP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
                   b"x" * 100000):
        with played(answer) as (path, _):
            raised(glint.Garbled, glint.Glint(path).state)
    for call in ("events", "pictures"):
        with played(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nhello") as (path, _):
            raised(glint.Garbled, lambda: next(getattr(glint.Glint(path), call)()))


@tap.test
def test_query():
    """a request says what the caller said, in the service's words"""
    reply = (b'HTTP/1.0 200 OK\r\n\r\n{"ok": true, "result": {"decided_by": 1, "conditions": ['
             b'{"for": "still", "status": "pending", "met": false}, {"for": "black", "status": "met",'
             b' "met": true, "score": 3.5, "frames_seen": 7, "frames_missed": 1,'
             b' "first": {"seq": 4, "complete_ns": 99}, "decided": {"seq": 6},'
             b' "box": {"x": 1, "y": 2, "width": 3, "height": 4}}]}}')
    with played(reply) as (path, requests):
        verdict = glint.Glint(path).wait("still", "black", timeout=2.5, stable=0.25,
                                         region=glint.Region(1, 2, 30, 40), since=glint.Mark("m"),
                                         exclude=["5x5+0+0", (1, 1, 6, 6)], differs=True,
                                         start_timeout=1)
    line = requests[0].split(b"\r\n")[0].decode()
    assert line.endswith(" HTTP/1.0"), line
    wanted = {"any=still%2Cblack", "timeout=2500000000ns", "stable=250000000ns", "region=30x40%2B1%2B2",
              "since=mark:m", "exclude=5x5%2B0%2B0", "exclude=6x6%2B1%2B1", "differs=1",
              "start_timeout=1000000000ns"}
    assert set(line.split(" ")[1].partition("?")[2].split("&")) == wanted, line
    assert (verdict.kind, verdict.met, verdict.score, verdict.seen, verdict.missed) == \
        ("black", True, 3.5, 7, 1), verdict
    assert verdict.first == glint.Frame(4, 99) and verdict.decided.seq == 6, verdict
    assert verdict.box == (1, 2, 3, 4) and str(verdict.box) == "3x4+1+2", verdict


@tap.test
def test_match():
    """wait finds a picture that snapshot has taken, and tells where"""
    tap.needs("JUDGE")
    with tap.Service(*SMALL) as service, glint.Glint(service.path) as lab:
        service.wait_until_live()
        part = lab.snapshot(format="ppm", crop="100x12+40+0")
        verdict = lab.wait("match", reference=part, at="43+1", margin=5, similarity=0.99,
                           timeout=tap.PATIENCE)
        assert verdict.met and verdict.score >= 0.99 and verdict.box[2:] == (100, 12), verdict
        verdict = lab.wait("match", reference=part.data, region="100x12+40+0", timeout=tap.PATIENCE)
        assert verdict.met and verdict.box == (40, 0, 100, 12), verdict
        verdict = lab.wait("match", reference=part.data, at="40+0", timeout=tap.PATIENCE,
                           region=["9x9+40+0", "20x9+60+3"], exclude="3x3+42+2")
        assert verdict.met and verdict.box == (40, 0, 40, 12), verdict
        error = raised(glint.NotMet, lab.wait, "match", reference=part, at="90+0", timeout=0.2)
        assert error.verdicts[0].score < 0.96, error.verdicts
        raised(glint.Refused, lab.wait, "match", reference=part, at="300+0")
        raised(glint.Refused, lab.wait, "match")
        raised(ValueError, lab.wait, "match", reference=b"no picture")


@tap.test
def test_not_met():
    """a condition that is not met in time is NotMet, with what was seen"""
    reply = (b'HTTP/1.0 504 x\r\nContent-Type: application/json\r\n\r\n{"ok": false, "error": {"reason": '
             b'"timeout", "message": "not in time"}, "result": {"conditions": [{"for": "still", '
             b'"status": "pending", "met": false, "frames_seen": 12}]}}')
    with played(reply) as (path, _):
        error = raised(glint.NotMet, glint.Glint(path).wait, "still")
    assert error.verdicts[0].seen == 12 and "not in time" in str(error), error


@tap.test
def test_addresses():
    """addresses are understood as the command understands them, and wrong ones refused"""
    for wrong in ("8080", "https://host", "http://", "host:port", ":8080"):
        raised(ValueError, glint.Glint, wrong)
    with tap.Service() as service:
        os.environ["GLINT_SOCKET"] = service.path
        try:
            assert glint.Glint().state()["instance_id"] == ""
            glint.Glint("unix:" + service.path).state()
        finally:
            del os.environ["GLINT_SOCKET"]


tap.main()
