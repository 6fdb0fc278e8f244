/* SPDX-License-Identifier: MIT */
/* Starts and stops the stream, and dequeues frames. */
#include <errno.h>
#include <unistd.h>

#include "emu.h"

int emu_streamon(struct emu_handle *handle, void *arg)
{
	struct emu_device *device = emu_device();

	if (*(const int *)arg != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	if (device->owner != handle)
		return device->owner ? -EBUSY : -EINVAL;
	return device->streaming ? 0 : emu_producer_start(device);
}

/* Returns all buffers to the program. Call with the lock held. */
static void forget_queues(struct emu_device *device)
{
	char byte;

	device->queued = device->done = (struct emu_fifo){ 0 };
	for (unsigned i = 0; i < device->n_buffers; i++)
		device->buffers[i].state = EMU_DEQUEUED;
	/* A pipe that does not block. NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection) */
	while (read(device->reader, &byte, 1) == 1)
		;
	/* Wakes the threads that wait in DQBUF; they find that the stream has ended. */
	for (unsigned i = 0; i < device->waiting; i++)
		(void)!write(device->writer, "", 1);
}

static void stop(struct emu_device *device)
{
	if (device->streaming)
		emu_producer_stop(device);
	pthread_mutex_lock(&device->lock);
	forget_queues(device);
	pthread_mutex_unlock(&device->lock);
}

int emu_streamoff(struct emu_handle *handle, void *arg)
{
	struct emu_device *device = emu_device();

	if (*(const int *)arg != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	if (device->owner && device->owner != handle)
		return -EBUSY;
	stop(device);
	return 0;
}

void emu_release(struct emu_device *device)
{
	struct v4l2_requestbuffers none = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	stop(device);
	(void)emu_reqbufs(device->owner, &none);
}

/*
 * Waits on the program's own descriptor, whose O_NONBLOCK says whether it may block. Call without
 * the lock.
 */
static int wait_for_done(struct emu_device *device, int fd)
{
	ssize_t n;
	char byte;

	device->waiting++;
	pthread_mutex_unlock(&device->lock);
	n = read(fd, &byte, 1);
	n = n < 0 ? -errno : n;
	pthread_mutex_lock(&device->lock);
	device->waiting--;
	return (int)n;
}

static void take_done(struct emu_device *device, struct v4l2_buffer *out)
{
	unsigned index = emu_fifo_pop(&device->done);

	device->buffers[index].state = EMU_DEQUEUED;
	emu_describe(device, index, out);
}

int emu_dqbuf(struct emu_handle *handle, void *arg)
{
	struct emu_device *device = emu_device();
	struct v4l2_buffer *out = arg;
	int err = 0;

	if (out->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || out->memory != device->memory)
		return -EINVAL;
	if (device->owner != handle)
		return device->owner ? -EBUSY : -EINVAL;
	pthread_mutex_lock(&device->lock);
	/* A byte without a buffer was written to wake a waiter of an earlier stream. */
	do
		err = device->streaming ? wait_for_done(device, handle->fd) : -EINVAL;
	while (err >= 0 && device->done.count == 0);
	if (err >= 0)
		take_done(device, out);
	pthread_mutex_unlock(&device->lock);
	return err < 0 ? err : 0;
}
