#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""HTTP for ustreamer's clients, and against hostile clients.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import base64
import os
import re
import tempfile

import tap

ENDPOINTS = ("/", "/state", "/snapshot", "/stream", "/page.css", "/page.js", "/favicon.svg",
             "/favicon.ico", "/?action=snapshot")


def endpoints():
    return ENDPOINTS if tap.built_with("NET_PAGE") else [
        path for path in ENDPOINTS
        if path != "/" and not path.startswith(("/page.", "/favicon."))]


def ask_and_drain(service, text):
    """Returns the reply, and all bytes after it."""
    with service.connect() as sock:
        sock.sendall(text if isinstance(text, bytes) else text.encode())
        reader = tap.Reader(sock)
        reply = tap.Reply(reader, body=False)
        return reply, reader.rest()


@tap.test
def test_head():
    """HEAD is 200 without a body on every endpoint"""
    with tap.Service() as service:
        for path in endpoints():
            reply, rest = ask_and_drain(service, tap.request("HEAD", path, "Connection: close"))
            assert reply.status == 200 and rest == b"", (path, reply, rest)
        assert service.state()["stream"]["clients"] == 0


@tap.test
def test_options():
    """OPTIONS is 200 on every path, with the methods of the path in Allow"""
    with tap.Service() as service:
        for path in (*endpoints(), "*"):
            reply = service.ask(tap.request("OPTIONS", path))
            assert reply.status == 200 and reply.header("Content-Length") == "0", (path, reply)
            assert {"GET", "HEAD", "OPTIONS"} <= set(reply.header("Allow").split(", ")), reply
        assert service.ask(tap.request("OPTIONS", "/nowhere")).status == 404


@tap.test
def test_methods():
    """a method that a path does not have is 405, one that no path has 501"""
    with tap.Service() as service:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            reply = service.ask(tap.request(method, "/state"))
            assert reply.status == 405, (method, reply)
            assert reply.header("Allow") == "GET, HEAD, OPTIONS", reply
            assert service.ask(tap.request(method, "/nowhere")).status == 404
        for method in ("TRACE", "CONNECT", "BREW"):
            target = "localhost:80" if method == "CONNECT" else "/state"
            reply, _ = ask_and_drain(service, tap.request(method, target))
            assert reply.status == 501, (method, reply)
            assert reply.header("Connection") == "close"


@tap.test
def test_not_found():
    """paths are matched exactly; others are 404 and end the connection"""
    with tap.Service() as service:
        for path in ("/nowhere", "/state/", "/State", "//state", "/../state/x", "/%2e%2e/etc"):
            reply, _ = ask_and_drain(service, tap.request("GET", path))
            assert reply.status == 404, (path, reply)
            assert reply.header("Connection") == "close"
        assert service.get("/%73tate?a=b&c").status == 200


@tap.test
def test_hostile():
    """malformed requests are refused, and the service goes on"""
    rows = (
        (b"GET /%zz HTTP/1.1\r\n\r\n", 400),
        (b"GET /\0 HTTP/1.1\r\n\r\n", 400),
        (b"GET nothing HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA B: c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", 413),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 20000, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200, 431),
        (b"GET / HTTP/4.0\r\n\r\n", 505),
    )
    with tap.Service() as service:
        for text, status in rows:
            reply, _ = ask_and_drain(service, text)
            assert reply.status == status, (text[:60], reply)
        for text in (b"\x16\x03\x01\x02\x00", b"\0" * 1000, bytes(range(256)) * 100):
            reply, _ = ask_and_drain(service, text)
            assert reply.status in (400, 501), (text[:60], reply)
        service.state()


@tap.test
def test_trailers():
    """a trailer has the bounds of a head, and never serves as a login"""
    head = "GET /state HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    login = "Authorization: Basic " + base64.b64encode(b"lab:secret").decode()
    args = ("--user", "lab", "--passwd", "secret") if tap.built_with("NET_AUTH") else ()
    with tap.Service(*args) as service:
        reply = service.ask(f"{head}\r\n0\r\n{login}\r\n\r\n")
        assert reply.status == (401 if args else 200), reply
        for name in ("Authorization", "Access-Control-Request-Headers", "X"):
            trailer = f"{name}: {'A' * 20000}"
            reply, _ = ask_and_drain(service, f"{head}{login}\r\n\r\n0\r\n{trailer}\r\n\r\n")
            assert reply.status == 431, (name, reply)
        assert service.get("/state", login).status == 200


@tap.test
def test_keep_alive():
    """a connection stays open for sequential and for pipelined requests"""
    with tap.Service() as service, service.connect() as sock:
        reader = tap.Reader(sock)
        for _ in range(5):
            sock.sendall(tap.request("GET", "/state").encode())
            reply = tap.Reply(reader)
            assert reply.status == 200 and reply.version == "HTTP/1.1"
            assert reply.header("Connection") is None and reply.header("Date")
        sock.sendall((tap.request("GET", "/state") * 20
                      + tap.request("GET", "/snapshot", "Connection: close")).encode())
        for _ in range(20):
            assert tap.Reply(reader).header("Content-Type") == "application/json"
        reply = tap.Reply(reader)
        assert reply.header("Content-Type") == "image/jpeg"
        assert reply.header("Connection") == "close"
        assert reader.rest() == b""


