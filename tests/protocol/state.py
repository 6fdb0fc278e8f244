#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The state: its members, their types and their truth.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import tap

INT, TEXT, BOOL, NUMBER = int, str, bool, (int, float)
LATENCY = {"p50": INT, "p90": INT, "p99": INT, "max": INT, "count": INT}
CLIENT = {"fps": INT, "extra_headers": BOOL, "advance_headers": BOOL, "dual_final_frames": BOOL,
          "zero_data": BOOL, "key": TEXT, "sent": INT, "skipped": INT}

# In order: ustreamer's members come first, in ustreamer's order.
SCHEMA = {
    "instance_id": TEXT,
    "encoder": {"type": TEXT, "quality": INT},
    "source": {"resolution": {"width": INT, "height": INT}, "online": BOOL, "desired_fps": INT,
               "captured_fps": INT},
    "stream": {"queued_fps": INT, "clients": INT, "clients_stat": None},
    "glint": {
        "version": TEXT,
        "uptime_s": INT,
        "settings_generation": INT,
        "loop": {"backend": TEXT, "reason": TEXT},
        "source": {"kind": TEXT, "reason": TEXT, "verdict": TEXT, "rests_on": TEXT,
                   "fps": NUMBER, "nominal_fps": NUMBER,
                   "first_frame_ns": INT, "idle_stops": INT},
        "device": {"path": TEXT, "wanted": TEXT, "driver": TEXT, "card": TEXT, "bus": TEXT,
                   "vendor": TEXT, "product": TEXT, "serial": TEXT, "message": TEXT},
        "media": {"device": TEXT, "path": [TEXT], "problem": TEXT},
        "timings": {"name": TEXT, "width": INT, "height": INT, "fps": NUMBER,
                    "interlaced": BOOL, "pixelclock_hz": INT, "forced": BOOL},
        "format": {"fourcc": TEXT, "width": INT, "height": INT, "stride": [INT], "size": [INT],
                   "bits": INT, "range": TEXT, "matrix": TEXT, "field": TEXT,
                   "deinterlace": TEXT},
        "frame": None,
        "ledger": {"seen": INT, "delivered": INT, "driver_dropped": INT, "corrupt": INT,
                   "warm_up": INT, "skipped": INT, "failed": INT, "in_flight": INT, "unaccounted": INT},
        "buffers": {"kind": TEXT, "count": INT, "driver": INT, "leased": INT,
                    "made": INT, "cancelled": INT},
        "device_jobs": {"pending": INT, "ran": INT, "refused": INT, "timed_out": INT},
        "controls": {"count": INT, "changed_by_others": INT},
        "picture": {"finding": TEXT,
                    "card": {"holds": BOOL, "since_ns": INT, "rests_on": TEXT},
                    "black": {"holds": BOOL, "since_ns": INT, "rests_on": TEXT},
                    "frozen": {"holds": BOOL, "since_ns": INT, "rests_on": TEXT},
                    "looks": INT, "failed": INT, "look_ns": INT, "cards": INT},
        "encoder": {"name": TEXT, "engine": TEXT, "subsampling": TEXT, "range": TEXT, "workers": INT, "slices": INT,
                    "rows_reused": INT,
                    "quality": INT, "encoded": INT, "failed": INT, "skipped": INT, "bytes": INT,
                    "last_size": INT, "pictures": INT, "pictures_held": INT, "pictures_bytes": INT, "fps": NUMBER,
                    "state": TEXT, "reason": TEXT, "device": TEXT, "driver": TEXT, "memory": TEXT,
                    "driver_quality": (int, type(None)), "faults": INT, "late": INT,
                    "probes": INT, "leased": INT},
        "offline_pictures": {"drawn": INT, "failed": INT, "drawing": bool},
        "marks": {"count": INT, "references": INT, "bytes": INT, "newest_kept": bool,
                  "made": INT, "copied": INT, "replaced": INT, "removed": INT, "expired": INT,
                  "displaced": INT, "references_displaced": INT},
        "waits": {"pending": INT, "most": INT, "begun": INT, "met": INT, "timed_out": INT,
                  "refused": INT, "cancelled": INT, "frames_judged": INT,
                  "frames_missed": INT, "frames_failed": INT, "bytes": INT,
                  "frame_bytes": INT, "kernels": TEXT},
        "stills": {"waiting": INT, "running": INT, "made": INT, "failed": INT, "refused": INT,
                   "forgotten": INT, "bytes": INT},
        "latency_ns": {"device_job": LATENCY, "dequeue": LATENCY, "first_frame": LATENCY,
                       "wait": LATENCY, "encode": LATENCY, "send": LATENCY, "total": LATENCY,
                       "answer": LATENCY},
        "clients": {"connections": INT, "streams": INT, "streams_listed": INT,
                    "snapshots_waiting": INT, "followers": INT, "peers": INT, "accepted": INT,
                    "refused": INT, "displaced": INT, "timed_out": INT, "wrong_logins": INT,
                    "logins_unchecked": INT, "logins_held": INT, "pictures_sent": INT,
                    "pictures_skipped": INT, "bytes_sent": INT,
                    "body_bytes": INT, "bodies_refused": INT},
        "answers": None,
        "events": {"run": TEXT, "first": INT, "last": INT},
        "recorder": {"state": TEXT, "folder": TEXT, "memory": TEXT, "memory_reason": TEXT,
                     "memory_bytes": INT, "disk_bytes": INT, "disk_unwritten": INT,
                     "disk_error": TEXT, "writer": TEXT, "direct": BOOL, "seen": INT,
                     "recorded": INT, "lost": INT, "passed": INT, "in_ring": INT, "backlog": INT,
                     "dropped": INT, "corrupt": INT, "skipped": INT, "held_ns": INT, "copied": INT,
                     "bytes_written": INT, "worst_write_ms": NUMBER, "active": INT, "closed": INT,
                     "failed": INT, "refused": INT, "recovered": INT, "gpio_edges": INT,
                     "gpio_missed": INT, "gpio_error": TEXT},
        "replay": type(None),
        "copies_per_frame": NUMBER,
    },
}
FRAME = {"sequence": INT, "timestamp_ns": INT, "clock": TEXT, "moment": TEXT, "field_order": TEXT,
         "age_ns": INT}


