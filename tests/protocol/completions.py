#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The completions of bash, zsh and fish know what --help shows, and their shells accept them.

Prints TAP. From the environment: GLINTD, GLINT, BUILD. A shell that is not installed is skipped.
"""
import os
import re
import shutil
import subprocess

import tap

GLINT = os.environ.get("GLINT", "build/glint")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
FOLDER = os.path.join(ROOT, "contrib/completions")

# Prints what bash offers for the words of its arguments.
BASH = '''
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_"$1" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
'''


def offered_by_bash(program, *words):
    done = subprocess.run(["bash", "-c", BASH, "-", f"{FOLDER}/{program}.bash", program, *words],
                          capture_output=True, text=True, timeout=tap.PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.split()


def offered_by_fish(program, line):
    if not shutil.which("fish"):
        raise tap.Skip("no fish: apt-get install fish")
    done = subprocess.run(["fish", "--no-config", "-c",
                           f"source {FOLDER}/{program}.fish; complete -C '{line}'"],
                          capture_output=True, text=True, timeout=tap.PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    return [entry.split("\t")[0] for entry in done.stdout.splitlines()]


def options_of(*command):
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    return re.findall(r"^ +(?:-\S, )?(--[a-z0-9-]+)", done.stdout, re.M)


def commands():
    done = subprocess.run([GLINT, "--help"], capture_output=True, text=True, check=True)
    listed = done.stdout.partition("\nCommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", listed, re.M)


def missing(wanted, offered):
    return [name for name in wanted if name not in offered]


@tap.test
def test_files():
    """each file has each option and each command of --help"""
    sources = {"glintd": options_of(tap.GLINTD), "glint": options_of(GLINT) + commands()}
    for command in commands():
        if command != "help":
            sources["glint"] += options_of(GLINT, command)
    for program, wanted in sources.items():
        assert len(wanted) > 10, wanted
        for name in (f"{program}.bash", f"_{program}", f"{program}.fish"):
            with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
                words = set(re.findall(r"[a-z0-9][a-z0-9-]*", file.read()))
            lost = missing([each.lstrip("-") for each in wanted], words)
            assert not lost, f"{name} lacks {lost}: run scripts/make-completions"


@tap.test
def test_bash():
    """bash offers commands, the options of each, and the values of an option"""
    assert not missing(commands(), offered_by_bash("glint", "")), offered_by_bash("glint", "")
    assert offered_by_bash("glint", "snaps") == ["snapshot"]
    for command in commands():
        if command != "help":
            assert sorted(offered_by_bash("glint", command, "--")) == \
                sorted(set(options_of(GLINT, command))), command
    assert "stream" in offered_by_bash("glint", "help", "")
    assert offered_by_bash("glint", "state", "--timeout", "") == []
    assert "--json" in offered_by_bash("glint", "--socket", "a.sock", "state", "--")
    assert not missing(options_of(tap.GLINTD), offered_by_bash("glintd", "--"))
    assert offered_by_bash("glintd", "--encoder", "M2M-I") == ["M2M-IMAGE"]


@tap.test
def test_fish():
    """fish offers the same"""
    assert sorted(set(offered_by_fish("glint", "glint "))) == sorted(commands())
    for command in commands():
        if command != "help":
            offered = offered_by_fish("glint", f"glint {command} --")
            lost = missing(options_of(GLINT, command), [name.rstrip("=") for name in offered])
            assert not lost, (command, lost)
    assert "M2M-IMAGE" in offered_by_fish("glintd", "glintd --encoder ")


@tap.test
def test_zsh():
    """zsh runs the functions, and _arguments gets the options"""
    if not shutil.which("zsh"):
        raise tap.Skip("no zsh: apt-get install zsh")
    for name in ("_glintd", "_glint"):
        subprocess.run(["zsh", "-f", "-n", f"{FOLDER}/{name}"], check=True, timeout=tap.PATIENCE)
    # The specs, without a terminal: _arguments is replaced by a function that shows its arguments.
    script = '''
    setopt no_unset; curcontext=
    function _arguments { print -rl -- "$@"; state=argument; line=(stream) }
    function _describe { }
    function complete_it { eval "$(<$1)" }
    complete_it $1
    '''
    for name, wanted in (("_glint", "--count="), ("_glintd", "--encoder=")):
        done = subprocess.run(["zsh", "-f", "-c", script, "-", f"{FOLDER}/{name}"], text=True,
                              capture_output=True, timeout=tap.PATIENCE, check=False)
        assert done.returncode == 0 and done.stderr == "", done
        assert f"\n{wanted}[" in done.stdout or f"){wanted}[" in done.stdout, done.stdout
        assert "-?[Give" in done.stdout or name == "_glintd", done.stdout


if os.access(GLINT, os.X_OK):
    tap.main()
else:
    print("1..0 # SKIP glint is not built")
