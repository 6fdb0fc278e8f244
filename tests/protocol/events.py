#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GET /events of the running service: what is told, in which order, and to whom.

Prints TAP. From the environment: GLINTD, GLINT, BUILD.
"""
import tap

JSON = tap.json


class Follower:
    """A client of /events, by server-sent events or by lines of JSON."""

    def __init__(self, service, query="", *fields):
        self.sock = service.connect()
        self.reader = tap.Reader(self.sock)
        self.sock.sendall(tap.request("GET", "/events" + query, *fields).encode())
        self.reply = tap.Reply(self.reader, body=False)
        assert self.reply.status == 200, self.reply
        self.json = "json" in query
        self.last_id = None

    def block(self):
        """The fields of the next block of server-sent events; a comment has none."""
        text = self.reader.until(b"\n\n").decode()
        fields = [line.partition(": ") for line in text.splitlines() if line]
        return {name: value for name, _, value in fields if not name.startswith(":")}

    def event(self):
        while True:
            if self.json:
                line = self.reader.until(b"\n")
                if line.strip():
                    return JSON.loads(line)
                continue
            block = self.block()
            self.last_id = block.get("id", self.last_id)
            if "data" in block:
                event = JSON.loads(block["data"])
                assert block["event"] == event["type"] and block["id"] == event["id"], block
                return event

    def until(self, wanted):
        """All events up to the first of type @wanted."""
        events = [self.event()]
        while events[-1]["type"] != wanted:
            events.append(self.event())
        return events

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.sock.close()


def patch(service, **settings):
    body = JSON.dumps(settings)
    reply = service.ask(tap.request("PATCH", "/config", "Content-Type: application/json",
                                    f"Content-Length: {len(body)}") + body)
    assert reply.status == 200, reply


@tap.test
def test_life():
    """the history tells how the service came to life, in order, with both clocks"""
    before = tap.now_ns()
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        with Follower(service, "?last_id=0") as follower:
            assert follower.reply.header("Content-Type") == "text/event-stream"
            events = follower.until("format")
    after = tap.now_ns()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), events
    assert [event["type"] for event in events] == ["source", "source", "format"], events
    assert events[0]["data"] == {"online": False, "reason": "opening", "device": "test"}, events
    assert events[1]["data"]["online"] is True and events[1]["data"]["reason"] == "", events
    assert (events[2]["data"]["width"], events[2]["data"]["height"]) == (320, 240), events
    times = [event["monotonic_ns"] for event in events]
    assert [before, *times, after] == sorted([before, *times, after]), times
    assert all(list(event) == ["id", "seq", "type", "monotonic_ns", "realtime_ns", "data"]
               for event in events), events


@tap.test
def test_settings():
    """a change is told to all that follow, with its new values, in both forms"""
    with tap.Service() as service:
        service.wait_until_live()
        with Follower(service) as first, Follower(service, "?json=1") as second:
            first.block()    # its first id: so both have their places
            tap.until(lambda: service.state()["glint"]["clients"]["followers"] == 2)
            patch(service, quality=33, strict=True)
            for follower in (first, second):
                data = follower.until("settings")[-1]["data"]
                assert data == {"generation": 1, "holds": "now",
                                "changed": {"quality": 33, "strict": True}}, data
        service.wait_for(lambda state: state["glint"]["clients"]["followers"] == 0)


@tap.test
def test_encoder():
    """the encoder that begins is told"""
    tap.needs("ENCODE_CPU")
    with tap.Service() as service:
        service.wait_until_live()
        with Follower(service, "?last_id=0") as follower:
            assert service.get("/snapshot").status == 200
            while follower.until("encoder")[-1]["data"]["name"] != "cpu":
                pass


@tap.test
def test_marks():
    """a mark that is set, and one that is removed, are told"""
    with tap.Service() as service, Follower(service) as follower:
        service.wait_until_live()
        reply = service.ask(tap.request("POST", "/marks?id=key", "Content-Length: 0"))
        assert reply.status == 200, reply
        time_ns = JSON.loads(reply.body)["result"]["time_ns"]
        data = follower.until("mark")[-1]["data"]
        assert data == {"action": "set", "id": "key", "time_ns": time_ns}, data
        assert service.ask(tap.request("DELETE", "/marks?id=key")).status == 200
        assert follower.until("mark")[-1]["data"] == {"action": "removed", "id": "key"}


@tap.test
def test_waits():
    """a wait that begins, and one that ends, are told with the condition and the outcome"""
    tap.needs("JUDGE")
    with tap.Service("--resolution", "320x240") as service, Follower(service) as follower:
        service.wait_until_live()
        # "live" holds at once: the wait has ended before its beginning is told.
        for query, met in (("for=change", True), ("for=black&timeout=100ms", False),
                           ("for=live", True)):
            name = query.partition("&")[0].partition("=")[2]
            reply = service.get(f"/wait?{query}")
            assert reply.status == (200 if met else 504), reply
            assert follower.until("wait")[-1]["data"] == {"action": "begin", "for": name}
            event = follower.until("wait")[-1]
            result = JSON.loads(reply.body)["result"]
            assert event["data"] == {
                "action": "end", "for": name, "met": met, "waited_ns": result["waited_ns"],
                "frames_missed": result["conditions"][0]["frames_missed"]}, event
            assert event["monotonic_ns"] >= result["answered_ns"], event


@tap.test
def test_resume():
    """a client that comes back with its last id misses nothing and gets nothing twice"""
    with tap.Service() as service:
        service.wait_until_live()
        with Follower(service) as follower:
            last_id = follower.block()["id"]
        for quality in range(20, 30):
            patch(service, quality=quality)
        with Follower(service, "", f"Last-Event-ID: {last_id}") as follower:
            events = [follower.event() for _ in range(5)]
            last_id = follower.last_id
        with Follower(service, f"?last_id={last_id}") as follower:
            events += [follower.event() for _ in range(5)]
    told = [event["data"]["changed"]["quality"] for event in events]
    assert told == list(range(20, 30)), told


@tap.test
def test_restart():
    """an id of the service before a restart is answered with a gap and the whole history"""
    with tap.Service() as service, Follower(service, "?last_id=0") as follower:
        last_id = follower.event()["id"]
    with tap.Service() as service, Follower(service, f"?last_id={last_id}") as follower:
        gap, first = follower.event(), follower.event()
    assert (gap["type"], gap["data"]) == ("gap", {"reason": "restart", "missed": None}), gap
    assert first["seq"] == 1, first


@tap.test
def test_fault():
    """a device that is missing is a fault, and the source says why it is offline"""
    with tap.Service(device=tap.MISSING) as service, Follower(service, "?last_id=0") as follower:
        fault = follower.until("fault")[-1]
        assert fault["data"] == {"of": "device", "device": tap.MISSING, "fault": "no-device"}, fault
        source = follower.until("source")[-1]
        assert source["data"] == {"online": False, "reason": "no-device",
                                  "device": tap.MISSING}, source


@tap.test
def test_limit():
    """refused connections are told, few times for many"""
    with tap.Service("--clients-max", "2") as service, Follower(service) as follower:
        with service.connect() as second:
            second.sendall(tap.request("GET", "/state").encode())
            tap.Reply(tap.Reader(second))
            refused = 0
            while refused < 20:
                # Places for short requests open only beside streams: all get 503.
                with service.connect() as third:
                    reply = tap.Reply(tap.Reader(third))
                assert reply.status == 503, reply
                refused += 1
            told = 0
            while told < refused:
                data = follower.until("limit")[-1]["data"]
                if data["limit"] == "connections":
                    told += data["times"]
        assert told == refused, told


@tap.test
def test_parameters():
    """a wrong id and an unknown parameter are refused with their names"""
    with tap.Service() as service:
        for query, reason in (("last_id=x", "bad-last_id"), ("json=perhaps", "bad-json"),
                              ("last=1", "unknown-parameter")):
            reply = service.get("/events?" + query)
            error = JSON.loads(reply.body)["error"]
            assert (reply.status, error["reason"]) == (400, reason), reply
        reply = service.ask(tap.request("HEAD", "/events"))
        assert reply.status == 200, reply


@tap.test
def test_login():
    """events need the login that everything needs"""
    tap.needs("NET_AUTH")
    with tap.Service("--user", "lab", "--passwd", "secret") as service:
        assert service.get("/events").status == 401
        Follower(service, "", "Authorization: Basic bGFiOnNlY3JldA==").sock.close()


@tap.test
def test_silence():
    """a connection on which nothing happens is kept alive by comments"""
    with tap.Service() as service:
        service.wait_until_live()
        with Follower(service) as follower:
            assert follower.block().keys() == {"retry", "id"}
            assert follower.block() == {}


@tap.test
def test_end():
    """the end of the service ends the events"""
    with tap.Service() as service:
        follower = Follower(service)
        follower.block()
        service.process.terminate()
        follower.reader.rest()
        follower.sock.close()


tap.main()
