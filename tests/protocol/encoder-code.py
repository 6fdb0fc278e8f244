#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The CPU encoder's own code: instructions a picture, counted by callgrind and so independent of
timing and load; and the library for other programs."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402

BENCH = os.path.join(tap.BUILD, "tests/bench/bench_jpegenc")
FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench/instructions.json")
PIXELS = 1920 * 1080
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
NEON_FILES = [f"{ROOT}/src/encode/cpu/{name}.c" for name in ("jpegenc", "scalar", "reuse", "neon")]
NEON_FILES.append(f"{ROOT}/src/jpeg/header.c")
NEON_FLAGS = ["-std=gnu17", "-O2", "-static", "-D_GNU_SOURCE", "-DCONFIG_ENCODE_CPU_SIMD=1",
              "-I", f"{ROOT}/src", "-I", f"{ROOT}/src/encode/cpu", "-I", f"{ROOT}/tools",
              "-include", f"{ROOT}/src/base/kconfig.h"]


def has_instructions(*names):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = re.search(r"^flags\s*: (.*)$", file.read(), re.M)
    return flags is not None and set(names) <= set(flags.group(1).split())


def is_built_by_gcc():
    try:
        with open(os.path.join(tap.BUILD, "include/config/flags"), encoding="utf-8") as file:
            return "gcc" in file.read().split(" ", 1)[0]
    except OSError:
        return True


def count(picture):
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null",
         "--toggle-collect=encode_once", BENCH, f"{picture}_once_by_ours"],
        capture_output=True, text=True, check=True, timeout=tap.PATIENCE)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


@tap.test
def test_instructions():
    """the AVX2 engine needs no more instructions a pixel than its limit"""
    tap.needs("ENCODE_CPU_SIMD")
    if tap.is_sanitized() or (tap.built_with("DEBUG") and os.path.exists(f"{tap.BUILD}/.config")):
        raise tap.Skip("only a plain build is counted")
    if not is_built_by_gcc():
        raise tap.Skip("the limits are gcc's")
    if not shutil.which("valgrind"):
        raise tap.Skip("valgrind is not installed")
    if not has_instructions("avx2", "bmi1", "bmi2"):
        raise tap.Skip("this processor has no AVX2 and BMI2")
    if not os.access(BENCH, os.X_OK):
        raise tap.Skip("bench_jpegenc is not built")
    with open(FIGURES, encoding="utf-8") as file:
        limits = json.load(file)["limits"]
    counted = {picture: count(picture) / PIXELS for picture in limits}
    print("#", ", ".join(f"{picture} {value:.2f}" for picture, value in counted.items()))
    assert all(counted[picture] <= limits[picture] for picture in limits), counted


# The header's example: writes a grey picture with a step to standard output.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "jpegenc.h"

