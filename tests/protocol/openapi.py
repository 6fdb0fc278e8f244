#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The interface is what its description says: /openapi.json, docs/HTTP.md and the manual.

Prints TAP. From the environment: GLINTD, BUILD. With the argument --write it writes the committed
copy, docs/openapi.json, and the list of promised members.
"""
import json
import os
import re
import sys
import tempfile

import tap

try:
    import jsonschema
except ImportError:
    jsonschema = None

HERE = os.path.dirname(os.path.abspath(__file__))
COPY = os.path.join(HERE, "../../docs/openapi.json")
PROMISED = os.path.join(HERE, "openapi-promised.txt")
GUIDE = os.path.join(HERE, "../../docs/HTTP.md")
MANUAL = os.path.join(HERE, "../../man/glintd.8")
JSON_TYPE = "Content-Type: application/json"


# Routes that a build may lack.
OPTIONAL = {"/wait": "JUDGE", "/record": "RECORD"}


def description(service):
    reply = service.get("/openapi.json")
    assert reply.status == 200 and reply.header("Content-Type") == "application/json", reply
    return json.loads(reply.body)


def members(schema, path):
    """Yields "path type" for each member that a schema describes."""
    for kind in schema.get("anyOf", ()):
        yield from members(kind, path)
    for name, child in schema.get("properties", {}).items():
        kinds = child.get("type", "any")
        kinds = kinds if isinstance(kinds, str) else "|".join(sorted(kinds))
        yield f"{path}.{name} {kinds}"
        yield from members(child, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from members(schema[name], f"{path}.*")


def promises(document):
    """Returns what clients may rely on: the members of replies, and the parameters of requests."""
    found = set()
    for name, schema in document["components"]["schemas"].items():
        found |= set(members(schema, name))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found |= {f"{method.upper()} {path}?{parameter['name']} "
                      f"{parameter['schema']['type']}" for parameter in operation["parameters"]}
    return found


def unknown_members(value, schema, path):
    """Yields the members of a reply that its schema does not have."""
    kinds = [schema, *schema.get("anyOf", ())]
    if isinstance(value, dict):
        for name, child in value.items():
            known = [kind["properties"][name] for kind in kinds if name in kind.get("properties", {})]
            known += [kind["additionalProperties"] for kind in kinds
                      if isinstance(kind.get("additionalProperties"), dict)]
            if known:
                yield from unknown_members(child, known[0], f"{path}.{name}")
            elif any("properties" in kind for kind in kinds):
                yield f"{path}.{name}"
    elif isinstance(value, list) and "items" in schema:
        for child in value:
            yield from unknown_members(child, schema["items"], path)


class Checker:
    """Holds replies against the description."""

    def __init__(self, document):
        self.document = document
        self.seen = set()

    def schema(self, media):
        return self.document["components"]["schemas"][media["schema"]["$ref"].rsplit("/", 1)[1]]

    def check_value(self, value, schema, where):
        jsonschema.Draft202012Validator(schema).validate(value)
        unknown = list(unknown_members(value, schema, where))
        assert not unknown, f"not in the schema: {unknown}"

    def check(self, method, target, reply):
        """Asserts that the reply is as documented; returns its JSON."""
        operation = self.document["paths"][target.partition("?")[0]][method.lower()]
        documented = operation["responses"].get(str(reply.status))
        if documented is None:
            documented = self.document["components"]["responses"]["Refusal"]
            assert reply.status >= 400, f"{method} {target}: {reply} is not documented"
        kind = reply.header("Content-Type").partition(";")[0]
        assert kind in documented["content"], f"{method} {target}: {reply} is {kind}"
        self.seen.add((method, target.partition("?")[0], reply.status))
        if kind != "application/json":
            return None
        value = json.loads(reply.body)
        self.check_value(value, self.schema(documented["content"][kind]),
                         f"{method} {target} {reply.status}")
        return value


def parts_of(reply):
    boundary = reply.header("Content-Type").partition("boundary=")[2].encode()
    _, receipt, picture, end = reply.body.split(b"--" + boundary)
    assert end == b"--\r\n", end
    return [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in (receipt, picture)]


REQUESTS = (
    # method, target, body, status
    ("GET", "/events?last_id=x", None, 400),
    ("GET", "/state", None, 200),
    ("GET", "/state?clients=all&cachebuster=1", None, 200),
    ("GET", "/config", None, 200),
    ("PATCH", "/config", {"quality": 70}, 200),
    ("PATCH", "/config", {"quality": 0}, 400),
    ("PATCH", "/config", {"port": 1}, 409),
    ("PATCH", "/config", [], 422),
    # The built-in pattern has no controls and no EDID.
    ("GET", "/controls", None, 200),
    ("PATCH", "/controls", {"brightness": 1}, 400),
    ("PATCH", "/controls", {}, 422),
    ("GET", "/timings", None, 409),
    ("GET", "/edid", None, 409),
    ("GET", "/edid?format=text", None, 400),
    ("PUT", "/edid", {"name": "1080p60"}, 409),
    ("PUT", "/edid", {"name": "1080p61"}, 400),
    ("PUT", "/edid", {"edid": "1080p60"}, 422),
    ("GET", "/openapi.json", None, 200),
    ("GET", "/openapi.json?x=1", None, 400),
    ("POST", "/marks", None, 200),
    ("POST", "/marks?id=a&keep=5s", None, 200),
    ("POST", "/marks", {"id": "b", "keep": 1.5}, 200),
    ("POST", "/marks", {"id": 7}, 200),
    ("POST", "/marks", {"id": "a/b"}, 400),
    ("POST", "/marks", {"id": ["a"]}, 400),
    ("POST", "/marks", {"name": "a"}, 400),
    ("POST", "/marks", {"id": "a" * 64}, 400),
    ("POST", "/marks", [], 422),
    ("POST", "/marks?keep=0", None, 400),
    ("POST", "/marks?keep=3601", None, 400),
    ("GET", "/marks", None, 200),
    ("DELETE", "/marks?id=a", None, 200),
    ("DELETE", "/marks?id=a", None, 404),
    ("DELETE", "/marks", None, 400),
    ("GET", "/replay", None, 200),
    ("GET", "/replay?n=1", None, 400),
    ("POST", "/replay", {"action": "step"}, 409),
    ("POST", "/replay?action=inject", None, 400),
    ("POST", "/replay", [], 422),
    ("GET", "/snapshot", None, 200),
    ("GET", "/snapshot?after=now&since=0&guarantee=exposed&timeout=60s", None, 200),
    ("GET", "/snapshot?after=mark:b", None, 200),
    ("GET", "/snapshot?after=mark:zzz", None, 404),
    ("GET", "/snapshot?after=soon", None, 400),
    ("GET", "/snapshot?timeout=0", None, 504),
    ("GET", "/snapshot?since=-1", None, 400),
    ("GET", "/hash?region=10x10+1+1", None, 200),
    ("GET", "/hash?region=10x10", None, 400),
    ("GET", "/hash?after=mark:zzz", None, 404),
    ("GET", "/hash?timeout=0", None, 504),
    ("GET", "/wait?for=change", None, 200),
    ("GET", "/wait?for=transition&timeout=100ms", None, 504),
    ("GET", "/wait?for=black&timeout=0", None, 504),
    ("GET", "/wait?for=soon", None, 400),
    ("GET", "/wait?for=change&since=mark:zzz", None, 404),
    ("GET", "/wait?for=change&since=seq:99999999", None, 409),
    ("POST", "/wait", {"for": "change"}, 200),
    ("POST", "/wait", {"any": [{"for": "black"}], "timeout": 0}, 504),
    ("POST", "/wait", {"for": "soon"}, 400),
    ("POST", "/wait", {"for": "change", "since": "mark:zzz"}, 404),
    ("POST", "/wait", {"for": "change", "since": "seq:99999999"}, 409),
    ("POST", "/wait", {"for": "match"}, 400),
    ("POST", "/wait", {"for": "match", "reference": "UDYgOTk5OSA5OTk5IDI1NQo="}, 413),
    ("GET", "/wait", None, 400),
    ("POST", "/record", {"name": "a", "pre": "500ms", "post": 3, "wait": True}, 200),
    ("POST", "/record?at=last&post=0&name=b&wait=1", None, 200),
    ("POST", "/record?name=a", None, 409),
    ("POST", "/record?name=a/b", None, 400),
    ("POST", "/record?name=.a", None, 400),
    ("POST", "/record?pre=-1", None, 400),
    ("POST", "/record?post=1d", None, 400),
    ("POST", "/record?at=mark:zzz", None, 404),
    ("POST", "/record", {"name": "a" * 5000}, 413),
    ("POST", "/record?for=hash&hash=1", None, 400),
    ("POST", "/record?for=match", None, 400),
    ("POST", "/record?at=1", None, 409),
    ("POST", "/record", [], 422),
    ("POST", "/record?for=black&timeout=1ms", None, 504 if tap.built_with("JUDGE") else 501),
    ("POST", "/record?for=hash", None, 400),
    ("POST", "/record?post=9999&name=c", None, 200),
    ("DELETE", "/record?name=c", None, 200),
    ("DELETE", "/record?name=d", None, 404),
    ("DELETE", "/record", None, 400),
    ("GET", "/record", None, 200),
    ("GET", "/wait?for=change&since=mark:none", None, 404),
)


def ask(service, method, target, body=None):
    text = json.dumps(body) if body is not None else ""
    fields = [JSON_TYPE, f"Content-Length: {len(text)}"] if body is not None else []
    return service.ask(tap.request(method, target, *fields) + text)


@tap.test
def test_committed_copy():
    """docs/openapi.json is what the service serves"""
    with tap.Service() as service:
        served = description(service)
    with open(COPY, encoding="utf-8") as file:
        copy = json.load(file)
    for path, option in OPTIONAL.items():
        if not tap.built_with(option):
            del copy["paths"][path]
    assert copy == served, "run tests/protocol/openapi.py --write"


@tap.test
def test_description_is_whole():
    """the description's references lead somewhere, and its schemas are schemas"""
    with open(COPY, encoding="utf-8") as file:
        text = file.read()
    document = json.loads(text)
    for reference in re.findall(r'"\$ref": "([^"]*)"', text):
        at = document
        for name in reference.removeprefix("#/").split("/"):
            assert name in at, reference
            at = at[name]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"] and len(operation["responses"]) > 1, (method, path)
            for parameter in operation["parameters"]:
                assert parameter["description"], (method, path, parameter)
    if jsonschema is None:
        raise tap.Skip("needs python3-jsonschema")
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@tap.test
def test_replies_live():
    """with live video each reply has the status, the type and the members of its description"""
    if jsonschema is None:
        raise tap.Skip("needs python3-jsonschema")
    with tempfile.TemporaryDirectory() as folder, \
            tap.Service(*(["--record", folder] if tap.built_with("RECORD") else [])) as service:
        service.wait_until_live()
        if tap.built_with("RECORD"):
            service.wait_for(lambda state: state["glint"]["recorder"]["in_ring"] > 0)
        checker = Checker(description(service))
        for method, target, body, status in REQUESTS:
            if target.partition("?")[0] not in checker.document["paths"]:
                continue
            reply = ask(service, method, target, body)
            assert reply.status == status, (method, target, reply)
            checker.check(method, target, reply)
        reply = service.get("/snapshot?receipt=json&since=0")
        receipt, picture = parts_of(reply)
        schema = checker.document["components"]["schemas"]["Receipt"]
        value = json.loads(receipt)
        checker.check_value(value, schema, "receipt")
        assert value["result"]["seq"] == int(reply.header("X-Glint-Sequence"))
        assert value["result"]["serial"] == int(reply.header("X-Glint-Serial"))
        assert picture[:2] == b"\xff\xd8" and picture[-2:] == b"\xff\xd9"
        with tap.Stream(service) as stream:
            stream.part()
            checker.check("GET", "/state", service.get("/state"))
        # Each documented status of a JSON reply was seen, but for those that need a sick device.
        missing = {(method.upper(), path, int(status))
                   for path, operations in checker.document["paths"].items()
                   for method, operation in operations.items()
                   for status in operation["responses"] if status.isdigit()} - checker.seen
        endless = {("GET", "/stream", 200), ("GET", "/events", 200), ("GET", "/stream.y4m", 200)}
        sick = {("GET", "/snapshot", 503), ("GET", "/snapshot", 406), ("PATCH", "/config", 503),
                ("GET", "/events", 503), ("GET", "/wait", 503), ("POST", "/wait", 503),
                ("GET", "/hash", 503), ("POST", "/record", 503),
                # One of them: for= with waits in this glintd, or without.
                ("POST", "/record", 501), ("POST", "/record", 504),
                # tests/protocol/replay.py has these.
                ("POST", "/replay", 200), ("POST", "/replay", 503),
                # tests/lab/cases/hdmi-edid.sh and tests/unit/test_edid_device.c have these.
                # tests/unit/test_controls.c has these.
                ("GET", "/controls", 409), ("GET", "/controls", 503), ("PATCH", "/controls", 200),
                ("PATCH", "/controls", 409), ("PATCH", "/controls", 503),
                # tests/unit/test_config.c has these.
                ("GET", "/timings", 200), ("GET", "/timings", 503),
                ("GET", "/edid", 200), ("GET", "/edid", 404), ("GET", "/edid", 503),
                ("PUT", "/edid", 200), ("PUT", "/edid", 503)}
        sick = {key for key in sick if key[1] in checker.document["paths"]}
        assert missing <= endless | sick, missing - endless - sick


