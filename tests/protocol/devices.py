#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""glint devices on the emulated camera: words for people, and JSON as docs/devices.schema.json has it.

Prints TAP. From the environment: GLINT, BUILD.
"""
import json
import os
import subprocess

import tap

GLINT = os.environ.get("GLINT", "build/glint")
NODE = "/dev/video7"
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/devices.schema.json")


def devices(*words, **settings):
    environment = {**tap.emulated(path=NODE, **settings), "TERM": "dumb"}
    return subprocess.run([GLINT, "devices", *words], capture_output=True, text=True,
                          timeout=tap.PATIENCE, check=False, env=environment)


def node(**settings):
    done = devices("--json", **settings)
    assert done.returncode == 0, done
    return next(one for one in json.loads(done.stdout) if one["path"] == NODE)


@tap.test
def test_words():
    """the text says what glint makes of the device, in lines of at most 80 columns"""
    for form, words in (("YUYV", "1280x720 at 60 fps as YUYV: glint encodes it"),
                        ("MJPEG", "1280x720 at 60 fps only as MJPG: passed through")):
        done = devices(size="1280x720", format=form)
        assert done.returncode == 0 and done.stderr == "", done
        for said in (f"{NODE}: capture", "'Emulated capture device'", words, "controls: 13",
                     "exports DMABUFs: no copy", '"card:Emulated capture device"',
                     "driver:v4l2emu", "input 0: Emulated, selected"):
            assert said in done.stdout, (said, done.stdout)
        assert ("\n    encoder: " in done.stdout) == (form == "YUYV"), done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80, done.stdout
        assert "\033" not in done.stdout, done.stdout


@tap.test
def test_json():
    """the JSON has the documented members"""
    found = node(size="640x480", format="NV12", fps=59.94)
    assert found["verdict"] == "capture" and not found["busy"] and found["usb"] is None, found
    assert found["names"][0] == NODE, found
    assert found["memory"] == {"mmap": True, "userptr": False, "dmabuf": False, "expbuf": True}
    offer, = found["offers"]
    assert offer["way"] == "encoded" and offer["passed-through"] is None, offer
    assert offer["encoded"] == {"fourcc": "NV12", "fps": 59.9401}, offer
    assert found["encoder"]["fourcc"] == "NV12" and found["encoder"]["width"] == 640, found
    assert node(size="640x480", format="MJPEG")["encoder"] is None
    names = {one["name"]: one for one in found["controls"]}
    assert names["brightness"]["maximum"] == 255 and not names["sensor_serial"]["writable"], names
    try:
        import jsonschema	# pylint: disable=import-outside-toplevel
    except ImportError as missing:
        raise tap.Skip("python3-jsonschema is not installed") from missing
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    document = json.loads(devices("--json").stdout)
    jsonschema.validate(document, schema)
    members = set(schema["items"]["properties"]) - {"error", "imports", "quality"}
    assert set(document[0]) == members, set(document[0]) ^ members


tap.main(GLINT)
