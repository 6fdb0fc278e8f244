#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random faults of an HDMI input, of a USB camera, and of a board's receiver. Prints TAP; runs in
the guest, see cases/random-faults.sh."""
import collections
import contextlib
import glob
import json
import os
import random
import re
import signal
import subprocess
import threading
import time

from vivid import NO_SIGNAL, P480_59, P600_60, SELECTED, Camera, tap

tap.PAUSE = 0.05
SECONDS = float(os.environ.get("FAULT_SECONDS", "120"))
SEED = int(os.environ.get("FAULT_SEED", str(time.time_ns() % 1_000_000)))
NO_LOCK, OUT_OF_RANGE = 2, 3
I1080_60 = 15
PATHS = ("/stream", "/snapshot", "/snapshot?after=now", "/wait?for=change&timeout=1",
         "/hash?timeout=1", "/controls")


def camera(*words):
    with open("/run/camera-in", "w", encoding="ascii") as file:
        file.write(" ".join(words) + "\n")
    with open("/run/camera-out", encoding="ascii") as file:
        answer = file.readline()
    assert answer.startswith("ok"), (words, answer)


def driver(name, action, device):
    with open(f"/sys/bus/{name}/{action}", "w", encoding="ascii") as file:
        file.write(device)


# Each captured frame is accounted for. All services share one processor, so each encodes few of them.
ENCODED = "--desired-fps", "10"


def send(server, method, path, members):
    """Returns the status of a request with JSON: what the service and its driver made of it."""
    text = json.dumps(members)
    reply = server.ask(tap.request(method, path, "Content-Type: application/json",
                                   f"Content-Length: {len(text)}") + text)
    assert reply.status in (200, 409, 503), (path, members, reply, reply.body)
    return reply.status


def change(server, choose, values):
    """Two settings at once, to random ones of their values."""
    send(server, "PATCH", "/config",
         {name: choose.choice(values[name]) for name in choose.sample(sorted(values), 2)})


class Client(threading.Thread):
    """Reads the stream, asks for snapshots, or waits, again and again."""

    def __init__(self, server, path):
        super().__init__(daemon=True)
        self.server, self.path = server, path
        self.answers, self.ended = collections.Counter(), False
        self.failed = None
        self.start()

    def run(self):
        try:
            while not self.ended:
                if self.path == "/stream":
                    self.read_stream()
                else:
                    reply = self.server.get(self.path)
                    self.answers[reply.status] += 1
                    time.sleep(0.5)
        except Exception as error:	# pylint: disable=broad-except
            self.failed = error

    def read_stream(self):
        with tap.Stream(self.server, "?extra_headers=1") as stream:
            while not self.ended:
                stream.part()
                self.answers["part"] += 1


class Side:
    """A device and its service."""

    server = None
    SETTINGS = {}	# with which the service begins

    def must(self, method, path, members):
        """An earlier fault may still refuse this, but not for ever."""
        tap.until(lambda: send(self.server, method, path, members) == 200)

    def order(self):
        """The faults change sizes and more; what the service holds is compared in one state."""
        self.must("PATCH", "/config", self.SETTINGS)

    def changes(self, choose):
        for _ in range(2):
            change(self.server, choose, self.CHANGES)

    def clock(self, choose):
        """As after a suspend: nothing has run, and the time of day is another one."""
        pid = self.server.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(choose.random() * 2)
            time.clock_settime(time.CLOCK_REALTIME, time.time() + choose.uniform(-1e5, 1e6))
        finally:
            os.kill(pid, signal.SIGCONT)


class Hdmi(Side):
    """vivid's faults. Each leaves the device in order, or the service live with other settings."""

    SETTINGS = {"input": 0, "tv-standard": None, "timings": None, "resolution": None,
                "format": None, "buffers": None, "memory": None, "deinterlace": None}
    CHANGES = {"resolution": ("640x360", "320x180", None), "format": ("YUYV", "NV24", None),
               "buffers": (3, 8, None), "memory": ("driver", "udmabuf", None),
               "capture-fps": (10, None), "deinterlace": ("bob", None),
               "timings": ("720p60", "1080i60", "640x480p61", None), "input": ("TV", 0)}

    def __init__(self):
        self.device = Camera(self.node())
        self.source_in_order()

    @staticmethod
    def start():
        return tap.Service("--loop", os.environ["LOOP"], *ENCODED, device="driver:vivid")

    @staticmethod
    def node():
        """The camera may have been plugged in first, and have the number that was vivid's."""
        path, = glob.glob("/sys/bus/platform/devices/vivid.0/video4linux/video*")
        return "/dev/" + os.path.basename(path)

    def source_in_order(self):
        self.device.set("dv_timings_signal_mode", SELECTED)
        self.device.set("standard_signal_mode", SELECTED)
        self.device.set("dv_timings", P600_60)

    def order(self):
        super().order()
        self.must("PUT", "/edid", {"name": "1080p60"})
        self.source_in_order()

    def signal(self, choose):
        self.device.set("dv_timings_signal_mode", choose.choice((NO_SIGNAL, NO_LOCK, OUT_OF_RANGE)))
        time.sleep(choose.random())
        self.device.set("dv_timings_signal_mode", SELECTED)

    def timings(self, choose):
        for item in choose.sample((P480_59, P600_60, I1080_60), 3):
            self.device.set("dv_timings", item)
            time.sleep(choose.random())

    def edid(self, choose):
        for name in "none", choose.choice(("720p60", "1080p60-audio", "4k30")):
            send(self.server, "PUT", "/edid", {"name": name})
            time.sleep(choose.random())

    def standards(self, choose):
        send(self.server, "PATCH", "/config",
             {"input": "TV", "tv-standard": choose.choice(("PAL", "NTSC", "SECAM"))})
        time.sleep(choose.random())
        self.device.set("standard_signal_mode", choose.choice((NO_SIGNAL, NO_LOCK)))
        time.sleep(choose.random())
        self.device.set("standard_signal_mode", SELECTED)
        send(self.server, "PATCH", "/config", {"input": 0, "tv-standard": None})

    def changes(self, choose):
        if choose.random() < 0.5:
            self.device.press(choose.choice(("inject_vidioc_streamon_error",
                                             "inject_vidioc_reqbufs_error")))
        super().changes(choose)

    def drops(self, choose):
        self.device.set("percentage_of_dropped_buffers", choose.randint(1, 60))
        time.sleep(choose.random())
        self.device.set("percentage_of_dropped_buffers", 0)

    def errors(self, choose):
        for name in choose.sample(("inject_v4l2_buf_flag_error", "inject_vidioc_qbuf_error",
                                   "inject_vidioc_streamon_error", "inject_vidioc_reqbufs_error",
                                   "inject_fatal_streaming_error"), 2):
            self.device.press(name)

    def wraps(self, choose):
        name = choose.choice(("wrap_sequence_number", "wrap_timestamp"))
        self.device.set(name, 1)
        time.sleep(choose.random())
        self.device.set(name, 0)

    def controls(self, choose):
        self.device.set("brightness", choose.randint(0, 255))
        send(self.server, "PATCH", "/controls",
             {name: choose.randint(0, 100) for name in ("contrast", "saturation", "hue")})

    def unplug(self, choose):
        driver("platform/drivers/vivid", "unbind", "vivid.0")
        time.sleep(choose.random())
        driver("platform/drivers/vivid", "bind", "vivid.0")
        tap.until(lambda: glob.glob("/sys/bus/platform/devices/vivid.0/video4linux/video*"))
        self.device.path = self.node()
        self.source_in_order()

    def disconnect(self, _):
        """The node comes back when the service has closed it."""
        self.device.press("disconnect")
        tap.until(self.opens)

    def opens(self):
        try:
            self.device.call(lambda node: node)
        except OSError:
            return False
        return True

    FAULTS = (signal, timings, edid, standards, drops, errors, wraps, controls, changes, unplug,
              disconnect, Side.clock)


