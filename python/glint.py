# SPDX-License-Identifier: MIT
"""Client of a glint capture service: what is on the screen of the device under test.

    import glint

    with glint.Glint("/run/glint/lab.sock") as lab:
        mark = lab.mark()
        press_power_button()
        lab.wait("change", since=mark, timeout=5)
        lab.wait("still", stable=0.5, timeout=30)
        picture = lab.snapshot(after="now")
        picture.save("booted.jpg")
        print(picture.receipt.seq, picture.receipt.exposure_ns)

    with glint.Clip("reset-7.mkv") as clip:     # a recording: every frame, without a copy
        for frame in clip:
            print(frame.n, frame.seq, frame.missing, len(frame.pixels))

One file, Python's standard library only, Python 3.9 or newer: copy the file, or install it.

Units. Durations that a caller gives are seconds. Times in answers end in _ns: nanoseconds of
CLOCK_MONOTONIC of the service's machine, which time.monotonic_ns() reads on the same machine.
Regions are pixels. A member that the service does not tell is None.

Errors. All are subclasses of GlintError: Unreachable (no service, or it went away or silent),
Refused (the service says no, and why), NoVideo (a refusal, as there is no live video), NotMet (what
was waited for did not come in time), Garbled (an answer that makes no sense).

Threads. Each call has a connection of its own, so one object may be used by several threads. An
EventStream and an iterator of pictures() are for one thread at a time.
"""
from __future__ import annotations

import base64
import dataclasses
import glob
import json
import mmap
import os
import re
import socket
import time
import urllib.parse
import zlib
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

__version__ = "0.1.0"

__all__ = [
    "Clip", "ClipFrame", "Comparison", "Event", "EventStream", "Frame", "Garbled", "Glint", "GlintError", "Hash", "Mark",
    "NoVideo", "NotMet", "Picture", "Receipt", "Refused", "Region", "Unreachable", "Verdict",
]

TIMEOUT = 5.0  # seconds: how long an answer may take, unless a call says otherwise

_HEAD_MAX = 64 << 10
_BODY_MAX = 256 << 20
_EVENT_MAX = 1 << 20
_SILENCE = 3.0  # seconds between two signs of life on an idle /events, at most


# --- Errors -----------------------------------------------------------------------------------


class GlintError(Exception):
    """Whatever goes wrong between this program and the service."""


class Unreachable(GlintError):
    """The service cannot be reached, has gone away, or does not answer in time."""


class Garbled(GlintError):
    """The answer makes no sense: is it a glint service at all?"""


