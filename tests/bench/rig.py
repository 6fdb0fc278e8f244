# SPDX-License-Identifier: MIT
"""Shared by the benchmarks: services on the emulated device, rounds, a table, JSON lines.

Reads O, the build directory, from the environment.
"""
import argparse
import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("O", "build"))
DEVICE = "/dev/video-emu0"
READER = os.path.join(BUILD, "tests/bench/reader")
EMULATION = os.path.join(BUILD, "libv4l2emu.so")
PATIENCE = 20 # seconds; reached only when something is broken


class Source:
    """Properties of the emulated device, as docs/PERFORMANCE.md has them."""

    def __init__(self, size, fps, fourcc="YUYV", scene="screen", change="box", levels="full"):
        self.size, self.fps, self.fourcc = size, fps, fourcc
        self.scene, self.change, self.levels = scene, change, levels

    def environment(self, stats):
        return {**os.environ, "LD_PRELOAD": EMULATION, "V4L2EMU_SIZE": self.size,
                "V4L2EMU_FPS": str(self.fps), "V4L2EMU_FORMAT": self.fourcc,
                "V4L2EMU_SCENE": self.scene, "V4L2EMU_CHANGE": self.change,
                "V4L2EMU_RANGE": self.levels, "V4L2EMU_STATS": stats}


class Service:
    """A program with ustreamer's options."""

    def __init__(self, path, *more):
        self.path, self.more = path, more

    def address(self, folder):
        return os.path.join(folder, "socket")

    def command(self, source, address):
        return [self.path, *self.more, "--device", DEVICE, "--resolution", source.size, "--format",
                source.fourcc, "--quality", "80", "--unix", address]


class GStreamer:
    """A pipeline that sends a multipart stream to whoever connects; it has no snapshots."""

    FORMATS = {"YUYV": "YUY2", "UYVY": "UYVY", "NV12": "NV12", "RGB24": "RGB"}

    def address(self, folder):
        del folder
        with socket.create_server(("127.0.0.1", 0)) as sock:
            return f"127.0.0.1:{sock.getsockname()[1]}"

    def command(self, source, address):
        width, height = source.size.split("x")
        caps, encode = f"width={width},height={height}", []
        if source.fourcc == "MJPEG":
            caps = f"image/jpeg,{caps}"
        else:
            caps = f"video/x-raw,format={self.FORMATS[source.fourcc]},{caps}"
            encode = ["jpegenc", "quality=80", "!"]
        host, port = address.split(":")
        return ["gst-launch-1.0", "-q", "v4l2src", f"device={DEVICE}", "!", caps, "!", *encode,
                "multipartmux", "boundary=frame", "!", "tcpserversink", f"host={host}",
                f"port={port}", "sync=false"]


def glintd(*more):
    return Service(os.path.join(BUILD, "glintd"), *more)


class NotStarted(Exception):
    """The program has ended before it listened, as one does that does not know the format."""


@contextlib.contextmanager
def service(program, source):
    """Starts @program; yields its process and its address once it listens."""
    with tempfile.TemporaryDirectory(prefix="glint-bench-") as folder:
        address = program.address(folder)
        with open(os.path.join(folder, "log"), "w+b") as log:
            process = subprocess.Popen(
                program.command(source, address), stdout=subprocess.DEVNULL, stderr=log,
                env=source.environment(os.path.join(folder, "stats")))
            try:
                wait_for(address, process)
                yield process, address
            finally:
                # SIGKILL: some services lose a SIGTERM, and nothing is left to clean up.
                process.kill()
                process.wait(PATIENCE)


