# SPDX-License-Identifier: MIT
"""A real browser without a window, controlled through a pipe by Chromium's DevTools protocol.

Messages are JSON objects, each followed by a zero byte, on descriptors 3 and 4.
"""
import base64
import json
import os
import select
import shutil
import struct
import subprocess
import tempfile
import time
import zlib

import tap

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def program():
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    raise tap.Skip("no Chromium is installed")


class Browser:
    """A browser with one page, from start() to end()."""

    def __init__(self, width=900, height=500):
        self.size = width, height
        self.events = []
        self.buffer = b""
        self.count = 0
        self.session = None

    def start(self):
        path = program()
        self.dir = tempfile.TemporaryDirectory(prefix="glint-browser-",
                                               ignore_cleanup_errors=True)
        read_ours, write_theirs = os.pipe()
        read_theirs, write_ours = os.pipe()
        self.input, self.output = read_ours, write_ours
        command = [path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                   "--disable-dev-shm-usage", "--disable-background-networking",
                   "--disable-component-update", "--disable-extensions", "--mute-audio",
                   f"--window-size={self.size[0]},{self.size[1]}", "--remote-debugging-pipe",
                   f"--user-data-dir={self.dir.name}", "about:blank"]
        # bash moves the pipes to the descriptors that the browser expects.
        script = f'exec 3<&{read_theirs} 4>&{write_theirs}; exec "$@"'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "browser", *command], pass_fds=(read_theirs, write_theirs),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(read_theirs)
        os.close(write_theirs)
        try:
            self._attach()
        except BaseException:
            self.end()
            raise

    def end(self):
        # Closing the pipe ends the browser.
        os.close(self.output)
        try:
            self.process.wait(tap.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.input)
        self.dir.cleanup()

    def _attach(self):
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(entry for entry in targets if entry["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"],
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    # The protocol.

    def _receive(self):
        deadline = time.monotonic() + tap.PATIENCE
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.input], [], [], left)[0]
            assert ready, "the browser does not answer"
            chunk = os.read(self.input, 1 << 16)
            assert chunk, f"the browser has ended: {self.process.poll()}"
            self.buffer += chunk
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, **params):
        """Sends a command and returns its result; keeps the events that arrive before it."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.output, data):]
        while True:
            answer = self._receive()
            if answer.get("id") == self.count:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self.events.append(answer)

    # For tests.

    def open(self, url):
        answer = self.call("Page.navigate", url=url)
        assert "errorText" not in answer, answer

    def evaluate(self, expression):
        """Returns the value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def complaints(self):
        """Returns the errors that the browser has logged so far."""
        texts = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                texts.append(str(params["exceptionDetails"]))
            elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
                texts.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        return texts

    def screenshot(self, **clip):
        """Returns a part of the page (x, y, width, height) as a PNG file."""
        data = self.call("Page.captureScreenshot", format="png", clip={**clip, "scale": 1})["data"]
        return base64.b64decode(data)


# --- PNG ----------------------------------------------------------------------------


def chunks_of(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n", png[:8]
    at = 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        yield kind, png[at + 8:at + 8 + length]
        at += 12 + length


def paeth(left, above, corner):
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def unfilter(kind, line, above, step):
    """Removes the filter of a line, in place."""
    for i, byte in enumerate(line):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = (0, left, above[i], (left + above[i]) // 2,
                 paeth(left, above[i], corner))[kind]
        line[i] = (byte + guess) & 255


def decode_png(png):
    """Returns rows of (red, green, blue) of a PNG with 8 bits a channel and no interlacing."""
    chunks = list(chunks_of(png))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    assert depth == 8 and kind in (2, 6) and not interlaced, chunks[0]
    step = 3 if kind == 2 else 4
    data = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    above, rows = bytes(width * step), []
    for y in range(height):
        begin = y * (width * step + 1)
        line = bytearray(data[begin + 1:begin + 1 + width * step])
        if data[begin]:
            unfilter(data[begin], line, above, step)
        rows.append([tuple(line[x:x + 3]) for x in range(0, len(line), step)])
        above = line
    return rows
