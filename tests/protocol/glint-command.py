#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The glint command: its output, its files and its exit status.

In the first half the test plays the service, to give answers that a healthy service does not give.
The second half uses the built service on the test pattern.
Prints TAP. From the environment: GLINT, GLINTD (without it, the second half is skipped).
"""
import contextlib
import fcntl
import json
import os
import pty
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import termios
import threading

import tap

GLINT = os.environ.get("GLINT", "build/glint")

OK, USAGE, UNREACHABLE, NO_VIDEO, NOT_MET = range(5)

JPEG_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
LIVE = (JPEG_HEAD + b"X-UStreamer-Online: true\r\nX-Glint-Sequence: 7\r\nX-Glint-Timestamp-Ns: 99\r\n"
        b"X-Glint-Clock: monotonic\r\nX-Glint-Width: 4\r\nX-Glint-Height: 2\r\n"
        b"Content-Length: 4\r\n\r\nlive")
OFFLINE = (JPEG_HEAD + b"X-UStreamer-Online: false\r\nX-Glint-Reason: no-signal\r\n"
           b"Content-Length: 4\r\n\r\ntext")
STREAM_HEAD = (b"HTTP/1.0 200 OK\r\n"
               b"Content-Type: multipart/x-mixed-replace;boundary=cut\r\n\r\n--cut\r\n")


def part(fields, data):
    return (b"Content-Type: image/jpeg\r\n%sContent-Length: %d\r\n\r\n%s\r\n--cut\r\n"
            % (fields, len(data), data))


def frame(sequence, data=b"x"):
    return part(b"X-UStreamer-Online: true\r\nX-Glint-Sequence: %d\r\n" % sequence, data)


OFFLINE_PART = part(b"X-UStreamer-Online: false\r\nX-Glint-Reason: no-device\r\n", b"text")


def state(online, **glint):
    result = {"encoder": {"type": "CPU", "quality": 80},
              "source": {"online": online, "captured_fps": 0, "desired_fps": 0,
                         "resolution": {"width": 640, "height": 480}},
              "stream": {"clients": 0}}
    if glint:
        result["glint"] = glint
    return json_reply(result)


def json_reply(result):
    text = json.dumps({"ok": True, "result": result}).encode()
    return (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(text)) + text


def refusal(status, reason, message):
    text = json.dumps({"ok": False, "error": {"reason": reason, "message": message}}).encode()
    return (b"HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % (status, len(text))) + text


def run(*args, env=None, **more):
    clean = {key: value for key, value in os.environ.items()
             if key not in ("GLINT_SOCKET", "GLINT_LOGIN", "XDG_RUNTIME_DIR")}
    return subprocess.run([GLINT, *args], capture_output=True, timeout=tap.PATIENCE,
                          env={**clean, **(env or {})}, stdin=subprocess.DEVNULL, check=False,
                          **more)


def expect(done, code, *err):
    """Asserts the exit status, and one error line with all of @err; without @err, no error line."""
    text = done.stderr.decode()
    assert done.returncode == code, f"exit {done.returncode}, not {code}: {text}"
    if not err:
        assert text == "", text
        return
    lines = text.splitlines()
    assert len(lines) == 1 and lines[0].startswith("glint: "), text
    for word in err:
        assert word in text, f"'{word}' is not in: {text}"


class Box:
    """A folder with a scripted service in it."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="glint-test-")
        self.socket = self.path("s.sock")
        self.requests = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.dir.cleanup()

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def files(self):
        return sorted(name for name in os.listdir(self.dir.name) if name != "s.sock")

    @contextlib.contextmanager
    def serve(self, *replies, hold=False, for_ever=b""):
        """Sends each connection its reply, and then @for_ever without end. With @hold the
        connection stays open until the client closes it."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.socket)
        listener.listen(8)

        def answer():
            for reply in replies:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    request = b""
                    while b"\r\n\r\n" not in request:
                        more = connection.recv(4096)
                        if not more:
                            return
                        request += more
                    self.requests.append(request)
                    connection.sendall(reply)
                    while for_ever:
                        connection.sendall(for_ever)
                    while hold and connection.recv(4096):
                        pass

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            listener.close()
            os.unlink(self.socket)

    def glint(self, *args, **more):
        return run("-s", self.socket, *args, **more)


# --- The command line -------------------------------------------------------------


def test_help_lists_the_commands_and_exit_codes():
    done = run("--help")
    expect(done, OK)
    text = done.stdout.decode()
    for word in ("state", "snapshot", "stream", "devices", "--socket", "--timeout",
                 "GLINT_SOCKET", "Exit status"):
        assert word in text, word


def test_the_list_of_commands_has_a_line_for_each():
    text = run("--help").stdout.decode()
    lines = text.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert len(lines) == 17 and all(line[:2] == "  " and line[2] != " " for line in lines), lines


def test_each_command_has_its_own_help():
    for command, option in (("state", "--json"), ("snapshot", "--output"), ("stream", "--count"),
                            ("devices", "--json")):
        done = run(command, "--help")
        expect(done, OK)
        assert option in done.stdout.decode(), command


def test_wrong_usage_is_1_and_says_what_is_wrong():
    for args, word in (((), "command"), (("dance",), "dance"), (("state", "now"), "now"),
                       (("state", "--loud"), "--loud"), (("snapshot",), "--output"),
                       (("snapshot", "-o", "-", "--json"), "stdout"),
                       (("snapshot", "-o", "x", "--after", "soon"), "--after"),
                       (("snapshot", "-o", "x", "--after", "-1"), "--after"),
                       (("stream", "-n", "0"), "--count"), (("stream", "-n", "3x"), "--count"),
                       (("stream", "-n", "-3"), "--count"), (("-t", "soon", "state"), "--timeout"),
                       (("-t", "-1", "state"), "--timeout"), (("-t", "nan", "state"), "--timeout")):
        done = run(*args)
        text = done.stderr.decode()
        assert done.returncode == USAGE, (args, done.returncode)
        assert word in text and "--help" in text, (args, text)
        assert done.stdout == b"", args


def test_a_mistyped_word_gets_a_suggestion():
    for args, word in ((("staet",), "did you mean state?"), (("hlep",), "did you mean help?"),
                       (("state", "--jsno"), "did you mean --json?"),
                       (("snapshot", "--otuput=x"), "did you mean --output?"),
                       (("--sokcet", "x", "state"), "did you mean --socket?"),
                       (("state", "--tiemout", "1"), "did you mean --timeout?"),
                       (("state", "--hepl"), "did you mean --help?")):
        text = run(*args).stderr.decode()
        assert word in text and "--help" in text, (args, text)
    assert "did you mean" not in run("state", "--loud").stderr.decode()
    # The word that looks like an option is an option's value.
    assert "did you mean" not in run("-s", "--jsno", "state").stderr.decode()


def test_help_is_a_command():
    for args, same in ((("help",), ("--help",)), (("help", "stream"), ("stream", "--help"))):
        done = run(*args)
        expect(done, OK)
        assert done.stdout == run(*same).stdout, args
    for args, word in ((("help", "dance"), "dance"), (("help", "state", "stream"), "one command")):
        done = run(*args)
        assert done.returncode == USAGE and word in done.stderr.decode(), done


class Terminal:
    """A terminal with a given width, and the output of a program on it."""

    def __init__(self, columns):
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))

    def run(self, *args, term="xterm", streams=("stdout",)):
        with subprocess.Popen([GLINT, *args], stdin=subprocess.DEVNULL,
                              **{**{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL},
                                 **{name: self.theirs for name in streams}},
                              env={**os.environ, "TERM": term}) as process:
            os.close(self.theirs)
            text = b""
            with contextlib.suppress(OSError):	# at the end
                while chunk := os.read(self.ours, 4096):
                    text += chunk
        os.close(self.ours)
        return process.returncode, text.decode()


FULL_STATE = {"version": "1.2.3", "uptime_s": 61, "loop": {"backend": "uring", "reason": ""},
              "source": {"fps": 59.94, "nominal_fps": 60, "reason": "", "kind": "v4l2"},
              "device": {"path": "/dev/video0", "card": "a card with a name of many words",
                         "driver": "uvcvideo", "bus": "usb-0000:00:14.0-2"}}


def test_the_state_wraps_between_words_in_a_narrow_terminal():
    with Box() as box, box.serve(*[state(True, **FULL_STATE)] * 3):
        wide = box.glint("state").stdout.decode()
        for columns in (40, 20):
            code, text = Terminal(columns).run("-s", box.socket, "state", term="dumb")
            assert code == OK
            lines = text.splitlines()
            words = max(len(word) for word in wide.split())
            assert all(len(line) <= max(columns, 10 + words) for line in lines), text
            assert text.split() == wide.split(), text
            assert all(line[:10].strip() == "" or line[10] != " " for line in lines), text


def test_the_latency_is_a_table_only_where_the_table_fits():
    stages = {name: {"p50": 1e6, "p90": 2e6, "p99": 3e6, "max": 1.5e9, "count": 12345678}
              for name in ("wait", "encode", "send", "total")}
    with Box() as box, box.serve(*[state(True, latency_ns=stages)] * 4):
        wide = box.glint("state").stdout.decode()
        assert "total      1.00     2.00     3.00  1500.00 12345678\n" in wide, wide
        assert "p50 1.0 ms" not in wide, wide
        assert Terminal(61).run("-s", box.socket, "state", term="dumb")[1].split() == wide.split()
        for columns in (60, 30):
            _, text = Terminal(columns).run("-s", box.socket, "state", term="dumb")
            assert all(len(line) <= columns for line in text.splitlines()), text
            words = " ".join(text.split())
            assert "latency wait: p50 1.0 ms, p99 3.0 ms, max 1.50 s encode: p50" in words, text
            assert "p90" not in words, text


def test_help_wraps_in_a_narrow_terminal():
    for args in (("--help",), ("help", "state"), ("snapshot", "--help"), ("help", "stream"),
                 ("devices", "--help")):
        wide = run(*args).stdout.decode()
        for columns in (79, 59, 40):
            _, text = Terminal(columns).run(*args)
            assert all(len(line) <= columns for line in text.splitlines()), (columns, text)
            assert text.split() == wide.split(), (columns, text)
        assert Terminal(200).run(*args)[1].splitlines() == wide.splitlines()


def test_settings_wrap_in_a_narrow_terminal():
    settings = {"quality": {"value": 80, "range": "1 to 100", "holds": "now"},
                "device": {"value": "/dev/v4l/by-id/usb-video-index0", "range": None,
                           "holds": "restart"},
                "format": {"value": "auto", "holds": "restart",
                           "range": "auto, YUYV, YVYU, UYVY, RGB24, or a fourcc such as NV12"}}
    reply = json_reply({"generation": 0, "settings": settings})
    with Box() as box, box.serve(*[reply] * 4):
        wide = box.glint("set").stdout.decode()
        assert len(wide.splitlines()) == 3, wide
        for columns in (100, 80, 50):
            code, text = Terminal(columns).run("-s", box.socket, "set", term="dumb")
            assert code == OK
            assert all(len(line) <= max(columns, 64) for line in text.splitlines()), text
            assert text.split() == wide.split(), text


def test_a_dumb_terminal_gets_no_colours():
    with Box() as box, box.serve(*[state(True, **FULL_STATE)] * 2):
        assert "\x1b" in Terminal(80).run("-s", box.socket, "state")[1]
        assert "\x1b" not in Terminal(80).run("-s", box.socket, "state", term="dumb")[1]


def test_progress_stays_on_one_line_of_any_width():
    for columns in (10, 30, 200):
        with Box() as box, box.serve(STREAM_HEAD + frame(1) + frame(2)):
            _, text = Terminal(columns).run("-s", box.socket, "stream", "-n", "2",
                                            streams=("stderr",))
            shown = [line.replace("\x1b[K", "") for line in text.split("\r")]
            assert "1 picture" in text, text
            assert all(len(line) < columns and "\n" not in line for line in shown), (columns, text)
    with Box() as box, box.serve(STREAM_HEAD + frame(1)):
        assert Terminal(80).run("-s", box.socket, "stream", "-n", "1", term="dumb",
                                streams=("stderr",))[1] == ""


def test_a_bad_address_is_1():
    expect(run("-s", "", "state"), USAGE, "HOST:PORT")
    expect(run("-s", "/" + "a" * 107, "state"), USAGE, "107 bytes")
    expect(run("state", env={"GLINT_SOCKET": "host:"}), USAGE, "host:", "HOST:PORT")
    for address in ("127.0.0.1:99999", "127.0.0.1:0", "http://127.0.0.1:99999/", "[::1]:x"):
        expect(run("-s", address, "state"), USAGE, f"'{address}'", "1 to 65535")
    expect(run("-s", "https://lab.example/", "state"), USAGE, "https://lab.example/", "TLS")


def test_a_nearly_correct_address_gets_a_suggestion():
    for address, right in (("18431", "127.0.0.1:18431"), ("0", "127.0.0.1:0"), ("::1", "[::1]"),
                           ("fe80::1:2", "[fe80::1:2]")):
        expect(run("-s", address, "state"), USAGE, f"'{address}'", right)
        expect(run("state", env={"GLINT_SOCKET": address}), USAGE, f"'{address}'", right)


def test_a_file_or_folder_in_place_of_a_socket_is_named_as_such():
    with Box() as box:
        with open(box.path("file"), "wb"):
            pass
        expect(run("-s", box.dir.name, "state"), UNREACHABLE, box.dir.name, "is a folder")
        expect(run("-s", box.path("file"), "state"), UNREACHABLE, "file", "no socket")
        expect(run("-s", "unix:" + box.path("file"), "state"), UNREACHABLE, "no socket")
        expect(run("-s", "/dev/null", "state"), UNREACHABLE, "/dev/null", "no socket")


def test_a_url_and_a_bare_host_are_hosts_and_not_paths():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))	# no process listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/lab"
        expect(run("-s", url, "state"), UNREACHABLE, url, "no process listens")
    expect(run("-s", "no-such-host.invalid", "state"), UNREACHABLE, "no such host", "/")


# --- No service, or another server ------------------------------------------------


def test_no_service_is_2_and_names_the_socket():
    with Box() as box:
        for command in (("state",), ("snapshot", "-o", box.path("a.jpg")), ("stream",)):
            expect(box.glint(*command), UNREACHABLE, box.socket, "glintd")
        assert box.files() == []


def test_a_socket_without_a_listener_is_2():
    with Box() as box, socket.socket(socket.AF_UNIX) as unused:
        unused.bind(box.socket)
        expect(box.glint("state"), UNREACHABLE, box.socket, "no process listens")


def test_a_service_that_does_not_answer_is_2():
    with Box() as box, box.serve(b"", hold=True):
        expect(box.glint("-t", "0.05", "state"), UNREACHABLE, box.socket, "--timeout")


def test_a_server_other_than_glint_is_2():
    for reply in (b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
                  state(True).replace(b'{"ok"', b'["ok"'), state(True).replace(b'"ok"', b'"no"')):
        with Box() as box, box.serve(reply):
            expect(box.glint("state"), UNREACHABLE, "no glint service")


def test_a_service_with_a_login_is_answered_with_how_to_log_in():
    with Box() as box, box.serve(b"HTTP/1.1 401 Unauthorized\r\n\r\n", state(True)):
        expect(box.glint("state"), UNREACHABLE, "GLINT_LOGIN")
        expect(box.glint("state", env={"GLINT_LOGIN": "ada:lovelace:1"}), OK)
        assert b"Authorization: Basic YWRhOmxvdmVsYWNlOjE=\r\n" in box.requests[1]


def test_the_environment_names_the_service():
    with Box() as box, box.serve(state(True)):
        expect(run("state", env={"GLINT_SOCKET": box.socket}), OK)


# --- state ------------------------------------------------------------------------


def test_state_shows_known_members_and_omits_missing_ones():
    with Box() as box, box.serve(state(True), state(True, version="9.9", uptime_s=61, frame={})):
        done = box.glint("state")
        expect(done, OK)
        text = done.stdout.decode()
        assert "live, 640x480" in text and "glint" not in text and "latency" not in text, text
        text = box.glint("state").stdout.decode()
        assert "glint 9.9, up 1 min 1 s, - loop" in text, text


def test_state_names_the_code_of_the_cpu_encoder_and_of_no_other():
    encoder = {"name": "cpu", "engine": "avx2", "rows_reused": 12, "encoded": 3}
    with Box() as box, box.serve(state(True, encoder=encoder),
                                 state(True, encoder={**encoder, "name": "m2m", "engine": ""})):
        text = box.glint("state").stdout.decode()
        assert "code of avx2, 12 rows of the frame before used again" in text, text
        assert "code of" not in box.glint("state").stdout.decode()


def test_state_shows_the_recorder_of_a_service_that_records():
    recorder = {"state": "ready", "folder": "/srv/clips", "held_ns": 2.5e9, "recorded": 181,
                "lost": 4, "active": 1, "closed": 2, "failed": 3}
    with Box() as box, box.serve(state(True, recorder=recorder),
                                 state(True, recorder={**recorder, "state": "off", "folder": ""})):
        text = box.glint("state").stdout.decode()
        assert ("recorder  ready, into /srv/clips: 1 under way, 2 complete, 3 failed\n"
                "          2.50 s in memory; 181 frames recorded, 4 lost\n") in text, text
        assert "recorder" not in box.glint("state").stdout.decode()


def test_state_is_shown_and_is_3_when_the_video_is_not_live():
    with Box() as box, box.serve(state(False, source={"reason": "no-signal"})):
        done = box.glint("state")
        expect(done, NO_VIDEO)
        assert "not live: no-signal: is the device under test on" in done.stdout.decode()


def test_each_reason_of_the_service_has_advice():
    reasons = tap.source_reasons()
    with Box() as box, box.serve(*(state(False, source={"reason": name}) for name in reasons)):
        for name in reasons:
            text = box.glint("state").stdout.decode()
            advice = text.split(f"not live: {name}: ", 1)[1].splitlines()[0]
            assert advice != "see glintd's log", name


def test_an_offline_state_has_advice_and_no_rows_of_zeroes():
    nothing = {name: 0 for name in ("seen", "delivered", "skipped", "driver_dropped", "corrupt",
                                    "failed", "in_flight", "unaccounted")}
    none = {name: {"p50": 0, "p90": 0, "p99": 0, "max": 0, "count": 0}
            for name in ("wait", "encode", "send", "total")}
    with Box() as box, box.serve(state(False, source={"reason": "no-device", "fps": 0},
                                       ledger=nothing, latency_ns=none), state(False)):
        text = box.glint("state").stdout.decode()
        assert "missing or unplugged" in text, text
        for word in ("rate", "ledger", "latency", "0.00", "fps"):
            assert word not in text, text
        text = box.glint("state").stdout.decode()
        assert "source    not live\n" in text, text


def test_state_json_prints_the_reply_of_the_service():
    reply = state(True, odd=[1.50, "\u00e9"])
    with Box() as box, box.serve(reply):
        done = box.glint("state", "--json")
        expect(done, OK)
        assert done.stdout == reply.split(b"\r\n\r\n", 1)[1] + b"\n"


def test_a_device_name_cannot_control_the_terminal():
    with Box() as box, box.serve(state(True, device={"path": "/dev/video0",
                                                     "card": "\x1b[2J\u009b1m\nB"})):
        text = box.glint("state").stdout.decode()
        assert "/dev/video0: ?[2J?1m?B" in text, text
        assert "\x1b" not in text and "\x9b" not in text


# --- timings ----------------------------------------------------------------------


def test_set_timings_say_when_they_hold_and_what_the_device_has():
    made = {"timings": {"asked": "720p60", "got": "1280x720p60", "as_asked": True}}
    answers = {
        "the device has 1280x720p60": {"holds": "new-stream", "device": made},
        "holds when the device's stream starts again": {"holds": "next-stream"},
        "nothing changes: this was set before": {"holds": "now"},
    }
    with Box() as box, box.serve(*map(json_reply, answers.values())):
        for text in answers:
            done = box.glint("timings", "720p60")
            expect(done, OK)
            assert done.stdout.decode() == text + "\n", done.stdout


# --- edid -------------------------------------------------------------------------


def edid_of(box, name, change=lambda data: data):
    """A file with the bytes of a built-in EDID, as @change makes them."""
    path = box.path("edid.bin")
    expect(run("edid", "decode", name, "-o", path), OK)
    with open(path, "rb") as file:
        data = change(file.read())
    with open(path, "wb") as file:
        file.write(data)
    return path


def test_a_sound_edid_is_decoded():
    with Box() as box:
        done = run("edid", "decode", edid_of(box, "1080p60"))
        expect(done, OK)
        text = done.stdout.decode()
        assert "1920x1080p60" in text and "check sums right" in text, text


def test_an_edid_with_a_wrong_sum_is_decoded_and_is_1():
    with Box() as box:
        path = edid_of(box, "1080p60", lambda data: data[:-1] + bytes([data[-1] ^ 1]))
        done = run("edid", "decode", path)
        expect(done, USAGE, "no sound EDID", "check sum")
        assert "1920x1080p60" in done.stdout.decode(), done.stdout


def test_what_is_no_edid_has_no_modes_and_is_1():
    with Box() as box:
        path = edid_of(box, "1080p60", lambda data: b"\x01" + data[1:])
        copy = box.path("copy.bin")
        for more in ((), ("-o", copy)):
            done = run("edid", "decode", path, *more)
            expect(done, USAGE, "no EDID", "does not begin with")
            assert done.stdout == b"" and not os.path.exists(copy), done.stdout


# --- snapshot ---------------------------------------------------------------------


def test_a_snapshot_is_written_to_a_file():
    with Box() as box, box.serve(LIVE):
        done = box.glint("snapshot", "-o", box.path("a.jpg"))
        expect(done, OK)
        assert done.stdout == b"" and box.files() == ["a.jpg"]
        with open(box.path("a.jpg"), "rb") as file:
            assert file.read() == b"live"


def test_a_snapshot_has_the_mode_of_any_new_file():
    with Box() as box, box.serve(LIVE):
        expect(box.glint("snapshot", "-o", box.path("a.jpg"), umask=0o027), OK)
        assert stat.S_IMODE(os.stat(box.path("a.jpg")).st_mode) == 0o640


def test_a_snapshot_can_go_to_a_pipe():
    with Box() as box, box.serve(LIVE):
        done = box.glint("snapshot", "-o", "-")
        expect(done, OK)
        assert done.stdout == b"live"


def test_a_snapshot_says_which_frame_it_is():
    with Box() as box, box.serve(LIVE):
        done = box.glint("snapshot", "-o", box.path("a.jpg"), "--json")
        expect(done, OK)
        assert json.loads(done.stdout) == {"online": True, "sequence": 7, "timestamp_ns": 99,
                                           "clock": "monotonic", "width": 4, "height": 2,
                                           "bytes": 4}


def test_a_service_without_exposure_times_is_2():
    with Box() as box, box.serve(LIVE):
        expect(box.glint("snapshot", "-o", box.path("a.jpg"), "--after", "now"), UNREACHABLE,
               box.socket, "--after")
        assert box.files() == []
        assert box.requests[0].startswith(b"GET /snapshot?after=now ")


def test_without_live_video_the_old_file_stays_and_the_status_is_3():
    with Box() as box, box.serve(OFFLINE, OFFLINE):
        with open(box.path("a.jpg"), "wb") as file:
            file.write(b"old")
        for more in ((), ("--strict",)):
            expect(box.glint("snapshot", "-o", box.path("a.jpg"), *more), NO_VIDEO, "no-signal",
                   box.socket)
            with open(box.path("a.jpg"), "rb") as file:
                assert file.read() == b"old"


def test_any_writes_the_offline_picture_and_is_still_3():
    with Box() as box, box.serve(OFFLINE):
        done = box.glint("snapshot", "-o", box.path("a.jpg"), "--any", "--json")
        expect(done, NO_VIDEO, "no-signal")
        assert json.loads(done.stdout) == {"online": False, "reason": "no-signal", "bytes": 4}
        with open(box.path("a.jpg"), "rb") as file:
            assert file.read() == b"text"


def test_a_live_source_without_such_a_frame_is_4_and_not_without_video():
    late = refusal(503, "no-picture", "there is live video, but no such frame came")
    unmarked = OFFLINE.replace(b"no-signal", b"no-picture")
    with Box() as box, box.serve(late, unmarked, unmarked):
        for more in (("--after", "seq:9"), (), ("--any",)):
            done = box.glint("snapshot", "-o", box.path("a.jpg"), *more)
            expect(done, NOT_MET, "the source is live", "no such frame")


def test_half_a_picture_leaves_no_file():
    with Box() as box, box.serve(LIVE[:-1]):
        expect(box.glint("snapshot", "-o", box.path("a.jpg")), UNREACHABLE, "went away")
        assert box.files() == []


def test_a_file_that_cannot_be_written_is_1():
    with Box() as box, box.serve(LIVE, LIVE, LIVE):
        missing = box.path("no/such/a.jpg")
        expect(box.glint("snapshot", "-o", missing), USAGE, missing, "No such file")
        expect(box.glint("snapshot", "-o", box.dir.name), USAGE, "Is a directory")
        expect(box.glint("snapshot", "-o", "/dev/full"), USAGE, "/dev/full", "No space")
        assert stat.S_ISCHR(os.stat("/dev/full").st_mode)	# not replaced by a file
        assert box.files() == []


# --- stream -----------------------------------------------------------------------


def test_a_stream_is_saved_picture_by_picture():
    reply = STREAM_HEAD + frame(5, b"five") + OFFLINE_PART + frame(6) + frame(9) + frame(10)
    with Box() as box, box.serve(reply):
        done = box.glint("stream", "-n", "3", "-o", box.path("out"))
        expect(done, OK)
        text = done.stdout.decode()
        assert text.startswith("3 pictures, ") and ", 2 skipped, " in text, text
        assert sorted(os.listdir(box.path("out"))) == [
            "frame-00000005.jpg", "frame-00000006.jpg", "frame-00000009.jpg"]
        with open(box.path("out/frame-00000005.jpg"), "rb") as file:
            assert file.read() == b"five"
        assert box.requests[0].startswith(b"GET /stream?extra_headers=1 ")


def test_a_stream_can_go_to_a_pipe():
    with Box() as box, box.serve(STREAM_HEAD + frame(5, b"five") + OFFLINE_PART + frame(6, b"six")):
        done = box.glint("stream", "-n", "2", "-o", "-")
        assert done.returncode == OK and done.stdout == b"fivesix", done
        assert done.stderr.startswith(b"2 pictures, "), done
        assert box.files() == []


def test_pictures_are_not_written_to_a_terminal():
    assert Terminal(80).run("-s", "/nowhere", "stream", "-o", "-")[0] == USAGE


def test_a_restarted_source_overwrites_no_picture():
    reply = STREAM_HEAD + frame(0, b"a") + frame(1, b"b") + frame(0, b"c") + frame(1, b"d")
    with Box() as box, box.serve(reply):
        done = box.glint("stream", "-n", "4", "-o", box.path("out"))
        expect(done, OK)
        assert ", 0 skipped, " in done.stdout.decode() and "1 restarts" in done.stdout.decode()
        assert sorted(os.listdir(box.path("out"))) == [
            "frame-00000000.jpg", "frame-00000001.jpg", "frame-r1-00000000.jpg",
            "frame-r1-00000001.jpg"]


def test_any_saves_the_offline_pictures_too():
    with Box() as box, box.serve(STREAM_HEAD + OFFLINE_PART + frame(1)):
        expect(box.glint("stream", "-n", "1", "--any", "-o", box.path("out")), OK)
        assert sorted(os.listdir(box.path("out"))) == ["frame-00000001.jpg",
                                                       "offline-00000001.jpg"]


def test_pictures_without_a_number_are_counted():
    with Box() as box, box.serve(STREAM_HEAD + part(b"", b"x") + part(b"", b"y")):
        expect(box.glint("stream", "-n", "2", "-o", box.path("out")), OK)
        assert sorted(os.listdir(box.path("out"))) == ["frame-00000000.jpg", "frame-00000001.jpg"]


def test_a_stream_that_stays_offline_is_3():
    with Box() as box, box.serve(STREAM_HEAD, for_ever=OFFLINE_PART):
        # Long enough for the head on a busy machine: without a head the status would be 2.
        expect(box.glint("-t", "2", "stream", "-n", "1"), NO_VIDEO, "no-device")


def test_a_stream_that_ends_too_early_is_2():
    with Box() as box, box.serve(STREAM_HEAD + frame(1)):
        done = box.glint("stream", "-n", "2")
        expect(done, UNREACHABLE, "went away")
        assert done.stdout.startswith(b"1 pictures, ")


def interrupt(process):
    """Sends SIGINT, as Ctrl-C does. ThreadSanitizer delays a signal until the present system call
    has returned, which may be the call that the signal must interrupt: send it repeatedly there."""
    process.send_signal(signal.SIGINT)
    for _ in range(tap.PATIENCE if tap.built_with("TSAN") else 0):
        try:
            return process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
    return process.communicate(timeout=tap.PATIENCE)


def test_an_interrupted_stream_is_0_and_still_reports_its_counts():
    with Box() as box, box.serve(STREAM_HEAD + frame(1) + frame(2), hold=True):
        with subprocess.Popen([GLINT, "-s", box.socket, "stream", "-o", box.path("out")],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            while not os.path.exists(box.path("out/frame-00000002.jpg")):
                assert process.poll() is None, process.stderr.read()
            out, err = interrupt(process)
        assert process.returncode == OK, (process.returncode, err)
        assert out.startswith(b"2 pictures, "), out
        assert err == b"", err


# --- devices ----------------------------------------------------------------------


def test_devices_are_listed_as_text_and_as_json():
    text, rows = run("devices"), run("devices", "--json")
    assert text.returncode in (OK, NO_VIDEO), text.stderr
    assert rows.returncode == text.returncode
    devices = json.loads(rows.stdout)
    captures = [device for device in devices if device["verdict"] == "capture"]
    assert (rows.returncode == OK) == bool(captures)
    for device in devices:
        assert device["path"] in text.stdout.decode(), device


# --- With the real service --------------------------------------------------------


@contextlib.contextmanager
def service(box, *args):
    if not os.access(tap.GLINTD, os.X_OK):
        raise tap.Skip("the service is not built")
    # A file takes all lines; a pipe without a reader would fill.
    with tempfile.TemporaryFile() as log, \
         tap.started([tap.GLINTD, "--unix", box.socket, *args], stdin=subprocess.DEVNULL,
                     stderr=log) as process:
        while not os.path.exists(box.socket):
            if process.poll() is not None:
                log.seek(0)
                raise AssertionError(log.read().decode())
        yield process
        process.terminate()
        process.wait(tap.PATIENCE)


def test_the_service_and_the_command_understand_each_other():
    with Box() as box, service(box, "--device", "test", "--resolution", "320x240"):
        done = box.glint("snapshot", "-o", box.path("a.jpg"), "--json")
        expect(done, OK)
        told = json.loads(done.stdout)
        assert told["online"] and (told["width"], told["height"]) == (320, 240), told
        assert told["timestamp_ns"] > 0 and told["clock"], told
        with open(box.path("a.jpg"), "rb") as file:
            data = file.read()
        assert len(data) == told["bytes"] and data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9"

        done = box.glint("state")
        expect(done, OK)
        text = done.stdout.decode()
        for label in ("service", "source", "rate", "device", "format", "frame", "ledger", "buffers",
                      "encoder", "latency", "clients"):
            assert any(line.startswith(label) for line in text.splitlines()), (label, text)
        # A dash stands for a missing member: service and command would disagree on its name.
        assert not any(word == "-" for word in text.split()), text
        assert ", 0 unaccounted" in text, text


def test_a_later_snapshot_is_a_later_frame():
    with Box() as box, service(box, "--device", "test", "--resolution", "320x240"):
        told = [json.loads(box.glint("snapshot", "-o", box.path("a.jpg"), "--json").stdout)
                for _ in range(5)]
        for before, after in zip(told, told[1:]):
            assert after["sequence"] > before["sequence"], told
            assert after["timestamp_ns"] > before["timestamp_ns"], told


def test_a_snapshot_can_be_requested_for_after_a_moment():
    with Box() as box, service(box, "--device", "test", "--resolution", "320x240"):
        for moment in ("now", str(tap.now_ns())):
            before_ns = tap.now_ns() if moment == "now" else int(moment)
            done = box.glint("snapshot", "-o", box.path("a.jpg"), "--json", "--after", moment)
            expect(done, OK)
            assert json.loads(done.stdout)["exposure_ns"] >= before_ns, done.stdout
        far = str(tap.now_ns() + 3600 * 10**9)
        expect(box.glint("snapshot", "-o", box.path("b.jpg"), "--after", far), USAGE, "--after",
               "10 s ahead")
        assert not os.path.exists(box.path("b.jpg"))


def test_the_service_streams_to_the_command():
    with Box() as box, service(box, "--device", "test", "--resolution", "320x240"):
        done = box.glint("stream", "-n", "10", "-o", box.path("out"))
        expect(done, OK)
        assert done.stdout.startswith(b"10 pictures, "), done.stdout
        names = sorted(os.listdir(box.path("out")))
        numbers = [int(name[len("frame-"):-len(".jpg")]) for name in names]
        assert len(numbers) == 10 and ("%d skipped" % (numbers[-1] - numbers[0] - 9)
                                       in done.stdout.decode()), (names, done.stdout)


def test_a_missing_device_is_3_for_every_command():
    with Box() as box, service(box, "--device", "/dev/video-none"):
        while b"opening" in box.glint("state", "--json").stdout:
            pass
        expect(box.glint("state"), NO_VIDEO)
        expect(box.glint("snapshot", "-o", box.path("a.jpg")), NO_VIDEO, "no-device")
        expect(box.glint("-t", "2", "stream", "-n", "1"), NO_VIDEO, "no-device")
        assert box.files() == []


for test in [value for name, value in globals().items() if name.startswith("test_")]:
    tap.test(test)
tap.main(GLINT)
