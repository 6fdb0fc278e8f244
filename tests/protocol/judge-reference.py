#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The metrics of /wait against other implementations of their definitions in docs/WAITING.md.

The pairs of pictures are generated: text, a cursor that blinks, fades, noise, scrolling, a video in
a corner, limited range. Prints TAP. From the environment: BUILD. Needs numpy, and the compiler that
has built the service.
"""
import os
import random
import shlex
import subprocess
import sys
import tempfile

import tap

BUILD = os.environ.get("BUILD", "build")
DEBIAN_PYTHON = "/usr/bin/python3"
PAIRS = 300  # of each kind
EQUAL_PART = 0.999

try:
    import numpy
except ImportError:
    # Debian's module needs Debian's python3, which may not be the first in PATH.
    if os.access(DEBIAN_PYTHON, os.X_OK) and os.path.realpath(sys.executable) != \
            os.path.realpath(DEBIAN_PYTHON):
        os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, *sys.argv])
    numpy = None


# --- The metrics, by their definitions ---------------------------------------------------

def shifted(bits, dx, dy, outside):
    wide = numpy.full((bits.shape[0] + 2, bits.shape[1] + 2), outside)
    wide[1:-1, 1:-1] = bits
    return wide[1 + dy:wide.shape[0] - 1 + dy, 1 + dx:wide.shape[1] - 1 + dx]


CROSS = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]


def opened(bits):
    eroded = numpy.logical_and.reduce([shifted(bits, dx, dy, True) for dx, dy in CROSS])
    return numpy.logical_or.reduce([shifted(eroded, dx, dy, False) for dx, dy in CROSS])


def box_of(bits):
    if not bits.any():
        return 0, 0, 0, 0
    rows, columns = numpy.where(bits.any(1))[0], numpy.where(bits.any(0))[0]
    return (int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1),
            int(rows[-1] - rows[0] + 1))


def stbt(picture, reference, threshold):
    difference = picture.astype(int) - reference.astype(int)
    bits = opened((difference ** 2).sum(2) >= 3 * threshold ** 2)
    return bool(bits.any()), float(bits.sum()), box_of(bits)


def luma(picture, reference, threshold):
    bits = abs(picture.astype(int) - reference.astype(int)) > threshold
    for top in range(0, bits.shape[0], 8):
        for left in range(0, bits.shape[1], 8):
            cell = bits[top:top + 8, left:left + 8]
            if cell.sum() < 4:
                cell[:] = False
    return bool(bits.any()), float(bits.sum()), box_of(bits)


def psnr(picture, reference, threshold):
    noise = ((picture.astype(float) - reference.astype(float)) ** 2).sum()
    score = 1e6 if noise == 0 else float(10 * numpy.log10(255.0 ** 2 * picture.size / noise))
    return score < threshold, score, (0, 0, 0, 0)


def match_grey(bgr):
    return (bgr.astype(int) @ [3735, 19235, 9798] + 16384) // 32768


def blurred(grey):
    def spread(values):
        mirrored = numpy.pad(values, ((1, 1), (0, 0)), "reflect" if len(values) > 1 else "edge")
        return mirrored[:-2] + 2 * mirrored[1:-1] + mirrored[2:]
    return (spread(spread(grey).T).T + 8) // 16


def match(picture, reference, alpha, place, margin):
    """Returns the similarity, and where it was measured."""
    height, width = reference.shape[:2]
    counts = numpy.full((height, width), True) if alpha is None else alpha >= 128
    grey, wanted = match_grey(picture), match_grey(reference)
    found = []
    for y in range(max(place[1] - margin, 0), min(place[1] + margin, grey.shape[0] - height) + 1):
        for x in range(max(place[0] - margin, 0), min(place[0] + margin, grey.shape[1] - width) + 1):
            part = grey[y:y + height, x:x + width]
            squares = int(((part - wanted)[counts] ** 2).sum())
            found.append((squares, (x - place[0]) ** 2 + (y - place[1]) ** 2, y, x))
    _, _, y, x = min(found)
    a = blurred(numpy.where(counts, grey[y:y + height, x:x + width], 0))
    b = blurred(numpy.where(counts, wanted, 0))
    error = numpy.where(abs(a - b) < 16, 0, 16 * ((a + 8) // 16 - (b + 8) // 16))[counts]
    similarity = 0.9 + (40 - (error ** 2).sum() / counts.sum()) / 380
    return min(max(similarity, 0), 1), x, y


METRICS = {"luma": (luma, 25), "stbt": (stbt, 25), "psnr": (psnr, 47)}


# --- The pictures -------------------------------------------------------------------------

def canvas(rng, width, height):
    """A screen: a background, some boxes, and lines of glyphs."""
    picture = numpy.empty((height, width, 3), numpy.uint8)
    picture[:] = [rng.randrange(256) for _ in range(3)]
    for _ in range(rng.randrange(4)):
        x, y = rng.randrange(width), rng.randrange(height)
        picture[y:y + rng.randrange(2, 30), x:x + rng.randrange(2, 40)] = \
            [rng.randrange(256) for _ in range(3)]
    return picture


def write_text(rng, picture, lines):
    ink = [rng.randrange(256) for _ in range(3)]
    for line in lines:
        for column in range(rng.randrange(1, picture.shape[1] // 6)):
            glyph = numpy.array([[rng.random() < 0.4 for _ in range(5)] for _ in range(7)])
            part = picture[line:line + 7, column * 6:column * 6 + 5]
            part[glyph[:part.shape[0], :part.shape[1]]] = ink


def pair_text(rng, picture):
    after = picture.copy()
    write_text(rng, picture, range(2, picture.shape[0] - 8, 10))
    after[:] = picture
    if rng.random() < 0.7:
        write_text(rng, after, [rng.randrange(picture.shape[0] - 7)])
    return after


def pair_cursor(rng, picture):
    after = picture.copy()
    x, y = rng.randrange(picture.shape[1] - 4), rng.randrange(picture.shape[0] - 16)
    after[y:y + rng.randrange(1, 16), x:x + rng.randrange(1, 4)] ^= rng.choice([0x7f, 0xff, 0x1f])
    return after


def pair_fade(rng, picture):
    step = rng.randrange(-60, 61)
    return numpy.clip(picture.astype(int) + step, 0, 255).astype(numpy.uint8)


def pair_noise(rng, picture):
    noise = numpy.random.default_rng(rng.randrange(1 << 30)).normal(
        0, rng.choice([1, 2, 4, 6, 8, 12, 20]), picture.shape)
    return numpy.clip(picture + noise, 0, 255).round().astype(numpy.uint8)


def pair_scroll(rng, picture):
    write_text(rng, picture, range(2, picture.shape[0] - 8, 10))
    return numpy.roll(picture, rng.randrange(-3, 4), 0)


def pair_video(rng, picture):
    after = picture.copy()
    height, width = rng.randrange(1, 20), rng.randrange(1, 24)
    after[-height:, -width:] = numpy.random.default_rng(rng.randrange(1 << 30)).integers(
        0, 256, (height, width, 3), numpy.uint8)
    return after


def pair_limited(rng, picture):
    """The same scene as limited range would show it without its expansion, or with a step."""
    if rng.random() < 0.5:
        return (16 + picture.astype(int) * 219 // 255).astype(numpy.uint8)
    quantised = (picture.astype(int) * 219 // 255) * 255 // 219
    return quantised.astype(numpy.uint8)


KINDS = [pair_text, pair_cursor, pair_fade, pair_noise, pair_scroll, pair_video, pair_limited]


def grey(picture):
    return (picture.astype(int) @ [29, 150, 77] // 256).astype(numpy.uint8)


# --- The judge ------------------------------------------------------------------------------

def build(folder, name="verdicts"):
    """Compiles the helper with the flags of the service's build."""
    with open(f"{BUILD}/include/config/flags", encoding="utf-8") as file:
        flags = shlex.split(file.read())
    program = f"{folder}/{name}"
    # The libraries are among the flags, and come behind what needs them.
    subprocess.run([flags[0], "-o", program, f"tests/judge/{name}.c", f"{BUILD}/libglintd.a",
                    *flags[1:], "-lm"], check=True)
    return program


