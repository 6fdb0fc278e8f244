#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recordings in Python: glint.Clip, numpy and pandas."""
import json
import os
import random
import sys
import tempfile

import clips
import tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
import glint	# pylint: disable=wrong-import-position


def folder():
    return tempfile.TemporaryDirectory(prefix="glint-clips-")


def made(path, sizes=(2048,) * 20, missing=(), **options):
    source = random.Random(1)
    clip = clips.Clip(path, "GREY", 64, 32, trigger_seq=105, **options)
    frames = []
    for i, size in enumerate(sizes):
        frames.append(source.randbytes(size))
        clip.add(frames[-1], missing=3 if i in missing else 0)
    clip.finish()
    return frames


@tap.test
def test_frames():
    """frames, facts and numbers are those of the file and of its index"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        frames = made(path, missing=(7, 11))
        with open(os.path.join(tmp, "a.jsonl"), encoding="utf-8") as file:
            index = [json.loads(line) for line in file]
        with glint.Clip(path) as clip:
            assert len(clip) == 20 and not clip.torn and clip.facts["name"] == "made"
            for frame, pixels, line in zip(clip, frames, index):
                assert isinstance(frame.pixels, memoryview) and frame.pixels == pixels
                for name in ("n", "seq", "ns", "stream", "dropped", "offset", "size"):
                    assert getattr(frame, name) == line[name], (frame, line)
            assert clip[7].missing == 3 and clip.frame(0).seq == 105 and clip[-1].n == 20
            assert clip.frame(8).seq == 113
            for n in (2, 3, 4, 21, -6):
                try:
                    clip.frame(n)
                    raise AssertionError(n)
                except KeyError:
                    pass
            view = clip[0].pixels
        try:
            view[0]	# pylint: disable=pointless-statement
            raise AssertionError("a view outlives its clip")
        except ValueError:
            pass


@tap.test
def test_streams():
    """frame 0 is that of the trigger's stream, whose numbers another stream has, too"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        clip = clips.Clip(path, "GREY", 64, 32, first_seq=0, trigger_seq=2, trigger_stream=2)
        for i in range(10):
            if i == 5:
                clip.restart()
            clip.add(bytes([i]) * 2048)
        clip.finish()
        with glint.Clip(path) as clip:
            zero = clip.frame(0)
            assert (zero.seq, zero.stream, zero.pixels[0]) == (2, 2, 7), zero
            assert [frame.n for frame in clip] == list(range(-7, 3))


@tap.test
def test_odd_sizes():
    """frames of each size around a page are found"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        frames = made(path, sizes=(1, 4094, 4095, 4096, 4097, 8191, 8192, 5))
        with glint.Clip(path) as clip:
            assert [bytes(frame.pixels) for frame in clip] == frames and not clip.torn


@tap.test
def test_torn():
    """of a file that is cut anywhere, the whole frames are there"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        frames = made(path)
        with open(path, "rb") as file:
            whole = file.read()
        source = random.Random(2)
        for _ in range(50):
            cut = source.randrange(4096, len(whole))
            with open(path, "wb") as file:
                file.write(whole[:cut])
            with glint.Clip(path) as clip:
                assert [bytes(frame.pixels) for frame in clip] == frames[:len(clip)]
                assert len(clip) >= (cut - 4096) // 8192


@tap.test
def test_hostile():
    """changed bytes give frames within the file, or Garbled"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path, sizes=(1, 4095, 5000, 2048))
        with open(path, "rb") as file:
            whole = file.read()
        source = random.Random(3)
        opened = 0
        for _ in range(400):
            bytes_ = bytearray(whole)
            for _ in range(source.randrange(1, 20)):
                # Where the structure is, more often than in the pixels.
                at = source.choice((source.randrange(len(bytes_)), source.randrange(600),
                                    4096 + source.randrange(300), 8192 - source.randrange(1, 14)))
                bytes_[at] = source.choice((0, 1, 0xff, source.randrange(256)))
            with open(path, "wb") as file:
                file.write(bytes_)
            try:
                with glint.Clip(path) as clip:
                    opened += 1
                    for frame in clip:
                        assert 0 < frame.size == len(frame.pixels)
                        assert frame.offset + frame.size <= len(whole)
            except glint.Garbled:
                pass
        assert opened > 20, opened
        for content in (b"", b"x" * 100, os.urandom(20000), bytes(9000)):
            with open(path, "wb") as file:
                file.write(content)
            try:
                glint.Clip(path)
                raise AssertionError(content[:10])
            except glint.Garbled:
                pass


@tap.test
def test_numpy():
    """numpy maps the frames without a copy"""
    try:
        import numpy	# pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise tap.Skip("needs python3-numpy") from error
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        frames = made(path)
        with glint.Clip(path) as clip:
            picture = numpy.frombuffer(clip.frame(0).pixels, dtype=numpy.uint8).reshape(32, 64)
            assert picture.tobytes() == frames[5] and not picture.flags.owndata
            del picture
        index = [json.loads(line) for line in open(os.path.join(tmp, "a.jsonl"), encoding="utf-8")]
        file = numpy.memmap(path, mode="r")
        assert file[index[5]["offset"]:][:index[5]["size"]].tobytes() == frames[5]


@tap.test
def test_pandas():
    """pandas reads the index"""
    try:
        import pandas	# pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise tap.Skip("needs python3-pandas") from error
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path, missing=(3,))
        table = pandas.read_json(os.path.join(tmp, "a.jsonl"), lines=True)
        assert len(table) == 20 and int(table["dropped"].sum()) == 3
        assert int(table["ns"].diff().dropna().max()) == 4_000_000


@tap.test
def test_recordings():
    """a script triggers, lists and ends recordings, and opens the clip"""
    tap.needs("RECORD")
    environment = tap.emulated(size="640x480", fps=60, format="YUYV")
    with folder() as tmp, tap.Service("--record", tmp, "--record-memory", "64", device=tap.EMULATED,
                                      environment=environment) as service, \
            glint.Glint(service.path) as lab:
        service.wait_for(lambda state: state["glint"]["recorder"]["in_ring"] > 10)
        facts = lab.record(name="one", pre=5, post=0.1)
        with glint.Clip(os.path.join(tmp, facts["file"])) as clip:
            assert len(clip) == facts["frames"] >= 6, facts
        for reason, wrong in (("name-exists", {"name": "one"}), ("not-held", {"at": 0}),
                              ("bad-threshold", {"when": "black", "threshold": 300})):
            try:
                lab.record(**wrong)
                assert False, wrong
            except glint.Refused as refused:
                assert refused.reason == reason, refused
        assert lab.record(name="two", post=3600.0, until="open")["state"] == "running"
        lab.stop_recording("two")
        states = {row["name"]: row["state"] for row in lab.recordings()}
        assert states["one"] == "closed" and states["two"] in ("finishing", "closed"), states
        assert lab.record(name="three", when="nonblack", pre=2, post=2)["trigger"] == "nonblack"
        assert lab.record(name="four", until="accepted")["state"] in ("waiting", "running")


if __name__ == "__main__":
    tap.main(os.path.abspath(__file__))
