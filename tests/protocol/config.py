#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Settings of a running service: listed, changed and refused, over HTTP and by the command.

Prints TAP. From the environment: GLINTD, GLINT, BUILD.
"""
import os
import subprocess
import threading

import tap

JSON = "Content-Type: application/json"


def patch(service, body, *fields):
    """The status and the JSON of a PATCH with @body, a text or what becomes JSON."""
    text = body if isinstance(body, str) else tap.json.dumps(body)
    with service.connect() as sock:
        fields = fields or (JSON,)
        head = tap.request("PATCH", "/config", *fields, f"Content-Length: {len(text)}")
        sock.sendall(head.encode() + text.encode())
        reply = tap.Reply(tap.Reader(sock))
    return reply.status, tap.json.loads(reply.body)


def settings(service):
    return tap.json.loads(service.get("/config").body)["result"]


def refused(service, status, reason, words, body, *fields):
    before = settings(service)
    got, reply = patch(service, body, *fields)
    assert (got, reply["ok"], reply["error"]["reason"]) == (status, False, reason), (got, reply)
    assert words in reply["error"]["message"], reply
    assert settings(service) == before, "something has changed"


def tables_of(jpeg):
    """The first coefficients of a JPEG's quantisation tables: the quality shows in them."""
    at = jpeg.index(b"\xff\xdb")
    return jpeg[at + 5:at + 13]


@tap.test
def test_list():
    """each setting has a value, a default, a range, and says when a change holds"""
    with tap.Service("--quality", "77") as service:
        result = settings(service)
        assert result["generation"] == 0
        for name, entry in result["settings"].items():
            assert list(entry) == ["value", "default", "range", "holds"], (name, entry)
            assert entry["holds"] in ("now", "new-stream", "next-stream", "restart"), (name, entry)
        assert result["settings"]["quality"] == {"value": 77, "default": 80,
                                                 "range": "1 to 100", "holds": "now"}
        assert result["settings"]["device"]["holds"] == "restart"
        assert 1 <= result["settings"]["workers"]["default"] <= 4, result["settings"]["workers"]


@tap.test
def test_password():
    """a password is not shown"""
    tap.needs("NET_AUTH")
    with tap.Service("--user", "lab", "--passwd", "s3cret") as service:
        assert service.get("/config").status == 401
        reply = service.get("/config", "Authorization: Basic bGFiOnMzY3JldA==")
        assert reply.status == 200 and b"s3cret" not in reply.body
        assert tap.json.loads(reply.body)["result"]["settings"]["passwd"]["value"] is None


@tap.test
def test_change():
    """settings change while a stream goes on, and its next pictures have them"""
    tap.needs("ENCODE_CPU")
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        with tap.Stream(service) as stream:
            fine = tables_of(stream.part()[1])
            status, reply = patch(service, {"quality": 20, "strict": True})
            assert status == 200, reply
            assert reply["result"] == {"changed": ["quality", "strict"], "holds": "now",
                                       "generation": 1}, reply
            while tables_of(stream.part()[1]) == fine:
                pass
            assert service.state()["encoder"]["quality"] == 20
            assert patch(service, {"quality": None})[0] == 200
            while tables_of(stream.part()[1]) != fine:
                pass
        ledger = service.state()["glint"]["ledger"]
        assert ledger["failed"] == 0 and ledger["unaccounted"] == 0, ledger
        assert settings(service)["generation"] == 2


def live_parts(stream):
    """The sizes of the live pictures of @stream, each of which is whole."""
    while True:
        fields, picture = stream.part()
        if fields["X-UStreamer-Online"] == "true":
            yield tap.jpeg_size(picture)


