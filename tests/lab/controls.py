#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The controls of vivid and of a USB camera. Prints TAP; runs in the guest, see cases/controls.sh.

v4l2-ctl is the other program: it reads what the driver has, and changes controls by itself.
"""
import json
import os
import re
import subprocess
import threading

from vivid import WEBCAM, tap

GLINT = os.path.join(tap.BUILD, "glint")
CAMERA = os.environ["CAMERA"]
SIMPLE = "int", "int64", "bool", "menu", "intmenu", "bitmask", "str", "button"
TYPES = {"int": "integer", "int64": "integer64", "bool": "boolean", "menu": "menu",
         "intmenu": "integer-menu", "bitmask": "bitmask", "str": "string", "button": "button"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False,
                          timeout=tap.PATIENCE)


def driver_list(node):
    """What the driver says of each control by its name: type and the members of v4l2-ctl -L."""
    found = {}
    for line in run("v4l2-ctl", "-d", node, "-L").stdout.splitlines():
        match = re.match(r"\s*(\w+) 0x([0-9a-f]{8}) \((\S+)\)\s*:\s*(.*)", line)
        if match:
            name, number, kind, rest = match.groups()
            found[name] = {"id": f"0x{number}", "type": kind,
                           **dict(re.findall(r"(\w+)=('[^']*'|\S+)", rest))}
    return found


def driver_has(node, **wanted):
    """v4l2-ctl reads these values."""
    said = run("v4l2-ctl", "-d", node, "-C", ",".join(wanted)).stdout
    found = dict(line.split(": ", 1) for line in said.splitlines())
    for name, value in wanted.items():
        assert found[name].split(" (")[0] == str(value), (name, value, found[name])


def controls_of(server):
    reply = server.get("/controls")
    assert reply.status == 200, (reply, reply.body)
    return {one["name"]: one for one in json.loads(reply.body)["result"]["controls"]}


def patch(server, body, status=200):
    text = json.dumps(body)
    reply = server.ask(tap.request("PATCH", "/controls", "Content-Type: application/json",
                                   f"Content-Length: {len(text)}") + text)
    assert reply.status == status, (body, reply, reply.body)
    document = json.loads(reply.body)
    return document["result"]["controls"] if status == 200 else document["error"]


def tell(server, *words):
    return run(GLINT, "controls", "--socket", server.path, *words)


class Events(threading.Thread):
    """The events of type control, as they come."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.seen = []
        self.sock = server.connect()
        self.sock.sendall(tap.request("GET", "/events?json=1").encode())
        self.reader = tap.Reader(self.sock)
        self.reader.until(b"\r\n\r\n")
        self.start()

    def run(self):
        try:
            while True:
                line = self.reader.until(b"\n").strip()
                if line.startswith(b"{"):
                    event = json.loads(line)
                    if event["type"] == "control":
                        self.seen.append(event["data"])
        except (OSError, EOFError, ValueError):
            pass

    def until(self, **members):
        return tap.until(lambda: [event for event in list(self.seen)
                                  if members.items() <= event.items()])


def service(node, *args):
    return tap.Service("--loop", os.environ["LOOP"], "--device-timeout", "60", *args, device=node)


def runs_on(server, before):
    """Frames arrive, and each is accounted for."""
    state = server.wait_for(lambda state: state["source"]["online"] and
                            state["glint"]["ledger"]["seen"] > before + 5 and state)
    assert state["glint"]["ledger"]["unaccounted"] == 0, state["glint"]["ledger"]
    return state["glint"]["ledger"]["seen"]


@tap.test
def test_read():
    """each control of vivid is read with its type, range, default and value, as v4l2-ctl does"""
    run("v4l2-ctl", "-d", WEBCAM, "-c", "osd_text_mode=2,bitmask=0x80002000,integer_menu=3")
    with service(WEBCAM, "--resolution", "640x360") as server:
        server.wait_until_live()
        ours, theirs = controls_of(server), driver_list(WEBCAM)
        assert len(theirs) > 50 and set(theirs) <= set(ours), set(theirs) - set(ours)
        assert {one["type"] for one in theirs.values()} >= set(SIMPLE), theirs
        for name, driver in theirs.items():
            one = ours[name]
            assert one["id"] == driver["id"], (one, driver)
            if driver["type"] not in SIMPLE:
                assert not one["writable"], one
                continue
            assert one["type"] == TYPES[driver["type"]], (one, driver)
            for ours_name, name_of_driver in (("minimum", "min"), ("maximum", "max"),
                                              ("step", "step"), ("default", "default"),
                                              ("value", "value")):
                if name_of_driver not in driver or driver["type"] in ("button", "bitmask"):
                    continue
                value = driver[name_of_driver].strip("'")
                assert str(int(one[ours_name]) if driver["type"] != "str" or
                           ours_name in ("minimum", "maximum", "step") else
                           one[ours_name]) == value, (ours_name, one, driver)
        assert ours["bitmask"]["value"] == 0x80002000, ours["bitmask"]
        assert ours["integer_menu"]["value"] == 3
        assert ours["button"]["value"] is None
        arrays = [one for one in ours.values() if one["type"] in ("u8", "u16", "u32")]
        assert arrays and all(len(one["value"]) > 0 for one in arrays), arrays
        assert all(one["dimensions"] for one in arrays), arrays