class Usb(Side):
    """The camera's faults."""

    SETTINGS = {"resolution": "320x240", "format": "MJPEG", "buffers": None, "memory": None}
    CHANGES = {"resolution": ("640x480", "320x240"), "format": ("MJPEG", "YUYV"),
               "buffers": (3, 8, None), "memory": ("driver", "udmabuf", None),
               "capture-fps": (10, None), "warm-up": (3, "100ms", None)}

    def __init__(self):
        interface, = glob.glob("/sys/bus/usb/drivers/uvcvideo/*:1.0")
        self.interface = os.path.basename(interface)
        self.device = os.path.realpath(interface + "/..")

    def start(self):
        return tap.Service("--loop", os.environ["LOOP"], "--resolution", "320x240", "--format",
                           "MJPEG", *ENCODED, device="usb:1d6b:0102:GLINT0001")

    def order(self):
        camera("run")
        super().order()

    def attached(self):
        """Plugging in ends some time before the driver has the camera."""
        tap.until(lambda: os.path.exists(f"/sys/bus/usb/drivers/uvcvideo/{self.interface}"))

    def frames(self, choose):
        for name in choose.sample(("short", "error", "empty", "badfid", "noeof", "garbage", "zero",
                                   "noeoi", "torn", "size"), 3):
            camera(name, str(choose.randint(1, 3)))

    def silence(self, choose):
        camera("frames", "0")
        time.sleep(choose.random() * 2)
        camera("run")

    def halt(self, _):
        camera("halt")

    def stall(self, choose):
        camera("stall", str(choose.randint(1, 2)))

    def unplug(self, choose):
        camera("unplug")
        time.sleep(choose.random())
        camera("plug")

    def unbind(self, choose):
        """uvcvideo gives the streaming interface back when the node's last user has closed it, which may
        wait for a control that the camera does not answer; bound before that, it has no stream."""
        self.attached()
        driver("usb/drivers/uvcvideo", "unbind", self.interface)
        streaming = self.interface.replace(":1.0", ":1.1")
        tap.until(lambda: not os.path.exists(f"/sys/bus/usb/drivers/uvcvideo/{streaming}"))
        time.sleep(choose.random())
        driver("usb/drivers/uvcvideo", "bind", self.interface)

    def authorized(self, choose):
        self.attached()
        for value in "01":
            with open(f"{self.device}/authorized", "w", encoding="ascii") as file:
                file.write(value)
            time.sleep(choose.random())

    def wrong(self, choose):
        """Another camera of the same model in its place."""
        camera("unplug")
        camera("id", "1d6b:0102", "GLINT0002")
        self.server.wait_for(lambda state: not state["source"]["online"])
        camera("plug")
        self.attached()
        time.sleep(choose.random() * 2)
        assert not self.server.state()["source"]["online"], "another camera is called live"
        camera("unplug")
        camera("id", "1d6b:0102", "GLINT0001")
        camera("plug")

    def controls(self, choose):
        """Taken, refused by the camera, or not answered until the driver gives up."""
        word = choose.choice(("", "stall", "mute"))
        if word:
            camera(word, "1")
        send(self.server, "PATCH", "/controls",
             {name: choose.randint(0, 100) for name in ("brightness", "contrast")})

    FAULTS = (frames, silence, halt, stall, unplug, unbind, authorized, wrong, controls,
              Side.changes, Side.clock)


