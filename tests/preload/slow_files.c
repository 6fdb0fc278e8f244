/* SPDX-License-Identifier: MIT */
/*
 * Plays a file system that does not answer, for programs started with this library in LD_PRELOAD.
 * Below SLOW_FILES_DIR, calls that open, read or sync files wait while the file SLOW_FILES_GATE exists;
 * the first waiting call makes the file SLOW_FILES_WAITS.
 */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The C library names its parameters with reserved identifiers. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

#define SHOWN __attribute__((visibility("default")))

static bool is_slow(int fd)
{
	const char *dir = getenv("SLOW_FILES_DIR");
	char link[40], path[PATH_MAX];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = dir ? readlink(link, path, sizeof(path) - 1) : -1;
	if (size < 0)
		return false;
	path[size] = '\0';
	return strncmp(path, dir, strlen(dir)) == 0;
}

static void wait_at_gate(int fd)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	const char *gate = getenv("SLOW_FILES_GATE"), *waits = getenv("SLOW_FILES_WAITS");
	int made;

	if (!gate || !waits || !is_slow(fd) || access(gate, F_OK) < 0)
		return;
	made = creat(waits, 0600);
	if (made >= 0)
		close(made);
	while (access(gate, F_OK) == 0)
		nanosleep(&pause, NULL);
}

SHOWN ssize_t read(int fd, void *buffer, size_t size)
{
	wait_at_gate(fd);
	return syscall(SYS_read, fd, buffer, size);
}

SHOWN ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
	wait_at_gate(fd);
	return syscall(SYS_pread64, fd, buffer, size, offset);
}

SHOWN int fdatasync(int fd)
{
	wait_at_gate(fd);
	return (int)syscall(SYS_fdatasync, fd);
}

/* The C library has no function for openat2(). */
SHOWN long syscall(long number, ...)
{
	static long (*real)(long number, ...);
	long words[6];
	va_list args;

	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_start(args, number);
	for (unsigned i = 0; i < 6; i++)
		words[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_openat2)
		wait_at_gate((int)words[0]);
	return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
