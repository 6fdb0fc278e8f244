#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The warm-up of a device, and a device that streams only while somebody needs frames.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import json
import threading

import tap


def source(service):
    return service.state()["glint"]["source"]


def camera(*options, fps=30):
    return tap.Service("--resolution", "640x480", *options, device=tap.EMULATED,
                       environment=tap.emulated(size="640x480", fps=fps))


@tap.test
def test_warm_up():
    """the first frames of each stream are not live, and the ledger counts them"""
    tap.needs("ENCODE_CPU")
    with camera("--warm-up", "7", fps=10) as service:
        with tap.Stream(service, "?extra_headers=1") as stream:
            for streams in (1, 2):
                fields, _ = stream.part()
                while fields["X-UStreamer-Online"] != "true":
                    assert fields["X-Glint-Reason"] in ("opening", "warming-up"), fields
                    fields, _ = stream.part()
                assert int(fields["X-Glint-Sequence"]) >= 7, fields
                ledger = service.state()["glint"]["ledger"]
                assert ledger["warm_up"] == 7 * streams, ledger
                assert ledger["unaccounted"] == 0, ledger
                if streams == 1:
                    reply = service.ask(tap.request(
                        "PATCH", "/config", "Content-Type: application/json",
                        "Content-Length: 14") + '{"buffers": 4}')
                    assert reply.status == 200, reply
                    service.wait_for(lambda state: state["glint"]["ledger"]["warm_up"] > 7)
                    while fields.get("X-UStreamer-Online") == "true" and \
                            service.state()["glint"]["ledger"]["warm_up"] < 14:
                        fields, _ = stream.part()


@tap.test
def test_snapshot_waits_for_the_warm_up():
    """a snapshot of a device that warms up waits for a live picture"""
    tap.needs("ENCODE_CPU")
    with camera("--warm-up", "500ms") as service:
        service.wait_for(lambda state: state["glint"]["source"]["reason"] != "opening")
        reply = service.get("/snapshot")
        assert reply.header("X-UStreamer-Online") == "true", reply
        assert service.state()["glint"]["ledger"]["warm_up"] > 0


@tap.test
def test_idle():
    """--idle stop: snapshots, streams and waits start the device; without them it is closed"""
    tap.needs("ENCODE_CPU")
    with camera("--idle", "stop") as service:
        state = service.state()["glint"]
        assert state["source"]["reason"] == "idle" and state["source"]["verdict"] == "", state
        assert state["frame"] == {} and state["ledger"]["seen"] == 0, state
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(service.get("/snapshot")))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for reply in replies:
            assert reply.header("X-UStreamer-Online") == "true", reply
        assert source(service)["first_frame_ns"] > 0
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "idle")
        assert source(service)["idle_stops"] == 1
        with tap.Stream(service, "?extra_headers=1") as stream:
            fields, _ = stream.part()
            while fields["X-UStreamer-Online"] != "true":
                fields, _ = stream.part()
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "idle")
        if tap.built_with("JUDGE"):
            for condition in ("change", "live"):
                reply = service.get(f"/wait?any={condition}&timeout=60")
                assert reply.status == 200 and json.loads(reply.body)["ok"], reply.body
                service.wait_for(lambda state: state["glint"]["source"]["reason"] == "idle")
            # A device that nobody has needed is not lost.
            reply = service.get("/wait?any=offline&timeout=1")
            assert reply.status == 504, reply.body
        ledger = service.state()["glint"]["ledger"]
        assert ledger["unaccounted"] == 0 and ledger["in_flight"] == 0, ledger
        assert source(service)["idle_stops"] >= 2


@tap.test
def test_idle_often():
    """a snapshot each second does not start the device each time"""
    tap.needs("ENCODE_CPU")
    with camera("--idle", "stop") as service:
        for _ in range(3):
            assert service.get("/snapshot").header("X-UStreamer-Online") == "true"
            tap.time.sleep(1)
        latency = service.state()["glint"]["latency_ns"]["first_frame"]
        assert latency["count"] == 1, latency


@tap.test
def test_recorder_keeps_it():
    """with --record the device streams, as the frames from before a trigger are needed"""
    tap.needs("RECORD")
    with tap.tempfile.TemporaryDirectory(prefix="glint-") as folder:
        with camera("--idle", "stop", "--record", folder) as service:
            service.wait_until_live()


tap.main()