@tap.test
def test_size():
    """a new size: streams go on with it, and a waiting snapshot and a wait come to their end"""
    tap.needs("ENCODE_CPU")
    with tap.Service("--resolution", "320x240", "--test-fps", "2") as service:
        service.wait_until_live()
        results = {}

        def ask(name, path):
            results[name] = service.get(path)

        with tap.Stream(service, "?extra_headers=1") as stream:
            sizes = live_parts(stream)
            assert next(sizes) == (320, 240)
            threads = [threading.Thread(target=ask, args=pair) for pair in
                       (("snapshot", "/snapshot?after=now&strict=1"),
                        ("wait", "/wait?any=black&timeout=3"))]
            for thread in threads:
                thread.start()
            status, reply = patch(service, {"resolution": "640x360", "quality": 70})
            assert (status, reply["result"]["holds"]) == (200, "new-stream"), reply
            assert reply["result"]["device"] == {"resolution": {
                "asked": "640x360", "got": "640x360", "as_asked": True}}, reply
            size = next(sizes)
            while size == (320, 240):    # on its way when the stream ended
                size = next(sizes)
            assert size == (640, 360), size
            for thread in threads:
                thread.join()
        assert results["snapshot"].status == 200, results
        assert tap.jpeg_size(results["snapshot"].body) in ((320, 240), (640, 360))
        if tap.built_with("JUDGE"):
            assert b"timeout" in results["wait"].body, results["wait"].body
        glint = service.state()["glint"]
        assert glint["format"]["width"] == 640 and glint["ledger"]["unaccounted"] == 0, glint
        shown = settings(service)["settings"]["resolution"]
        assert shown["value"] == "640x360" and shown["holds"] == "new-stream", shown


@tap.test
def test_made():
    """the emulated camera has one size: the reply and the command say what has become of a wish"""
    with tap.Service("--resolution", "640x480", device=tap.EMULATED,
                     environment=tap.emulated(size="640x480", fps=30)) as service:
        service.wait_until_live()
        status, reply = patch(service, {"resolution": "1000x700", "buffers": 4})
        assert status == 200, reply
        made = reply["result"]["device"]
        assert made["resolution"] == {"asked": "1000x700", "got": "640x480",
                                      "as_asked": False}, made
        assert made["buffers"] == {"asked": "4", "got": "4", "as_asked": True}, made
        service.wait_until_live()
        refused(service, 409, "refused-by-device", "no such format; it has YUYV",
                {"strict": True, "format": "NV12"})
        refused(service, 409, "refused-by-device", "has no input Cam; it has 0 (Emulated)",
                {"input": "Cam"})
        refused(service, 400, "bad-value", "memory 'x': expected auto, driver", {"memory": "x"})
        assert service.state()["source"]["online"], "a refusal has interrupted the stream"
        if tap.built_with("TOOL_GLINT"):
            said = subprocess.run([os.environ["GLINT"], "set", "-s", service.path,
                                   "resolution=800x600", "quality=70"],
                                  capture_output=True, text=True, check=True).stdout
            assert said == "resolution: asked for 800x600, the device has 640x480\n", said


@tap.test
def test_values():
    """a value is a number, a boolean, a text as on the command line, or null"""
    with tap.Service() as service:
        for value, told in ((7, 7), ("0x10", 16), ("9", 9), (None, 0)):
            assert patch(service, {"desired-fps": value})[0] == 200
            assert settings(service)["settings"]["desired-fps"]["value"] == told
        for value, told in ((True, True), ("no", False), ("on", True), (None, False)):
            assert patch(service, {"strict": value})[0] == 200
            assert settings(service)["settings"]["strict"]["value"] is told
        assert patch(service, {"fake-resolution": "800x600"})[0] == 200
        assert service.state()["source"]["resolution"] == {"width": 800, "height": 600}
        assert patch(service, {})[0] == 200


