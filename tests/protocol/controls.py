#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The controls of the emulated camera: GET and PATCH /controls, glint controls, --control.

The emulated camera has a control of each simple type, one that it refuses while it streams
(rotate), one that an automatic mode has (gain), and a slow one (focus_absolute).
Prints TAP. From the environment: GLINTD, GLINT, BUILD.
"""
import json
import os
import subprocess
import time

import tap

GLINT = os.environ.get("GLINT", "build/glint")


def started(*args, **settings):
    return tap.Service("--resolution", "320x240", *args, device=tap.EMULATED,
                       environment=tap.emulated(size="320x240", fps=30, **settings))


def controls(service):
    reply = service.get("/controls")
    assert reply.status == 200, (reply, reply.body)
    return {one["name"]: one for one in json.loads(reply.body)["result"]["controls"]}


def values(service):
    return {name: one["value"] for name, one in controls(service).items()}


def patch(service, body, status=200):
    text = body if isinstance(body, str) else json.dumps(body)
    reply = service.ask(tap.request("PATCH", "/controls", "Content-Type: application/json",
                                    f"Content-Length: {len(text)}") + text)
    assert reply.status == status, (body, reply, reply.body)
    document = json.loads(reply.body)
    assert document["ok"] is (status == 200), document
    return document["result"]["controls"] if status == 200 else document["error"]


def refused(service, body, status, reason, name=None, words=""):
    """Nothing changes; the answer has the reason, and names the control."""
    before = values(service)
    error = patch(service, body, status)
    assert error["reason"] == reason and error.get("name") == name, error
    assert words in error["message"], error
    assert values(service) == before
    return error


def glint(service, *words):
    return subprocess.run([GLINT, "controls", "--socket", service.path, *words],
                          capture_output=True, text=True, timeout=tap.PATIENCE, check=False)


@tap.test
def test_list():
    """the list has each control with its type, range, default, value, items and flags"""
    with started() as service:
        service.wait_until_live()
        found = controls(service)
        assert {one["type"] for one in found.values()} == {
            "integer", "button", "boolean", "menu", "string", "bitmask", "integer64",
            "integer-menu"}
        one = found["brightness"]
        assert (one["title"], one["id"], one["group"]) == \
            ("Brightness", "0x00980900", "User Controls"), one
        assert (one["minimum"], one["maximum"], one["step"], one["default"], one["value"]) == \
            (0, 255, 1, 128, 128), one
        assert one["writable"] and one["flags"] == ["slider"], one
        assert found["focus_absolute"]["group"] == "Camera Controls"
        assert [(item["index"], item["name"]) for item in
                found["power_line_frequency"]["items"]] == \
            [(0, "Disabled"), (1, "50 Hz"), (3, "Auto")]
        assert [(item["index"], item["value"]) for item in found["link_frequency"]["items"]] == \
            [(0, 148500000), (1, 297000000)]
        assert found["white_balance_do"]["value"] is None
        assert found["label"]["value"] == "emulated"
        assert found["big_number"]["minimum"] == -1099511627776
        assert not found["sensor_serial"]["writable"]
        assert "read-only" in found["sensor_serial"]["flags"]
        assert set(found["gain"]["flags"]) == {"inactive", "volatile"}
        assert found["rotate"]["flags"] == ["grabbed"]


@tap.test
def test_set():
    """one of each type is set in one request, by name, title or id, and read back"""
    with started() as service:
        service.wait_until_live()
        done = patch(service, {"brightness": 140, "Contrast": 35, "gain_automatic": False,
                               "power_line_frequency": "Auto", "label": "rack 7",
                               "bits": 0x80000001, "big_number": -5000000000,
                               "link_frequency": 297000000, "white_balance_do": True,
                               "0x009a090a": 17})
        assert len(done) == 10 and all(one["taken"] for one in done.values()), done
        assert done["power_line_frequency"] == {"asked": 3, "value": 3, "taken": True}, done
        assert done["white_balance_do"]["value"] is None, done
        now = values(service)
        assert {"brightness": 140, "contrast": 35, "gain_automatic": 0, "label": "rack 7",
                "power_line_frequency": 3, "bits": 0x80000001, "big_number": -5000000000,
                "link_frequency": 1, "focus_absolute": 17}.items() <= now.items(), now
        assert patch(service, {"brightness": None})["brightness"]["value"] == 128


@tap.test
def test_bad_values():
    """a value that the control does not take changes nothing; the answer says what it takes"""
    with started() as service:
        service.wait_until_live()
        for name, value, words in (
                ("brightness", 256, "brightness takes 0 to 255, not 256"),
                ("brightness", -1, "not -1"), ("brightness", "bright", "takes"),
                ("gain_automatic", 2, "takes"), ("power_line_frequency", 2, "0 (Disabled)"),
                ("power_line_frequency", "60 Hz", "1 (50 Hz)"), ("label", "x", "2 to 15 bytes"),
                ("label", "x" * 16, "2 to 15 bytes"), ("label", None, "takes"),
                ("bits", 4, "takes"), ("link_frequency", 5, "takes"),
                ("white_balance_do", False, "takes"),
                ("big_number", 1 << 50, "takes")):
            error = refused(service, {"focus_absolute": 3, name: value}, 400, "bad-value", name,
                            words)
            assert error["allowed"], error
        error = refused(service, {"brightnes": 3}, 400, "unknown-control", "brightnes",
                        "did you mean brightness?")
        for name in ("Brightness", "0x00980900"):
            refused(service, {"brightness": 10, name: 20}, 400, "repeated-control", name,
                    "names brightness once more")
        error = refused(service, {"contrast": 33}, 409, "adjusted-by-device", "contrast", "35")
        assert (error["asked"], error["got"]) == ("33", "35"), error
        assert patch(service, "[]", 422)["reason"] == "no-object"
        assert patch(service, "{", 400)["reason"] == "bad-json"
        assert patch(service, {}, 422)["reason"] == "bad-number"
        assert patch(service, {"brightness": [1]}, 422)["reason"] == "bad-type"


@tap.test
def test_refused():
    """EBUSY, EACCES and read-only are told apart, and name the control; nothing changes"""
    with started() as service:
        service.wait_until_live()
        refused(service, {"focus_absolute": 9, "sensor_serial": 1}, 409, "read-only",
                "sensor_serial", "it is read-only")
        refused(service, {"focus_absolute": 9, "gain": 3}, 409, "refused-by-device", "gain",
                "an automatic control may have it")
        refused(service, {"focus_absolute": 9, "rotate": 90}, 409, "busy", "rotate", "streams")
        refused(service, {"rotate": 90}, 409, "busy", "rotate", "streams")
        assert patch(service, {"gain_automatic": 0})["gain_automatic"]["taken"]
        assert patch(service, {"gain": 3})["gain"]["taken"]


@tap.test
def test_command():
    """glint controls lists, sets, and refuses with a status of its own"""
    with started() as service:
        service.wait_until_live()
        done = glint(service)
        assert done.returncode == 0, done
        for words in ("User Controls", "brightness", "default 128", "0 to 255", "50 Hz",
                      "text of 2 to 15 bytes", "read-only"):
            assert words in done.stdout, (words, done.stdout)
        assert max(len(line) for line in done.stdout.splitlines()) <= 100, done.stdout
        done = glint(service, "brightness=7", "power_line_frequency=50 Hz", "label=a b")
        assert done.returncode == 0 and "brightness" in done.stdout, done
        now = values(service)
        assert (now["brightness"], now["power_line_frequency"], now["label"]) == (7, 1, "a b"), now
        done = glint(service, "brightness=", "--json")
        assert json.loads(done.stdout)["result"]["controls"]["brightness"]["value"] == 128, done
        for words, status, said in ((("brightness=999",), 1, "0 to 255"),
                                    (("nothing=1",), 1, "nothing"),
                                    (("rotate=90",), 2, "rotate"),
                                    (("sensor_serial=1",), 2, "read-only"),
                                    (("brightness",), 1, "NAME=VALUE")):
            done = glint(service, *words)
            assert done.returncode == status and said in done.stderr, (words, done)


@tap.test
def test_start():
    """--control sets values at the start; one that the device does not take is logged, once"""
    with started("--control", "brightness=77", "--control", "label=start", "--control",
                 "contrast=1000", "--control", "nothing=1", "--image-default",
                 "--contrast", "20") as service:
        service.wait_until_live()
        now = values(service)
        assert (now["brightness"], now["label"], now["contrast"]) == (77, "start", 20), now
        log = service.log_with("no control 'nothing'")
        assert log.count("control contrast takes 0 to 100") == 1, log
        assert log.count("no control 'nothing'") == 1, log


@tap.test
def test_events():
    """each change by a client is an event"""
    with started() as service:
        service.wait_until_live()
        patch(service, {"brightness": 9, "label": "event"})
        with service.connect() as sock:
            sock.sendall(tap.request("GET", "/events?json=1&last_id=0").encode())
            reader = tap.Reader(sock)
            seen = []
            while len(seen) < 2:
                line = reader.until(b"\n")
                if b'"type": "control"' in line or b'"type":"control"' in line:
                    seen.append(json.loads(line)["data"])
        assert [(event["name"], event["value"], event["by"]) for event in seen] == \
            [("brightness", 9, "client"), ("label", None, "client")], seen


@tap.test
def test_slow():
    """a control that takes long delays neither the state nor pictures, and is told as silent"""
    with started(control_ms=4000) as service:
        service.wait_until_live()
        before = service.state()["glint"]["ledger"]["seen"]
        text = json.dumps({"focus_absolute": 50})
        with service.connect() as sock:
            sock.sendall((tap.request("PATCH", "/controls", "Content-Type: application/json",
                                      f"Content-Length: {len(text)}") + text).encode())
            # While the call is under way.
            service.wait_for(lambda state: state["glint"]["ledger"]["seen"] > before + 10)
            assert service.get("/snapshot?after=now").status == 200
            reply = tap.Reply(tap.Reader(sock))
        assert reply.status == 503, (reply, reply.body)
        assert json.loads(reply.body)["error"]["reason"] == "device-silent", reply.body
        # The change was made nevertheless.
        service.wait_for(lambda state: state["glint"]["latency_ns"]["device_job"]["max"] >
                         3_900_000_000)
        tap.until(lambda: retry(service, "focus_absolute") == 50)
        state = service.state()
        assert state["source"]["online"] and state["glint"]["ledger"]["unaccounted"] == 0


def retry(service, name):
    """The value; None while the device's thread is busy."""
    reply = service.get("/controls")
    if reply.status != 200:
        time.sleep(0.1)
        return None
    return {one["name"]: one["value"] for one in
            json.loads(reply.body)["result"]["controls"]}[name]


tap.main()