@tap.test
def test_http_1_0():
    """an HTTP/1.0 request gets an HTTP/1.0 reply that ends with the connection"""
    with tap.Service() as service:
        for path in ("/state", "/snapshot"):
            reply, body = ask_and_drain(service, f"GET {path} HTTP/1.0\r\n\r\n")
            assert reply.version == "HTTP/1.0" and reply.status == 200
            assert reply.header("Date") is None
            assert len(body) == int(reply.header("Content-Length"))


@tap.test
def test_aliases():
    """/?action= stands for snapshot and stream"""
    with tap.Service() as service:
        assert service.get("/?action=snapshot").header("Content-Type") == "image/jpeg"
        with service.connect() as sock:
            sock.sendall(tap.request("GET", "/?action=stream").encode())
            reply = tap.Reply(tap.Reader(sock), body=False)
            assert reply.header("Content-Type").startswith("multipart/x-mixed-replace")


@tap.test
def test_page():
    """the page needs no other server, and every file that it names exists"""
    tap.needs("NET_PAGE")
    with tap.Service() as service:
        page = service.get("/")
        assert page.header("Content-Type").startswith("text/html")
        names = re.findall(rb'(?:href|src)="([^"]*)"', page.body)
        assert {b"page.css", b"page.js", b"favicon.svg", b"stream"} <= set(names), names
        for name in names:
            path = "/" + name.decode()
            assert service.ask(tap.request("HEAD", path, "Connection: close")).status == 200, path
            if name in (b"page.css", b"page.js"):
                assert b"://" not in service.get(path).body
        for path in ("/favicon.svg", "/favicon.ico"):
            icon = service.get(path)
            assert icon.header("Content-Type") == "image/svg+xml" and b"<svg " in icon.body, path


@tap.test
def test_auth():
    """with a password, every method but OPTIONS needs the login"""
    tap.needs("NET_AUTH")
    login = "Authorization: Basic " + base64.b64encode(b"lab:top secret").decode()
    with tap.Service("--user", "lab", "--passwd", "top secret") as service:
        for path in (*endpoints(), "/nowhere"):
            for fields in ((), ("Authorization: Basic bGFiOm5v",), (login + "x",)):
                reply = service.get(path, *fields)
                assert reply.status == 401, (path, fields, reply)
                assert reply.header("WWW-Authenticate") == 'Basic realm="Restricted area"'
        assert service.ask(tap.request("OPTIONS", "/state")).status == 200
        assert service.get("/state", login).status == 200
        assert service.ask(tap.request("HEAD", "/state", "Connection: close")).status == 401


@tap.test
def test_cors():
    """the origin of --allow-origin is in every reply, and a preflight lists what is allowed"""
    with tap.Service("--allow-origin", "http://lab.example") as service:
        reply = service.ask(tap.request("OPTIONS", "/state",
                                        "Access-Control-Request-Headers: X-A, X-B",
                                        "Access-Control-Request-Method: GET"))
        assert reply.header("Access-Control-Allow-Headers") == "X-A, X-B"
        assert reply.header("Access-Control-Allow-Methods") == "GET, HEAD, OPTIONS"
        with tap.Stream(service) as stream:
            replies = [reply, stream.reply, service.get("/state"), service.get("/nowhere"),
                       service.get("/snapshot")]
        for reply in replies:
            assert reply.header("Access-Control-Allow-Origin") == "http://lab.example", reply
            assert reply.header("Access-Control-Allow-Credentials") == "true"
        # A page of that origin may read every header of a picture.
        service.wait_until_live()
        reply = service.get("/snapshot?after=now&since=0")
        exposed = reply.header("Access-Control-Expose-Headers").split(", ")
        assert len(exposed) == len(set(exposed)), exposed
        sent = {name for name in reply.fields if name.startswith("X-")}
        of_some = {"X-Glint-Field-Order", "X-Glint-Converted", "X-Glint-Crop", "X-Glint-Scale",
                   "X-Glint-Layout", "X-Glint-Replay"}
        assert sent == set(exposed) - of_some, reply
        for query in "format=raw", "format=png&crop=64x64+0+0&scale=1/2":
            reply = service.get(f"/snapshot?{query}")
            assert {name for name in reply.fields if name.startswith("X-")} <= set(exposed), reply
    with tap.Service() as service:
        assert service.get("/state").header("Access-Control-Allow-Origin") is None


@tap.test
def test_static():
    """--static serves files of its folder only, and endpoints take precedence"""
    tap.needs("NET_STATIC")
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "www")
        os.mkdir(root)
        os.symlink("/etc/passwd", os.path.join(root, "link"))
        for name, text in (("www/index.html", "<p>mine"), ("www/a b.css", "p{}"), ("secret", "x")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        with tap.Service("--static", root) as service:
            assert service.get("/").body == b"<p>mine"
            reply = service.get("/a%20b.css")
            assert reply.body == b"p{}" and reply.header("Content-Type") == "text/css"
            assert service.get("/state").header("Content-Type") == "application/json"
            for path in ("/link", "/../secret", "/%2e%2e/secret", "/favicon.ico"):
                assert service.get(path).status == 404, path


@tap.test
def test_too_many():
    """a connection beyond --clients-max gets an error and is closed"""
    with tap.Service("--clients-max", "2") as service:
        kept = [service.connect() for _ in range(2)]
        for sock in kept:
            sock.sendall(tap.request("GET", "/state").encode())
            assert tap.Reply(tap.Reader(sock)).status == 200
        reply, _ = ask_and_drain(service, tap.request("GET", "/state"))
        assert reply.status == 503, reply
        for sock in kept:
            sock.close()
        tap.until(lambda: service.get("/state").status == 200)


tap.main()
