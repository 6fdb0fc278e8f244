/* SPDX-License-Identifier: MIT */
/* The device and its open handles. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "emu.h"

static struct emu_device device = {
	.control = PTHREAD_MUTEX_INITIALIZER,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.handles = { [0 ... EMU_HANDLES - 1] = { .fd = -1 } },
};
static const char *device_path = "/dev/video-emu0";

__attribute__((constructor)) static void read_path(void)
{
	const char *path = getenv("V4L2EMU_PATH");

	if (path && *path)
		device_path = path;
}

bool emu_is_path(const char *path)
{
	return path && strcmp(path, device_path) == 0;
}

struct emu_device *emu_device(void)
{
	return &device;
}

static _Noreturn void give_up(const char *what, int err)
{
	fprintf(stderr, "v4l2emu: %s: %s\n", what, strerror(-err));
	_exit(2);
}

/* Creates the device at the first open, so that other programs pay nothing. */
static void device_make(void)
{
	struct emu_settings *settings = &device.settings;
	pthread_condattr_t monotonic;
	int fds[2], err;

	emu_settings_read(settings);
	emu_controls_init();
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&device.stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		give_up("pipe", -errno);
	device.reader = fds[0];
	device.writer = fds[1];
	device.stats = emu_stats_map(settings->stats_path);
	if (!device.stats)
		give_up(settings->stats_path ? settings->stats_path : "memory", -errno);
	err = emu_picture_init(&device.picture, settings);
	if (err < 0)
		give_up("picture", err);
}

static struct emu_handle *find_handle(int fd)
{
	if (fd < 0 || __atomic_load_n(&device.n_handles, __ATOMIC_RELAXED) == 0)
		return NULL;
	for (unsigned i = 0; i < EMU_HANDLES; i++)
		if (__atomic_load_n(&device.handles[i].fd, __ATOMIC_RELAXED) == fd)
			return &device.handles[i];
	return NULL;
}

struct emu_handle *emu_handle_of(int fd)
{
	struct emu_handle *handle = find_handle(fd);

	return handle && handle->original ? handle->original : handle;
}

/* Opens another reading end: a duplicate would share O_NONBLOCK with the first. */
static int reopen_pipe(int flags)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", device.reader);
	fd = open(path, O_RDONLY | (flags & (O_NONBLOCK | O_CLOEXEC)));
	return fd < 0 ? -errno : fd;
}

static struct emu_handle *handle_free(void)
{
	for (unsigned i = 0; i < EMU_HANDLES; i++)
		if (device.handles[i].fd < 0)
			return &device.handles[i];
	return NULL;
}

static void handle_set(struct emu_handle *handle, int fd, struct emu_handle *original)
{
	handle->original = original;
	handle->priority = original ? V4L2_PRIORITY_UNSET : V4L2_PRIORITY_DEFAULT;
	__atomic_store_n(&handle->fd, fd, __ATOMIC_RELAXED);
	__atomic_add_fetch(&device.n_handles, 1, __ATOMIC_RELEASE);
}

static int handle_add(int flags)
{
	struct emu_handle *handle = handle_free();
	int fd = handle ? reopen_pipe(flags) : -ENFILE;

	if (fd >= 0)
		handle_set(handle, fd, NULL);
	return fd;
}

int emu_open(int flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int fd;

	pthread_once(&once, device_make);
	pthread_mutex_lock(&device.control);
	fd = handle_add(flags);
	pthread_mutex_unlock(&device.control);
	return fd;
}

void emu_add_duplicate(struct emu_handle *handle, int fd)
{
	struct emu_handle *duplicate;

	pthread_mutex_lock(&device.control);
	duplicate = handle_free();
	if (!duplicate)
		give_up("dup", -ENFILE);
	handle_set(duplicate, fd, handle);
	pthread_mutex_unlock(&device.control);
}

/* An original that is closed lives on in a duplicate's descriptor. */
void emu_close(int fd)
{
	struct emu_handle *handle = find_handle(fd), *left = NULL;

	pthread_mutex_lock(&device.control);
	for (unsigned i = 0; i < EMU_HANDLES; i++)
		if (device.handles[i].fd >= 0 && device.handles[i].original == handle)
			left = &device.handles[i];
	if (left) {
		__atomic_store_n(&handle->fd, left->fd, __ATOMIC_RELAXED);
		handle = left;
	}
	if (device.owner == handle)
		emu_release(&device);
	__atomic_sub_fetch(&device.n_handles, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&handle->fd, -1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&device.control);
}
