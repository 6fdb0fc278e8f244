# SPDX-License-Identifier: MIT
"""Writes clips for tests, from docs/RECORDING.md alone: not with the code of the service. Also runs
glint clip on them."""
import json
import os
import struct
import subprocess

import tap

PAGE = 4096
GLINT = os.environ.get("GLINT", "build/glint")


def glint(*args, status=0, **options):
    """Runs glint clip, which is to end with @status."""
    done = subprocess.run([GLINT, "clip", *args], capture_output=True, text=True, check=False,
                          timeout=tap.PATIENCE, **options)
    assert done.returncode == status, done
    return done


def element(ident, content):
    """An element with a size of eight bytes."""
    head = ident.to_bytes((ident.bit_length() + 7) // 8, "big")
    return head + (1 << 56 | len(content)).to_bytes(8, "big") + content


def number(ident, value):
    return element(ident, value.to_bytes(8, "big"))


def filled(content, size):
    """@content and a Void, together @size bytes."""
    rest = size - len(content)
    assert rest >= 2 or rest == 0, rest
    if rest == 0:
        return content
    if rest < 9:
        return content + bytes([0xec, 0x80 | (rest - 2)]) + bytes(rest - 2)
    return content + element(0xec, bytes(rest - 9))


class Clip:
    """A clip that is written frame by frame; finish() writes the head and the index."""

    def __init__(self, path, fourcc, width, height, fps=1000, first_seq=100, trigger_seq=None,
                 trigger_stream=1, matrix=6, name="made", device="/dev/video9"):
        self.path = path
        self.file = open(path, "wb")	# pylint: disable=consider-using-with
        self.file.write(bytes(PAGE))
        self.frame_ns = 10 ** 9 // fps
        self.seq = first_seq
        self.gaps = 0
        self.stream = 1
        self.origin = 2 * 10 ** 9 + first_seq * self.frame_ns // 1000 * 1000
        self.position = 0
        self.lines = []
        self.head = {
            "name": name, "device": device, "fourcc": fourcc, "width": width, "height": height,
            "limited": False, "matrix": matrix, "frame_ns": self.frame_ns,
            "realtime_ns": 1_700_000_000 * 10 ** 9, "monotonic_ns": 10 ** 9,
            "code": int.from_bytes(fourcc.encode(), "little"), "finished": True,
            "trigger": "command", "trigger_seq": first_seq if trigger_seq is None else trigger_seq,
            "trigger_stream": trigger_stream, "trigger_ns": 0}

    def restart(self, lost=0):
        """Begins another stream, which counts anew; the last @lost frames of this one are missing."""
        self.stream += 1
        self.seq = -lost

    def add(self, pixels, missing=0, ns=None):
        """Adds a frame, before which @missing frames are missing."""
        missing -= min(self.seq, 0)
        self.seq += missing
        self.gaps += missing
        self.position += missing
        ns = self.origin + self.position * self.frame_ns // 1000 * 1000 if ns is None else ns
        facts = {"seq": self.seq, "stream": self.stream, "ns": ns, "clock": "monotonic",
                 "exposure_start": False, "exposure_ns": 0, "complete_ns": ns, "dequeue_ns": ns,
                 "dropped": missing, "corrupt": 0, "lost": 0}
        text = json.dumps(facts, separators=(",", ":")).encode()
        group = element(0xa0, element(0xa1, b"\x82\0\0\0" + text) +
                        number(0x9b, max(self.frame_ns // 1000, 1)))
        block = b"\xa3" + (1 << 56 | (len(pixels) + 4)).to_bytes(8, "big") + b"\x81\0\0\x80"
        inner = filled(number(0xe7, ns // 1000) + group, PAGE - 12 - len(block)) + block
        page = (0x1f43b675).to_bytes(4, "big") + \
            (1 << 56 | (len(inner) + len(pixels))).to_bytes(8, "big") + inner
        assert len(page) == PAGE
        self.lines.append({"n": self.position, **facts, "offset": self.file.tell() + PAGE,
                           "size": len(pixels)})
        self.file.write(page + pixels)
        rest = -len(pixels) % PAGE
        if rest:
            self.file.write(filled(b"", rest if rest > 1 else rest + PAGE))
        self.seq += 1
        self.position += 1

    def finish(self, tail=0, finished=True):
        """@tail frames are missing behind the last one. Not @finished: as after a kill."""
        self.gaps += tail
        size = self.file.tell()
        # Numbers of the trigger's stream tell where frame 0 is, or would be.
        zero = next((line["n"] - line["seq"] + self.head["trigger_seq"] for line in self.lines
                     if line["stream"] == self.head["trigger_stream"]), 0)
        for line in self.lines:
            line["n"] -= zero
        self.head |= {
            "ended": "post", "frames": len(self.lines),
            "before": sum(line["n"] < 0 for line in self.lines),
            "duration_ns": self.lines[-1]["ns"] - self.lines[0]["ns"],
            "dropped": self.gaps, "corrupt": 0, "lost": 0, "bytes": size, "finished": finished}
        jpeg = self.head["fourcc"] == "MJPG"
        code = {"GREY": b"Y800", "YUYV": b"YUY2", "YU12": b"I420", "RGB3": b"RGB\x18"}
        video = number(0x9a, 2) + number(0xb0, self.head["width"]) + \
            number(0xba, self.head["height"])
        if not jpeg:
            fourcc = self.head["fourcc"]
            video += element(0x2eb524, code.get(fourcc, fourcc.encode())) + \
                element(0x55b0, number(0x55b1, self.head["matrix"]) + number(0x55b9, 2))
        tracks = element(0xae, number(0xd7, 1) + number(0x73c5, 1) + number(0x83, 1) +
                         number(0x9c, 0) + element(0x86, b"V_MJPEG" if jpeg else b"V_UNCOMPRESSED")
                         + number(0x23e383, self.frame_ns) + element(0xe0, video)) + \
            element(0xae, number(0xd7, 2) + number(0x73c5, 2) + number(0x83, 17) +
                    number(0x88, 0) + number(0x9c, 0) + element(0x86, b"S_TEXT/UTF8"))
        duration = (self.head["duration_ns"] + self.frame_ns) / 1000
        info = number(0x2ad7b1, 1000) + element(0x4489, struct.pack(">d", duration)) + \
            element(0x4d80, b"test") + element(0x5741, b"test")
        tag = element(0x45a3, b"GLINT") + \
            element(0x4487, json.dumps(self.head, separators=(",", ":")).encode())
        ebml = element(0x1a45dfa3, number(0x4286, 1) + number(0x42f7, 1) + number(0x42f2, 4) +
                       number(0x42f3, 8) + element(0x4282, b"matroska") + number(0x4287, 4) +
                       number(0x4285, 2))
        segment = element(0x1549a966, info) + element(0x1654ae6b, tracks) + \
            element(0x1254c367, element(0x7373, element(0x63c0, b"") + element(0x67c8, tag)))
        head = ebml + (0x18538067).to_bytes(4, "big")
        head += (1 << 56 | (size - len(head) - 8)).to_bytes(8, "big") + segment
        self.file.seek(0)
        self.file.write(filled(head, PAGE))
        self.file.close()
        with open(os.path.splitext(self.path)[0] + ".jsonl", "w", encoding="utf-8") as index:
            for line in self.lines:
                index.write(json.dumps(line, separators=(",", ":")) + "\n")
            if tail:
                index.write(json.dumps({"n": None, "seq": None, "dropped": tail, "corrupt": 0,
                                        "lost": 0, "skipped": 0}, separators=(",", ":")) + "\n")
        return self


def two_streams(path, width, height):
    """Two streams of five grey frames with the same numbers; the trigger's is number 2 of the second."""
    clip = Clip(path, "GREY", width, height, first_seq=0, trigger_seq=2, trigger_stream=2)
    for i in range(10):
        if i == 5:
            clip.restart()
        clip.add(bytes([i]) * width * height)
    return clip.finish()


def plain(path, frames=20, width=64, height=32, **options):
    """A clip of grey frames, each with another shade."""
    clip = Clip(path, "GREY", width, height, **options)
    for i in range(frames):
        clip.add(bytes([(clip.seq * 37) & 0xff]) * (width * height))
    return clip.finish()