@tap.test
def test_written():
    """one of each type is set in one request, and v4l2-ctl reads all of them"""
    with service(WEBCAM, "--resolution", "640x360", "--control", "contrast=99",
                 "--control", "hue=-5", "--saturation", "77") as server:
        server.wait_until_live()
        driver_has(WEBCAM, contrast=99, hue=-5, saturation=77)
        events = Events(server)
        with tap.Stream(server) as stream:
            done = patch(server, {"brightness": 200, "integer_64_bits": -5000000000,
                                  "boolean": False, "menu": "Menu Item 4", "string": "abc",
                                  "bitmask": 0x80000001 & 0x80002000, "integer_menu": 2,
                                  "horizontal_flip": True, "button": True})
            assert all(one["taken"] for one in done.values()) and len(done) == 9, done
            driver_has(WEBCAM, brightness=200, integer_64_bits=-5000000000, boolean=0, menu=4,
                       string="'abc'", integer_menu=2, horizontal_flip=1)
            mask = driver_list(WEBCAM)["bitmask"]
            assert int(mask["value"], 0) & 0xffffffff == 0x80000000, mask    # told with a sign
            events.until(name="brightness", value=200, by="client")
            done = tell(server, "brightness=", "menu=3", "string=xy")
            assert done.returncode == 0, done
            driver_has(WEBCAM, brightness=128, menu=3, string="'xy'")
            stream.part()
        runs_on(server, 0)


@tap.test
def test_refused():
    """a wrong value changes nothing, and the answer names the control and what it takes"""
    with service(WEBCAM, "--resolution", "640x360") as server:
        server.wait_until_live()
        before = driver_list(WEBCAM)
        for name, value, reason, words in (
                ("brightness", 5000, "bad-value", "takes 0 to 255, not 5000"),
                ("hue", -129, "bad-value", "takes -128 to 128, not -129"),
                ("menu", 2, "bad-value", "takes"),
                ("integer_menu", "blue", "bad-value", "takes"),
                ("string", "x", "bad-value", "a text of 2 to 4 bytes"),
                ("bitmask", 1, "bad-value", "takes"),
                ("boolean", 7, "bad-value", "takes"),
                ("button", 0, "bad-value", "takes"),
                ("brightnes", 5, "unknown-control", "did you mean brightness?"),
                ("u8_matrix", 5, None, "cannot be set")):
            if name == "u8_matrix":
                name = next(one["name"] for one in controls_of(server).values()
                            if one["type"] == "u8")
                error = patch(server, {"contrast": 3, name: value}, 409)
            else:
                error = patch(server, {"contrast": 3, name: value}, 400)
                assert error["reason"] == reason, error
            assert error["name"] == name and words in error["message"], error
            done = tell(server, "contrast=3", f"{name}={value}")
            assert done.returncode in (1, 2) and words in done.stderr, done
        after = driver_list(WEBCAM)
        changed = [(one, after[name]) for name, one in before.items()
                   if one.get("value") != after[name].get("value") and
                   "read-only" not in one.get("flags", "")]    # one counts by itself
        assert not changed, changed


@tap.test
def test_automatic():
    """under an automatic mode the gain is not taken, and the answer says so"""
    with service(WEBCAM, "--resolution", "640x360") as server:
        server.wait_until_live()
        patch(server, {"gain_automatic": False, "gain": 33})
        driver_has(WEBCAM, gain=33)
        done = patch(server, {"gain_automatic": True})
        assert done["gain_automatic"]["taken"], done
        gain = controls_of(server)["gain"]
        assert {"inactive", "volatile"} <= set(gain["flags"]), gain
        taken = patch(server, {"gain": 44})["gain"]["taken"]
        assert not taken
        assert patch(server, {"gain_automatic": False, "gain": 44})["gain"]["taken"]
        driver_has(WEBCAM, gain=44)