class Refused(GlintError):
    """The service refuses the request.

    status: of HTTP. reason: a word for programs, such as "bad-region". message: a sentence for
    people. document: the whole answer, if it is JSON; its error may have name, value and allowed.
    """

    def __init__(self, status: int, reason: str, message: str, document: Optional[dict] = None):
        super().__init__(f"{message} ({status} {reason})" if message else f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.message = message
        self.document = document or {}


class NoVideo(Refused):
    """There is no live video; reason says why: "no-signal", "no-device", ..."""


class NotMet(GlintError):
    """What was waited for did not come in time. verdicts: what was seen of each condition."""

    def __init__(self, message: str, verdicts: Tuple["Verdict", ...] = ()):
        super().__init__(message)
        self.verdicts = verdicts


# Reasons of a source without live video, as in glintd(8).
_OFFLINE = {"opening", "no-device", "wrong-device", "busy", "no-permission", "not-a-capture-device",
            "no-signal", "no-lock", "unpowered", "interlaced", "out-of-range", "format", "pipeline",
            "stalled", "corrupt", "stuck", "error", "warming-up", "idle", "no-signal-card", "black",
            "frozen",
            "no-picture"}


# --- Values -----------------------------------------------------------------------------------


class Region(NamedTuple):
    """A part of a picture, in pixels of the captured frame."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}+{self.x}+{self.y}"


@dataclasses.dataclass(frozen=True)
class Receipt:
    """Which frame a picture is of, and what is known about its time.

    live: the frame is of the device now; else reason says why not, and what follows is None.
    seq: the driver's count in this stream; a gap is frames that did not come. stream: changes when
    the device's stream starts anew. serial: of the service, never twice. exposure_ns: the exposure
    did not begin before. complete_ns: the frame was complete. error_ns: bound of the error of
    complete_ns. realtime_ns: complete_ns on CLOCK_REALTIME, within realtime_error_ns. dropped,
    corrupt, skipped: frames between `since` and this one that the driver lost, that were damaged,
    and that the service left out. replay: name of the recording that the service plays as its source;
    None: the frame is a device's.
    """

    live: bool
    reason: str
    width: Optional[int] = None
    height: Optional[int] = None
    seq: Optional[int] = None
    stream: Optional[int] = None
    serial: Optional[int] = None
    timestamp_ns: Optional[int] = None
    clock: Optional[str] = None
    exposure_ns: Optional[int] = None
    complete_ns: Optional[int] = None
    error_ns: Optional[int] = None
    sent_ns: Optional[int] = None
    realtime_ns: Optional[int] = None
    realtime_error_ns: Optional[int] = None
    guarantee: Optional[str] = None
    since: Optional[int] = None
    dropped: Optional[int] = None
    corrupt: Optional[int] = None
    skipped: Optional[int] = None
    replay: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture as a file in memory. type: its media type, such as "image/jpeg"."""

    data: bytes = dataclasses.field(repr=False)
    type: str
    receipt: Receipt

    def save(self, path: Union[str, os.PathLike]) -> None:
        """Write the file; it replaces an old one only when it is complete."""
        part = f"{os.fspath(path)}.part"
        with open(part, "wb") as file:
            file.write(self.data)
        os.replace(part, path)


@dataclasses.dataclass(frozen=True)
class Frame:
    """A frame that a verdict names."""

    seq: int
    complete_ns: Optional[int] = None
    exposure_ns: Optional[int] = None
    clock: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Mark:
    """A moment with a name, and the frame of that moment as a reference.

    time_ns: when the service took the mark. expires_ns: until when the service keeps it. document:
    all that the service says about it.
    """

    id: str
    time_ns: Optional[int] = None
    expires_ns: Optional[int] = None
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What has come of one condition.

    kind: the condition. status: "met", "pending", "start-timeout", ... score: of the deciding
    frame, in the metric's unit. first: the first frame of the run that decided; of a still screen,
    the frame since which nothing has moved. decided: the deciding frame. reference: the frame that
    was compared with. missed: frames that were not judged. box: what changed, or where a match was
    found. document: the service's whole answer about this condition.
    """

    kind: str
    status: str
    met: bool
    score: Optional[float] = None
    seen: int = 0
    missed: int = 0
    first: Optional[Frame] = None
    decided: Optional[Frame] = None
    reference: Optional[Frame] = None
    box: Optional[Region] = None
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)


@dataclasses.dataclass(frozen=True)
class Hash:
    """Checksums of a region of one frame.

    exact: equal only for equal pixels. perceptual: the average hash of 8x8 as 16 hexadecimal
    digits; few bits differ for similar pictures. document: the whole answer, with the receipt.
    """

    exact: str
    perceptual: str
    region: str
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that has happened in the service.

    id: for Glint.events(last_id=...). seq: its number, from 1 on. type: "source", "format",
    "settings", "encoder", "fault", "wait", "mark", "limit", or "gap" for events that were missed.
    realtime_ns: nanoseconds of CLOCK_REALTIME. data: members that depend on the type.
    """

    id: str
    seq: int
    type: str
    monotonic_ns: int
    realtime_ns: int
    data: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How a region of a frame differs from a reference.

    differing: pixels of which a channel differs by more than the threshold, of all pixels. box:
    around them, in pixels of the region. picture: the region of the frame, as PPM, with its
    receipt.
    """

    differing: int
    pixels: int
    box: Optional[Region]
    picture: Picture

    @property
    def equal(self) -> bool:
        """Whether no pixel differs."""
        return self.differing == 0


RegionLike = Union[str, Region, Tuple[int, int, int, int]]
MomentLike = Union[str, int, Mark, Receipt, Frame]


def _region(value: RegionLike) -> str:
    return value if isinstance(value, str) else str(Region(*value))


def _regions(value: Union[RegionLike, List[RegionLike], None]) -> Optional[List[str]]:
    if value is None:
        return None
    return [_region(part) for part in (value if isinstance(value, list) else [value])] or None


_PICTURE_TYPES = {b"\x89P": "image/png", b"\xff\xd8": "image/jpeg", b"P6": "image/x-portable-pixmap",
                  b"P5": "image/x-portable-graymap"}


def _scale(value: Union[int, str]) -> str:
    return value if isinstance(value, str) else "1" if value == 1 else f"1/{value}"


def _members(parameters: Mapping[str, Any]) -> Dict[str, Any]:
    """The parameters of a condition as members of the JSON that POST /wait takes."""
    members: Dict[str, Any] = {}
    for name, value in parameters.items():
        if value is None:
            continue
        if name in ("region", "exclude"):
            texts = _regions(value) or []
            members[name] = texts[0] if len(texts) == 1 else texts
        elif name == "since":
            members[name] = _moment(value)
        elif name == "reference":
            data = value.data if isinstance(value, Picture) else value
            members[name] = base64.b64encode(data).decode()
        elif name == "scale":
            members[name] = _scale(value)
        elif name == "stable" or name.endswith("_timeout"):
            members[name] = _duration(value) if isinstance(value, (int, float)) else value
        else:
            members[name] = str(int(value)) if isinstance(value, bool) else str(value)
    return members


def _picture_type(data: bytes) -> str:
    try:
        return _PICTURE_TYPES[bytes(data[:2])]
    except KeyError:
        raise ValueError("reference is no PNG, JPEG, PPM or PGM") from None


def _moment(value: MomentLike) -> str:
    """As the service reads moments: now, last, mark:ID, seq:N, or nanoseconds."""
    if isinstance(value, Mark):
        return f"mark:{value.id}"
    if isinstance(value, (Receipt, Frame)):
        return f"seq:{value.seq}"
    return str(value)


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1e9)}ns"


def _span(value: Union[int, float, None]) -> Union[int, str, None]:
    """An int is frames, a float seconds."""
    return f"{round(value * 1e3)}ms" if isinstance(value, float) else value


def _frame(document: Optional[dict]) -> Optional[Frame]:
    if not document:
        return None
    return Frame(document["seq"], document.get("complete_ns"), document.get("exposure_ns"),
                 document.get("clock"))


def _verdict(document: dict) -> Verdict:
    box = document.get("box")
    return Verdict(
        kind=document["for"],
        status=document["status"],
        met=document["met"],
        score=document.get("score"),
        seen=document.get("frames_seen", 0),
        missed=document.get("frames_missed", 0),
        first=_frame(document.get("first")),
        decided=_frame(document.get("decided")),
        reference=_frame(document.get("reference")),
        box=Region(box["x"], box["y"], box["width"], box["height"]) if box else None,
        document=document)


def _receipt(fields: Mapping[str, str]) -> Receipt:
    def number(name: str) -> Optional[int]:
        text = fields.get(name, "")
        return int(text) if text.isdigit() else None

    return Receipt(
        live=fields.get("x-ustreamer-online", "true").lower() == "true",
        reason=fields.get("x-glint-reason", ""),
        width=number("x-glint-width"),
        height=number("x-glint-height"),
        seq=number("x-glint-sequence"),
        stream=number("x-glint-stream"),
        serial=number("x-glint-serial"),
        timestamp_ns=number("x-glint-timestamp-ns"),
        clock=fields.get("x-glint-clock"),
        exposure_ns=number("x-glint-exposure-ns"),
        complete_ns=number("x-glint-complete-ns"),
        error_ns=number("x-glint-error-ns"),
        sent_ns=number("x-glint-sent-ns"),
        realtime_ns=number("x-glint-realtime-ns"),
        realtime_error_ns=number("x-glint-realtime-error-ns"),
        guarantee=fields.get("x-glint-guarantee"),
        replay=fields.get("x-glint-replay"),
        since=number("x-glint-since"),
        dropped=number("x-glint-since-dropped"),
        corrupt=number("x-glint-since-corrupt"),
        skipped=number("x-glint-since-skipped"))


def _boundary(fields: Mapping[str, str]) -> str:
    """Of a multipart answer; "" of another one."""
    kind, _, rest = fields.get("content-type", "").partition("boundary=")
    return rest.strip('"') if kind.startswith("multipart/") else ""


def _parts(data: bytes, boundary: str) -> Iterator[Tuple[str, bytes]]:
    """Media type and body of each part of a multipart answer."""
    mark = f"--{boundary}".encode()
    at = data.find(mark)
    while at >= 0 and not data.startswith(b"--", at + len(mark)):
        head, _, _ = data[at + len(mark) + 2:].partition(b"\r\n\r\n")
        fields = _Wire.fields(head.decode("latin-1"))
        begin = at + len(mark) + 2 + len(head) + 4
        length = fields.get("content-length", "")
        if not length.isdigit() or begin + int(length) > len(data):
            raise Garbled("a part of the answer has no length, or is cut off")
        yield fields.get("content-type", ""), data[begin:begin + int(length)]
        at = data.find(mark, begin + int(length))


# --- Exact pixels -----------------------------------------------------------------------------


class _Pixels(NamedTuple):
    width: int
    height: int
    rgb: bytes  # three bytes a pixel, row by row


def _read_ppm(data: bytes) -> _Pixels:
    """A PPM as the service sends it, or with comments in its head."""
    words: List[bytes] = []
    at = 0
    while len(words) < 4:
        if data[at:at + 1] == b"#":
            at = data.index(b"\n", at)
        elif data[at:at + 1].isspace():
            at += 1
        else:
            end = at
            while end < len(data) and not data[end:end + 1].isspace():
                end += 1
            if end == at:
                raise ValueError("a PPM without a head")
            words.append(data[at:end])
            at = end
    width, height, most = (int(word) for word in words[1:])
    pixels = data[at + 1:]
    if words[0] != b"P6" or most != 255 or len(pixels) != 3 * width * height:
        raise ValueError("only whole PPM files (P6) of 8 bits can be compared")
    return _Pixels(width, height, pixels)


def _unfilter(kind: int, row: bytearray, above: bytes, step: int) -> None:
    """Undo a filter of PNG, in place; the standard, section 9.2."""
    for i, byte in enumerate(row):
        left = row[i - step] if i >= step else 0
        if kind == 1:
            predicted = left
        elif kind == 2:
            predicted = above[i]
        elif kind == 3:
            predicted = (left + above[i]) // 2
        else:
            corner = above[i - step] if i >= step else 0
            near = left + above[i] - corner
            distances = (abs(near - left), abs(near - above[i]), abs(near - corner))
            predicted = (left, above[i], corner)[distances.index(min(distances))]
        row[i] = (byte + predicted) & 0xff


def _read_png(data: bytes) -> _Pixels:
    """A PNG of RGB or grey with 8 bits, not interlaced."""
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    step = {0: 1, 2: 3}.get(data[25])
    if data[12:16] != b"IHDR" or data[24] != 8 or not step or data[28] != 0:
        raise ValueError("only PNG files of RGB or grey with 8 bits can be compared")
    if width * height * step > _BODY_MAX:
        raise ValueError("the PNG is too large")
    packed, at = b"", 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        if data[at + 4:at + 8] == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += 12 + length
    size = step * width
    raw = zlib.decompressobj().decompress(packed, (size + 1) * height)
    if len(raw) != (size + 1) * height:
        raise ValueError("the PNG ends too early")
    rows, above = [], bytes(size)
    for start in range(0, len(raw), size + 1):
        row = bytearray(raw[start + 1:start + 1 + size])
        if raw[start] > 4:
            raise ValueError("the PNG has an unknown filter")
        if raw[start]:
            _unfilter(raw[start], row, above, step)
        above = bytes(row)
        rows.append(above if step == 3 else bytes(value for value in above for _ in range(3)))
    return _Pixels(width, height, b"".join(rows))


def _read_pixels(reference: Union[str, os.PathLike, bytes, Picture]) -> _Pixels:
    if isinstance(reference, Picture):
        data = reference.data
    elif isinstance(reference, bytes):
        data = reference
    else:
        with open(reference, "rb") as file:
            data = file.read()
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _read_png(data)
        return _read_ppm(data)
    except (IndexError, zlib.error) as error:
        raise ValueError(f"the reference is damaged: {error}") from error


def _differing(a: _Pixels, b: _Pixels, threshold: int) -> Tuple[int, Optional[Region]]:
    """How many pixels differ by more than @threshold, and the box around them."""
    count, left, top, right, bottom = 0, a.width, a.height, -1, -1
    for y in range(a.height if a.rgb != b.rgb else 0):
        row = slice(3 * a.width * y, 3 * a.width * (y + 1))
        if a.rgb[row] == b.rgb[row]:
            continue
        far = [abs(p - q) > threshold for p, q in zip(a.rgb[row], b.rgb[row])]
        columns = [x for x in range(a.width) if any(far[3 * x:3 * x + 3])]
        if columns:
            count += len(columns)
            left, right = min(left, columns[0]), max(right, columns[-1])
            top, bottom = min(top, y), y
    box = Region(left, top, right - left + 1, bottom - top + 1) if count else None
    return count, box


# --- The wire ---------------------------------------------------------------------------------


class _Address(NamedTuple):
    path: str  # of a unix socket; "": TCP
    host: str
    port: int
    prefix: str  # before the path of each request

    @classmethod
    def parse(cls, text: str) -> "_Address":
        if text.startswith("unix:"):
            return cls(text[len("unix:"):], "", 0, "")
        if "://" in text:
            url = urllib.parse.urlsplit(text)
            if url.scheme != "http" or not url.hostname:
                raise ValueError(f"{text}: only http://HOST[:PORT][/PREFIX] is supported")
            return cls("", url.hostname, url.port or 80, url.path.rstrip("/"))
        if "/" in text or text.endswith(".sock"):
            return cls(text, "", 0, "")
        url = urllib.parse.urlsplit(f"//{text}")
        if not url.hostname or text.isdigit():
            raise ValueError(f"{text}: no address; use the path of a socket, or HOST:PORT")
        return cls("", url.hostname, url.port or 8080, "")

    @staticmethod
    def find() -> str:
        """The address of the service when nothing names one; the command looks likewise."""
        if os.environ.get("GLINT_SOCKET"):
            return os.environ["GLINT_SOCKET"]
        user = os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), "glint.sock")
        if os.path.isabs(user) and os.path.exists(user):
            return user
        sockets = sorted(glob.glob("/run/glint/*.sock"))
        if len(sockets) > 1:
            raise ValueError("several services run here, choose one: " + ", ".join(sockets))
        return sockets[0] if sockets else "127.0.0.1:8080"


class _Wire:
    """One connection and one request. Each method ends by its deadline (time.monotonic())."""

    def __init__(self, address: _Address, name: str, deadline: float):
        self._name = name
        self._buffer = bytearray()
        self.closed = False
        try:
            if address.path:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                try:
                    self._limit(deadline)
                    self._socket.connect(address.path)
                except BaseException:
                    self._socket.close()
                    raise
            else:
                self._socket = socket.create_connection((address.host, address.port),
                                                        max(deadline - time.monotonic(), 0.001))
        except OSError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: OSError) -> Unreachable:
        if isinstance(error, socket.timeout):
            return Unreachable(f"{self._name}: the service does not answer in time")
        return Unreachable(f"{self._name}: {error.strerror or error}")

    def _limit(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        self._socket.settimeout(left)

    def send(self, data: bytes, deadline: float) -> None:
        try:
            self._limit(deadline)
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a service that has no place answers without reading the request
        except OSError as error:
            raise self._unreachable(error) from error

    def _more(self, deadline: float) -> bool:
        try:
            self._limit(deadline)
            data = self._socket.recv(1 << 18)
        except OSError as error:
            raise self._unreachable(error) from error
        self._buffer += data
        return bool(data)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def until(self, end: bytes, most: int, deadline: float) -> bytes:
        """All up to @end, which is included. b"": the service has closed the connection."""
        looked = 0
        while True:
            at = self._buffer.find(end, max(0, looked - len(end)))
            if at >= 0:
                return self._take(at + len(end))
            looked = len(self._buffer)
            if looked > most:
                raise Garbled(f"{self._name}: the answer has no end")
            if not self._more(deadline):
                if self._buffer:
                    raise Unreachable(f"{self._name}: the service ends in the middle of an answer")
                return b""

    def exactly(self, count: int, deadline: float) -> bytes:
        if count > _BODY_MAX:
            raise Garbled(f"{self._name}: {count} bytes are no picture")
        while len(self._buffer) < count:
            if not self._more(deadline):
                raise Unreachable(f"{self._name}: the service ends in the middle of an answer")
        return self._take(count)

    def rest(self, deadline: float) -> bytes:
        while self._more(deadline):
            if len(self._buffer) > _BODY_MAX:
                raise Garbled(f"{self._name}: the answer has no end")
        return self._take(len(self._buffer))

    def head(self, deadline: float) -> Tuple[int, Dict[str, str]]:
        """The status and the fields of an answer; names are lower case."""
        text = self.until(b"\r\n\r\n", _HEAD_MAX, deadline).decode("latin-1")
        if not text:
            raise Unreachable(f"{self._name}: the service closes the connection")
        first, _, rest = text.partition("\r\n")
        words = first.split(" ", 2)
        if not words[0].startswith("HTTP/") or len(words) < 2 or not words[1].isdigit():
            raise Garbled(f"{self._name}: no answer of HTTP")
        return int(words[1]), self.fields(rest)

    @staticmethod
    def fields(text: str) -> Dict[str, str]:
        pairs = (line.partition(":") for line in text.split("\r\n") if line)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def close(self) -> None:
        self.closed = True
        self._socket.close()

    def __enter__(self) -> "_Wire":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


# --- Events -----------------------------------------------------------------------------------


class EventStream:
    """Events as they happen; from Glint.events(). Iterate, or use get() with a timeout.

    last_id: of the event that was read last, for Glint.events(last_id=...) after an Unreachable.
    The place in the history is taken when the object is made: nothing that happens later is missed.
    """

    def __init__(self, wire: _Wire, name: str, patience: float):
        self._wire = wire
        self._name = name
        self._patience = patience
        self.last_id: Optional[str] = None
        self._block(time.monotonic() + patience)  # retry and the id before the first event

    def _block(self, deadline: float) -> Optional[Event]:
        """The next event; None for a comment, or an id alone."""
        text = self._wire.until(b"\n\n", _EVENT_MAX, deadline).decode("utf-8", "replace")
        if not text:
            raise Unreachable(f"{self._name}: the service has ended the events")
        fields = dict(line.partition(": ")[::2] for line in text.splitlines() if line)
        self.last_id = fields.get("id", self.last_id)
        if "data" not in fields:
            return None
        try:
            event = json.loads(fields["data"])
            return Event(event["id"], event["seq"], event["type"], event["monotonic_ns"],
                         event["realtime_ns"], event["data"])
        except (ValueError, KeyError, TypeError) as error:
            raise Garbled(f"{self._name}: no event: {fields['data']!r}") from error

    def get(self, timeout: Optional[float] = None) -> Event:
        """The next event. NotMet: none has come for @timeout seconds; None: wait for ever.

        Unreachable: the service shows no sign of life, or has ended.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            alive = time.monotonic() + _SILENCE + self._patience
            deadline = alive if end is None else min(alive, end)
            try:
                event = self._block(deadline)
            except Unreachable:
                if end is None or deadline < end or time.monotonic() < end or self._wire.closed:
                    raise
                raise NotMet(f"{self._name}: no event for {timeout} s") from None
            if event:
                return event

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        return self.get()

    def close(self) -> None:
        """End the connection. Fine twice."""
        self._wire.close()

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


# --- Recordings -------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class ClipFrame:
    """A frame of a recording.

    n: counted from the trigger's frame, which is 0; missing frames count. seq, stream: of the driver.
    ns: the driver's stamp. dropped, corrupt, lost, skipped: frames that are missing before this one.
    pixels: the bytes as they were recorded, a view of the file, valid until the clip is closed.
    """

    n: int
    seq: int
    stream: int
    ns: int
    clock: str
    exposure_ns: Optional[int]
    complete_ns: int
    dequeue_ns: int
    dropped: int
    corrupt: int
    lost: int
    skipped: int
    offset: int
    size: int
    pixels: memoryview = dataclasses.field(repr=False)

    @property
    def missing(self) -> int:
        """How many frames are missing before this one."""
        return self.dropped + self.corrupt + self.lost + self.skipped


class Clip:
    """A recording of the flight recorder, opened without a service: an iterator of its frames, which
    can be indexed and has a length. facts: what the recording says about itself. torn: the file ends
    within a frame, as after a power loss; the frames before it are there.

    The file is mapped; nothing in it is trusted. Garbled: the file is no recording.
    """

    _PAGE = 4096
    _ID_SEGMENT, _ID_TAGS, _ID_CLUSTER, _ID_BLOCK = 0x18538067, 0x1254c367, 0x1f43b675, 0xa3
    _FACTS = ("seq", "stream", "ns", "exposure_ns", "complete_ns", "dequeue_ns", "dropped", "corrupt",
              "lost", "skipped")

    def __init__(self, path: Union[str, os.PathLike]):
        self.path = os.fspath(path)
        self.torn = False
        with open(self.path, "rb") as file:
            if os.fstat(file.fileno()).st_size < self._PAGE:
                raise Garbled(f"{self.path} is no recording of glint")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._view = memoryview(self._map)
        try:
            self.facts: Dict[str, Any] = self._read_head()
            self._frames = self._read_frames()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file: no view of a frame is valid any more."""
        for frame in getattr(self, "_frames", ()):
            frame.pixels.release()
        self._view.release()
        self._map.close()

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[ClipFrame]:
        return iter(self._frames)

    def __getitem__(self, index: int) -> ClipFrame:
        return self._frames[index]

    def frame(self, n: int) -> ClipFrame:
        """The frame with the number @n; 0 is the trigger's. KeyError: it is missing."""
        low, high = 0, len(self._frames)
        while low < high:
            middle = (low + high) // 2
            if self._frames[middle].n < n:
                low = middle + 1
            else:
                high = middle
        if low == len(self._frames) or self._frames[low].n != n:
            raise KeyError(n)
        return self._frames[low]

    # Matroska: an identifier and a size, each with the number of its bytes in its first byte.

    def _varint(self, at: int, end: int, keep: bool) -> Tuple[int, int]:
        first = self._view[at] if at < end else 0
        count = 9 - first.bit_length()
        if count > 8 or at + count > end:
            raise ValueError("a broken element")
        value = int.from_bytes(self._view[at:at + count], "big")
        return (value if keep else value & ((1 << 7 * count) - 1)), at + count

    def _elements(self, at: int, end: int) -> Iterator[Tuple[int, int, int]]:
        """The identifier and the bounds of each element."""
        while at < end:
            ident, at = self._varint(at, end, True)
            size, at = self._varint(at, end, False)
            yield ident, at, min(at + size, end)
            at += size

    def _text(self, at: int, end: int) -> str:
        return bytes(self._view[at:end]).decode("latin-1")

    def _read_head(self) -> Dict[str, Any]:
        try:
            for ident, at, end in self._elements(0, self._PAGE):
                if ident != self._ID_SEGMENT:
                    continue
                for inner, at, end in self._elements(at, min(end, self._PAGE)):
                    found = re.search(r'\{"name".*?\}', self._text(at, end)) \
                        if inner == self._ID_TAGS else None
                    if found:
                        facts = json.loads(found.group())
                        if isinstance(facts.get("trigger_seq"), int) and "name" in facts:
                            return facts
        except ValueError:
            pass
        raise Garbled(f"{self.path} is no recording of glint")

    def _read_cluster(self, at: int) -> Tuple[Dict[str, Any], int]:
        """The facts of the frame whose page begins at @at, and the size of its bytes."""
        if at + self._PAGE > len(self._view):
            raise ValueError("no whole page")
        head = at + self._PAGE - 13
        ident, _ = self._varint(head, head + 4, True)
        size, _ = self._varint(head + 1, head + 9, False)
        if int.from_bytes(self._view[at:at + 4], "big") != self._ID_CLUSTER or \
                ident != self._ID_BLOCK or size <= 4 or \
                at + self._PAGE + size - 4 > len(self._view):
            raise ValueError("no whole frame")
        page = bytes(self._view[at:head])
        begin = page.find(b'{"seq"')
        facts = {"skipped": 0, **json.loads(page[begin:page.find(b"}", begin) + 1])}
        if any(type(facts.get(name)) is not int or facts[name] < 0 for name in self._FACTS):
            raise ValueError("a frame without its facts")
        return facts, size - 4

    def _read_frames(self) -> List[ClipFrame]:
        found = []
        at, position, origin, has_trigger = self._PAGE, -1, None, False
        first, trigger_stream = self.facts.get("first"), self.facts.get("trigger_stream")
        while at < len(self._view):
            try:
                facts, size = self._read_cluster(at)
            except ValueError:
                self.torn = True
                break
            position += 1
            if found:
                position += facts["dropped"] + facts["corrupt"] + facts["lost"] + facts["skipped"]
            # Where the trigger's frame is not in the file, the head or its stream's numbers tell.
            if not has_trigger and facts["seq"] == self.facts["trigger_seq"] and \
                    trigger_stream in (None, 0, facts["stream"]):
                origin, has_trigger = position, True
            elif not found and isinstance(first, int):
                origin = -first
            elif origin is None and trigger_stream and facts["stream"] == trigger_stream:
                behind = (facts["seq"] - self.facts["trigger_seq"]) & 0xffffffff
                origin = position - (behind - (behind >> 31 << 32))
            found.append((position, facts, at + self._PAGE, size))
            at += self._PAGE + (size + self._PAGE - 1) // self._PAGE * self._PAGE
            if size % self._PAGE == self._PAGE - 1:
                at += self._PAGE  # no Void has one byte
        return [ClipFrame(
            n=position - (origin or 0), seq=facts["seq"], stream=facts["stream"], ns=facts["ns"],
            clock=str(facts.get("clock")), exposure_ns=facts["exposure_ns"] or None,
            complete_ns=facts["complete_ns"], dequeue_ns=facts["dequeue_ns"],
            dropped=facts["dropped"], corrupt=facts["corrupt"], lost=facts["lost"], skipped=facts["skipped"],
            offset=offset, size=size, pixels=self._view[offset:offset + size])
            for position, facts, offset, size in found]

# --- The service ------------------------------------------------------------------------------


class Glint:
    """A glint capture service.

    address: the path of a unix socket, "HOST:PORT", "[::1]:8080" or "http://HOST:PORT/PREFIX";
    None looks like the command does: $GLINT_SOCKET, $XDG_RUNTIME_DIR/glint.sock, the only
    /run/glint/*.sock, 127.0.0.1:8080. timeout: seconds for an answer, on top of what a call itself
    waits for. login: (user, password); None: $GLINT_LOGIN, "USER:PASSWORD", if it is set.

    Nothing is connected until the first call. As a context manager, it closes the streams of events
    and pictures that it has opened.
    """

    def __init__(self, address: Optional[str] = None, *, timeout: float = TIMEOUT,
                 login: Optional[Tuple[str, str]] = None):
        self.address = address or _Address.find()
        self.timeout = timeout
        self._at = _Address.parse(self.address)
        text = ":".join(login) if login else os.environ.get("GLINT_LOGIN", "")
        self._login = base64.b64encode(text.encode()).decode() if text else None
        self._open: List[_Wire] = []

    def __enter__(self) -> "Glint":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the streams of events and pictures. The object can still be used."""
        while self._open:
            self._open.pop().close()

    # Requests.

    def _begin(self, method: str, path: str, query: Mapping[str, Any], body: Optional[bytes],
               media_type: str, deadline: float) -> _Wire:
        pairs = [(name, value) for name, value in query.items() if value is not None]
        text = urllib.parse.urlencode(pairs, doseq=True, safe=":/")
        host = f"[{self._at.host}]" if ":" in self._at.host else self._at.host
        lines = [
            # HTTP/1.0: no answer comes in chunks, and each ends its connection.
            f"{method} {self._at.prefix}{path}{'?' if text else ''}{text} HTTP/1.0",
            f"Host: {host}:{self._at.port}" if host else "Host: localhost",
        ]
        if self._login:
            lines.append(f"Authorization: Basic {self._login}")
        if body is not None:
            lines += [f"Content-Type: {media_type}", f"Content-Length: {len(body)}"]
        wire = _Wire(self._at, self.address, deadline)
        try:
            wire.send("\r\n".join([*lines, "", ""]).encode() + (body or b""), deadline)
        except BaseException:
            wire.close()
            raise
        return wire

    def _refusal(self, status: int, fields: Mapping[str, str], body: bytes) -> GlintError:
        document: dict = {}
        if fields.get("content-type", "").startswith("application/json"):
            try:
                document = json.loads(body)
            except ValueError:
                pass
        error = document.get("error") or {}
        reason, message = error.get("reason", "http"), error.get("message", "")
        if status == 404 and not error:
            reason, message = "not-found", f"the service at {self.address} is too old for this"
        if status == 504:
            conditions = document.get("result", {}).get("conditions", [])
            return NotMet(f"{self.address}: {message or 'not in time'}",
                          tuple(_verdict(condition) for condition in conditions))
        kind = NoVideo if status == 503 and reason in _OFFLINE else Refused
        return kind(status, reason, message, document)

    def _ask(self, method: str, path: str, query: Mapping[str, Any], *, waits: float = 0.0,
             body: Optional[bytes] = None, media_type: str = "application/json"
             ) -> Tuple[Dict[str, str], bytes]:
        """The fields and the body of the answer. @waits: seconds that the service may wait."""
        deadline = time.monotonic() + self.timeout + waits
        with self._begin(method, path, query, body, media_type, deadline) as wire:
            status, fields = wire.head(deadline)
            length = fields.get("content-length", "")
            data = wire.exactly(int(length), deadline) if length.isdigit() else wire.rest(deadline)
        if status != 200:
            raise self._refusal(status, fields, data)
        return fields, data

    def _result(self, method: str, path: str, query: Mapping[str, Any], **more: Any) -> Any:
        fields, data = self._ask(method, path, query, **more)
        try:
            document = json.loads(data)
            return document["result"]
        except (ValueError, KeyError, TypeError) as error:
            kind = fields.get("content-type")
            raise Garbled(f"{self.address}: no JSON of glint, but {kind}") from error

    def _stream(self, path: str, query: Mapping[str, Any]) -> Tuple[_Wire, Dict[str, str]]:
        deadline = time.monotonic() + self.timeout
        wire = self._begin("GET", path, query, None, "", deadline)
        try:
            status, fields = wire.head(deadline)
            if status != 200:
                raise self._refusal(status, fields, wire.rest(deadline))
        except BaseException:
            wire.close()
            raise
        self._open = [other for other in self._open if not other.closed] + [wire]
        return wire, fields

    # What there is.

    def state(self) -> Dict[str, Any]:
        """All that the service tells about itself; glintd(8), section STATE, has the members."""
        return self._result("GET", "/state", {})

    def is_live(self) -> bool:
        """Whether frames arrive now and show a signal."""
        return self.state()["source"]["online"]

    def config(self) -> Dict[str, Dict[str, Any]]:
        """All settings by name, each with value, default, range, and when a change holds."""
        return self._result("GET", "/config", {})["settings"]

    def configure(self, **settings: Any) -> Dict[str, Any]:
        """Change settings while the service runs: all of them, or none.

        Names are long options of glintd with _ for -, such as desired_fps=5; None is the default.
        The answer has the names that were changed, holds ("now" or "next-stream") and generation.
        Refused: reason is unknown-setting, bad-value, needs-restart, refused-by-device, ...
        """
        body = json.dumps({name.replace("_", "-"): value for name, value in settings.items()})
        return self._result("PATCH", "/config", {}, body=body.encode())

    # Pictures.

    def snapshot(self, *, format: str = "jpeg",  # pylint: disable=redefined-builtin
                 crop: Optional[RegionLike] = None, scale: int = 1,
                 after: Optional[MomentLike] = None, guarantee: Optional[str] = None,
                 since: Union[int, Receipt, None] = None, timeout: Optional[float] = None,
                 any: bool = False) -> Picture:  # pylint: disable=redefined-builtin
        """One picture: without more, of the newest frame that arrives after the call.

        format: "jpeg", or exact pixels as "png", "ppm", "pgm", "raw", "y4m". crop: a Region, or
        "WxH+X+Y". scale: 2, 4 or 8 makes it so many times smaller. after: only a frame after this
        moment: "now", "last", nanoseconds, a Mark, a Receipt. guarantee: what comes after that
        moment: "exposed" (the exposure began) or "complete". since: the receipt then counts what
        lies between that frame and this one. timeout: seconds until NotMet. any: without live
        video, the picture that says so instead of NoVideo.
        """
        fields, data = self._snapshot(
            {"crop": _region(crop) if crop is not None else None}, format=format, scale=scale,
            after=after, guarantee=guarantee, since=since, timeout=timeout, any=any)
        return Picture(data, fields.get("content-type", ""), _receipt(fields))

    def _snapshot(self, query: Dict[str, Any], *,
                  format: str,  # pylint: disable=redefined-builtin
                  scale: int = 1, after: Optional[MomentLike] = None,
                  guarantee: Optional[str] = None, since: Union[int, Receipt, None] = None,
                  timeout: Optional[float] = None,
                  any: bool = False  # pylint: disable=redefined-builtin
                  ) -> Tuple[Dict[str, str], bytes]:
        query.update({
            "strict": "0" if any else "1",
            "format": None if format == "jpeg" else format,
            "scale": f"1/{scale}" if scale != 1 else None,
            "after": _moment(after) if after is not None else None,
            "guarantee": guarantee,
            "timeout": _duration(timeout) if timeout is not None else None,
        })
        if isinstance(since, Receipt):
            query.update(since=since.seq, stream=since.stream)
        else:
            query.update(since=since)
        return self._ask("GET", "/snapshot", query, waits=timeout or 0)

    def snapshots(self, crops: List[RegionLike], **options: Any) -> List[Picture]:
        """Several parts of one frame, each a picture of its own; options as for snapshot().

        The parts have the same frame and the same receipt. format is "png" without another one.
        """
        if not crops:
            raise ValueError("snapshots() needs at least one part, such as '64x64+0+0'")
        options.setdefault("format", "png")
        fields, data = self._snapshot({"crop": _regions(crops)}, **options)
        receipt = _receipt(fields)
        boundary = _boundary(fields)
        if not boundary: # of one part: the picture itself
            return [Picture(data, fields.get("content-type", ""), receipt)]
        return [Picture(part, kind, receipt) for kind, part in _parts(data, boundary)]

    def compare(self, reference: Union[str, os.PathLike, bytes, Picture], *,
                region: Optional[RegionLike] = None, threshold: int = 0,
                **options: Any) -> Comparison:
        """Compare a region of a new frame with a reference of the same size, pixel by pixel.

        reference: a PPM or PNG file, its bytes, or a Picture, such as snapshot(format="png",
        crop=region) has made it. threshold: levels (0 to 255) that a channel may differ by.
        options: as for snapshot(). ValueError: the reference is of another size or format.
        """
        wanted = _read_pixels(reference)
        picture = self.snapshot(format="ppm", crop=region, **options)
        shown = _read_ppm(picture.data)
        if (wanted.width, wanted.height) != (shown.width, shown.height):
            raise ValueError(f"the reference is {wanted.width}x{wanted.height}, and the screen "
                             f"shows {shown.width}x{shown.height}")
        count, box = _differing(wanted, shown, threshold)
        return Comparison(count, shown.width * shown.height, box, picture)

    def hash(self, region: Optional[RegionLike] = None, *, after: Optional[MomentLike] = None,
             timeout: Optional[float] = None) -> Hash:
        """Checksums of a region of the newest frame. NoVideo, NotMet as for snapshot()."""
        query = {
            "region": _region(region) if region is not None else None,
            "after": _moment(after) if after is not None else None,
            "timeout": _duration(timeout) if timeout is not None else None,
        }
        result = self._result("GET", "/hash", query, waits=timeout or 0)
        return Hash(result["xxh3_128"], result["average_hash"], result["region"], result)

    def pictures(self, *, offline: bool = False) -> Iterator[Picture]:
        """Pictures without end, the newest each time. A slow reader sees gaps in receipt.seq.

        offline: also the pictures that say there is no live video. Close the iterator to end.
        Unreachable: no picture for the timeout, or the service has ended.
        """
        wire, fields = self._stream("/stream", {"extra_headers": "1"})
        boundary = fields.get("content-type", "").partition("boundary=")[2].strip('"')
        end = f"--{boundary}\r\n".encode()
        with wire:
            if not boundary:
                raise Garbled(f"{self.address}: no stream, but {fields.get('content-type')}")
            wire.until(end, _HEAD_MAX, time.monotonic() + self.timeout)
            while True:
                deadline = time.monotonic() + self.timeout
                head = wire.until(b"\r\n\r\n", _HEAD_MAX, deadline).decode("latin-1")
                part = wire.fields(head)
                if not part.get("content-length", "").isdigit():
                    raise Unreachable(f"{self.address}: the service has ended the stream")
                data = wire.exactly(int(part["content-length"]), deadline)
                wire.until(end, _HEAD_MAX, deadline)
                receipt = _receipt(part)
                if data and (receipt.live or offline):
                    yield Picture(data, part.get("content-type", ""), receipt)

    # Moments and conditions.

    def mark(self, id: Optional[str] = None,  # pylint: disable=redefined-builtin
             *, keep: Optional[float] = None) -> Mark:
        """Name this moment and keep its frame as a reference, for keep seconds.

        Then press the key, and ask with after= or since= for what has come of it.
        """
        query = {"id": id, "keep": _duration(keep) if keep is not None else None}
        return self._mark(self._result("POST", "/marks", query))

    def marks(self) -> List[Mark]:
        """All marks that the service keeps."""
        return [self._mark(mark) for mark in self._result("GET", "/marks", {})["marks"]]

    def unmark(self, mark: Union[Mark, str]) -> None:
        """Let the service forget a mark before its time."""
        self._result("DELETE", "/marks", {"id": mark.id if isinstance(mark, Mark) else mark})

    @staticmethod
    def _mark(document: Dict[str, Any]) -> Mark:
        return Mark(document["id"], document.get("time_ns"), document.get("expires_ns"), document)

    def wait(self, *conditions: Union[str, Mapping[str, Any]], all: bool = False,  # pylint: disable=redefined-builtin
             timeout: float = 10.0, region: Union[RegionLike, List[RegionLike], None] = None,
             since: Optional[MomentLike] = None, stable: Optional[float] = None,
             exclude: Union[RegionLike, List[RegionLike], None] = None,
             reference: Union["Picture", bytes, None] = None,
             **parameters: Any) -> Verdict:
        """Wait until the screen shows something; every frame is judged, in the service.

        conditions: "change", "still", "motion", "black", "nonblack", "live", "offline",
        "transition", "hash", "match"; of several, one is enough, unless all. timeout: seconds until
        NotMet, which has the verdicts. region: the part to look at; of match, perhaps a list of parts.
        exclude: parts that do not count. reference: the picture that match waits for, PNG, JPEG, PPM
        or PGM; at="X+Y", margin and similarity say where and how well.
        scale: 2, 4 or 8, so many pixels a side are judged as one; 1 is the default.
        since: the frame that a change is a change from. stable: seconds without a change until it is
        still. parameters: as docs/WAITING.md has them; names that end in _timeout are seconds.
        A condition may be a dict, {"for": "still", "region": "640x360+0+0"}, with its own
        parameters; those of the call hold for all conditions.
        The verdict is of the condition that has decided.
        """
        if not conditions:
            raise ValueError("wait() needs a condition, such as 'still'")
        shared = {"region": region, "since": since, "stable": stable, "exclude": exclude,
                  **parameters}
        if any(not isinstance(condition, str) for condition in conditions):
            if reference is not None:
                raise ValueError("give the reference to its condition: {'for': 'match', ...}")
            return self._wait_for_each(conditions, all, timeout, shared)
        query: Dict[str, Any] = {
            "for" if len(conditions) == 1 else "all" if all else "any": ",".join(conditions),
            "timeout": _duration(timeout),
            "region": _regions(region),
            "since": _moment(since) if since is not None else None,
            "stable": _duration(stable) if stable is not None else None,
            "exclude": _regions(exclude),
        }
        for name, value in parameters.items():
            if name.endswith("_timeout") and isinstance(value, (int, float)):
                value = _duration(value)
            elif name == "scale" and value is not None:
                value = _scale(value)
            query[name] = str(int(value)) if isinstance(value, bool) else value
        if reference is None:
            result = self._result("GET", "/wait", query, waits=timeout)
        else:
            data = reference.data if isinstance(reference, Picture) else reference
            result = self._result("POST", "/wait", query, waits=timeout, body=data,
                                  media_type=_picture_type(data))
        return _verdict(result["conditions"][result["decided_by"]])

    def _wait_for_each(self, conditions: Tuple[Union[str, Mapping[str, Any]], ...], every: bool,
                       timeout: float, shared: Mapping[str, Any]) -> Verdict:
        listed = [{"for": condition} if isinstance(condition, str) else condition
                  for condition in conditions]
        body = {"timeout": _duration(timeout), **_members(shared),
                "all" if every else "any": [_members(condition) for condition in listed]}
        result = self._result("POST", "/wait", {}, waits=timeout, body=json.dumps(body).encode())
        return _verdict(result["conditions"][result["decided_by"]])

    # Recordings.

    def record(self, *, name: Optional[str] = None, pre: Union[int, float, None] = None,
               post: Union[int, float, None] = None, at: Optional[MomentLike] = None,
               when: Optional[str] = None, until: str = "complete", timeout: float = 60.0,
               **parameters: Any) -> Dict[str, Any]:
        """Record the frames around a moment into a file; the service needs --record.

        pre, post: how much from before and after frame 0: an int is frames, a float seconds. at: the
        moment of frame 0, perhaps in the past. when: instead of it, a condition of wait(), with its
        parameters. until: the answer comes when the trigger is "accepted", the file is "open", or the
        file is "complete". timeout: seconds for that, and for the condition.
        The answer has the members that docs/HTTP.md lists, such as file, trigger_seq and frames.
        Refused: reason is name-exists, not-held, disk-full, ...
        """
        query = {"name": name, "pre": _span(pre), "post": _span(post),
                 "at": _moment(at) if at is not None else None, "until": until}
        if when is not None:
            query.update({"for": when, "timeout": _duration(timeout), **parameters})
        elif parameters:
            raise ValueError(f"{', '.join(parameters)}: for a condition; give when=")
        return self._result("POST", "/record", query, waits=timeout)

    def recordings(self) -> List[Dict[str, Any]]:
        """The recordings under way and the last that have ended, the newest first."""
        return self._result("GET", "/record", {})["recordings"]

    def stop_recording(self, name: str) -> None:
        """End a recording now, with the frames that it has."""
        self._result("DELETE", "/record", {"name": name})

    def events(self, last_id: Union[str, int, None] = None) -> EventStream:
        """Events from now on, or after the event last_id; 0: all that the service still has.

        Events that are gone are told as one of type "gap", never left out silently.
        """
        wire, fields = self._stream("/events", {"last_id": last_id})
        if not fields.get("content-type", "").startswith("text/event-stream"):
            wire.close()
            raise Garbled(f"{self.address}: no events, but {fields.get('content-type')}")
        return EventStream(wire, self.address, self.timeout)
