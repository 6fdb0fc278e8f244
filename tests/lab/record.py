#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The flight recorder on vivid, a webcam and an HDMI input. Prints TAP; runs in the guest, see
cases/record.sh. "record.py check FOLDER NAME" checks one clip of JPEGs.
"""
import contextlib
import json
import os
import subprocess
import sys
import tempfile

from recordings import (POST_MAX, check, check_order, ended, index_of, record, recorder, recording, recordings,
                        stop)
from vivid import BLACK, HDMI, NO_SIGNAL, P600_60, SELECTED, WEBCAM, WHITE, tap


def check_jpegs(folder, name):
    rows = [row for row in index_of(folder, name) if row["n"] is not None]
    check_order(rows)
    before = None	# the camera repeats its picture after eight
    with open(os.path.join(folder, f"{name}.mkv"), "rb") as file:
        for row in rows:
            file.seek(row["offset"])
            picture = file.read(row["size"])
            assert picture[:2] == b"\xff\xd8" and picture[-2:] == b"\xff\xd9", row
            assert picture != before, f"frame {row['seq']} is there twice"
            before = picture
    return rows


# --- Memory ---------------------------------------------------------------------------------


@tap.test
def test_no_copy():
    """vivid fills the recorder's memory itself, also on a kernel that would use huge pages"""
    huge = "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
    if os.path.exists(huge):
        with open(huge, "w", encoding="ascii") as file:
            file.write("always")
    with recording(WEBCAM) as (camera, server):
        kind = "udmabuf" if os.path.exists("/dev/udmabuf") else "userptr"
        if os.uname().release.startswith("6.1."):
            kind = "userptr"	# that udmabuf has no map for a driver that writes by the CPU
        server.wait_for(lambda state: state["glint"]["recorder"]["memory"] == kind and
                        state["glint"]["recorder"]["in_ring"] > 12)
        before = recorder(server)
        assert before["memory_reason"] == "", before
        for i in range(6):
            result = record(server, f"pre={4 + i}&post={3 * i}&name=w{i}&wait=1")
            rows = check(server.clips, f"w{i}", 640, 360)
            assert result["frames"] == len(rows) and result["lost"] == 0, result
        # The next stream goes on with the same memory, which keeps the frames before.
        camera.press("inject_fatal_streaming_error")
        server.wait_for(lambda state: state["glint"]["recorder"]["seen"] > 0 and
                        state["glint"]["buffers"]["kind"] == kind)
        seen = recorder(server)["seen"]
        server.wait_for(lambda state: state["glint"]["recorder"]["seen"] > seen + 3)
        record(server, "pre=20&post=2&name=both&wait=1")
        rows = check(server.clips, "both", 640, 360)
        assert len({row["stream"] for row in rows}) == 2, rows
        found = recorder(server)
        assert found["copied"] == before["copied"] and found["lost"] == 0, found
        assert server.state()["glint"]["buffers"]["driver"] >= 2
    if os.path.exists(huge):
        with open(huge, "w", encoding="ascii") as file:
            file.write("never")


# --- Faults of the frames -------------------------------------------------------------------


@tap.test
def test_faults():
    """windows are exact while the driver drops frames and damages others"""
    with recording(WEBCAM) as (camera, server):
        camera.set("percentage_of_dropped_buffers", 30)
        result = record(server, f"pre=8&post={POST_MAX}&name=faults")
        before = server.state()["glint"]["ledger"]
        for i in range(1, 4):
            camera.press("inject_v4l2_buf_flag_error")
            server.wait_for(lambda state, i=i: state["glint"]["ledger"]["corrupt"] >= before["corrupt"] + i)
        server.wait_for(lambda state: state["glint"]["ledger"]["driver_dropped"] > before["driver_dropped"])
        newest = server.state()["glint"]["frame"]["sequence"]
        server.wait_for(lambda state: state["glint"]["frame"]["sequence"] > newest + 6)
        stop(server, "faults")
        result = ended(server, "faults")
        rows = check(server.clips, "faults", 640, 360)
        assert result["frames"] == len(rows) and result["lost"] == 0, result
        assert result["dropped"] > 0 and result["corrupt"] >= 3, result
        for kind in ("dropped", "corrupt"):
            assert result[kind] == sum(row[kind] for row in rows[1:]) + sum(
                row[kind] for row in index_of(server.clips, "faults") if row["n"] is None), result
        camera.set("percentage_of_dropped_buffers", 0)