@tap.test
def test_errors():
    """what is wrong is refused as a whole, and named"""
    with tap.Service() as service:
        service.wait_until_live()
        refused(service, 400, "bad-value", "quality '101': expected 1 to 100",
                {"strict": True, "quality": 101})
        refused(service, 400, "bad-value", "quality '80.5': expected 1 to 100", {"quality": 80.5})
        refused(service, 400, "bad-value", "chroma 'x': expected 420, source", {"chroma": "x"})
        refused(service, 400, "unknown-setting", "did you mean quality?", {"qualty": 1})
        refused(service, 400, "unknown-setting", "is no setting", {"": 1})
        refused(service, 400, "bad-json", "line 1", "{")
        refused(service, 400, "bad-json", "", "")
        refused(service, 400, "bad-json", "duplicate", '{"quality": 1, "quality": 2}')
        refused(service, 409, "needs-restart", "--port", {"strict": True, "port": 1})
        refused(service, 422, "no-object", "an object", [1])
        refused(service, 422, "bad-type", "a value is", {"quality": [1]})
        refused(service, 413, "body-too-large", "16384", {"x": "y" * 20000})
        refused(service, 415, "media-type", "application/json", {}, "Content-Type: text/plain")
        refused(service, 403, "other-origin", "", {}, JSON, "Origin: http://evil.example")
        reply = service.get("/nowhere")
        assert reply.status == 404
        with service.connect() as sock:
            sock.sendall(tap.request("DELETE", "/config").encode())
            reply = tap.Reply(tap.Reader(sock))
            assert reply.status in (405, 501), reply.status


@tap.test
def test_at_once():
    """changes of many clients are made one after the other, each as a whole"""
    with tap.Service() as service:
        results = []

        def change(number):
            results.append(patch(service, {"quality": number, "desired-fps": number}))

        threads = [threading.Thread(target=change, args=(10 + i,)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [status for status, _ in results] == [200] * 16, results
        assert sorted(reply["result"]["generation"] for _, reply in results) == list(range(1, 17))
        now = settings(service)
        assert now["generation"] == 16
        assert now["settings"]["quality"]["value"] == now["settings"]["desired-fps"]["value"]


@tap.test
def test_gone():
    """a client that goes away before the answer leaves the service as it is"""
    with tap.Service() as service:
        for _ in range(20):
            with service.connect() as sock:
                body = '{"quality": 30}'
                head = tap.request("PATCH", "/config", JSON, f"Content-Length: {len(body)}")
                sock.sendall((head + body).encode())
        assert patch(service, {"quality": 31})[0] == 200
        assert settings(service)["settings"]["quality"]["value"] == 31


@tap.test
def test_command():
    """glint set lists and changes settings; its exit status says whose fault a refusal is"""
    tap.needs("TOOL_GLINT")

    def glint(*arguments):
        return subprocess.run([os.environ["GLINT"], "set", "-s", service.path, *arguments],
                              capture_output=True, text=True, check=False)

    with tap.Service() as service:
        listed = glint()
        assert listed.returncode == 0 and "\nquality " in listed.stdout, listed
        done = glint("quality=60", "strict=yes")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
        now = settings(service)["settings"]
        assert now["quality"]["value"] == 60 and now["strict"]["value"] is True
        assert glint("quality=").returncode == 0
        assert settings(service)["settings"]["quality"]["value"] == 80
        bad = glint("quality=0")
        assert bad.returncode == 1 and "quality '0': expected 1 to 100" in bad.stderr, bad
        bad = glint('qual"\\ty=\x01')
        assert bad.returncode == 1 and "is no setting" in bad.stderr, bad
        bad = glint("port=1")
        assert bad.returncode == 2 and "--port" in bad.stderr, bad
        bad = glint("quality")
        assert bad.returncode == 1 and "KEY=VALUE" in bad.stderr, bad
        reply = tap.json.loads(glint("--json", "range=keep").stdout)
        assert reply["result"]["holds"] == "next-stream", reply
        generation = service.state()["glint"]["settings_generation"]
        assert generation == reply["result"]["generation"] > 0, (generation, reply)


tap.main()
