#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Waits for what the screen shows: /wait, and glint wait and glint latency.

Prints TAP. From the environment: GLINTD, GLINT, BUILD.
"""
import base64
import contextlib
import json
import os
import subprocess
import tempfile

import tap

GLINT = os.environ.get("GLINT", "build/glint")
NOT_MET = 4
# The built-in pattern moves below its title, and is the same in every frame at the top.
STILL = "region=640x16+0+0"


def ask(service, query, method="GET"):
    """Returns the status and the JSON of the answer."""
    with service.connect() as sock:
        sock.settimeout(tap.PATIENCE)
        sock.sendall(f"{method} {query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    head, body = data.split(b"\r\n\r\n", 1)
    return int(head.split()[1]), json.loads(body)


def wait(service, query):
    return ask(service, f"/wait?{query}&timeout={tap.PATIENCE}")


def glint(service, *args):
    return subprocess.run([GLINT, *args, "--socket", service.path], capture_output=True, text=True,
                          timeout=10 * tap.PATIENCE, check=False)


@contextlib.contextmanager
def live(*args):
    tap.needs("JUDGE")
    with tap.Service("--resolution", "640x480", *args) as service:
        service.wait_until_live()
        yield service


def first(answer):
    return answer["result"]["conditions"][0]


@tap.test
def test_change():
    """change and motion name the frames of a moving picture, in order"""
    with live() as service:
        for query in ("for=change", "for=change&metric=stbt", "for=change&metric=psnr&threshold=60",
                      "for=motion&frames=3/5"):
            status, answer = wait(service, query)
            assert status == 200 and answer["ok"], answer
            found = first(answer)
            assert found["met"] and found["status"] == "met", found
            assert found["reference"]["seq"] < found["first"]["seq"] <= found["decided"]["seq"]
            assert found["reference"]["complete_ns"] >= answer["result"]["since_ns"]
            judged = found["decided"]["seq"] - found["reference"]["seq"]
            assert found["frames_seen"] + found["frames_missed"] == judged, found


@tap.test
def test_still():
    """still is answered where nothing moves, and not where the pattern moves"""
    with live() as service:
        status, answer = wait(service, f"for=still&{STILL}&stable=200ms")
        found = first(answer)
        assert status == 200, answer
        still_ns = found["decided"]["complete_ns"] - found["first"]["complete_ns"]
        assert still_ns >= 200e6, found
        status, answer = ask(service, "/wait?for=still&stable=10&timeout=300ms")
        assert status == 504 and not answer["ok"] and not answer["result"]["met"], answer
        assert answer["error"]["reason"] == "timeout"
        assert first(answer)["frames_seen"] > 0


@tap.test
def test_mark():
    """a mark is the frame that change compares with"""
    with live() as service:
        status, mark = ask(service, "/marks?id=before", "POST")
        assert status == 200, mark
        status, answer = wait(service, "for=change&since=mark:before")
        assert status == 200, answer
        assert first(answer)["reference"]["seq"] == mark["result"]["frame"]["seq"], (mark, answer)
        status, answer = wait(service, "for=change&since=mark:none")
        assert status == 404 and answer["error"]["reason"] == "unknown-mark", answer


@tap.test
def test_hash():
    """hash is that of the same pixels at any time"""
    tap.needs("PIXELS_HASH")
    with live() as service:
        status, answer = wait(service, f"for=hash&{STILL}&hash={'0' * 32}&differs=1")
        assert status == 200, answer
        value = first(answer)["hash"]
        assert len(value) == 32 and value != "0" * 32
        status, answer = wait(service, f"for=hash&{STILL}&hash={value}")
        assert status == 200 and first(answer)["frames_seen"] == 1, answer


@tap.test
def test_source():
    """offline is answered without a device, with its reason, and live is not"""
    tap.needs("JUDGE")
    with tap.Service(device=tap.MISSING) as service:
        status, answer = wait(service, "for=offline")
        assert status == 200 and answer["result"]["source_reason"] == "no-device", answer
        status, answer = ask(service, "/wait?for=live&timeout=100ms")
        assert status == 504, answer
        status, answer = ask(service, "/wait?any=change,live&timeout=100ms")
        assert status == 504, answer


@tap.test
def test_refusals():
    """what cannot be judged is refused with a reason"""
    with live() as service:
        for query, reason in (("", "bad-for"), ("for=x", "bad-for"),
                              ("for=change&region=641x480+0+0", "bad-region"),
                              ("for=change&metric=x", "bad-metric"),
                              ("for=change&what=1", "unknown-parameter"),
                              ("any=black,x", "bad-any"),
                              ("for=change&since=seq:99999999", "no-reference")):
            status, answer = ask(service, f"/wait?{query}")
            assert status in (400, 409), (query, status)
            assert answer["error"]["reason"] == reason, (query, answer)


def post(service, body):
    text = body if isinstance(body, str) else json.dumps(body)
    reply = service.ask("POST /wait HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(text)}\r\n\r\n{text}")
    return reply.status, json.loads(reply.body)


@tap.test
def test_post():
    """conditions as JSON, each with its own parameters"""
    with live() as service:
        status, answer = post(service, {"for": "change", "exclude": ["9x9+0+0", "9x9+9+9"]})
        assert status == 200 and first(answer)["for"] == "change", answer
        status, answer = post(service, {
            "timeout": tap.PATIENCE, "stable": "100ms",
            "all": [{"for": "still", "region": "640x16+0+0"},
                    {"for": "motion", "frames": "1/1", "metric": "stbt"}]})
        assert status == 200 and answer["result"]["met"], answer
        assert [c["for"] for c in answer["result"]["conditions"]] == ["still", "motion"], answer
        status, answer = post(service, {"for": "black", "timeout": "100ms"})
        assert status == 504, answer
        status, answer = post(service, {"any": "black,change", "metric": "stbt"})
        assert status == 200 and answer["result"]["decided_by"] == 1, answer
        # All of the picture is excluded, by each way to say so: nothing changes.
        for body in ({"any": "change,motion", "exclude": ["640x480+0+0"]},
                     {"any": "change,motion", "exclude": "640x480+0+0"},
                     {"any": [{"for": "change"}, {"for": "motion"}], "exclude": ["640x480+0+0"]},
                     {"any": [{"for": "change"}, {"for": "motion"}], "exclude": "640x480+0+0"},
                     {"for": "change", "exclude": "640x480+0+0"}):
            status, answer = post(service, {**body, "timeout": "300ms"})
            assert status == 504 and answer["result"]["conditions"][0]["frames_seen"] > 0, answer
        for body in ('{"any": "black,x"}', '{"any": "black", "for": "still"}', '{"any": ""}',
                     '{"any": [{"for": "hash"}], "exclude": ["9x9+0+0"]}',
                     "[]", "{}", '{"any": []}', '{"any": [1]}', '{"any": [{"for": "x"}]}',
                     '{"for": "change", "exclude": [1]}', '{"any": [], "all": []}',
                     '{"any": [{"any": "black"}]}', '{"for": "change", "other": 1}'):
            status, answer = post(service, body)
            assert status == 400 and not answer["ok"], (body, status, answer)
        assert service.state()["glint"]["waits"]["pending"] == 0
        assert service.state()["glint"]["copies_per_frame"] > 0


def snapshot(service, query):
    reply = service.ask(f"GET /snapshot?{query} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert reply.status == 200, reply.status
    return reply.body


def post_picture(service, query, picture, kind):
    with service.connect() as sock:
        sock.settimeout(tap.PATIENCE)
        sock.sendall(f"POST /wait?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     f"Content-Type: {kind}\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
                     + picture)
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    head, body = data.split(b"\r\n\r\n", 1)
    return int(head.split()[1]), json.loads(body)


TYPES = {"png": "image/png", "jpeg": "image/jpeg", "ppm": "image/x-portable-pixmap",
         "pgm": "image/x-portable-graymap"}


@tap.test
def test_match():
    """a picture of the screen is found on the screen, in each format, and near its place"""
    with live() as service:
        patience = f"timeout={tap.PATIENCE}"
        for name, kind in TYPES.items():
            if name == "png" and not tap.built_with("PIXELS_PNG"):
                continue
            part = snapshot(service, f"format={name}&crop=320x16+160+0")
            status, answer = post_picture(service, f"for=match&at=160+0&{patience}", part, kind)
            assert status == 200, (name, answer)
            found = first(answer)
            assert found["score"] > 0.99, (name, found)
            assert found["box"] == {"x": 160, "y": 0, "width": 320, "height": 16}, (name, found)
        part = snapshot(service, "format=ppm&crop=320x16+160+0")
        kind = TYPES["ppm"]
        for query in ("at=153+3&margin=7", "region=320x16+160+0",
                      "at=160+0&region=9x9+170+0&region=100x8+200+5", "at=160+0&similarity=1"):
            status, answer = post_picture(service, f"for=match&{query}&{patience}", part, kind)
            assert status == 200 and first(answer)["score"] == 1, (query, answer)
        status, answer = post_picture(service, "for=match&at=100+0&timeout=200ms", part, kind)
        assert status == 504 and first(answer)["score"] < 0.96, answer
        # In a body of JSON, beside other conditions.
        status, answer = post(service, {"timeout": tap.PATIENCE, "all": [
            {"for": "match", "at": "160+0", "reference": base64.b64encode(part).decode(),
             "region": ["20x10+160+0", "20x10+400+0"], "exclude": ["9x9+0+0"]},
            {"for": "still", "region": "640x16+0+0", "stable": "100ms"}]})
        assert status == 200 and answer["result"]["met"], answer


@tap.test
def test_converted():
    """what a Bayer camera shows is judged, by each metric, and the answer says what was converted"""
    tap.needs("JUDGE")
    tap.needs("LIBV4LCONVERT")
    with tap.Service(device=tap.EMULATED, environment=tap.emulated(
            format="SRGGB8", size="320x240", change="blink")) as service:
        service.wait_until_live()
        # The stamp blinks in the upper part, and nothing moves in the lower right.
        quiet = "64x32+200+200"
        for query in ("for=change", "for=change&metric=stbt", "for=change&metric=psnr",
                      f"for=still&stable=100ms&region={quiet}", "for=nonblack",
                      "for=motion&frames=1/2"):
            status, answer = wait(service, query)
            assert status == 200 and answer["result"]["converted"] == "SRGGB8", (query, answer)
        status, answer = ask(service, f"/wait?for=change&region={quiet}&timeout=200ms")
        assert status == 504, answer
        if tap.built_with("PIXELS_HASH"):
            value = json.loads(service.get(f"/hash?region={quiet}").body)["result"]["xxh3_128"]
            status, answer = wait(service, f"for=hash&region={quiet}&hash={value}")
            assert status == 200 and first(answer)["hash"] == value, answer
        picture, kind = snapshot(service, f"format=ppm&crop={quiet}"), TYPES["ppm"]
        query = f"for=match&at=200+200&similarity=1&timeout={tap.PATIENCE}"
        status, answer = post_picture(service, query, picture, kind)
        assert status == 200 and first(answer)["score"] == 1, answer
        status, answer = post_picture(service, "for=match&at=100+100&timeout=100ms", picture, kind)
        assert status == 504 and first(answer)["score"] < 0.96, answer


@tap.test
def test_scale():
    """at a scale reduced pictures are judged, of raw frames and of JPEGs, and the answer says so"""
    tap.needs("JUDGE")
    for form in ("YUYV", "MJPEG"):
        with tap.Service(device=tap.EMULATED, environment=tap.emulated(
                format=form, size="640x480", change="blink")) as service:
            service.wait_until_live()
            for scale in ("1/2", "1/4", "1/8"):
                for metric in ("luma", "stbt", "psnr"):
                    status, answer = wait(service, f"for=change&scale={scale}&metric={metric}"
                                          "&threshold=" + ("80" if metric == "psnr" else "0"))
                    found = first(answer)
                    assert status == 200 and found["scale"] == scale, (form, answer)
                    side = int(scale[2:])
                    if metric != "psnr":
                        assert found["box"]["x"] % side == found["box"]["width"] % side == 0, found
                status, answer = wait(service, f"for=nonblack&scale={scale}&region=61x31+409+81")
                assert status == 200 and first(answer)["score"] > 20, answer
            for query in ("for=hash&scale=1/2&hash=" + "0" * 32, "for=change&scale=1/3"):
                status, answer = ask(service, f"/wait?{query}")
                assert status == 400 and answer["error"]["reason"] == "bad-scale", answer
            done = glint(service, "wait", "nonblack", "--scale", "1/8", "--json", "--timeout",
                         str(tap.PATIENCE))
            assert done.returncode == 0 and '"scale": "1/8"' in done.stdout, done


@tap.test
def test_bad_references():
    """a reference that is broken, too large or of another size is refused with a reason"""
    with live() as service:
        ppm, kind = b"P6 4 4 255\n" + bytes(48), TYPES["ppm"]
        for query, picture, status, reason in (
                ("for=match", b"P6 4 4 255\n" + bytes(47), 400, "bad-reference"),
                ("for=match", b"no picture", 400, "bad-reference"),
                ("for=match", b"\x89PNG\r\n\x1a\n" + bytes(40), 400, "bad-reference"),
                ("for=match", b"", 400, "bad-reference"),
                ("for=match", b"P6 9999 9999 255\n" + bytes(9), 413, "reference-too-large"),
                ("for=match&at=637+0", ppm, 409, "reference-size"),
                ("for=match&region=5x4+0+0", ppm, 400, "reference-size"),
                ("for=match&exclude=4x4+0+0", ppm, 400, "reference-empty"),
                ("for=match&margin=1001", ppm, 400, "bad-margin"),
                ("for=match&at=7", ppm, 400, "bad-at"),
                ("for=match&similarity=2", ppm, 400, "bad-similarity"),
                ("for=change", ppm, 400, "bad-for")):
            found, answer = post_picture(service, query, picture, kind)
            if not tap.built_with("PIXELS_PNG") and picture[1:4] == b"PNG":
                continue
            assert (found, answer["error"]["reason"]) == (status, reason), (query, found, answer)
        reply = service.ask("POST /wait?for=match HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
                            f"Content-Length: {(8 << 20) + 1}\r\n\r\n")
        assert reply.status == 413 and b"8388608 bytes at most" in reply.body, reply
        found, answer = post_picture(service, "for=match", b"GIF89a", "image/gif")
        assert found == 415 and answer["error"]["reason"] == "media-type", answer
        for body in ({"for": "match"}, {"for": "match", "reference": 1},
                     {"for": "match", "reference": "####"}, {"for": "match", "reference": "QUJD="},
                     {"for": "change", "reference": "QUJD"},
                     {"for": "change", "region": ["9x9+0+0", "9x9+9+9"]}):
            found, answer = post(service, body)
            assert found == 400 and not answer["ok"], (body, answer)
        tap.until(lambda: service.state()["glint"]["waits"]["bytes"] == 0)
        assert service.state()["glint"]["waits"]["pending"] == 0


@tap.test
def test_bound():
    """further waits than the bound are refused; waits end with their clients"""
    with live("--clients-max", "100") as service, contextlib.ExitStack() as stack:
        most = service.state()["glint"]["waits"]["most"]
        for _ in range(most):
            sock = stack.enter_context(service.connect())
            sock.sendall(b"GET /wait?for=black&timeout=3600 HTTP/1.1\r\nHost: x\r\n\r\n")
        tap.until(lambda: service.state()["glint"]["waits"]["pending"] == most)
        status, answer = ask(service, "/wait?for=black")
        assert status == 503 and answer["error"]["reason"] == "too-many-waits", answer
        stack.close()
        tap.until(lambda: service.state()["glint"]["waits"]["pending"] == 0)
        waits = service.state()["glint"]["waits"]
        assert waits["cancelled"] == most and waits["refused"] == 1, waits
        tap.until(lambda: service.state()["glint"]["waits"]["bytes"] == 0)
        tap.until(lambda: service.state()["glint"]["waits"]["frame_bytes"] == 0)
        assert service.state()["glint"]["ledger"]["unaccounted"] == 0


@tap.test
def test_flood():
    """10,000 waits too many are each refused with the reason, and a stream goes on"""
    with live("--clients-max", "100") as service, contextlib.ExitStack() as stack:
        most = service.state()["glint"]["waits"]["most"]
        stream = stack.enter_context(tap.Stream(service, "?extra_headers=1"))
        for _ in range(most):
            sock = stack.enter_context(service.connect())
            sock.sendall(b"GET /wait?for=black&timeout=3600 HTTP/1.1\r\nHost: x\r\n\r\n")
        service.wait_for(lambda state: state["glint"]["waits"]["pending"] == most)
        last = -1
        with service.connect() as sock:
            reader = tap.Reader(sock)
            for number in range(10000):
                sock.sendall(tap.request("GET", "/wait?for=change&metric=stbt").encode())
                reply = tap.Reply(reader)
                assert reply.status == 503, reply
                assert json.loads(reply.body)["error"]["reason"] == "too-many-waits", reply
                if number % 1000 == 0:
                    fields, _ = stream.part()
                    assert fields["X-UStreamer-Online"] == "true", fields
                    assert int(fields["X-Glint-Sequence"]) > last, fields
                    last = int(fields["X-Glint-Sequence"])
        waits = service.state()["glint"]["waits"]
        assert waits["refused"] == 10000 and waits["begun"] == waits["pending"] == most, waits
        stack.close()
        service.wait_for(lambda state: state["glint"]["waits"]["pending"] == 0 and
                         state["glint"]["waits"]["bytes"] == 0)
        assert service.state()["glint"]["ledger"]["unaccounted"] == 0


@tap.test
def test_silent_client():
    """a client that asks, sends more and never reads holds nothing up"""
    with live() as service, service.connect() as silent:
        silent.settimeout(1)
        silent.sendall(tap.request("GET", "/wait?for=motion&frames=20/20").encode())
        service.wait_for(lambda state: state["glint"]["waits"]["pending"] == 1)
        with contextlib.suppress(OSError):
            for _ in range(1000):
                silent.send(b"GET /wait?for=change HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        status, answer = wait(service, "for=change")
        assert status == 200, answer
        service.wait_for(lambda state: state["glint"]["waits"]["pending"] == 0)
        assert service.state()["glint"]["ledger"]["unaccounted"] == 0


@tap.test
def test_command():
    """glint wait: its output and its exit status"""
    with live() as service:
        done = glint(service, "wait", "change")
        assert done.returncode == 0 and done.stdout.startswith("change: met after "), done
        done = glint(service, "wait", "still", "--region", "640x16+0+0", "--stable", "100ms",
                     "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["result"]["met"], done
        done = glint(service, "wait", "black", "--timeout", "200ms")
        assert done.returncode == NOT_MET and "black: pending" in done.stdout, done
        done = glint(service, "wait", "change", "--region", "9x9+9999+0")
        assert done.returncode == 1 and "does not lie within the picture" in done.stderr, done
        with tempfile.NamedTemporaryFile(suffix=".ppm") as file:
            file.write(snapshot(service, "format=ppm&crop=320x16+160+0"))
            file.flush()
            done = glint(service, "wait", "match", "--reference", file.name, "--at", "163+1",
                         "--margin", "4", "--similarity", "0.99", "--timeout", str(tap.PATIENCE))
            assert done.returncode == 0 and done.stdout.startswith("match: met after "), done
            done = glint(service, "wait", "match", "--reference", file.name, "--region",
                         "20x10+0+0", "--timeout", "200ms")
            assert done.returncode == NOT_MET, done
            done = glint(service, "wait", "match", "--reference", file.name, "--at", "321+0")
            assert done.returncode == 1 and "320x16 pixels at 321+0 does not lie" in done.stderr, done
        done = glint(service, "wait", "match", "--reference", __file__)
        assert done.returncode == 1 and "is no PNG" in done.stderr, done
        done = glint(service, "wait", "match", "--reference", file.name)
        assert done.returncode == 1 and "cannot read" in done.stderr, done
        done = glint(service, "wait", "match")
        assert done.returncode == 1 and "needs a picture" in done.stderr, done
        done = glint(service, "wait", "change", "--since", "mark:none")
        assert done.returncode == 1 and "no mark of that name" in done.stderr, done
        done = glint(service, "wait", "nothing")
        assert done.returncode == 1 and done.stderr, done


@tap.test
def test_latency():
    """glint latency: each time, and their distribution"""
    with live() as service:
        done = glint(service, "latency", "--run", "true", "-n", "3", "--settle", "0")
        assert done.returncode == 0 and "3 times: min " in done.stdout, done
        assert "at most one frame" in done.stdout, done
        done = glint(service, "latency", "--run", "true", "-n", "1", "--settle", "0",
                     "--region", "640x16+0+0", "--timeout", "200ms")
        assert done.returncode == NOT_MET and "no frame differed" in done.stderr, done
        done = glint(service, "latency", "--run", "true", "-n", "1", "--settle", "1s",
                     "--timeout", "200ms")
        assert done.returncode == NOT_MET and "not still in time" in done.stderr, done
        done = glint(service, "latency", "--run", "exit 7", "-n", "1", "--settle", "0")
        assert done.returncode == 1 and "exits with 7" in done.stderr, done


tap.main()
