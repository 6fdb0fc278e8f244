/* SPDX-License-Identifier: MIT */
/*
 * Replacements of the C library's functions. System calls that the program makes directly, or that
 * the C library makes internally, do not pass here.
 */
/* These macros would rename the functions below. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "emu.h"

/* The C library names its parameters with reserved identifiers. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

#define SHOWN	      __attribute__((visibility("default")))
#define DEVICE_NUMBER makedev(81, 250)
#define UEVENT_PATH   "/sys/dev/char/81:250/uevent"

/* Looks up the next function of this name. Threads that race find the same one. */
#define REAL(name)                                                                                 \
	({                                                                                         \
		static typeof(&(name)) real_;                                                      \
		if (!real_)                                                                        \
			real_ = (typeof(real_))dlsym(RTLD_NEXT, #name);                            \
		real_;                                                                             \
	})

static int result(int res)
{
	if (res >= 0)
		return res;
	errno = -res;
	return -1;
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                                                          \
	SHOWN int name(const char *path, int flags, ...)                                           \
	{                                                                                          \
		va_list args;                                                                      \
		mode_t mode;                                                                       \
                                                                                                   \
		va_start(args, flags);                                                             \
		mode = mode_of(flags, args);                                                       \
		va_end(args);                                                                      \
		if (emu_is_path(path))                                                             \
			return result(emu_open(flags));                                            \
		return REAL(name)(path, flags, mode);                                              \
	}

#define DEFINE_OPENAT(name)                                                                        \
	SHOWN int name(int dir, const char *path, int flags, ...)                                  \
	{                                                                                          \
		va_list args;                                                                      \
		mode_t mode;                                                                       \
                                                                                                   \
		va_start(args, flags);                                                             \
		mode = mode_of(flags, args);                                                       \
		va_end(args);                                                                      \
		if (emu_is_path(path))                                                             \
			return result(emu_open(flags));                                            \
		return REAL(name)(dir, path, flags, mode);                                         \
	}

/* _FORTIFY_SOURCE turns calls without O_CREAT into these. */
#define DEFINE_OPEN_2(name)                                                                        \
	int name(const char *path, int flags);                                                     \
	SHOWN int name(const char *path, int flags)                                                \
	{                                                                                          \
		if (emu_is_path(path))                                                             \
			return result(emu_open(flags));                                            \
		return REAL(name)(path, flags);                                                    \
	}

#define DEFINE_OPENAT_2(name)                                                                      \
	int name(int dir, const char *path, int flags);                                            \
	SHOWN int name(int dir, const char *path, int flags)                                       \
	{                                                                                          \
		if (emu_is_path(path))                                                             \
			return result(emu_open(flags));                                            \
		return REAL(name)(dir, path, flags);                                               \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)
DEFINE_OPEN_2(__open_2)
DEFINE_OPEN_2(__open64_2)
DEFINE_OPENAT_2(__openat_2)
DEFINE_OPENAT_2(__openat64_2)

/* v4l2-ctl reads the kind of the device from sysfs, by device number. */
static FILE *open_uevent(void)
{
	static const char text[] = "DEVNAME=video250\n";
	int fd = memfd_create("uevent", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, text, sizeof(text) - 1, 0) < 0)
		return NULL;
	return fdopen(fd, "r");
}

#define DEFINE_FOPEN(name)                                                                         \
	SHOWN FILE *name(const char *path, const char *mode)                                       \
	{                                                                                          \
		if (strcmp(path, UEVENT_PATH) == 0)                                                \
			return open_uevent();                                                      \
		return REAL(name)(path, mode);                                                     \
	}

DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)

SHOWN int close(int fd)
{
	if (emu_handle_of(fd))
		emu_close(fd);
	return REAL(close)(fd);
}

/* GStreamer starts the stream through a duplicate of the descriptor that it has opened. */
SHOWN int dup(int fd)
{
	struct emu_handle *handle = emu_handle_of(fd);
	int copy = REAL(dup)(fd);

	if (handle && copy >= 0)
		emu_add_duplicate(handle, copy);
	return copy;
}

SHOWN int ioctl(int fd, unsigned long request, ...)
{
	struct emu_handle *handle = emu_handle_of(fd);
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return handle ? result(emu_ioctl(handle, request, arg)) : REAL(ioctl)(fd, request, arg);
}

#define DEFINE_MMAP(name, offset_type)                                                             \
	SHOWN void *name(void *address, size_t length, int prot, int flags, int fd,                \
			 offset_type offset)                                                       \
	{                                                                                          \
		if (!(flags & MAP_ANONYMOUS) && emu_handle_of(fd)) {                               \
			fd = emu_map(offset, length);                                              \
			offset = 0;                                                                \
			if (fd < 0)                                                                \
				return result(fd), MAP_FAILED;                                     \
		}                                                                                  \
		return REAL(name)(address, length, prot, flags, fd, offset);                       \
	}

DEFINE_MMAP(mmap, off_t)
DEFINE_MMAP(mmap64, off64_t)

#define DESCRIBE_NODE(out)                                                                         \
	({                                                                                         \
		memset(out, 0, sizeof(*(out)));                                                    \
		(out)->st_mode = S_IFCHR | 0660;                                                   \
		(out)->st_nlink = 1;                                                               \
		(out)->st_rdev = DEVICE_NUMBER;                                                    \
		0;                                                                                 \
	})

#define DEFINE_STAT(name, type)                                                                    \
	SHOWN int name(const char *path, struct type *out)                                         \
	{                                                                                          \
		return emu_is_path(path) ? DESCRIBE_NODE(out) : REAL(name)(path, out);             \
	}

#define DEFINE_FSTAT(name, type)                                                                   \
	SHOWN int name(int fd, struct type *out)                                                   \
	{                                                                                          \
		return emu_handle_of(fd) ? DESCRIBE_NODE(out) : REAL(name)(fd, out);               \
	}

#define DEFINE_FSTATAT(name, type)                                                                 \
	SHOWN int name(int dir, const char *path, struct type *out, int flags)                     \
	{                                                                                          \
		return emu_is_path(path) ? DESCRIBE_NODE(out) : REAL(name)(dir, path, out, flags); \
	}

DEFINE_STAT(stat, stat)
DEFINE_STAT(stat64, stat64)
DEFINE_STAT(lstat, stat)
DEFINE_STAT(lstat64, stat64)
DEFINE_FSTAT(fstat, stat)
DEFINE_FSTAT(fstat64, stat64)
DEFINE_FSTATAT(fstatat, stat)
DEFINE_FSTATAT(fstatat64, stat64)

SHOWN int access(const char *path, int mode)
{
	return emu_is_path(path) ? 0 : REAL(access)(path, mode);
}

SHOWN int faccessat(int dir, const char *path, int mode, int flags)
{
	return emu_is_path(path) ? 0 : REAL(faccessat)(dir, path, mode, flags);
}

/* The node is not a symbolic link. */
SHOWN ssize_t readlink(const char *path, char *buffer, size_t size)
{
	return emu_is_path(path) ? result(-EINVAL) : REAL(readlink)(path, buffer, size);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
