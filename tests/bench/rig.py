# SPDX-License-Identifier: MIT
"""What the benchmarks share: services on the emulated device, rounds, a table, JSON lines.

From the environment: O, the build directory.
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
PATIENCE = 20	# seconds; only met when something is broken


class Source:
    """What the device shows."""

    def __init__(self, size, fps, fourcc="YUYV"):
        self.size, self.fps, self.fourcc = size, fps, fourcc

    def environment(self, stats):
        return {**os.environ, "LD_PRELOAD": EMULATION, "V4L2EMU_SIZE": self.size,
                "V4L2EMU_FPS": str(self.fps), "V4L2EMU_FORMAT": self.fourcc,
                "V4L2EMU_STATS": stats}


def glintd(*more):
    return [os.path.join(BUILD, "glintd"), *more]


def ustreamer(*more):
    return ["ustreamer", *more]


@contextlib.contextmanager
def service(command, source):
    """Starts it; gives its process and its socket when it listens."""
    with tempfile.TemporaryDirectory(prefix="glint-bench-") as folder:
        path = os.path.join(folder, "socket")
        with open(os.path.join(folder, "log"), "w+b") as log:
            process = subprocess.Popen(
                [*command, "--device", DEVICE, "--resolution", source.size, "--format",
                 source.fourcc, "--quality", "80", "--unix", path],
                env=source.environment(os.path.join(folder, "stats")), stderr=log)
            try:
                wait_for(path, process)
                yield process, path
            finally:
                # Not SIGTERM, which some overlook; nothing is left to be tidied up.
                process.kill()
                process.wait(PATIENCE)


def connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(PATIENCE)
    sock.connect(path)
    return sock


def wait_for(path, process):
    deadline = time.monotonic() + PATIENCE
    while not os.path.exists(path):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{process.args[0]} does not start")
        time.sleep(0.002)


def read(path, process, **arguments):
    """One run of the reader; names of its options are keywords."""
    options = [text for name, value in arguments.items() for text in (f"--{name}", str(value))]
    done = subprocess.run([READER, path, "--pid", str(process.pid), *options],
                          stdout=subprocess.PIPE, check=True, timeout=PATIENCE + 60)
    return json.loads(done.stdout)


def measure(command, source, **arguments):
    with service(command, source) as (process, path):
        return read(path, process, **arguments)


def rounds(services, count, run):
    """{name: [result, ...]}: each round runs all of them, so that what is noise hits them alike."""
    results = {name: [] for name in services}
    for _ in range(count):
        for name, command in services.items():
            results[name].append(run(command))
    return results


def median(results, key):
    """None: not one of the runs has seen a picture."""
    values = [result[key] for result in results if result[key] is not None]
    return statistics.median(values) if values else None


def ratio(results, over, under, key):
    """The median of the ratios within each round."""
    ratios = [a[key] / b[key] for a, b in zip(results[over], results[under])
              if a[key] is not None and b[key]]
    return statistics.median(ratios) if ratios else None


# --- What is printed -------------------------------------------------------------------------


class Report:
    """Rows on the terminal, and the same as JSON, a line each, in BUILD/bench/NAME.jsonl."""

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
        """@bar: what it should be at @most, or else at least."""
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


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return (f"{os.cpu_count()} x {model}, Linux {platform.release()}, "
            f"load {' '.join(f'{load:.2f}' for load in os.getloadavg())}")


def arguments(description, cases, rounds=5):
    """--rounds, --seconds, and the names of the cases to run; all by default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
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
