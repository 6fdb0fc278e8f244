#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The built-in page in a real browser: it never shows an old picture as live.

The tests look at pixels. Prints TAP. From the environment: GLINTD, BUILD.
"""
import atexit
import contextlib
import functools
import os
import signal
import socket
import tempfile

import browser
import tap

GREEN = (0x6e, 0xe7, 0xa0)
BRIGHT = 150		# of 255; white that is dimmed has 128
PICTURE_WIDTH = 320	# pixels that the tests look at


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def served(port, *args, **more):
    return tap.Service("--host", "127.0.0.1", "--port", str(port), "--resolution", "320x240", *args,
                       **more)


class Page(browser.Browser):
    """The page of the service on @port, with tests of what it shows."""

    def open_page(self, port, login=""):
        self.open(f"http://{login}127.0.0.1:{port}/")
        tap.until(lambda: self.evaluate("document.readyState") == "complete" or self.badge())

    def badge(self):
        return self.evaluate("document.getElementById('live')?.textContent")

    def _box(self, name):
        box = self.evaluate(f"JSON.parse(JSON.stringify(document.getElementById('{name}')"
                            ".getBoundingClientRect()))")
        return {key: box[key] for key in ("x", "y", "width", "height")}

    def _shot(self, name):
        return self.screenshot(**self._box(name))

    def badge_is_green(self):
        return any(pixel == GREEN for row in browser.decode_png(self._shot("live"))
                   for pixel in row)

    def picture_is_bright(self):
        """Tests the middle of the picture."""
        box = self._box("video")
        shot = self.screenshot(x=box["x"] + box["width"] / 4, y=box["y"] + box["height"] / 4,
                               width=PICTURE_WIDTH, height=64)
        return any(max(pixel) > BRIGHT for row in browser.decode_png(shot) for pixel in row)

    def picture_moves(self):
        first = self._shot("video")
        return any(self._shot("video") != first for _ in range(50))

    def is_live(self):
        return self.badge() == "live" and self.badge_is_green() and self.picture_is_bright()

    def wait_until_live(self):
        tap.until(self.is_live)
        assert self.picture_moves(), "the badge is green, and the picture stands still"

    def wait_until_dimmed(self, *words):
        """Waits until the picture is dimmed and the page shows one of @words."""
        tap.until(lambda: self.badge() in words)
        tap.until(lambda: self.badge() not in words or not self.picture_is_bright())
        assert self.badge() in words and not self.badge_is_green(), self.badge()


@functools.cache
def browser_page():
    """Starts one browser for all tests: its start takes longer than most tests."""
    tap.needs("NET_PAGE")
    tap.needs("NET_TCP")
    page = Page()
    page.start()
    atexit.register(page.end)
    return page


@tap.test
def test_live():
    """a live picture moves and is bright, and the badge is green"""
    port = free_port()
    page = browser_page()
    with served(port):
        page.open_page(port)
        page.wait_until_live()
        assert page.complaints() == [], page.complaints()
        assert page.evaluate("document.title") == "glint: live"
        assert page.evaluate("document.querySelectorAll('dd').length") > 10


@tap.test
def test_restart():
    """a page goes on when its service is restarted"""
    port = free_port()
    page = browser_page()
    with served(port):
        page.open_page(port)
        page.wait_until_live()
    with served(port) as service:
        service.wait_for(lambda state: state["stream"]["clients"] > 0)
        page.wait_until_live()


@tap.test
def test_gone():
    """a page whose service has ended is dimmed and says that there is no connection"""
    port = free_port()
    page = browser_page()
    with served(port):
        page.open_page(port)
        page.wait_until_live()
    page.wait_until_dimmed("no connection")
    with served(port):
        page.wait_until_live()


@tap.test
def test_hung():
    """a page whose service hangs is dimmed until the service answers"""
    port = free_port()
    page = browser_page()
    with served(port) as service:
        page.open_page(port)
        page.wait_until_live()
        service.process.send_signal(signal.SIGSTOP)
        try:
            page.wait_until_dimmed("no connection")
        finally:
            service.process.send_signal(signal.SIGCONT)
        page.wait_until_live()


@tap.test
def test_sleep():
    """a page that has slept longer than --server-timeout restarts its stream"""
    port = free_port()
    page = browser_page()
    with served(port, "--server-timeout", "1") as service:
        page.open_page(port)
        page.wait_until_live()
        page.call("Page.setWebLifecycleState", state="frozen")
        service.wait_for(lambda state: state["glint"]["clients"]["timed_out"] > 0)
        page.call("Page.setWebLifecycleState", state="active")
        service.wait_for(lambda state: state["stream"]["clients"] > 0)
        page.wait_until_live()


@tap.test
def test_closed_stream():
    """a page whose stream alone was closed opens a new stream"""
    port = free_port()
    page = browser_page()
    with served(port) as service:
        page.open_page(port)
        page.wait_until_live()
        before = set(service.state()["stream"]["clients_stat"])
        page.evaluate("document.getElementById('video').src = ''")
        service.wait_for(lambda state: set(state["stream"]["clients_stat"]) - before)
        page.wait_until_live()


@tap.test
def test_lost_signal():
    """a page dims the picture of a lost signal, and says so"""
    port = free_port()
    page = browser_page()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        cut = os.path.join(folder, "cut")
        stack.enter_context(served(port, "--device-timeout", "1", device=tap.EMULATED,
                                   environment=tap.emulated(size="320x240", no_signal=cut)))
        page.open_page(port)
        page.wait_until_live()
        with open(cut, "wb"):
            pass
        page.wait_until_dimmed("no-signal")
        os.unlink(cut)
        page.wait_until_live()


@tap.test
def test_login():
    """a page with a login in its address is live"""
    tap.needs("NET_AUTH")
    port = free_port()
    page = browser_page()
    with served(port, "--user", "lab", "--passwd", "top-secret"):
        page.open_page(port, "lab:top-secret@")
        page.wait_until_live()


@tap.test
def test_many():
    """a page finds its own stream among many others"""
    port = free_port()
    page = browser_page()
    with served(port, "--clients-max", "256") as service, contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(tap.Stream(service, "?key=other"))
        page.open_page(port)
        for _ in range(60):
            stack.enter_context(tap.Stream(service, "?key=other"))
        page.wait_until_live()


tap.main()
