#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The flight recorder on ext4 on a virtio disk, before a power loss and after it. Prints TAP; runs in
the guest, see cases/record-disk.sh.
"""
import contextlib
import json
import os
import random
import subprocess
import time

from recordings import POST_MAX, check, record, recorder, recording
from vivid import WEBCAM, tap

DISK = os.environ["LAB_DISK"]
GLINT = os.path.join(os.environ["BUILD"], "glint")
WIDTH, HEIGHT = 640, 360
FRAME = 2 * WIDTH * HEIGHT
PLACE = (FRAME + 4095) // 4096 * 4096 + 4096	# of a frame in a file
MISSING = 3	# exit code of "glint clip info": the driver has dropped frames
RING_MIB = 256
RATE = 15
CLOSED = 6	# recordings that are closed right before the power loss
RING, RING_LEFT = ".glint-ring", "glint-ring.left"


@contextlib.contextmanager
def slow_recording(*args, folder):
    """A camera that QEMU keeps up with: when vivid is late, it gives two frames the same number."""
    with recording(WEBCAM, *args, folder=folder, wait=False) as (camera, server):
        camera.set_rate(RATE)
        seen = recorder(server)["seen"]
        server.wait_for(lambda state: state["glint"]["recorder"]["seen"] > seen + 12)
        # vivid's picture has jumped with the rate.
        server.since = server.state()["glint"]["frame"]["sequence"]
        server.wait_for(lambda state: state["glint"]["recorder"]["seen"] > seen + 24)
        yield camera, server


def folder_of(name):
    """A new folder, or that of the boot before."""
    path = os.path.join(DISK, name)
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def glint(*args):
    done = subprocess.run([GLINT, *args], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode in (0, MISSING), (args, done)
    return done.stdout


def check_whole(folder, name, since=0):
    """Asserts that the clip, its index and what "glint clip info" says of them are the same."""
    rows = check(folder, name, WIDTH, HEIGHT, since)
    info = json.loads(glint("clip", "info", "--json", os.path.join(folder, f"{name}.mkv")))
    assert info["frames"] == len(rows) > 0, (name, info)
    assert info["finished"] and not info["damaged"], (name, info)
    return rows


def names_in(folder):
    """Returns the names of clips, after checking that no file lacks its other half."""
    files = os.listdir(folder)
    clips = {name[:-len(".mkv")] for name in files if name.endswith(".mkv")}
    indexes = {name[:-len(".jsonl")] for name in files if name.endswith(".jsonl")}
    # A power loss between the two renames leaves an index, whose clip is still to be recovered.
    assert clips <= indexes, files
    for name in indexes - clips:
        assert f".{name}.mkv.part" in files, files
    return clips


def check_windows(server):
    """Random windows, of which the next one begins while the one before is finished."""
    chosen = random.Random(os.environ.get("GLINT_TEST_SEED", "7"))
    for i in range(8):
        pre, post = chosen.randrange(8), chosen.randrange(8)
        result = record(server, f"pre={pre}&post={post}&name=w{i}&wait=1")
        assert result["state"] == "closed", result
        rows = check_whole(server.clips, f"w{i}")
        assert len(rows) == result["frames"], result
        assert rows[0]["n"] >= -pre and rows[-1]["n"] <= post, rows


def test_windows_of_the_memory():
    """windows of the ring in memory are exact on ext4"""
    with slow_recording(folder=folder_of("memory")) as (_, server):
        check_windows(server)
        assert recorder(server)["direct"], recorder(server)


def test_windows_of_the_disk():
    """windows of a ring on the disk are exact, also those that have left the memory"""
    with slow_recording("--record-disk", str(RING_MIB), folder=folder_of("ring")) as (_, server):
        server.wait_for(lambda state: state["glint"]["recorder"]["passed"] > 0)
        check_windows(server)
        newest = server.state()["glint"]["frame"]["sequence"]
        result = record(server, f"at=seq:{newest - 90}&pre=8&post=8&name=past&wait=1")
        assert result["state"] == "closed" and result["trigger_seq"] >= newest - 90, result
        assert len(check_whole(server.clips, "past")) == result["frames"], result
    assert RING not in os.listdir(os.path.join(DISK, "ring"))


def test_full_disk():
    """a full disk ends a recording with an error, and costs no other one, and no frame of a client"""
    folder = folder_of("full")
    filler = os.path.join(DISK, "filler")
    with slow_recording(folder=folder) as (_, server):
        record(server, "pre=2&post=2&name=before&wait=1")
        free = os.statvfs(DISK)
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, free.f_bfree * free.f_frsize - (24 << 20))
        result = record(server, f"pre=2&post={POST_MAX}&name=big&wait=1")
        assert result["state"] == "failed" and result["ended"] == "disk-error", result
        assert "No space left" in result["error"], result
        server.viewer.sees_more()
        assert names_in(folder) == {"before", "big.incomplete"}, os.listdir(folder)
        assert len(check_whole(folder, "big.incomplete")) == result["frames"], result
        os.unlink(filler)
        result = record(server, "pre=2&post=3&name=after&wait=1")
        assert result["state"] == "closed", result
        check_whole(folder, "after")
        check_whole(folder, "before")


def fail_power():
    """Never returns: the next boot goes on."""
    with open(os.environ["LAB_POWER_LOSS"], "wb"):
        pass
    while True:
        time.sleep(1)


def lose_power(name, *args):
    """Lets the power fail while a recording is under way and others were closed just before."""
    folder = folder_of(name)
    with slow_recording("--record-overlap", "separate", *args, folder=folder) as (_, server):
        record(server, f"pre=2&post={POST_MAX}&name=cut-off")
        server.wait_for(lambda state: state["glint"]["recorder"]["bytes_written"] > 20 * FRAME)
        with open(os.path.join(folder, "known"), "w", encoding="ascii") as file:
            json.dump({"written": recorder(server)["bytes_written"], "since": server.since}, file)
        os.sync()	# else the files may not even have names
        for i in range(CLOSED):
            result = record(server, f"pre={i}&post=2&name=closed{i}&wait=1")
            assert result["state"] == "closed", result
        fail_power()


def known(folder, what):
    with open(os.path.join(folder, "known"), encoding="ascii") as file:
        return json.load(file)[what]


def check_closed(folder):
    """Asserts that all that was told to be closed is there, and that all that has a name is whole."""
    names = names_in(folder)
    assert names >= {f"closed{i}" for i in range(CLOSED)}, os.listdir(folder)
    for name in names:
        check_whole(folder, name)


def test_files_after_a_power_loss():
    """after a power loss closed files are whole, and glint clip recover finishes the other one"""
    folder = folder_of("lost-memory")
    check_closed(folder)
    glint("clip", "recover", os.path.join(folder, ".cut-off.mkv.part"))
    rows = check_whole(folder, "cut-off.recovered")
    assert len(rows) >= known(folder, "written") // PLACE, len(rows)
    assert not [name for name in os.listdir(folder) if name.endswith(".part")]


def test_ring_after_a_power_loss():
    """after a power loss the next service finishes the files, and the ring becomes a clip"""
    folder = folder_of("lost-ring")
    check_closed(folder)
    with slow_recording("--record-disk", str(RING_MIB), folder=folder) as (_, server):
        assert recorder(server)["recovered"] == 1, recorder(server)
        check_whole(folder, "cut-off.recovered")
        record(server, "pre=2&post=2&name=after&wait=1")
        check_whole(folder, "after")
    glint("clip", "recover", os.path.join(folder, RING_LEFT))
    check_whole(folder, "ring.recovered", known(folder, "since"))


BOOTS = (
    # The tests of each boot, and what the power fails in at its end.
    ((test_windows_of_the_memory, test_windows_of_the_disk, test_full_disk), ("lost-memory",)),
    ((test_files_after_a_power_loss,), ("lost-ring", "--record-disk", str(RING_MIB))),
    ((test_ring_after_a_power_loss,), ()),
)


def main():
    tests, loses = BOOTS[int(os.environ["LAB_BOOT"]) - 1]
    for test in tests:
        tap.test(test)
    try:
        tap.main()
    except SystemExit as end:
        if end.code or not loses:
            raise
    lose_power(*loses)


main()
