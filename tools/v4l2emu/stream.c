/* SPDX-License-Identifier: MIT */
/* The stream: on, off, and the frames that come out of it. */
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

/* All buffers are the program's again. With the lock. */
static void forget_queues(struct emu_device *device)
{
	char byte;

	device->queued = device->done = (struct emu_fifo){ 0 };
	for (unsigned i = 0; i < device->n_buffers; i++)
		device->buffers[i].state = EMU_DEQUEUED;
	/* A pipe that does not block. NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection) */
	while (read(device->reader, &byte, 1) == 1)
		;
	/* Who waits in DQBUF wakes up, and finds no stream. */
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

/* The program's own descriptor knows whether it may block. Without the lock. */
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

	if (out->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || out->memory != V4L2_MEMORY_MMAP)
		return -EINVAL;
	if (device->owner != handle)
		return device->owner ? -EBUSY : -EINVAL;
	pthread_mutex_lock(&device->lock);
	/* A byte without a buffer was meant for somebody who has left the stream before this one. */
	do
		err = device->streaming ? wait_for_done(device, handle->fd) : -EINVAL;
	while (err >= 0 && device->done.count == 0);
	if (err >= 0)
		take_done(device, out);
	pthread_mutex_unlock(&device->lock);
	return err < 0 ? err : 0;
}
