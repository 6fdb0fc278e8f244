#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Checks the files of "make install", and that another project can build against them. TAP.
# GLINT_BUILD names the build directory.
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${GLINT_BUILD:-build}
dest=$(mktemp -d)
trap 'rm -r "$dest"' EXIT
prefix=/opt/glint
root=$dest$prefix
# shellcheck source=tap.sh
. tests/install/tap.sh

run_make()
{
	"${MAKE:-make}" -s O="$build" DESTDIR="$dest" PREFIX="$prefix" "$@"
}

files_are_there()
{
	local file missing=0

	for file in bin/glintd lib/libglint.so.0 lib/libglint.so lib/libglint.a \
		lib/pkgconfig/libglint.pc include/glint/client.h include/glint/protocol.h \
		lib/systemd/system/glintd@.service lib/systemd/system/glintd@.socket \
		lib/sysusers.d/glint.conf share/bash-completion/completions/glint \
		share/zsh/site-functions/_glintd share/fish/vendor_completions.d/glint.fish \
		lib/python3/dist-packages/glint.py lib/python3/dist-packages/pytest_glint.py \
		lib/python3/dist-packages/GlintLibrary.py \
		share/doc/glint/examples/70-glint.rules \
		share/doc/glint/examples/boot-test.sh share/doc/glint/examples/glintd.conf; do
		[ -e "$root/$file" ] || { echo "missing: $file"; missing=1; }
	done
	return $missing
}

nothing_else()
{
	! find "$dest" -type f -not -path "$root/*" | grep .
}

no_marks_left()
{
	! grep -rnE '@[A-Z]+@' "$root/lib/pkgconfig" "$root/lib/systemd"
}

# DESTDIR is the staging folder of a package, not its final place.
no_destdir_inside()
{
	! grep -rl "$dest" "$root/lib/pkgconfig" "$root/lib/systemd"
}

not_privileged()
{
	! find "$root" -type f -perm /6000 | grep .
}

# Only a service that an administrator has started uses a device.
nothing_starts_by_itself()
{
	! find "$root" -path '*/udev/rules.d/*' -o -name '*.wants' -o -name '*.preset' | grep .
}

only_programs_are_executable()
{
	local executable
	executable=$(find "$root" -type f -perm /111 -printf '%P\n' | sort)
	[ "$executable" = "$(printf '%s\n' bin/glint bin/glintd)" ] || { echo "$executable"; return 1; }
}

# Prints the sonames that the notes of a program name. Specification: "ELF dlopen metadata".
dlopen_notes()
{
	objcopy --dump-section .note.dlopen="$dest/notes" "$1" /dev/null && python3 - "$dest/notes" <<-'EOF'
	import json, struct, sys
	data = open(sys.argv[1], "rb").read()
	while data:
	    owner, size, kind = struct.unpack_from("=3I", data)
	    assert (owner, kind, data[12:16]) == (4, 0x407c0c0a, b"FDO\0"), data
	    text = data[16:16 + size]
	    assert text[-1:] == b"\0", text
	    for entry in json.loads(text[:-1]):
	        assert entry["priority"] in ("required", "recommended", "suggested"), entry
	        assert entry["feature"] and entry["description"], entry
	        print(*entry["soname"], sep="\n")
	    data = data[16 + (size + 3) // 4 * 4:]
	EOF
}

# The notes name exactly the libraries that the sources load in this configuration.
loaded_libraries_are_noted()
{
	local noted loaded=() file name
	noted=$(dlopen_notes "$root/bin/glintd" | sort) || return
	for file in $(grep -rlE 'GLINT_LIBRARY\(|\<dlopen\(' src --include='*.c' | grep -v base/library.c); do
		name=$(sed -n 's/^#define LIBRARY[[:space:]]*"\(.*\)"$/\1/p' "$file")
		[ -n "$name" ] || { echo "$file: names no LIBRARY"; return 1; }
		! grep -qaF "$name" "$root/bin/glintd" || loaded+=("$name")
	done
	[ "$noted" = "$(printf '%s\n' "${loaded[@]}" | sort)" ] ||
		{ echo "noted: $noted; loaded: ${loaded[*]}"; return 1; }
}

flags()
{
	PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_PATH=$root/lib/pkgconfig \
		"${PKG_CONFIG:-pkg-config}" "$@" libglint
}

pkg_config_knows()
{
	[ "$(flags --modversion)" = "$(sed -n 's/^VERSION := //p' Makefile)" ]
}

# Every header compiles alone in strict mode.
headers_stand_alone()
{
	local header

	for header in "$root"/include/glint/*.h; do
		printf '#include <glint/%s>\nextern int used;\n' "${header##*/}" |
			"${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
				-I "$root/include" -x c - || return 1
	done
}