class Bridge(Side):
    """An HDMI receiver on a board with a media controller."""

    UNBIND = "platform/drivers/vbridge"
    LOST, P480, P720, P1080 = (0, 1, 2), 3, 4, 5	# items of its control "source"
    SETTINGS = {"timings": None, "buffers": None, "memory": None, "format": None}
    CHANGES = {"timings": ("720p60", "1080p60", None), "buffers": (3, 8, None),
               "memory": ("driver", "udmabuf", None)}

    def __init__(self):
        self.source(self.P480)

    @staticmethod
    def start():
        return tap.Service("--loop", os.environ["LOOP"], "--edid", "1080p60", *ENCODED,
                           device="driver:vbridge")

    @staticmethod
    def named(name):
        for file in glob.glob("/sys/bus/platform/devices/vbridge.0/video4linux/*/name"):
            with open(file, encoding="ascii") as text:
                if text.read() == name + "\n":
                    return "/dev/" + file.split("/")[-2]
        raise FileNotFoundError(name)

    def source(self, item):
        Camera(self.named("vbridge hdmi")).set("source", item)

    def order(self):
        self.source(self.P480)
        super().order()
        self.must("PUT", "/edid", {"name": "1080p60"})

    def signal(self, choose):
        self.source(choose.choice(self.LOST))
        time.sleep(choose.random())
        self.source(self.P480)

    def timings(self, choose):
        self.source(choose.choice((self.P480, self.P720, self.P1080)))

    def edid(self, choose):
        send(self.server, "PUT", "/edid", {"name": choose.choice(("720p60", "none"))})
        time.sleep(choose.random())
        send(self.server, "PUT", "/edid", {"name": "1080p60"})

    def link(self, choose):
        """Another program disables it while there is no stream."""
        self.source(self.LOST[0])
        media, = glob.glob("/sys/bus/platform/devices/vbridge.0/media*")
        time.sleep(choose.random())
        subprocess.run(("media-ctl", "-d", "/dev/" + os.path.basename(media), "-l",
                        '"vbridge csi2":1->"vbridge capture":0[0]'), check=False,
                       stderr=subprocess.DEVNULL)
        self.source(self.P480)

    def unbind(self, choose):
        driver(self.UNBIND, "unbind", "vbridge.0")
        time.sleep(choose.random())
        driver(self.UNBIND, "bind", "vbridge.0")
        self.source(self.P480)

    FAULTS = signal, timings, edid, link, unbind, Side.changes, Side.clock


def is_live(state):
    return state["source"]["online"] and state["glint"]["ledger"]["unaccounted"] == 0


def kind(name):
    """Of a descriptor or a map: its name without numbers and without the folder of a test."""
    return re.sub(r"\d+", "N", name.replace(" (deleted)", "")) if "/glint-" not in name else "file"


