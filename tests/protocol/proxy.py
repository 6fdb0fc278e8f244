#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The service behind a reverse proxy: nginx, which sends replies in chunked encoding.

Prints TAP. From the environment: GLINT, GLINTD, BUILD.
"""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile

import tap

GLINT = os.environ.get("GLINT", "build/glint")

CONFIG = """
daemon off;
master_process off;
pid {dir}/pid;
error_log {dir}/error.log;
events {{}}
http {{
	access_log off;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	server {{
		listen 127.0.0.1:{port};
		location /lab/hdmi/ {{
			proxy_pass http://unix:{socket}:/;
		}}
	}}
}}
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def answers(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def proxy(service):
    """Runs nginx in front of @service; yields the address for clients."""
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if not nginx:
        raise tap.Skip("nginx is not installed")
    if not os.access(GLINT, os.X_OK):
        raise tap.Skip("the command is not built")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="glint-proxy-") as folder:
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(dir=folder, port=port, socket=service.path))
        with subprocess.Popen([nginx, "-p", folder, "-c", config], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            try:
                tap.until(lambda: answers(port) or process.poll() is not None)
                assert process.poll() is None, process.stderr.read().decode()
                yield f"127.0.0.1:{port}"
            finally:
                process.terminate()
                process.communicate(timeout=tap.PATIENCE)


def glint(url, *args):
    done = subprocess.run([GLINT, "-s", url, "-t", str(tap.PATIENCE), *args], capture_output=True,
                          timeout=2 * tap.PATIENCE, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, (args, done.returncode, done.stderr)
    return done


@tap.test
def test_chunks():
    """the proxy sends the stream in chunks, which the other tests rely on"""
    with tap.Service() as service, proxy(service) as address:
        host, port = address.split(":")
        with socket.create_connection((host, int(port)), timeout=tap.PATIENCE) as sock:
            sock.sendall(tap.request("GET", "/lab/hdmi/stream").encode())
            reply = tap.Reply(tap.Reader(sock), body=False)
            assert reply.header("Transfer-Encoding") == "chunked", reply


@tap.test
def test_state():
    """the state can be read through a proxy, below its prefix"""
    with tap.Service() as service, proxy(service) as address:
        service.wait_until_live()
        done = glint(f"http://{address}/lab/hdmi/", "state", "--json")
        assert json.loads(done.stdout)["result"]["source"]["online"] is True


@tap.test
def test_snapshot():
    """a snapshot through a proxy is complete and has its frame's number"""
    with tap.Service("--resolution", "320x240") as service, proxy(service) as address, \
            tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.jpg")
        done = glint(f"http://{address}/lab/hdmi", "snapshot", "--json", "-o", path)
        told = json.loads(done.stdout)
        with open(path, "rb") as file:
            data = file.read()
        assert len(data) == told["bytes"] and tap.jpeg_size(data) == (320, 240), told
        assert told["sequence"] >= 0 and told["online"], told


@tap.test
def test_stream():
    """a stream through a proxy arrives picture by picture"""
    with tap.Service("--resolution", "320x240") as service, proxy(service) as address, \
            tempfile.TemporaryDirectory() as folder:
        glint(f"http://{address}/lab/hdmi", "stream", "-n", "20", "-o", folder)
        names = sorted(os.listdir(folder))
        assert len(names) == 20, names
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert tap.jpeg_size(file.read()) == (320, 240)


tap.main()
