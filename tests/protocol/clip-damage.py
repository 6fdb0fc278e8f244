#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""glint clip on damaged clips: what can be read is there, and what is not is told."""
import csv
import json
import os
import random
import resource
import signal
import sys
import tempfile

import clips
import tap
from clips import GLINT, glint

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
import glint as library	# pylint: disable=wrong-import-position

WIDTH, HEIGHT = 64, 32
FRAME = clips.PAGE + WIDTH * HEIGHT + -(WIDTH * HEIGHT) % clips.PAGE	# bytes of the file


def folder():
    return tempfile.TemporaryDirectory(prefix="glint-damage-")


def made(path, fourcc="GREY", count=20, trigger_seq=104, tail=0, finished=True, **options):
    source = random.Random(7)
    clip = clips.Clip(path, fourcc, WIDTH, HEIGHT, trigger_seq=trigger_seq, **options)
    for _ in range(count):
        clip.add(source.randbytes(WIDTH * HEIGHT))
    return clip.finish(tail, finished)


def overwrite(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def spoil_frame(path, index):
    overwrite(path, clips.PAGE + index * FRAME, bytes(64))


def rows_of(out):
    with open(os.path.join(out, "frames.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def index_of(path):
    with open(os.path.splitext(path)[0] + ".jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def outputs():
    for name in ("raw", "a.y4m", "a.mcap"):
        yield name, ()
    if tap.built_with("PIXELS_PNG"):
        yield "png", ("--format", "png")
    if tap.built_with("CLIP_LIBAV"):
        yield "x.mkv", ()
        yield "x.mov", ()


@tap.test
def test_truncated():
    """of a clip that is cut off, what is left is exported, cut and shown, with status 3"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path)
        for size in clips.PAGE + 12 * FRAME, clips.PAGE + 12 * FRAME + 5000:
            made(path)
            os.truncate(path, size)
            told = f"'{path}' has 12 of 20 frames: the clip is damaged behind frame +7\n"
            for name, args in outputs():
                out = os.path.join(tmp, f"{size}-{name}")
                done = glint("export", path, "-o", out, *args, status=3)
                assert done.stderr.endswith(told) and "12 frames" in done.stdout, done
                assert os.path.exists(out)
            out = os.path.join(tmp, f"{size}.mkv")
            assert glint("cut", path, "-o", out, status=3).stderr.endswith(told)
            assert [row["n"] for row in index_of(out)] == list(range(-4, 8))
            assert glint("show", path, status=3).stderr.endswith(told)
            info = glint("info", path, status=3).stdout
            assert "12 of 20 frames can be read: damaged behind frame +7" in info, info
            facts = json.loads(glint("info", "--json", path, status=3).stdout)
            assert (facts["frames"], facts["frames_promised"], facts["damaged"]) == (12, 20, True)
            missing = glint("info", "--missing", path, status=3).stdout.split()
            assert missing == [str(seq) for seq in range(112, 120)], missing


@tap.test
def test_damaged_in_the_middle():
    """behind a damaged head, the frames are found again, with their numbers"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path)
        spoil_frame(path, 8)
        spoil_frame(path, 9)
        told = f"'{path}' has 18 of 20 frames: the clip is damaged behind frame +3\n"
        out = os.path.join(tmp, "raw")
        done = glint("export", path, "-o", out, status=3)
        assert done.stderr.endswith(told), done
        rows = rows_of(out)
        assert [int(row["n"]) for row in rows] == [*range(-4, 4), *range(6, 16)], rows
        assert [int(row["lost"]) for row in rows] == [2 * (n == 8) for n in range(18)], rows
        glint("cut", path, "-o", os.path.join(tmp, "b.mkv"), status=3)
        facts = json.loads(glint("info", "--json", os.path.join(tmp, "b.mkv"), status=3).stdout)
        assert (facts["frames"], facts["lost"], facts["damaged"]) == (18, 2, False), facts
        assert glint("info", "--missing", path, status=3).stdout == "108\n109\n"


def record(tmp, name, query, *args):
    """A clip of the test pattern, made by a service."""
    tap.needs("RECORD")
    with tap.Service("--record", tmp, "--record-memory", "64", "--resolution", "320x240", *args) as service:
        service.wait_for(lambda state: state["glint"]["recorder"]["in_ring"] > 10)
        reply = service.ask(tap.request("POST", f"/record?name={name}&until=complete&{query}"))
        result = json.loads(reply.body)["result"]
        assert reply.status == 200 and result["state"] == "closed", reply
    return os.path.join(tmp, f"{name}.mkv"), result


def numbers_everywhere(tmp, path, wanted, status):
    """Asserts that index, export, library and info have the numbers @wanted."""
    out = os.path.join(tmp, f"{os.path.basename(path)}.raw")
    glint("export", path, "-o", out, status=status)
    assert [int(row["n"]) for row in rows_of(out)] == wanted, rows_of(out)
    with library.Clip(path) as clip:
        assert [frame.n for frame in clip] == wanted
    assert json.loads(glint("info", "--json", path, status=status).stdout)["first"] == wanted[0]


@tap.test
def test_numbers_without_the_trigger():
    """frames keep their numbers where the trigger's frame is not in the clip"""
    with folder() as tmp:
        path, _ = record(tmp, "one", "pre=5&post=14")
        for low, high in (5, 12), (-5, -2):
            part, again = os.path.join(tmp, f"cut{low}.mkv"), os.path.join(tmp, f"again{low}.mkv")
            glint("cut", path, "-o", part, "--from", str(low), "--to", str(high))
            numbers_everywhere(tmp, part, list(range(low, high + 1)), 0)
            assert [row["n"] for row in index_of(part)] == list(range(low, high + 1))
            assert "which is not in the clip\n" in glint("info", part).stdout
            glint("cut", part, "-o", again, "--from", str(low + 1))
            numbers_everywhere(tmp, again, list(range(low + 1, high + 1)), 0)
        # Of what is left before the trigger.
        os.truncate(path, index_of(path)[3]["offset"] - clips.PAGE)
        numbers_everywhere(tmp, path, [-5, -4, -3], 3)


@tap.test
def test_numbers_of_another_stream():
    """a cut of frames of another stream than the trigger's keeps their numbers; older files tell by streams"""
    with folder() as tmp:
        path, part = os.path.join(tmp, "a.mkv"), os.path.join(tmp, "b.mkv")
        clips.two_streams(path, WIDTH, HEIGHT)
        glint("cut", path, "-o", part, "--to", "-4")
        numbers_everywhere(tmp, part, [-7, -6, -5, -4], 0)
        made(path, trigger_seq=90)
        numbers_everywhere(tmp, path, list(range(10, 30)), 0)


@tap.test
def test_cut_keeps_the_tail():
    """a cut that reaches the end has what is missing behind the last frame, as far as it asks for it"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path, tail=3)
        for to, missing in (None, 3), (15, 0), (17, 2), (18, 3), (99, 3), (10, 0):
            out = os.path.join(tmp, f"{to}.mkv")
            glint("cut", path, "-o", out, "--from", "3", *([] if to is None else ["--to", str(to)]))
            tail = [row["dropped"] for row in index_of(out) if row["n"] is None]
            assert tail == [missing] * (missing > 0), (to, tail)
            facts = json.loads(glint("info", "--json", out, status=3 * (missing > 0)).stdout)
            assert facts["dropped"] == missing, (to, facts)


@tap.test
def test_no_such_frames():
    """a range without frames is refused, and no file is left"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path)
        ranges = ("--from", "1000"), ("--from", "10", "--to", "5"), ("--to", "-99")
        for wanted in ranges:
            for name, args in (*outputs(), ("cut.mkv", None)):
                out = os.path.join(tmp, name)
                done = glint("cut", path, "-o", out, *wanted, status=1) if args is None else \
                    glint("export", path, "-o", out, *args, *wanted, status=1)
                assert "has no such frames" in done.stderr, done
            for args in (), ("--html", os.path.join(tmp, "a.html")):
                assert "no such frames" in glint("show", path, *args, *wanted, status=1).stderr
        assert sorted(os.listdir(tmp)) == ["a.jsonl", "a.mkv"], os.listdir(tmp)


def limited():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))


@tap.test
def test_no_space():
    """an output that cannot grow ends the command with what the disk said, and is not left"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path)
        for args in (("show", path, "--html", os.path.join(tmp, "b")), *(("export", path, "-o", os.path.join(tmp, name), *options)
                              for name, options in outputs() if "." in name)):
            done = glint(*args, status=1, preexec_fn=limited)
            assert "File too large" in done.stderr, done
            assert sorted(os.listdir(tmp)) == ["a.jsonl", "a.mkv"], (args, os.listdir(tmp))


@tap.test
def test_recorded():
    """of a recording of the service that is cut off, the frames that are there are exported"""
    with folder() as tmp:
        path, result = record(tmp, "one", "pre=5&post=14")
        assert result["frames"] == 20, result
        rows = index_of(path)
        os.truncate(path, rows[9]["offset"] + 100)
        done = glint("export", path, "-o", os.path.join(tmp, "raw"), status=3)
        assert "has 9 of 20 frames: the clip is damaged behind frame +3\n" in done.stderr, done
        assert [int(row["seq"]) for row in rows_of(os.path.join(tmp, "raw"))] == \
            [row["seq"] for row in rows[:9]]


@tap.test
def test_recover_a_complete_clip():
    """a complete clip is not recovered, nor is a damaged one cut"""
    with folder() as tmp:
        path = os.path.join(tmp, "a.mkv")
        made(path, tail=3)
        for spoil in False, True:
            if spoil:
                spoil_frame(path, 8)
            with open(path, "rb") as file:
                before = file.read()
            done = glint("recover", path, status=1)
            assert "is complete; nothing to recover" in done.stderr, done
            with open(path, "rb") as file:
                assert file.read() == before
            assert sorted(os.listdir(tmp)) == ["a.jsonl", "a.mkv"], os.listdir(tmp)


@tap.test
def test_recover_a_file_that_lacks_its_name_only():
    """a finished file of a killed service keeps what is missing behind its last frame"""
    with folder() as tmp:
        path = os.path.join(tmp, ".a.mkv.part")
        made(path, tail=3)
        glint("recover", path)
        path = os.path.join(tmp, "a.recovered.mkv")
        assert index_of(path)[-1]["n"] is None and index_of(path)[-1]["dropped"] == 3
        assert json.loads(glint("info", "--json", path, status=3).stdout)["dropped"] == 3


@tap.test
def test_recover_keeps_bytes():
    """recovery of a clip with a damaged page in the middle cuts off no frame behind it"""
    with folder() as tmp:
        path = os.path.join(tmp, ".a.mkv.part")
        made(path, finished=False)
        spoil_frame(path, 8)
        size = os.path.getsize(path)
        done = glint("recover", path, status=3)
        assert done.stdout == "a.recovered.mkv\t8 frames\n" and "behind" in done.stderr, done
        path = os.path.join(tmp, "a.recovered.mkv")
        assert os.path.getsize(path) == size and len(index_of(path)) == 8
        info = glint("info", path, status=3).stdout
        assert "19 frames can be read, 8 are counted: damaged behind frame +3" in info, info
        glint("export", path, "-o", os.path.join(tmp, "raw"), status=3)
        assert len(rows_of(os.path.join(tmp, "raw"))) == 19


@tap.test
def test_recover_at_the_next_start():
    """the next start removes no file that has frames behind damage"""
    with folder() as tmp:
        path = os.path.join(tmp, ".a.mkv.part")
        made(path, finished=False)
        spoil_frame(path, 0)
        assert "begins with damage" in glint("recover", path, status=1).stderr
        record(tmp, "one", "pre=1&post=1")
        glint("export", path, "-o", os.path.join(tmp, "raw"), status=3)
        assert len(rows_of(os.path.join(tmp, "raw"))) == 19


@tap.test
def test_recover_garbage():
    """what is no clip and no ring is refused in words"""
    with folder() as tmp:
        for name, word in ("a.mkv", "clip"), ("glint-ring.left", "ring"):
            for size in 100, 20000:
                with open(os.path.join(tmp, name), "wb") as file:
                    file.write(os.urandom(size))
                done = glint("recover", os.path.join(tmp, name), status=1)
                assert f"is no {word} of glint" in done.stderr, done


if __name__ == "__main__":
    tap.main(GLINT)