@tap.test
def test_faults_that_trigger():
    """a drop and a damaged frame trigger recordings, whose frame 0 is the next good one"""
    with recording(WEBCAM, "--record-on", "drop,corrupt", "--record-pre", "4", "--record-post", "3",
                   "--record-overlap", "separate") as (camera, server):
        camera.press("inject_v4l2_buf_flag_error")
        server.wait_for(lambda state: state["glint"]["recorder"]["closed"] > 0)
        found = next(entry for entry in recordings(server) if entry["trigger"] == "corrupt")
        rows = check(server.clips, found["name"], 640, 360)
        zero = next(row for row in rows if row["n"] == 0)
        assert zero["corrupt"] == 1 and zero["seq"] == found["trigger_seq"], (zero, found)
        camera.set("percentage_of_dropped_buffers", 20)
        server.wait_for(lambda state: state["glint"]["ledger"]["driver_dropped"] > 0)
        camera.set("percentage_of_dropped_buffers", 0)
        server.wait_for(lambda state: state["glint"]["recorder"]["active"] == 0 and
                        state["glint"]["recorder"]["closed"] > 1)
        drops = [entry for entry in recordings(server) if entry["trigger"] == "drop"]
        assert drops, recordings(server)
        for found in drops:
            rows = check(server.clips, found["name"], 640, 360)
            zero = next(row for row in rows if row["n"] == 0)
            assert zero["dropped"] > 0 and zero["seq"] == found["trigger_seq"], (zero, found)


@tap.test
def test_conditions():
    """the frame that decides a condition is frame 0: the first black one"""
    with recording(WEBCAM) as (camera, server):
        camera.set("test_pattern", WHITE)
        newest = server.state()["glint"]["frame"]["sequence"]
        server.wait_for(lambda state: state["glint"]["frame"]["sequence"] > newest + 12)
        begun = server.state()["glint"]["waits"]["begun"]
        with server.connect() as sock:
            sock.sendall(tap.request(
                "POST", "/record?for=black&pre=6&post=4&name=dark&wait=1").encode())
            server.wait_for(lambda state: state["glint"]["waits"]["begun"] > begun)
            camera.set("test_pattern", BLACK)
            reply = tap.Reply(tap.Reader(sock))
        assert reply.status == 200, reply
        result = json.loads(reply.body)["result"]
        assert result["trigger"] == "black" and result["state"] == "closed", result
        rows = index_of(server.clips, "dark")
        assert [row["n"] for row in rows] == list(range(-6, 5)), rows
        with open(os.path.join(server.clips, "dark.mkv"), "rb") as file:
            for row in rows:
                file.seek(row["offset"])
                pixels = file.read(row["size"])
                assert all(y > 200 if row["n"] < 0 else y < 40 for y in pixels[::2]), row["n"]


# --- Faults of the source -------------------------------------------------------------------


@tap.test
def test_signal():
    """a lost signal triggers, its return too, and a recording goes on over both"""
    with recording(HDMI, "--record-on", "signal-lost,signal-back", "--record-pre", "5",
                   "--record-post", "4", "--record-overlap", "separate") as (camera, server):
        record(server, f"pre=2&post={POST_MAX}&name=over")
        camera.set("dv_timings_signal_mode", NO_SIGNAL)
        server.wait_for(lambda state: not state["source"]["online"])
        camera.set("dv_timings_signal_mode", SELECTED)
        server.wait_until_live()
        server.wait_for(lambda state: state["glint"]["recorder"]["closed"] == 2)
        stop(server, "over")
        assert ended(server, "over")["state"] == "closed"
        rows = check(server.clips, "over", 640, 480)
        streams = [row["stream"] for row in rows]
        assert len(set(streams)) == 2 and streams == sorted(streams), streams
        by_trigger = {entry["trigger"]: entry for entry in recordings(server)}
        lost = check(server.clips, by_trigger["signal-lost"]["name"], 640, 480)
        assert lost[0]["n"] == -5 and lost[0]["stream"] == streams[0], lost
        back = check(server.clips, by_trigger["signal-back"]["name"], 640, 480)
        assert next(row for row in back if row["n"] == 0)["stream"] == streams[-1], back
        assert back[-1]["n"] == 4, back


