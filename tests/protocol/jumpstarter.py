#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The steps of jumpstarter's driver for ustreamer: start, ask at once, tunnel a stream, stop.

The driver starts the program with keys and values, the socket's path last, and does not wait.
Prints TAP. From the environment: GLINTD, BUILD.
"""
import json
import socket

import tap

# As in jumpstarter's configuration files: every option is a pair of words.
ARGS = ("--resolution", "1280x720", "--persistent", "true", "--brightness", "auto",
        "--contrast", "default", "--slowdown", "")


def is_what_its_model_takes(document):
    """Checks the types of the pydantic model of jumpstarter's client, which refuses 29.97 as an
    int."""
    def of(value, kind):
        return type(value) is kind	# pylint: disable=unidiomatic-typecheck

    result = document["result"]
    source, encoder = result["source"], result["encoder"]
    assert of(document["ok"], bool)
    assert of(encoder["type"], str) and of(encoder["quality"], int)
    assert of(source["online"], bool)
    assert of(source["desired_fps"], int) and of(source["captured_fps"], int)
    assert of(source["resolution"]["width"], int) and of(source["resolution"]["height"], int)
    for name in ("online", "width", "height", "fps"):
        assert name not in document and name not in result


def ask_at_once(device):
    """Requests state and snapshot as soon as the socket exists."""
    with tap.Service(*ARGS, device=device) as service:
        reply = service.ask("GET /state HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
                            "Accept-Encoding: gzip, deflate\r\nUser-Agent: Python/3.11\r\n\r\n")
        assert reply.status == 200 and reply.header("Content-Type") == "application/json"
        is_what_its_model_takes(json.loads(reply.body))
        reply = service.get("/snapshot")
        width, height = tap.jpeg_size(reply.body)
        assert width > 0 and height > 0
        assert len(reply.body) * 4 / 3 < 4 << 20, "too large for one gRPC message"
        return reply


def read_tunnel(device, count):
    """Reads the raw bytes of a tunnel, 64 KiB at a time, until @count pictures are complete."""
    with tap.Service(*ARGS, device=device) as service, service.connect() as sock:
        sock.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader = tap.Reader(sock)
        head = tap.Reply(reader, body=False)
        assert head.status == 200
        kind, _, boundary = head.header("Content-Type").partition(";boundary=")
        assert kind == "multipart/x-mixed-replace"
        assert reader.until(b"\r\n") == f"--{boundary}\r\n".encode()
        for _ in range(count):
            fields = tap.fields_of(reader.until(b"\r\n\r\n").decode())
            assert fields["Content-Type"] == "image/jpeg"
            tap.jpeg_size(reader.exactly(int(fields["Content-Length"])))
            assert reader.until(b"\r\n") == b"\r\n"
            assert reader.until(b"\r\n") == f"--{boundary}\r\n".encode()
        # The driver closes its side and copies until the service closes the other.
        sock.shutdown(socket.SHUT_WR)
        reader.rest()
        service.wait_for(lambda state: state["stream"]["clients"] == 0)


@tap.test
def test_live_at_once():
    """as soon as the socket exists, the service answers with the state and a live picture"""
    reply = ask_at_once("test")
    assert reply.header("X-UStreamer-Online") == "true", reply
    assert tap.jpeg_size(reply.body) == (1280, 720)


@tap.test
def test_missing_at_once():
    """without a device the service answers too, and marks the picture as not live"""
    reply = ask_at_once(tap.MISSING)
    assert reply.status == 200
    assert reply.header("X-UStreamer-Online") == "false", reply


@tap.test
def test_tunnel():
    """a stream through a tunnel has complete pictures and ends with a half-close"""
    read_tunnel("test", 10)


@tap.test
def test_tunnel_without_device():
    """without a device, a stream through a tunnel has complete pictures too"""
    read_tunnel(tap.MISSING, 2)


@tap.test
def test_many_short_connections():
    """requests for state and snapshots are answered while other clients stream"""
    with tap.Service(*ARGS) as service, tap.Stream(service) as stream:
        service.wait_until_live()
        for _ in range(30):
            stream.part()
            assert service.state()["stream"]["clients"] == 1
            reply = service.get("/snapshot")
            assert reply.header("X-UStreamer-Online") == "true", reply


@tap.test
def test_stop():
    """SIGTERM ends the service with status 0 and removes the socket, even with a client"""
    with tap.Service(*ARGS) as service, tap.Stream(service) as stream:
        stream.part()
        service.end()
        assert service.exit_code == 0, service.exit_code


tap.main()
