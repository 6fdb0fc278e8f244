/* SPDX-License-Identifier: MIT */
/* The buffers' owners and order. Errors are those of the kernel's videobuf2. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "emu.h"
#include "mem/udmabuf.h"

/* A mapping's offset encodes the buffer's index: no frame is larger than this. */
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
	for (unsigned i = 0; i < n; i++) {
		struct glint_dmabuf *memory = &device->buffers[i].memory;

		if (device->memory == V4L2_MEMORY_USERPTR)
			memory->planes[0].map = NULL; /* the program's */
		glint_dmabuf_fini(memory);
	}
	memset(device->places, 0, sizeof(device->places));
}

static int make_buffer(struct emu_device *device, unsigned index)
{
	struct emu_buffer *buffer = &device->buffers[index];
	const struct emu_settings *settings = &device->settings;
	int err;

	*buffer = (struct emu_buffer){ .state = EMU_DEQUEUED };
	glint_dmabuf_init(&buffer->memory);
	buffer->memory.n_planes = device->memory == V4L2_MEMORY_USERPTR;
	if (device->memory == V4L2_MEMORY_USERPTR)
		return 0;
	err = glint_udmabuf_add_plane(&buffer->memory,
				      emu_picture_size(settings->fourcc, settings->width,
						       settings->height));
	if (err < 0)
		return err;
	emu_picture_prefill(&device->picture, buffer->memory.planes[0].map, index);
	return 0;
}

/* Makes as many buffers as memory allows. */
static unsigned make_buffers(struct emu_device *device, unsigned count)
{
	unsigned n = 0;

	while (n < count && make_buffer(device, n) == 0)
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
	if (device->settings.users)
		request->capabilities |= V4L2_BUF_CAP_SUPPORTS_USERPTR;
	request->flags = 0;
	if (request->type != V4L2_BUF_TYPE_VIDEO_CAPTURE ||
	    (request->memory != V4L2_MEMORY_MMAP &&
	     (request->memory != V4L2_MEMORY_USERPTR || !device->settings.users)))
		return -EINVAL;
	if (device->owner && device->owner != handle)
		return -EBUSY;
	if (device->streaming)
		return -EBUSY;

	free_buffers(device);
	device->owner = NULL;
	device->memory = request->memory;
	request->count = count;
	if (count == 0)
		return 0;
	request->count = make_buffers(device, MAX(count, 2u));
	if (request->count == 0)
		return -ENOMEM;
	device->owner = handle;
	return 0;
}

/* Call with the lock held. */
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
		.memory = device->memory,
		.length = (uint32_t)buffer->memory.planes[0].size,
	};
	if (device->memory == V4L2_MEMORY_USERPTR)
		out->m.userptr = (unsigned long)buffer->memory.planes[0].map;
	else
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
	if (buffer && device->memory == V4L2_MEMORY_MMAP && offset % (1 << OFFSET_SHIFT) == 0 &&
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
	if (device->memory != V4L2_MEMORY_MMAP)
		buffer = NULL;
	out->fd = buffer ? fcntl(buffer->memory.planes[0].fd, command, 0) : -1;
	pthread_mutex_unlock(&device->lock);
	if (!buffer)
		return -EINVAL;
	return out->fd < 0 ? -EMFILE : 0;
}

/* NULL: the program has shown too many places. */
static struct emu_place *place_of(struct emu_device *device, uint8_t *map)
{
	size_t first = (uintptr_t)map / 4096 * 0x9e3779b1u;

	for (size_t i = 0; i < EMU_PLACES; i++) {
		struct emu_place *place = &device->places[(first + i) % EMU_PLACES];

		if (!place->map)
			place->map = map;
		if (place->map == map)
			return place;
	}
	return NULL;
}

/* Call with the lock held. Returns whether the device can write to the program's memory. */
static bool take_memory(struct emu_device *device, struct emu_buffer *buffer,
			const struct v4l2_buffer *in)
{
	const struct emu_settings *settings = &device->settings;
	struct glint_plane *plane = &buffer->memory.planes[0];

	if (device->memory != V4L2_MEMORY_USERPTR)
		return true;
	if (!in->m.userptr ||
	    in->length < emu_picture_size(settings->fourcc, settings->width, settings->height))
		return false;
	plane->map = (uint8_t *)in->m.userptr; /* NOLINT(performance-no-int-to-ptr) */
	plane->size = in->length;
	buffer->place = place_of(device, plane->map);
	return buffer->place != NULL;
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
	if (buffer && in->memory == device->memory && buffer->state == EMU_DEQUEUED &&
	    take_memory(device, buffer, in)) {
		buffer->state = EMU_QUEUED;
		emu_fifo_push(&device->queued, in->index);
		emu_describe(device, in->index, in);
		err = 0;
	}
	pthread_mutex_unlock(&device->lock);
	return err;
}