def check(value, schema, where="result"):
    if schema is None:
        assert isinstance(value, dict), where
    elif isinstance(schema, dict):
        assert list(value) == list(schema), f"{where} has {list(value)}"
        for name, kind in schema.items():
            check(value[name], kind, f"{where}.{name}")
    elif isinstance(schema, list):
        for item in value:
            check(item, schema[0], where)
    else:
        kinds = schema if isinstance(schema, tuple) else (schema,)
        assert type(value) in kinds, f"{where} is {value!r}"	# a bool is not an int here


@tap.test
def test_schema_live():
    """a live state has all members, with their types, in their order"""
    with tap.Service("--instance-id", "cam.1", "--quality", "77") as service:
        service.wait_until_live()
        state = service.state()
        check(state, SCHEMA)
        check(state["glint"]["frame"], FRAME, "frame")
        assert state["instance_id"] == "cam.1"
        assert state["encoder"]["quality"] == 77
        assert state["glint"]["source"]["reason"] == ""
        assert state["glint"]["loop"]["backend"] in ("uring", "epoll")


@tap.test
def test_schema_missing():
    """without a device the state has all members too, and the reason"""
    with tap.Service("--resolution", "800x600", device=tap.MISSING) as service:
        check(service.state(), SCHEMA)
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        state = service.state()
        check(state, SCHEMA)
        assert state["source"]["online"] is False
        assert state["source"]["captured_fps"] == 0
        assert state["source"]["resolution"] == {"width": 800, "height": 600}
        assert state["glint"]["frame"] == {}


@tap.test
def test_size():
    """the size is the video's as soon as there is video, or that of --fake-resolution"""
    with tap.Service("--resolution", "320x240") as service:
        service.wait_until_live()
        assert service.state()["source"]["resolution"] == {"width": 320, "height": 240}
    with tap.Service("--fake-resolution", "1920x1080") as service:
        assert service.state()["source"]["resolution"] == {"width": 1920, "height": 1080}


@tap.test
def test_accounting():
    """every frame is accounted for, with and without clients"""
    with tap.Service() as service:
        service.wait_until_live()
        with tap.Stream(service, "?key=me") as stream:
            for _ in range(20):
                stream.part()
                state = service.state()
                ledger = state["glint"]["ledger"]
                assert ledger["unaccounted"] == 0, ledger
                (client,) = state["stream"]["clients_stat"].values()
                check(client, CLIENT, "client")
                assert client["key"] == "me"
            assert ledger["delivered"] > 0
            assert state["glint"]["clients"]["pictures_sent"] >= 20 - 1
            assert state["glint"]["latency_ns"]["total"]["count"] > 0
        service.wait_for(lambda now: now["stream"] == {**now["stream"], "clients": 0,
                                                       "clients_stat": {}})


@tap.test
def test_nothing_is_encoded_without_clients():
    """without clients, frames are captured and none is encoded"""
    with tap.Service() as service:
        service.wait_until_live()
        service.wait_for(lambda state: state["glint"]["ledger"]["skipped"] > 10)
        assert service.state()["glint"]["encoder"]["encoded"] == 0


@tap.test
def test_cookie():
    """the cookie of a stream is the key of its entry in the state"""
    with tap.Service("--instance-id", "x") as service, tap.Stream(service, "?key=a%2Fb") as stream:
        cookie = stream.reply.header("Set-Cookie")
        name, _, value = cookie.split(";")[0].partition("=")
        key, _, client = value.partition("/")
        assert name == "stream_client_x" and key == "a%2Fb", cookie
        assert service.state()["stream"]["clients_stat"][client]["key"] == "a%2Fb"


tap.main()
