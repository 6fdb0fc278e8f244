#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Eight services whose frames are put on one time line. Prints TAP; runs in the guest, see
cases/timeline.sh."""
import contextlib
import json

from vivid import BLACK, WHITE, Camera, service, tap

DEVICES = 8
REGION = "region=200x100+60+60"	# vivid's analogue input blanks half of the first line at times


tap.PAUSE = 0.05


class Device:
    """A device with its service, and a wait for its next change."""

    def __init__(self, number, stack):
        self.camera = Camera(f"/dev/video{number}")
        self.camera.defaults()
        self.server = stack.enter_context(service(self.camera, "--resolution", "320x240",
                                                  "--desired-fps", "5"))
        self.sock = None

    def begin(self):
        reply = self.server.get(f"/wait?for=still&stable=200ms&timeout=100&{REGION}")
        assert reply.status == 200, (reply, reply.body)
        judged = self.server.state()["glint"]["waits"]["frames_judged"]
        self.sock = self.server.connect()
        self.sock.sendall(tap.request("GET", f"/wait?for=change&timeout=1000&{REGION}").encode())
        self.server.wait_for(lambda state: state["glint"]["waits"]["frames_judged"] > judged + 1)

    def changed(self):
        """The first frame that shows the change."""
        with self.sock:
            reply = tap.Reply(tap.Reader(self.sock))
        assert reply.status == 200, (reply, reply.body)
        return json.loads(reply.body)["result"]["conditions"][0]["decided"]

    def interval_ns(self):
        return 1e9 / self.server.state()["glint"]["source"]["nominal_fps"]


@contextlib.contextmanager
def eight():
    with contextlib.ExitStack() as stack:
        devices = [Device(number, stack) for number in range(DEVICES)]
        for device in devices:
            device.server.wait_until_live()
        yield devices
        for device in devices:
            assert device.server.state()["glint"]["ledger"]["unaccounted"] == 0


@tap.test
def test_one_moment():
    """a change at all devices at one moment is in frames whose times hold that moment"""
    with eight() as devices:
        interval = max(device.interval_ns() for device in devices)
        for pattern in (BLACK, WHITE):
            for device in devices:
                device.begin()
            begin_ns = tap.now_ns()
            for device in devices:
                device.camera.set("test_pattern", pattern)
            end_ns = tap.now_ns()
            frames = [device.changed() for device in devices]
            for frame in frames:
                assert frame["clock"] == "monotonic", frame
                assert frame["complete_ns"] >= begin_ns, (frame, begin_ns)
                assert frame["exposure_ns"] <= end_ns + interval, (frame, end_ns, interval)
            times = [frame["exposure_ns"] for frame in frames]
            spread = max(times) - min(times)
            assert spread <= interval + end_ns - begin_ns, (times, interval)
            print(f"# the frames begin within {spread / 1e6:.1f} ms, at {interval / 1e6:.1f} ms "
                  "a frame")


@tap.test
def test_one_time():
    """eight snapshots after one time are frames of that time, and no later ones"""
    with eight() as devices:
        interval = max(device.interval_ns() for device in devices)
        for _ in range(2):
            moment = tap.now_ns()
            for guarantee in ("complete", "exposed"):
                for device in devices:
                    reply = device.server.get(f"/snapshot?after={moment}&guarantee={guarantee}")
                    assert reply.status == 200, (reply, reply.body)
                    begun = int(reply.header("X-Glint-Exposure-Ns"))
                    complete = int(reply.header("X-Glint-Complete-Ns"))
                    known = complete if guarantee == "complete" else begun
                    assert known >= moment, (reply, moment)


tap.main()