@contextlib.contextmanager
def real_time():
    """Runs this process, and what it starts, before all others (SCHED_FIFO), so that a loaded
    machine's other work does not count in latencies. Needs root; says so without."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except PermissionError:
        print("  no right to SCHED_FIFO: latencies have the machine's other work in them")
        yield
        return
    print("  SCHED_FIFO: the service and its clients run before the machine's other work")
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(PATIENCE)
    sock.connect(path)
    return sock


def listens(address):
    """Some services bind their socket some time before they listen on it."""
    with contextlib.suppress(ConnectionRefusedError, FileNotFoundError):
        if address.startswith("/"):
            connect(address).close()
        else:
            host, port = address.split(":")
            socket.create_connection((host, int(port)), PATIENCE).close()
        return True
    return False


def wait_for(address, process):
    deadline = time.monotonic() + PATIENCE
    while not listens(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted(f"{process.args[0]} does not start")
        time.sleep(0.002)


def read(address, process, **arguments):
    """Runs the reader once; keywords are its options."""
    options = [text for name, value in arguments.items()
               for text in ((f"--{name}",) if value is True else (f"--{name}", str(value)))]
    done = subprocess.run([READER, address, "--pid", str(process.pid), *options],
                          stdout=subprocess.PIPE, check=True, timeout=PATIENCE + 60)
    return json.loads(done.stdout)


def measure(program, source, **arguments):
    with service(program, source) as (process, address):
        return read(address, process, **arguments)


def rounds(services, count, run):
    """Returns {name: [result, ...]}. Each round runs all services, so that noise affects all
    alike."""
    results = {name: [] for name in services}
    for _ in range(count):
        for name, program in services.items():
            try:
                results[name].append(run(program))
            except (NotStarted, subprocess.CalledProcessError):
                results[name].append(None)
    return results


def median(results, key):
    """None: no run received a picture."""
    values = [result[key] for result in results if result and result[key] is not None]
    return statistics.median(values) if values else None


def ratios(results, over, under, key):
    """Of each round."""
    return [a[key] / b[key] for a, b in zip(results[over], results[under])
            if a and b and a[key] is not None and b[key]]


# --- Output -------------------------------------------------------------------------


class Report:
    """Prints rows on the terminal and writes them as JSON lines to BUILD/bench/NAME.jsonl."""

    def __init__(self, name):
        folder = os.path.join(BUILD, "bench")
        os.makedirs(folder, exist_ok=True)
        self.path = os.path.join(folder, f"{name}.jsonl")
        self.file = open(self.path, "w", encoding="utf-8")
        self.barred = self.missed = 0
        self.case = ""
        print(machine(), flush=True)

    def title(self, text):
        self.case = text.split(":")[0]
        with open("/proc/loadavg", encoding="utf-8") as file:
            print(f"\n{text}  (load {file.read().split()[0]})", flush=True)

    def row(self, name, value, unit, bar=None, most=True, **more):
        """@bar: the limit; an upper one with @most, else a lower one."""
        ok = None if bar is None else value is not None and \
            (value <= bar if most else value >= bar)
        self.barred += bar is not None
        self.missed += ok is False
        verdict = "" if ok is None else \
            f"{'<=' if most else '>='} {bar:<8g} {'ok' if ok else 'MISSED'}"
        shown = "none" if value is None else f"{value:.3f}"
        print(f"  {name:<52} {shown:>10} {unit:<8} {verdict}", flush=True)
        self.file.write(json.dumps({"case": self.case, "name": name, "value": value, "unit": unit,
                                    "bar": bar, "ok": ok, **more}) + "\n")
        self.file.flush()

    def end(self):
        if self.barred:
            print(f"\n{self.missed} of {self.barred} bars missed.", end="")
        print(f"\nFor machines: {self.path}")


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown processor"


def machine():
    return (f"{os.cpu_count()} x {processor()}, Linux {platform.release()}, "
            f"load {' '.join(f'{load:.2f}' for load in os.getloadavg())}")


def arguments(description, cases, rounds=5, match=False):
    """--rounds, --seconds, and the names of the cases to run; all by default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    if match:
        parser.add_argument("--match", help="a part of the names of the benchmarks to run")
    else:
        parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    parser.add_argument("case", nargs="*", default=[], help=", ".join(cases))
    parsed = parser.parse_args()
    unknown = set(parsed.case) - set(cases)
    if unknown:
        parser.error(f"no such case: {' '.join(unknown)}")
    for needed in (READER, EMULATION):
        if not os.path.exists(needed):
            sys.exit(f"{needed} is not built: use the make targets")
    return parsed


def is_installed(program):
    return shutil.which(program) is not None
