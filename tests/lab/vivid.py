# SPDX-License-Identifier: MIT
"""Shared by the cases in Python: vivid's controls, by the names that v4l2-ctl gives them.

Starting a program takes a tenth of a second in User-Mode Linux, so these cases are one program that
sets the controls itself.
"""
import fcntl
import os
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "protocol"))

import tap	# noqa: E402 pylint: disable=wrong-import-position

WEBCAM, HDMI = "/dev/video0", "/dev/video1"

# Items of vivid's menus.
BARS, BLACK, WHITE = 1, 5, 6
END_OF_FRAME, START_OF_EXPOSURE = 0, 1
NO_TEXT = 2
LEFT_FAST, STANDING = 0, 3
NO_SIGNAL, SELECTED = 1, 4
P480_59, P600_60 = 0, 24	# 640x480, 800x600

VIDIOC_S_CTRL = 0xc008561c
VIDIOC_QUERYCTRL = 0xc0445624
VIDIOC_S_PARM = 0xc0cc5616
VIDEO_CAPTURE = 1
NEXT_CONTROL = 0x80000000


class Camera:
    """No descriptor stays open: a node that was unplugged comes back after its last close."""

    def __init__(self, path):
        self.path, self.ids = path, {}
        self.ids = self.call(self._find_controls)

    def call(self, function, *args):
        node = os.open(self.path, os.O_RDWR)
        try:
            return function(node, *args)
        finally:
            os.close(node)

    @staticmethod
    def _find_controls(node):
        ids, at = {}, 0
        while True:
            query = bytearray(struct.pack("=I64x", at | NEXT_CONTROL))
            try:
                fcntl.ioctl(node, VIDIOC_QUERYCTRL, query)
            except OSError:
                return ids
            at, name = struct.unpack("=I4x32s", query[:40])
            name = name.partition(b"\0")[0].decode().lower()
            ids[re.sub("[^a-z0-9]+", "_", name).strip("_")] = at

    def set(self, name, value):
        control = struct.pack("=Ii", self.ids[name], value)
        self.call(lambda node: fcntl.ioctl(node, VIDIOC_S_CTRL, control))

    def press(self, name):
        self.set(name, 1)

    def set_rate(self, fps):
        """Of a webcam, also while it streams; glintd always chooses the highest."""
        parameters = struct.pack("=5I184x", VIDEO_CAPTURE, 0, 0, 1, fps)
        self.call(lambda node: fcntl.ioctl(node, VIDIOC_S_PARM, parameters))

    def defaults(self):
        self.set("osd_text_mode", NO_TEXT)
        self.set("horizontal_movement", STANDING)
        self.set("test_pattern", WHITE)
        self.set("timestamp_source", START_OF_EXPOSURE)
        self.set("percentage_of_dropped_buffers", 0)


def service(camera, *args):
    """Returns a glintd for the camera, which is started at the with block."""
    return tap.Service("--loop", os.environ.get("LOOP", "auto"), *args, device=camera.path)