# A user's first program; without a service it must fail with an error and not hang.
program_runs()
{
	cat >"$dest/program.c" <<-EOF
	#include <glint/client.h>
	#include <glint/protocol.h>

	int main(void)
	{
		struct glint_client *client;
		struct glint_image image = { 0 };
		int err = glint_client_create(&client, "$dest/nowhere.sock");

		if (err < 0)
			return 1;
		err = glint_client_snapshot(client, 0, &image);
		glint_image_fini(&image);
		glint_client_destroy(client);
		return err < 0 ? 0 : 2;
	}
	EOF
	# shellcheck disable=SC2046
	"${CC:-cc}" -std=c11 -Wall -Werror -o "$dest/program" "$dest/program.c" \
		$(flags --cflags --libs) "$@" && LD_LIBRARY_PATH=$root/lib "$dest/program"
}

soname()
{
	objdump -p "$root/lib/libglint.so.0" | grep -q 'SONAME *libglint.so.0$'
}

units_verify()
{
	local unit=$dest/units out
	mkdir "$unit"
	# systemd-analyze looks for the unit's program, which is in the scratch directory here.
	sed "s|^ExecStart=$prefix|ExecStart=$root|" "$root/lib/systemd/system/glintd@.service" \
		>"$unit/glintd@.service"
	cp "$root/lib/systemd/system/glintd@.socket" "$unit"
	# Only the faults of these units, not of the host's other units.
	out=$(systemd-analyze verify --man=no --recursive-errors=one "$unit/glintd@video0.service" \
		"$unit/glintd@video0.socket" 2>&1)
	! grep -F glintd <<<"$out"
}

# The unit allows the devices of the service's memory options, and its security score does not get
# worse.
unit_is_tight()
{
	local unit=$root/lib/systemd/system/glintd@.service out device

	for device in video4linux media dma_heap drm; do
		grep -qx "DeviceAllow=char-$device rw" "$unit" || { echo "no char-$device"; return 1; }
	done
	! grep -e --unix-rm "$unit" || return
	out=$(systemd-analyze security --offline=yes --threshold=20 "$dest/units/glintd@video0.service") ||
		{ tail -n 3 <<<"$out"; return 1; }
}

rules_verify()
{
	udevadm verify --no-style "$root/share/doc/glint/examples/70-glint.rules"
}

pages_are_there()
{
	local page

	for page in man/*.[1-8]; do
		[ -e "$root/share/man/man${page##*.}/${page##*/}" ] || { echo "missing: $page"; return 1; }
	done
}

echo 1..20
ok "make install succeeds" run_make install
ok "every file is where it belongs" files_are_there
ok "nothing lands outside of the prefix" nothing_else
ok "no @MARK@ is left in a file made from a template" no_marks_left
ok "no file contains DESTDIR" no_destdir_inside
ok "no program has special rights" not_privileged
ok "no service is active after the installation" nothing_starts_by_itself
ok "only programs are executable" only_programs_are_executable
ok "an ELF note names each library that is loaded later" loaded_libraries_are_noted
ok "pkg-config has the version" pkg_config_knows
ok "each header stands alone in strict C11" headers_stand_alone
ok "a program builds with pkg-config's flags, and runs" program_runs
ok "a program runs with the static library" program_runs "$root/lib/libglint.a"
ok "the shared library has its soname" soname
if compgen -G 'man/*.[1-8]' >/dev/null; then
	ok "the manual pages are installed" pages_are_there
else
	skip "the manual pages are there" "man/ is empty"
fi
if command -v systemd-analyze >/dev/null; then
	ok "systemd accepts the units" units_verify
	ok "the unit allows the devices that it needs, and little else" unit_is_tight
else
	skip "the unit allows the devices that it needs, and little else" "systemd-analyze is not installed"
	skip "systemd accepts the units" "systemd-analyze is not installed"
fi
if udevadm verify --help >/dev/null 2>&1; then
	ok "udev accepts the rules" rules_verify
else
	skip "udev accepts the rules" "this udevadm cannot verify"
fi
rm -f "$dest"/program*
# Without any of the libraries: the first step installs them.
begins_with_what_is_missing()
{
	PKG_CONFIG=/nonexistent "${MAKE:-make}" -n MAKE=true O="$dest/new" run
}
ok "make run first installs all that it needs" begins_with_what_is_missing
uninstalled()
{
	run_make uninstall && ! find "$root" -type f -o -type l | grep .
}
ok "make uninstall leaves nothing" uninstalled
finish