int main(void)
{
	struct glint_jpegenc_config config = {
		.width = 75, .height = 50, .layout = GLINT_JPEGENC_GREY,
		.sampling = GLINT_JPEGENC_SAMPLING_GREY, .quality = 80,
	};
	unsigned char *pixels = calloc(75, 50);
	struct glint_jpegenc_source source = { { pixels }, { 75 } };
	struct glint_jpegenc_output out = { malloc(1 << 16), 0, 1 << 16, NULL };
	struct glint_jpegenc *enc;

	memset(pixels + 75 * 20, 200, 75 * 30);
	if (glint_jpegenc_create(&enc, &config) < 0)
		return 1;
	out.size = glint_jpegenc_header(enc, 0, out.data);
	if (glint_jpegenc_scan(enc, &source, 0, glint_jpegenc_rows(enc), &out) < 0)
		return 1;
	out.data[out.size++] = 0xff;
	out.data[out.size++] = 0xd9;
	fwrite(out.data, 1, out.size, stdout);
	glint_jpegenc_destroy(enc);
	free(out.data);
	free(pixels);
	return 0;
}
"""


@tap.test
def test_library():
    """a program makes a JPEG with the header and libglintjpeg.a alone"""
    tap.needs("ENCODE_CPU")
    if tap.is_sanitized():
        raise tap.Skip("a sanitizer is built in")
    library = os.path.join(tap.BUILD, "libglintjpeg.a")
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler or not shutil.which("djpeg") or not os.path.exists(library):
        raise tap.Skip("no compiler, no djpeg, or no library")
    header = os.path.join(os.path.dirname(FIGURES), "../../src/encode/cpu")
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "program")
        subprocess.run([compiler, "-Wall", "-Werror", "-I", header, "-xc", "-", "-xnone", library,
                        "-o", program], input=PROGRAM, text=True, check=True)
        jpeg = subprocess.run([program], stdout=subprocess.PIPE, check=True).stdout
    done = subprocess.run(["djpeg", "-pnm"], input=jpeg, capture_output=True, check=True)
    assert done.stderr == b"", done.stderr
    assert done.stdout.startswith(b"P5\n75 50\n255\n"), done.stdout[:20]
    lines = done.stdout[-75 * 50:]
    assert max(lines[:75 * 16]) <= 2 and min(lines[75 * 24:]) >= 198, "other pixels"


def pictures():
    """Yields pictures of the test pattern in each of its formats, with edges within an MCU."""
    kinds = (("YUYV", "642x362", "80", "420"), ("UYVY", "322x194", "100", "source"),
             ("NV12", "646x374", "1", "420"), ("YUV420", "160x120", "50", "source"),
             ("RGB24", "654x378", "95", "420"), ("RGB24", "338x170", "90", "source"),
             ("GREY", "330x186", "75", "source"))
    for fourcc, size, quality, chroma in kinds:
        with tap.Service("--format", fourcc, "--resolution", size, "--quality", quality,
                         "--chroma", chroma) as service:
            service.wait_until_live()
            with tap.Stream(service, "") as stream:
                for _ in range(4):
                    yield f"{fourcc} {size} {quality} {chroma}", size, stream.part()[1]


@tap.test
def test_decoders():
    """djpeg and ffmpeg decode pictures of each format, size and quality without a warning"""
    tap.needs("ENCODE_CPU")
    tap.needs("PATTERN")
    decoders = [command for command in
                (["djpeg", "-pnm"], ["ffmpeg", "-v", "warning", "-f", "mjpeg", "-i", "pipe:0",
                                     "-f", "rawvideo", "-"]) if shutil.which(command[0])]
    missing = {"djpeg", "ffmpeg"} - {command[0] for command in decoders}
    if not decoders:
        raise tap.Skip("neither djpeg (libjpeg-turbo-progs) nor ffmpeg is installed")
    seen = 0
    for name, size, jpeg in pictures():
        assert tap.jpeg_size(jpeg) == tuple(int(side) for side in size.split("x")), name
        for command in decoders:
            done = subprocess.run(command, input=jpeg, capture_output=True, check=False,
                                  timeout=tap.PATIENCE)
            assert done.returncode == 0 and done.stderr == b"", (name, command[0], done.stderr)
            assert len(done.stdout) > 0, (name, command[0])
        seen += 1
    print(f"# {seen} pictures" + (f"; not installed: {', '.join(missing)}" if missing else ""))


def cross_compiler():
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    if not compiler or not shutil.which("qemu-aarch64"):
        raise tap.Skip("no aarch64-linux-gnu-gcc (gcc-aarch64-linux-gnu), or no qemu-aarch64 "
                       "(qemu-user)")
    return compiler


@tap.test
def test_neon():
    """the NEON engine writes the scalar engine's bytes, on an emulated processor"""
    compiler = cross_compiler()
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "compare")
        subprocess.run([compiler, *NEON_FLAGS, f"{ROOT}/tests/jpegenc/compare.c", *NEON_FILES,
                        "-o", program], check=True)
        done = subprocess.run(["qemu-aarch64", program, "6000"], capture_output=True, text=True,
                              check=False, timeout=tap.PATIENCE)
    for line in done.stdout.splitlines():
        print("#", line)
    assert done.returncode == 0 and done.stdout.startswith("neon: 0 of 6000 "), done.stderr


def count_emulated(plugin, program, picture, times):
    done = subprocess.run(["qemu-aarch64", "-plugin", plugin, program, picture, str(times)],
                          capture_output=True, text=True, check=True, timeout=tap.PATIENCE)
    return int(re.search(r"instructions: (\d+)", done.stderr).group(1))


@tap.test
def test_neon_instructions():
    """a pixel costs the NEON engine no more instructions than it may"""
    compiler, native = cross_compiler(), shutil.which("cc")
    if not native:
        raise tap.Skip("no compiler for the plugin that counts")
    with open(FIGURES, encoding="utf-8") as file:
        limits = json.load(file)["neon_limits"]
    with tempfile.TemporaryDirectory() as folder:
        plugin, program = os.path.join(folder, "plugin.so"), os.path.join(folder, "repeat")
        subprocess.run([native, "-shared", "-fPIC", f"{ROOT}/tests/jpegenc/plugin.c", "-o",
                        plugin], check=True)
        subprocess.run([compiler, *NEON_FLAGS, f"{ROOT}/tests/jpegenc/repeat.c",
                        f"{ROOT}/tools/v4l2emu/scene.c", *NEON_FILES, "-o", program], check=True)
        counted = {picture: (count_emulated(plugin, program, picture, 2)
                             - count_emulated(plugin, program, picture, 1)) / PIXELS
                   for picture in limits}
    print("#", ", ".join(f"{picture} {value:.2f}" for picture, value in counted.items()))
    assert all(counted[picture] <= limits[picture] for picture in limits), counted


tap.main()