def held(server):
    """How many threads, and descriptors and maps of each kind, the service has. A buffer is mapped when
    it is first read, so of its maps only those count that have outlived its descriptor."""
    folder, kinds = f"/proc/{server.process.pid}", collections.Counter()
    kinds["threads"] = len(os.listdir(f"{folder}/task"))
    for descriptor in os.listdir(f"{folder}/fd"):
        kinds["fd " + kind(os.readlink(f"{folder}/fd/{descriptor}"))] += 1
    with open(f"{folder}/maps", encoding="utf-8") as file:
        for line in file:
            name = line.rstrip("\n").split(maxsplit=5)[5:]
            if name and (name[0].startswith(("/dev", "/dmabuf", "/memfd", "anon_inode"))):
                kinds["map " + kind(name[0])] += 1
    kinds["map /dmabuf:"] = max(0, kinds["map /dmabuf:"] - kinds["fd /dmabuf:"])
    return kinds


def settled(server):
    """What the service holds when no client is there: what clients and jobs have ends soon."""
    now, same = held(server), 0
    while same < 10:
        time.sleep(0.1)
        then, now = now, held(server)
        same = same + 1 if now == then else 0
    return now


def must_hold(server, before, after):
    now = settled(server)
    assert now == before, f"{server.args} after {after}: {dict(now - before)} more, {dict(before - now)} less"


@contextlib.contextmanager
def followed(*servers):
    """Clients of each kind. Those of the stream and of snapshots must get something."""
    clients = [Client(server, path) for server in servers for path in PATHS]
    yield
    for client in clients:
        client.ended = True
    for client in clients:
        client.join(tap.PATIENCE)
        assert not client.is_alive() and client.failed is None, (client.path, client.failed)
        assert sum(client.answers.values()) > 0, client.path


@contextlib.contextmanager
def rig():
    """A service for each side; what each holds is known after each fault and each kind of client were
    there once, and each setting, because the threads for interlaced frames and for encoding begin when
    they are first needed."""
    sides = Hdmi(), Usb(), Bridge()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(side.start()) for side in sides]
        for side, server in zip(sides, servers):
            side.server = server
            server.wait_until_live()
            side.order()
            server.wait_until_live()
        with followed(*servers):
            for side in sides:
                for name, values in type(side).CHANGES.items():
                    for value in values:
                        send(side.server, "PATCH", "/config", {name: value})
                        time.sleep(0.3)
                for fault in type(side).FAULTS:
                    fault(side, random.Random(1))
                    side.order()
                    side.server.wait_for(is_live)
        yield sides, servers, [settled(server) for server in servers]


@tap.test
def test_each_fault():
    """after each fault the service holds exactly what it held: threads, descriptors, buffers"""
    choose, failed = random.Random(2), []
    with rig() as (sides, servers, before):
        for side, server, held_before in zip(sides, servers, before):
            print(f"# {type(side).__name__}: {json.dumps(held_before)}", flush=True)
            for fault in type(side).FAULTS:
                with followed(server):
                    for _ in range(3):
                        fault(side, choose)
                        time.sleep(0.2)
                    side.order()
                    server.wait_for(is_live)
                try:
                    must_hold(server, held_before, fault.__name__)
                except AssertionError as error:
                    failed.append(f"{type(side).__name__}: {error}")
    assert not failed, failed


@tap.test
def test_faults():
    """random faults: each frame is accounted for, and each minute exactly the same is held"""
    choose, injected = random.Random(SEED), collections.Counter()
    print(f"# FAULT_SEED={SEED} FAULT_SECONDS={SECONDS:g}", flush=True)
    with rig() as (sides, servers, before):
        begin = time.monotonic()
        while time.monotonic() < begin + SECONDS:
            with followed(*servers):
                end = min(begin + SECONDS, time.monotonic() + 60)
                while time.monotonic() < end:
                    side = choose.choice(sides)
                    fault = choose.choice(type(side).FAULTS)
                    injected[f"{type(side).__name__}.{fault.__name__}"] += 1
                    fault(side, choose)
                    time.sleep(choose.random())
                    for server in servers:
                        ledger = server.state()["glint"]["ledger"]
                        assert ledger["unaccounted"] == 0, (fault, ledger)
                for side, server in zip(sides, servers):
                    side.order()
                    server.wait_for(is_live)
            for server, held_before in zip(servers, before):
                must_hold(server, held_before, dict(injected))
            print(f"# {time.monotonic() - begin:.0f} s, {injected.total()} faults", flush=True)
        print("# " + json.dumps(injected))
        for server in servers:
            print("# " + json.dumps(server.state()["glint"]["ledger"]))


tap.main()