@tap.test
def test_unknown_parameters():
    """a parameter that a route does not have is refused, unless the guide says that it is ignored"""
    with open(GUIDE, encoding="utf-8") as file:
        guide = sections(file.read())
    with tap.Service() as service:
        for path, operations in description(service)["paths"].items():
            for method, operation in operations.items():
                if "Other parameters are ignored" in guide[f"{method.upper()} {path}"]:
                    assert operation["x-other-parameters"] == "ignored", (method, path)
                    continue
                body = {} if "requestBody" in operation else None
                reply = ask(service, method.upper(), f"{path}?nonsense=1", body)
                assert reply.status == 400, (method, path, reply)
                error = json.loads(reply.body)["error"]
                assert (error["reason"], error["name"]) == ("unknown-parameter", "nonsense"), error
                assert operation["x-other-parameters"] == "refused", (method, path)


@tap.test
def test_replies_without_video():
    """without video, too"""
    if jsonschema is None:
        raise tap.Skip("needs python3-jsonschema")
    with tap.Service(device=tap.MISSING) as service:
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        checker = Checker(description(service))
        for method, target, status in (("GET", "/state", 200), ("POST", "/marks?id=a", 200),
                                       ("GET", "/marks", 200), ("GET", "/snapshot", 200),
                                       ("GET", "/snapshot?after=now", 503),
                                       ("GET", "/edid", 503),
                                       ("GET", "/controls", 503),
                                       ("GET", "/timings", 503),
                                       ("GET", "/snapshot?timeout=1ms", 503)):
            reply = ask(service, method, target)
            assert reply.status == status, (method, target, reply)
            value = checker.check(method, target, reply)
            if method == "POST":
                assert value["result"]["frame"] is None, value
                assert value["result"]["reason"] == "no-device", value
            if status == 503:
                assert value["error"]["reason"] == "no-device", value
        receipt, _ = parts_of(service.get("/snapshot?receipt=json&strict=0"))
        value = json.loads(receipt)
        checker.check_value(value, checker.document["components"]["schemas"]["Receipt"], "receipt")
        assert value["result"]["live"] is False and value["result"]["seq"] is None, value