def judge(program, pairs):
    data = b"".join(b"%s %d %d %d\n" % (metric.encode(), threshold, a.shape[1], a.shape[0])
                    + a.tobytes() + b.tobytes() for metric, threshold, a, b in pairs)
    out = subprocess.run([program], input=data, stdout=subprocess.PIPE, check=True).stdout
    for line in out.decode().splitlines():
        words = line.split()
        yield words[0] == "1", float(words[1]), tuple(map(int, words[2:]))


@tap.test
def test_the_verdicts_agree_with_the_definitions():
    if numpy is None:
        raise tap.Skip("no numpy here")
    tap.needs("JUDGE")
    rng = random.Random(int(os.environ.get("GLINT_TEST_SEED", "1")))
    pairs, expected, kinds = [], [], []
    for kind in KINDS:
        for _ in range(PAIRS):
            before = canvas(rng, rng.randrange(24, 150), rng.randrange(24, 80))
            after = kind(rng, before)
            for metric, (function, threshold) in METRICS.items():
                a, b = (grey(after), grey(before)) if metric == "luma" else (after, before)
                pairs.append((metric, threshold, a, b))
                expected.append(function(a, b, threshold))
                kinds.append((kind.__name__, metric))
    with tempfile.TemporaryDirectory() as folder:
        found = list(judge(build(folder), pairs))
    assert len(found) == len(expected)
    for metric in METRICS:
        of_metric = [i for i in range(len(pairs)) if kinds[i][1] == metric]
        yes = sum(expected[i][0] for i in of_metric)
        wrong = [kinds[i] for i in of_metric if found[i][0] != expected[i][0]]
        print(f"# {metric}: {len(of_metric)} pairs, {yes} differ, {len(wrong)} verdicts disagree")
        assert len(of_metric) / 20 < yes < len(of_metric) * 19 / 20, "the corpus decides nothing"
        assert len(wrong) <= len(of_metric) * (1 - EQUAL_PART), wrong
        for i in of_metric:
            assert found[i][2] == expected[i][2], (kinds[i], found[i], expected[i])
            assert abs(found[i][1] - expected[i][1]) <= 1e-6 * abs(expected[i][1]) + 1e-6, \
                (kinds[i], found[i], expected[i])