@tap.test
def test_unplug():
    """a recording goes on when the device comes back, and ends if no frame comes for long"""
    with recording(WEBCAM) as (camera, server):
        record(server, f"pre=2&post={POST_MAX}&name=back")
        camera.press("disconnect")	# vivid comes back after the last close
        server.wait_for(lambda state: not state["source"]["online"])
        server.wait_until_live()
        frames = recorder(server)["seen"]
        server.wait_for(lambda state: state["glint"]["recorder"]["seen"] > frames + 5)
        stop(server, "back")
        assert ended(server, "back")["state"] == "closed"
        rows = check(server.clips, "back", 640, 360)
        assert len({row["stream"] for row in rows}) == 2, rows

        record(server, f"pre=2&post={POST_MAX}&name=gone")
        plug("unbind")
        server.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        result = ended(server, "gone")
        assert result["state"] == "closed" and result["ended"] == "no-frames", result
        assert len(check(server.clips, "gone", 640, 360)) == result["frames"]
        plug("bind")
        server.wait_until_live()
        result = record(server, "pre=0&post=3&name=after&wait=1")
        assert result["state"] == "closed" and result["ended"] == "post", result


def plug(what):
    with open(f"/sys/bus/platform/drivers/vivid/{what}", "w", encoding="ascii") as file:
        file.write("vivid.0")


@tap.test
def test_resolution():
    """a recording ends with its format; the frames of another size have files of their own"""
    with recording(HDMI) as (camera, server):
        record(server, f"pre=2&post={POST_MAX}&name=small")
        camera.set("dv_timings", P600_60)
        server.wait_for(lambda state: state["source"]["online"] and
                        state["source"]["resolution"]["width"] == 800)
        result = ended(server, "small")
        assert result["state"] == "closed" and result["ended"] == "format", result
        assert len(check(server.clips, "small", 640, 480)) == result["frames"]
        result = record(server, "pre=2&post=4&name=large&wait=1")
        assert result["state"] == "closed", result
        assert len(check(server.clips, "large", 800, 600)) == result["frames"] > 0


# --- Faults of the disk and of the service --------------------------------------------------


@contextlib.contextmanager
def small_disk(mib):
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "clips", folder],
                       check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)


@tap.test
def test_full_disk():
    """a full disk ends the recording, whose file has what there was space for"""
    with small_disk(8) as folder, recording(WEBCAM, folder=folder) as (_, server):
        result = record(server, f"pre=2&post={POST_MAX}&name=big&wait=1")
        assert result["state"] == "failed" and result["ended"] == "disk-error", result
        assert result["file"] == "big.incomplete.mkv", result
        assert "No space left" in result["error"], result
        rows = check(folder, "big.incomplete", 640, 360)
        assert len(rows) == result["frames"] > 8, result
        assert rows[0]["seq"] == result["first_seq"], result
        assert rows[-1]["seq"] == result["last_seq"], result
        server.viewer.sees_more()
        for name in ("big.incomplete.mkv", "big.incomplete.jsonl"):
            os.unlink(os.path.join(folder, name))
        result = record(server, "pre=2&post=3&name=small&wait=1")
        assert result["state"] == "closed", result
        check(folder, "small", 640, 360)


@tap.test
def test_killed():
    """what a killed service has written is recovered when it starts again"""
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        with recording(WEBCAM, folder=folder) as (_, server):
            record(server, f"pre=5&post={POST_MAX}&name=cut-off")
            server.wait_for(lambda state:
                            state["glint"]["recorder"]["bytes_written"] > 12 * 2 * 640 * 360)
            server.process.kill()
            server.process.wait()
            os.unlink(server.path)
        assert ".cut-off.mkv.part" in os.listdir(folder)
        with recording(WEBCAM, folder=folder) as (_, server):
            assert recorder(server)["recovered"] == 1
            assert len(check(folder, "cut-off.recovered", 640, 360)) >= 10
            assert not [name for name in os.listdir(folder) if name.endswith(".part")]


def main():
    if sys.argv[1:2] == ["check"]:
        print(len(check_jpegs(*sys.argv[2:4])))
    else:
        tap.main()


main()