@tap.test
def test_members_are_added_never_changed():
    """no promised member, parameter or type has gone"""
    with open(COPY, encoding="utf-8") as file:
        now = promises(json.load(file))
    with open(PROMISED, encoding="utf-8") as file:
        before = set(file.read().splitlines())
    assert not before - now, f"promised, and gone: {sorted(before - now)}"
    assert not now - before, f"run tests/protocol/openapi.py --write: {sorted(now - before)[:5]}"


def sections(text):
    """Returns the sections of the guide by their headings."""
    return dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.M | re.S))


def expected_words(parameter):
    schema = parameter["schema"].get("items", parameter["schema"])
    words = [f"`{word}`" for word in schema.get("enum", ())]
    if parameter["name"] == "id":
        return words    # its letters are checked behind the table
    words += [f"{schema[name]:g}" if abs(schema[name]) < 1e6 else str(int(schema[name]))
              for name in ("minimum", "maximum", "x-minimum-seconds", "x-maximum-seconds")
              if name in schema]
    words += [str(schema["maxLength"])] if "maxLength" in schema else []
    words += [f"`{schema['default']}`"] if "default" in schema else []
    return words


@tap.test
def test_guide():
    """docs/HTTP.md has each route, and each parameter with its values, range and default"""
    with open(COPY, encoding="utf-8") as file:
        document = json.load(file)
    with open(GUIDE, encoding="utf-8") as file:
        guide = sections(file.read())
    routes = {f"{method.upper()} {path}" for path, operations in document["paths"].items()
              for method in operations}
    assert set(guide) == routes | {"Common rules"}, set(guide) ^ (routes | {"Common rules"})
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            section = guide[f"{method.upper()} {path}"]
            table = section.partition("| parameter |")[2].partition("\n\n")[0]
            rows = {row.split("|")[1].strip(" `"): row
                    for row in table.splitlines() if row.startswith("| `")}
            names = [parameter["name"] for parameter in operation["parameters"]]
            assert list(rows) == names, f"{method} {path}: {list(rows)}, not {names}"
            for parameter in operation["parameters"]:
                row = rows[parameter["name"]]
                missing = [word for word in expected_words(parameter) if word not in row]
                assert not missing, f"{method} {path}: {missing} not in {row}"
            for status in operation["responses"]:
                assert status in ("default", "200") or status in section, (method, path, status)


@tap.test
def test_manual():
    """the manual has each route and each of its parameters"""
    with open(COPY, encoding="utf-8") as file:
        document = json.load(file)
    with open(MANUAL, encoding="utf-8") as file:
        page = file.read().split("\n.SH ENDPOINTS\n")[1].split("\n.SS ")[0]
    for path, operations in document["paths"].items():
        parts = re.split(rf"^\.B {re.escape(path)}$", page, flags=re.M)
        assert len(parts) == 2, f"{path} is not in the manual"
        text = re.split(r"^\.B /", parts[1], flags=re.M)[0]
        for operation in operations.values():
            for parameter in operation["parameters"]:
                assert re.search(rf"\b{parameter['name']}=", text), (path, parameter["name"])


def write():
    with tap.Service() as service:
        document = description(service)
    with open(COPY, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    with open(PROMISED, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in sorted(promises(document))))


if sys.argv[1:] == ["--write"]:
    write()
else:
    tap.main()