@tap.test
def test_others():
    """changes by v4l2-ctl are events, those of clients are told once, as theirs"""
    with service(WEBCAM, "--resolution", "640x360") as server:
        server.wait_until_live()
        server.wait_for(lambda state: state["glint"]["controls"]["changed_by_others"] == 0)
        events = Events(server)
        # A value of its own for each try: vivid tells only changes, and the service subscribes
        # shortly after it is live.
        tries = iter(range(1, 100))

        def is_heard():
            run("v4l2-ctl", "-d", WEBCAM, "-c", f"brightness={next(tries)}")
            return [event for event in list(events.seen) if event["name"] == "brightness"]

        tap.until(is_heard)
        run("v4l2-ctl", "-d", WEBCAM, "-c", "menu=1,boolean=1")
        run("v4l2-ctl", "-d", WEBCAM, "-c", "menu=4,boolean=0")
        for name, value in (("menu", 4), ("boolean", 0)):
            event = events.until(name=name, value=value)[0]
            assert event["by"] == "other" and event["id"] == driver_list(WEBCAM)[name]["id"], event
        state = server.state()["glint"]["controls"]
        assert state["changed_by_others"] >= 3, state
        patch(server, {"contrast": 61})
        events.until(name="contrast", value=61, by="client")
        run("v4l2-ctl", "-d", WEBCAM, "-c", "contrast=62")
        events.until(name="contrast", value=62, by="other")
        assert not [event for event in events.seen
                    if event["name"] == "contrast" and event["value"] == 61 and
                    event["by"] == "other"], events.seen


@tap.test
def test_replugged():
    """vivid forgets everything when its driver is bound again; the service sets its values again"""
    driver = "/sys/bus/platform/drivers/vivid/"
    with service(WEBCAM, "--resolution", "640x360", "--control", "hue=-7") as server:
        server.wait_until_live()
        patch(server, {"integer_64_bits": -77, "string": "uv", "gain_automatic": False,
                       "gain": 35, "bitmask": 0x80000000, "button": True})
        with tap.Stream(server) as stream:
            stream.part()
            with open(driver + "unbind", "w", encoding="ascii") as file:
                file.write("vivid.0")
            server.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
            error = patch(server, {"brightness": 1}, 503)
            assert error["reason"] == "no-device", error
            assert server.get("/controls").status == 503
            with open(driver + "bind", "w", encoding="ascii") as file:
                file.write("vivid.0")
            server.wait_until_live()
            driver_has(WEBCAM, hue=-7, integer_64_bits=-77, string="'uv'", gain=35, brightness=128)
            stream.part()
        runs_on(server, server.state()["glint"]["ledger"]["seen"])


def camera(*words):
    with open("/run/camera-in", "w", encoding="ascii") as file:
        file.write(" ".join(words) + "\n")
    with open("/run/camera-out", encoding="ascii") as file:
        answer = file.readline()
    assert answer.startswith("ok"), (words, answer)


@tap.test
def test_usb():
    """a USB camera that refuses or does not answer: the control is named, and frames go on"""
    with service(CAMERA, "--resolution", "320x240", "--format", "MJPEG") as server:
        server.wait_until_live()
        done = patch(server, {"brightness": 99, "contrast": 12})
        assert done["brightness"]["taken"] and done["contrast"]["taken"], done
        driver_has(CAMERA, brightness=99, contrast=12)
        assert patch(server, {"contrast": -7}, 400)["reason"] == "bad-value"
        camera("stall", "1")
        error = patch(server, {"brightness": 98, "contrast": 13}, 409)
        assert error["reason"] == "refused-by-device" and error["name"] == "brightness", error
        driver_has(CAMERA, contrast=12)
        seen = runs_on(server, server.state()["glint"]["ledger"]["seen"])
        # The driver gives up after five seconds, the client does not wait as long.
        camera("mute", "1")
        error = patch(server, {"brightness": 97}, 503)
        assert error["reason"] == "device-silent", error
        server.wait_for(lambda state: state["glint"]["latency_ns"]["device_job"]["max"] >
                        4_000_000_000)
        runs_on(server, seen)
        camera("unplug")
        server.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        camera("plug")
        server.wait_until_live()
        node = server.state()["glint"]["device"]["path"]
        driver_has(node, brightness=99, contrast=12)


tap.main()
