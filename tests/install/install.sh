#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What "make install" puts where, and whether a stranger can build against it. TAP.
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
		lib/udev/rules.d/70-glint.rules lib/sysusers.d/glint.conf; do
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
	! grep -rnE '@[A-Z]+@' "$root/lib/pkgconfig" "$root/lib/systemd" "$root/lib/udev"
}

# DESTDIR is where the package is put together, not where it will live.
no_destdir_inside()
{
	! grep -rl "$dest" "$root/lib/pkgconfig" "$root/lib/systemd" "$root/lib/udev"
}

not_privileged()
{
	! find "$root" -type f -perm /6000 | grep .
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

# Every header by itself, strictly.
headers_stand_alone()
{
	local header

	for header in "$root"/include/glint/*.h; do
		printf '#include <glint/%s>\nextern int used;\n' "${header##*/}" |
			"${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
				-I "$root/include" -x c - || return 1
	done
}

# What a user writes first; there is no service, so it must say so and not hang.
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
	# The program of the unit is looked for, and is in the scratch directory here.
	sed "s|^ExecStart=$prefix|ExecStart=$root|" "$root/lib/systemd/system/glintd@.service" \
		>"$unit/glintd@.service"
	cp "$root/lib/systemd/system/glintd@.socket" "$unit"
	# Only the faults of these units, not those of others around.
	out=$(systemd-analyze verify --man=no --recursive-errors=one "$unit/glintd@video0.service" \
		"$unit/glintd@video0.socket" 2>&1)
	! grep -F glintd <<<"$out"
}

rules_verify()
{
	udevadm verify --no-style "$root/lib/udev/rules.d/70-glint.rules"
}

pages_are_there()
{
	local page

	for page in man/*.[1-8]; do
		[ -e "$root/share/man/man${page##*.}/${page##*/}" ] || { echo "missing: $page"; return 1; }
	done
}

echo 1..15
ok "make install succeeds" run_make install
ok "every file is where it belongs" files_are_there
ok "nothing lands outside of the prefix" nothing_else
ok "no @MARK@ is left in what was made from a template" no_marks_left
ok "no file remembers DESTDIR" no_destdir_inside
ok "no program has special rights" not_privileged
ok "pkg-config knows the version" pkg_config_knows
ok "each header stands alone in strict C11" headers_stand_alone
ok "a program builds with what pkg-config says, and runs" program_runs
ok "a program runs with the static library" program_runs "$root/lib/libglint.a"
ok "the shared library has its soname" soname
if compgen -G 'man/*.[1-8]' >/dev/null; then
	ok "the manual pages are there" pages_are_there
else
	skip "the manual pages are there" "man/ is empty"
fi
if command -v systemd-analyze >/dev/null; then
	ok "systemd accepts the units" units_verify
else
	skip "systemd accepts the units" "systemd-analyze is not installed"
fi
if udevadm verify --help >/dev/null 2>&1; then
	ok "udev accepts the rules" rules_verify
else
	skip "udev accepts the rules" "this udevadm cannot verify"
fi
rm -f "$dest"/program*
# Without any of the libraries: to install them is the first that it does.
begins_with_what_is_missing()
{
	PKG_CONFIG=/nonexistent "${MAKE:-make}" -n MAKE=true O="$dest/new" run
}
ok "make run needs nothing before it has installed it" begins_with_what_is_missing
uninstalled()
{
	run_make uninstall && ! find "$root" -type f -o -type l | grep .
}
ok "make uninstall leaves nothing" uninstalled
finish
