#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the log tells of clients, and what one client can take from others."""
import base64
import json
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402


def log_lines(service, word):
    return [line for line in service.log_text().splitlines() if word in line]


def wait_for_log(service, word):
    tap.until(lambda: log_lines(service, word))


@tap.test
def test_verbose():
    """at log level verbose each client begins and ends with its peer, and says what it asks for"""
    with tap.Service("--verbose") as service:
        service.get("/state?x=1", "X-Forwarded-For: 192.0.2.9, \"\xff\xfe")
        who = f"uid {os.getuid()} pid {os.getpid()}"
        wait_for_log(service, " ends: " + who)
        (begin,) = log_lines(service, " begins: " + who)
        name = begin.split("] ")[1].split(" ")[0]
        (asked,) = log_lines(service, name + " GET ")
        # The bytes that could forge or spoil a line are not repeated.
        assert asked.endswith("GET \"/state\" for \"192.0.2.9, ?????\""), asked
        (end,) = log_lines(service, name + " ends: ")
        assert f"{who}, 1 requests, " in end, end


@tap.test
def test_peer_on_tcp():
    """a peer on TCP is an address and a port"""
    tap.needs("NET_TCP")
    with tap.Service("--verbose", "--host", "127.0.0.1", "--port", "0") as service:
        wait_for_log(service, "listening on 127.0.0.1, port ")
        port = int(log_lines(service, "listening on 127.0.0.1")[0].rsplit(" ", 1)[1])
        with socket.create_connection(("127.0.0.1", port), tap.PATIENCE) as sock:
            name = "%s:%d" % sock.getsockname()
            sock.sendall(tap.request("GET", "/nowhere").encode())
            assert tap.Reply(tap.Reader(sock)).status == 404
        wait_for_log(service, "begins: " + name)
        wait_for_log(service, f"404 for GET \"/nowhere\" of {name}")
        wait_for_log(service, f"ends: {name}, 1 requests")


def ask_tcp(service, host, *fields):
    wait_for_log(service, "listening on 127.0.0.1, port ")
    port = int(log_lines(service, "listening on 127.0.0.1")[0].rsplit(" ", 1)[1])
    text = "\r\n".join(("GET /state HTTP/1.1", f"Host: {host}", *fields, "", ""))
    with socket.create_connection(("127.0.0.1", port), tap.PATIENCE) as sock:
        sock.sendall(text.encode())
        return tap.Reply(tap.Reader(sock))


@tap.test
def test_unknown_host():
    """on TCP without a login, a page of another origin that borrows the address reads nothing"""
    tap.needs("NET_TCP")
    tcp = ("--host", "127.0.0.1", "--port", "0")
    with tap.Service(*tcp) as service:
        reply = ask_tcp(service, "evil.example")
        assert reply.status == 421, reply
        assert json.loads(reply.body)["error"]["reason"] == "unknown-host", reply
        assert "--allow-host" in json.loads(reply.body)["error"]["message"], reply
        for host in ("127.0.0.1:8080", "localhost", "[::1]:1", socket.gethostname()):
            assert ask_tcp(service, host).status == 200, host
        assert service.ask("GET /state HTTP/1.1\r\nHost: evil.example\r\n\r\n").status == 200
        assert service.state()["glint"]["answers"]["421"] == 1
        assert log_lines(service, "\"evil.example\""), service.log_text()
    with tap.Service(*tcp, "--allow-host", "one.example,two.example") as service:
        assert ask_tcp(service, "two.example:80").status == 200
        assert ask_tcp(service, "evil.example").status == 421
    if tap.built_with("NET_AUTH"):
        with tap.Service(*tcp, "--user", "lab", "--passwd", "x") as service:
            login = "Authorization: Basic " + base64.b64encode(b"lab:x").decode()
            assert ask_tcp(service, "proxy.example", login).status == 200


@tap.test
def test_wrong_logins():
    """wrong logins are counted, make few lines with their peer, and do not delay right ones"""
    tap.needs("NET_AUTH")
    right = "Authorization: Basic " + base64.b64encode(b"lab:x").decode()
    with tap.Service("--user", "lab", "--passwd", "x") as service:
        socks = [service.connect() for _ in range(12)]
        for sock in socks:
            sock.sendall(tap.request("GET", "/state", "Authorization: Basic bm8=").encode())
        assert service.get("/state", right).status == 200
        for sock in socks:
            assert tap.Reply(tap.Reader(sock)).status == 401
            sock.close()
        clients = json.loads(service.get("/state", right).body)["result"]["glint"]["clients"]
        assert clients["wrong_logins"] == 12 and clients["logins_held"] == 0, clients
        lines = log_lines(service, f"a wrong login for \"/state\" of uid {os.getuid()} ")
        # The log repeats a line of one kind at most once a second.
        assert 1 <= len(lines) <= 6, lines
        assert "bm8" not in service.log_text()


@tap.test
def test_not_found_is_logged_at_a_limited_rate():
    """many requests for what is not there are all counted, and make few lines"""
    with tap.Service() as service:
        for _ in range(200):
            assert service.get("/nowhere").status == 404
        assert service.state()["glint"]["answers"]["404"] == 200
        lines = log_lines(service, "404 for GET \"/nowhere\"")
        assert lines, service.log_text()
        # The first few at once, and then one in ten seconds.
        uptime = service.state()["glint"]["uptime_s"]
        assert len(lines) <= 5 + 1 + uptime // 10, lines


@tap.test
def test_one_peer_does_not_keep_others_out():
    """slow connections of one process do not keep other processes out"""
    with tap.Service("--clients-max", "16") as service:
        slow = [service.connect() for _ in range(16)]
        for sock in slow:
            sock.sendall(b"GET /st")
        command = f"curl -s -o /dev/null -w %{{http_code}} --unix-socket {service.path}"
        for _ in range(10):
            with os.popen(f"{command} http://localhost/state") as curl:
                assert curl.read() == "200"
        for sock in slow:
            sock.close()


tap.main()
