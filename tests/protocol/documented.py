#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each member of /state and each X- header that the service sends is in man/glintd.8.

A member is documented in the section STATE, below a heading with the path of its object; a header
in ENDPOINTS. Prints TAP. From the environment: GLINTD, BUILD.
"""
import base64
import os
import re

import tap

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../man/glintd.8")
# The names of these members are data: the id of a stream, a status, an index of a list.
NAMED_BY_DATA = (r"(result\.stream\.clients_stat)\.[0-9a-f]+", r"(result\.glint\.answers)\.\d+")


def plain(text):
    return re.sub(r"\\f.|\\&", "", text).replace("\\-", "-").replace('"', "")


def section(name):
    with open(PAGE, encoding="utf-8") as file:
        return file.read().split(f"\n.SH {name}\n")[1].split("\n.SH ")[0]


def documented_members():
    """Returns paths: each object's heading with each tag below it that has a text."""
    members = set()
    for part in section("STATE").split("\n.SS ")[1:]:
        path, _, body = part.partition("\n")
        for entry in f"\n{body}".split("\n.TP\n")[1:]:
            tag, _, text = entry.partition("\n")
            assert text.strip(), f"{path}: {tag} has no text"
            members |= {f"{plain(path)}.{name}" for name in
                        re.findall(r"[\w.*]+", plain(tag.split(" ", 1)[1]))}
    return members


def documented_headers():
    return set(re.findall(r"X-[\w-]+", plain(section("ENDPOINTS"))))


def documented_events():
    text = section("ENDPOINTS").split("\n.B /events\n")[1].split("\n.B /wait\n")[0]
    return set(re.findall(r"^\.B (\w+)$", text, re.M))


def members_of(value, path="result"):
    for pattern in NAMED_BY_DATA:
        path = re.sub(f"^{pattern}$", r"\1.*", path)
    if isinstance(value, dict) and value:
        for name, child in value.items():
            yield from members_of(child, f"{path}.{name}")
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for child in value:
            yield from members_of(child, path)
    else:
        yield path


@tap.test
def test_members():
    """each member of the state is in the manual"""
    arguments = ["--resolution", "320x240"]
    fields = []
    if tap.built_with("NET_AUTH"):
        arguments += ["--user", "lab", "--passwd", "secret"]
        login = base64.b64encode(b"lab:secret").decode()
        fields = [f"Authorization: Basic {login}"]
    with tap.Service(*arguments) as service:
        service.get("/nowhere", *fields)
        service.get("/snapshot", *fields)
        with service.connect() as sock:
            sock.sendall(tap.request("GET", "/stream?key=x", *fields).encode())
            reader = tap.Reader(sock)
            reader.until(b"\xff\xd8")
            reply = service.get("/state", *fields)
        state = tap.json.loads(reply.body)["result"]
    seen = set(members_of(state))
    assert len(seen) > 80, seen
    written = documented_members()
    assert not seen - written, f"not in the manual: {sorted(seen - written)}"


@tap.test
def test_headers():
    """each X- header of a picture, of a part and of an error is in the manual"""
    seen = set()
    for device in ("test", tap.MISSING):
        with tap.Service("--resolution", "320x240", device=device) as service:
            for path in ("/", "/state", "/nowhere", "/snapshot", "/snapshot?strict=1",
                         "/snapshot?after=now", "/snapshot?since=0",
                         "/snapshot?after=x", "/snapshot?zero=1"):
                seen |= set(service.get(path).fields)
            for query in ("", "?extra_headers=1", "?advance_headers=1&extra_headers=1"):
                with service.connect() as sock:
                    sock.sendall(tap.request("GET", "/stream" + query).encode())
                    reader = tap.Reader(sock)
                    text = reader.until(b"\xff\xd8")
                seen |= set(re.findall(r"^([\w-]+): ", text.decode("latin-1"), re.M))
    seen = {name for name in seen if name.startswith("X-")}
    assert len(seen) > 20, seen
    missing = sorted(seen - documented_headers())
    assert not missing, f"not in the manual: {missing}"


@tap.test
def test_events():
    """the type of each event is in the manual"""
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        if tap.built_with("JUDGE"):
            assert service.get("/wait?for=live").status == 200
        change = '{"quality": 50}'
        assert service.ask(tap.request("PATCH", "/config", "Content-Type: application/json",
                                       f"Content-Length: {len(change)}") + change).status == 200
        assert service.ask(tap.request("POST", "/marks?id=last")).status == 200
        with service.connect() as sock:
            sock.sendall(tap.request("GET", "/events?json=1&last_id=0").encode())
            text = tap.Reader(sock).until(b'"id": "last"')
    seen = set(re.findall(r'"type": "(\w+)"', text.decode()))
    assert {"source", "format", "mark", "settings"} <= seen, seen
    assert seen <= documented_events(), f"not in the manual: {seen - documented_events()}"


tap.main()
