/* SPDX-License-Identifier: MIT */
/* The buffers: who has them, and in which order. Refusals are those of the kernel's videobuf2. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "emu.h"
#include "mem/udmabuf.h"

/* A mapping's offset tells the buffer: no frame is larger than this. */
#define OFFSET_SHIFT 27

void emu_fifo_push(struct emu_fifo *fifo, unsigned index)
{
	assert(fifo->count < EMU_BUFFERS);
	fifo->index[(fifo->first + fifo->count++) % EMU_BUFFERS] = index;
}

unsigned emu_fifo_pop(struct emu_fifo *fifo)
{
	unsigned index = fifo->index[fifo->first];

	assert(fifo->count > 0);
	fifo->first = (fifo->first + 1) % EMU_BUFFERS;
	fifo->count--;
	return index;
}

static void free_buffers(struct emu_device *device)
{
	unsigned n;

	pthread_mutex_lock(&device->lock);
	n = device->n_buffers;
	device->n_buffers = 0;
	pthread_mutex_unlock(&device->lock);
	for (unsigned i = 0; i < n; i++)
		glint_dmabuf_fini(&device->buffers[i].memory);
}

static int make_buffer(struct emu_device *device, struct emu_buffer *buffer)
{
	const struct emu_settings *settings = &device->settings;
	int err;

	*buffer = (struct emu_buffer){ .state = EMU_DEQUEUED };
	glint_dmabuf_init(&buffer->memory);
	err = glint_udmabuf_add_plane(&buffer->memory,
				      emu_picture_size(settings->fourcc, settings->width,
						       settings->height));
	if (err < 0)
		return err;
	emu_picture_prefill(&device->picture, buffer->memory.planes[0].map);
	return 0;
}

/* As many as there is memory for. */
static unsigned make_buffers(struct emu_device *device, unsigned count)
{
	unsigned n = 0;

	while (n < count && make_buffer(device, &device->buffers[n]) == 0)
		n++;
	pthread_mutex_lock(&device->lock);
	device->n_buffers = n;
	pthread_mutex_unlock(&device->lock);
	return n;
}

int emu_reqbufs(struct emu_handle *handle, void *arg)
{
	struct emu_device *device = emu_device();
	struct v4l2_requestbuffers *request = arg;
	unsigned count = MIN(request->count, EMU_BUFFERS + 0u);

	request->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP | V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS;
	request->flags = 0;
	if (request->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || request->memory != V4L2_MEMORY_MMAP)
		return -EINVAL;
	if (device->owner && device->owner != handle)
		return -EBUSY;
	if (device->streaming)
		return -EBUSY;

	free_buffers(device);
	device->owner = NULL;
	request->count = count;
	if (count == 0)
		return 0;
	request->count = make_buffers(device, MAX(count, 2u));
	if (request->count == 0)
		return -ENOMEM;
	device->owner = handle;
	return 0;
}

/* With the lock. */
static struct emu_buffer *buffer_of(struct emu_device *device, uint32_t type, uint32_t index)
{
	if (type != V4L2_BUF_TYPE_VIDEO_CAPTURE || index >= device->n_buffers)
		return NULL;
	return &device->buffers[index];
}

static uint32_t state_flags(const struct emu_buffer *buffer)
{
	switch (buffer->state) {
	case EMU_QUEUED:
	case EMU_FILLING:
		return V4L2_BUF_FLAG_QUEUED;
	case EMU_DONE:
		return V4L2_BUF_FLAG_DONE;
	default:
		return 0;
	}
}

void emu_describe(const struct emu_device *device, unsigned index, struct v4l2_buffer *out)
{
	const struct emu_buffer *buffer = &device->buffers[index];

	*out = (struct v4l2_buffer){
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.bytesused = (uint32_t)buffer->used,
		.flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_EOF |
			 (buffer->mapped ? V4L2_BUF_FLAG_MAPPED : 0) | state_flags(buffer),
		.field = V4L2_FIELD_NONE,
		.timestamp = { .tv_sec = (time_t)(buffer->ns / GLINT_NSEC_PER_SEC),
			       .tv_usec = (suseconds_t)(buffer->ns % GLINT_NSEC_PER_SEC /
							GLINT_NSEC_PER_USEC) },
		.sequence = buffer->seq,
		.memory = V4L2_MEMORY_MMAP,
		.length = (uint32_t)buffer->memory.planes[0].size,
	};
	out->m.offset = out->index << OFFSET_SHIFT;
}

int emu_querybuf(struct emu_handle *handle, void *arg)
{
	struct emu_device *device = emu_device();
	struct v4l2_buffer *out = arg;
	struct emu_buffer *buffer;

	(void)handle;
	pthread_mutex_lock(&device->lock);
	buffer = buffer_of(device, out->type, out->index);
	if (buffer)
		emu_describe(device, out->index, out);
	pthread_mutex_unlock(&device->lock);
	return buffer ? 0 : -EINVAL;
}

int emu_map(int64_t offset, size_t length)
{
	struct emu_device *device = emu_device();
	struct emu_buffer *buffer;
	int fd = -EINVAL;

	pthread_mutex_lock(&device->lock);
	buffer = buffer_of(device, V4L2_BUF_TYPE_VIDEO_CAPTURE, (uint32_t)(offset >> OFFSET_SHIFT));
	if (buffer && offset % (1 << OFFSET_SHIFT) == 0 &&
	    length <= buffer->memory.planes[0].size) {
		fd = buffer->memory.planes[0].fd;
		buffer->mapped = true;
	}
	pthread_mutex_unlock(&device->lock);
	return fd;
}

int emu_expbuf(struct emu_handle *handle, void *arg)
{
	struct emu_device *device = emu_device();
	struct v4l2_exportbuffer *out = arg;
	struct emu_buffer *buffer;
	int command = out->flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD;

	(void)handle;
	if (out->flags & ~(uint32_t)(O_CLOEXEC | O_ACCMODE) || out->plane != 0)
		return -EINVAL;
	pthread_mutex_lock(&device->lock);
	buffer = buffer_of(device, out->type, out->index);
	out->fd = buffer ? fcntl(buffer->memory.planes[0].fd, command, 0) : -1;
	pthread_mutex_unlock(&device->lock);
	if (!buffer)
		return -EINVAL;
	return out->fd < 0 ? -EMFILE : 0;
}

int emu_qbuf(struct emu_handle *handle, void *arg)
{
	struct emu_device *device = emu_device();
	struct v4l2_buffer *in = arg;
	struct emu_buffer *buffer;
	int err = -EINVAL;

	if (device->owner != handle)
		return device->owner ? -EBUSY : -EINVAL;
	pthread_mutex_lock(&device->lock);
	buffer = buffer_of(device, in->type, in->index);
	if (buffer && in->memory == V4L2_MEMORY_MMAP && buffer->state == EMU_DEQUEUED) {
		buffer->state = EMU_QUEUED;
		emu_fifo_push(&device->queued, in->index);
		emu_describe(device, in->index, in);
		err = 0;
	}
	pthread_mutex_unlock(&device->lock);
	return err;
}