def case_of_match(rng, kind):
    """A screen, a part of an earlier one as the reference, and where to look for it."""
    before = canvas(rng, rng.randrange(24, 150), rng.randrange(24, 80))
    after = kind(rng, before)
    height, width = rng.randrange(1, before.shape[0]), rng.randrange(1, before.shape[1])
    margin = rng.choice([0, 0, 3, 6])
    x, y = rng.randrange(before.shape[1] - width + 1), rng.randrange(before.shape[0] - height + 1)
    reference = before[y:y + height, x:x + width]
    place = [min(max(at + rng.randrange(-margin, margin + 1), 0), most) for at, most in
             ((x, before.shape[1] - width), (y, before.shape[0] - height))]
    alpha = None
    if rng.random() < 0.3:
        alpha = numpy.full((height, width), 255, numpy.uint8)
        alpha[rng.randrange(height):, rng.randrange(width):] = rng.choice([0, 127, 128])
        alpha[0, 0] = 255
    return after, reference, alpha, place, margin


@tap.test
def test_the_similarity_agrees_with_its_definition():
    if numpy is None:
        raise tap.Skip("no numpy here")
    tap.needs("JUDGE")
    rng = random.Random(int(os.environ.get("GLINT_TEST_SEED", "1")))
    data, expected = [], []
    for kind in KINDS:
        for _ in range(PAIRS // 3):
            after, reference, alpha, place, margin = case_of_match(rng, kind)
            expected.append((kind.__name__, *match(after, reference, alpha, place, margin)))
            data.append(b"%d %d %d %d %d %d %d %d\n" % (
                after.shape[1], after.shape[0], *place, reference.shape[1], reference.shape[0],
                margin, alpha is not None))
            data.append(after.tobytes() + reference[:, :, ::-1].tobytes() +
                        (b"" if alpha is None else alpha.tobytes()))
    with tempfile.TemporaryDirectory() as folder:
        out = subprocess.run([build(folder, "matches")], input=b"".join(data),
                             stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    assert len(out) == len(expected)
    similar = sum(similarity >= 0.96 for _, similarity, _, _ in expected)
    print(f"# {len(out)} references, {similar} match")
    assert len(out) / 10 < similar < len(out) * 9 / 10, "the corpus decides nothing"
    for line, (kind, similarity, x, y) in zip(out, expected):
        words = line.split()
        assert (int(words[1]), int(words[2])) == (x, y), (kind, line, similarity, x, y)
        assert abs(float(words[0]) - similarity) < 1e-9, (kind, line, similarity)


tap.main()
