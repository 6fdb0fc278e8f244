#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the log reports of clients, and what one client can take from others."""
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402


def log_lines(service, word):
    return [line for line in service.log_text().splitlines() if word in line]


def wait_for_log(service, word):
    tap.until(lambda: log_lines(service, word))


@tap.test
def test_verbose():
    """at log level verbose the log has the peer, begin, end and requests of each client"""
    with tap.Service("--verbose") as service:
        service.get("/state?x=1", "X-Forwarded-For: 192.0.2.9, \"\xff\xfe")
        who = f"uid {os.getuid()} pid {os.getpid()}"
        wait_for_log(service, " ends: " + who)
        (begin,) = log_lines(service, " begins: " + who)
        name = begin.split("] ")[1].split(" ")[0]
        (asked,) = log_lines(service, name + " GET ")
        # Bytes that could forge or spoil a line are replaced.
        assert asked.endswith("GET \"/state\" for \"192.0.2.9, ?????\""), asked
        (end,) = log_lines(service, name + " ends: ")
        assert f"{who}, 1 requests, " in end, end


@tap.test
def test_peer_on_tcp():
    """the log shows a TCP peer as address and port"""
    tap.needs("NET_TCP")
    with tap.Service("--verbose", "--host", "127.0.0.1", "--port", "0") as service:
        wait_for_log(service, "listening on 127.0.0.1, port ")
        port = int(log_lines(service, "listening on 127.0.0.1")[0].rsplit(" ", 1)[1])
        with socket.create_connection(("127.0.0.1", port), tap.PATIENCE) as sock:
            name = "%s:%d" % sock.getsockname()
            sock.sendall(tap.request("GET", "/nowhere").encode())
            assert tap.Reply(tap.Reader(sock)).status == 404
        wait_for_log(service, "begins: " + name)
        wait_for_log(service, f"404 for GET \"/nowhere\" from {name}")
        wait_for_log(service, f"ends: {name}, 1 requests")


def ask_tcp(service, host, *fields, method="GET", path="/state", body=""):
    wait_for_log(service, "listening on 127.0.0.1, port ")
    port = int(log_lines(service, "listening on 127.0.0.1")[0].rsplit(" ", 1)[1])
    text = "\r\n".join((f"{method} {path} HTTP/1.1", f"Host: {host}", *fields, "", body))
    with socket.create_connection(("127.0.0.1", port), tap.PATIENCE) as sock:
        sock.sendall(text.encode())
        return tap.Reply(tap.Reader(sock))


@tap.test
def test_unknown_host():
    """on TCP without a login, a page under a foreign host name cannot read anything"""
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
        service.log_with("\"evil.example\"")
    with tap.Service(*tcp, "--allow-host", "one.example,two.example") as service:
        assert ask_tcp(service, "two.example:80").status == 200
        assert ask_tcp(service, "evil.example").status == 421
    if tap.built_with("NET_AUTH"):
        with tap.Service(*tcp, "--user", "lab", "--passwd", "x") as service:
            login = "Authorization: Basic " + base64.b64encode(b"lab:x").decode()
            assert ask_tcp(service, "proxy.example", login).status == 200


# For a name of its own in /etc/hosts.
WITH_HOSTS = 'mount --bind "$1" /etc/hosts || exit 99; shift; exec "$@"'


@tap.test
def test_a_login_and_a_name_of_the_machine():
    """with a login, too, settings can be changed by each name that /etc/hosts has"""
    tap.needs("NET_TCP")
    tap.needs("NET_AUTH")
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise tap.Skip("needs root and unshare")
    with tempfile.NamedTemporaryFile("w") as hosts:
        hosts.write(f"127.0.0.1 localhost\n127.0.1.1 lab7.corp.example {socket.gethostname()}\n")
        hosts.flush()
        wrapper = ("unshare", "--mount", "sh", "-c", WITH_HOSTS, "-", hosts.name)
        if subprocess.run([*wrapper, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            raise tap.Skip("no mounts here")
        login = "Authorization: Basic " + base64.b64encode(b"lab:x").decode()
        change = {"method": "PATCH", "path": "/config", "body": '{"strict": true}'}
        fields = (login, "Content-Type: application/json", "Content-Length: 16")
        with tap.Service("--host", "127.0.0.1", "--port", "0", "--user", "lab", "--passwd", "x",
                         wrapper=wrapper) as service:
            assert ask_tcp(service, "lab7.corp.example", *fields, **change).status == 200
            assert ask_tcp(service, "evil.example", *fields, **change).status == 403


@tap.test
def test_wrong_logins():
    """wrong logins are counted, logged at a limited rate, and do not delay right ones"""
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
        lines = log_lines(service, f"a wrong login for \"/state\" from uid {os.getuid()} ")
        # The log repeats a line of one kind at most once a second.
        assert 1 <= len(lines) <= 6, lines
        assert "bm8" not in service.log_text()


@tap.test
def test_not_found_is_logged_at_a_limited_rate():
    """requests for many paths that do not exist are all counted, and make few lines"""
    with tap.Service() as service:
        for number in range(200):
            path = "/" + chr(ord("a") + number // 20) + chr(ord("a") + number % 20)
            assert service.get(path).status == 404
        assert service.state()["glint"]["answers"]["404"] == 200
        service.log_with("404 for GET ")
        lines = log_lines(service, "404 for GET ")
        # At most one line a second, whatever the paths are.
        uptime = service.state()["glint"]["uptime_s"]
        assert len(lines) <= 2 + uptime, lines


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
