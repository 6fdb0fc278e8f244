#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pictures that show no source: a known card, black, frozen.

The built-in pattern moves and is not black, so the thresholds are what makes it either. Prints TAP.
From the environment: GLINTD, BUILD.
"""
import os
import tempfile

import tap


def picture(service):
    return service.state()["glint"]["picture"]


def source(state):
    return state["glint"]["source"]


def change(service, **values):
    text = tap.json.dumps({name.replace("_", "-"): value for name, value in values.items()})
    with service.connect() as sock:
        head = tap.request("PATCH", "/config", "Content-Type: application/json",
                           f"Content-Length: {len(text)}")
        sock.sendall(head.encode() + text.encode())
        reply = tap.Reply(tap.Reader(sock))
    assert reply.status == 200, reply.body


def goes_offline(service, reason, title):
    state = service.wait_for(lambda state: source(state)["reason"] == reason and state)
    assert not state["source"]["online"], state["source"]
    assert source(state)["verdict"] == "device-under-test", source(state)
    assert source(state)["rests_on"] == "picture", source(state)
    finding = state["glint"]["picture"][title]
    assert finding["holds"] and finding["since_ns"] > 0 and finding["rests_on"], finding
    reply = service.get("/snapshot")
    assert reply.header("X-UStreamer-Online") == "false", reply
    assert reply.header("X-Glint-Reason") == reason, reply
    assert state["glint"]["ledger"]["unaccounted"] == 0, state["glint"]["ledger"]


def comes_back(service):
    service.wait_until_live()
    state = service.state()
    assert source(state)["verdict"] == "" and source(state)["rests_on"] == "", source(state)
    assert service.get("/snapshot").header("X-UStreamer-Online") == "true"


@tap.test
def test_moving():
    """a moving picture is neither black nor frozen"""
    with tap.Service("--frozen-after", "1") as service:
        service.wait_until_live()
        service.wait_for(lambda state: state["glint"]["picture"]["looks"] > 15)
        seen = picture(service)
        assert seen["finding"] == "" and seen["failed"] == 0, seen
        assert not seen["frozen"]["holds"] and not seen["black"]["holds"], seen


@tap.test
def test_told():
    """a frozen picture is told with its time, and stays live"""
    with tap.Service("--frozen-after", "1", "--frozen-noise", "255") as service:
        service.wait_for(lambda state: state["glint"]["picture"]["finding"] == "frozen")
        state = service.state()
        assert state["source"]["online"] and source(state)["reason"] == "", state["source"]
        assert "lines" in state["glint"]["picture"]["frozen"]["rests_on"], state["glint"]["picture"]
        change(service, frozen_noise=0)
        service.wait_for(lambda state: state["glint"]["picture"]["finding"] == "")


@tap.test
def test_offline():
    """with --offline-when a frozen or black picture is not live, until it is another one"""
    with tap.Service("--frozen-after", "1", "--frozen-noise", "255",
                     "--offline-when", "frozen") as service:
        goes_offline(service, "frozen", "frozen")
        change(service, frozen_noise=0)
        comes_back(service)
        change(service, black_level=255)
        goes_offline(service, "black", "black")
        change(service, offline_when="card")
        comes_back(service)
        assert picture(service)["black"]["holds"]


@tap.test
def test_card():
    """a picture in the folder of cards means no signal; one that is added is found"""
    with tempfile.TemporaryDirectory() as folder:
        with tap.Service("--cards", folder, "--card-tolerance", "63") as service:
            service.wait_until_live()
            shown = service.get("/snapshot")
            assert shown.header("X-UStreamer-Online") == "true", shown
            with open(os.path.join(folder, ".new"), "wb") as file:
                file.write(shown.body)
            os.rename(os.path.join(folder, ".new"), os.path.join(folder, "grabber.jpg"))
            goes_offline(service, "no-signal-card", "card")
            assert "grabber.jpg" in picture(service)["card"]["rests_on"], picture(service)
            assert picture(service)["cards"] == 1
            os.remove(os.path.join(folder, "grabber.jpg"))
            comes_back(service)


@tap.test
def test_refused_card():
    """a file that is no picture is left out, and the others count"""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "notes.txt"), "w", encoding="utf-8") as file:
            file.write("no picture\n")
        with tap.Service("--cards", folder) as service:
            service.wait_for(lambda state: state["glint"]["picture"]["looks"] > 2)
            assert picture(service)["cards"] == 0
            assert "notes.txt" in service.log_text()


tap.main()
