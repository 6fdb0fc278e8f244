/* SPDX-License-Identifier: MIT */
#include "v4l2/soft_buffers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/mman.h>

#include "base/macros.h"
#include "mem/udmabuf.h"

#define OFFSET_STEP 4096u /* between the mmap() offsets of two buffers */

void glint_soft_buffers_free(struct glint_soft_buffers *buffers)
{
	for (unsigned i = 0; i < buffers->n; i++)
		glint_dmabuf_fini(&buffers->buffers[i].memory);
	buffers->n = 0;
	buffers->n_queued = 0;
}

int glint_soft_buffers_request(struct glint_soft_buffers *buffers,
			       struct v4l2_requestbuffers *request, size_t size)
{
	if (request->memory != V4L2_MEMORY_MMAP)
		return -EINVAL;
	glint_soft_buffers_free(buffers);
	request->count = MIN(request->count, GLINT_SOFT_BUFFERS_MAX);
	for (unsigned i = 0; i < request->count; i++) {
		int err;

		buffers->buffers[i].queued = false;
		glint_dmabuf_init(&buffers->buffers[i].memory);
		err = glint_udmabuf_add_plane(&buffers->buffers[i].memory, size);
		if (err < 0) {
			glint_soft_buffers_free(buffers);
			return err;
		}
		buffers->n++;
	}
	return 0;
}

int glint_soft_buffers_query(const struct glint_soft_buffers *buffers, struct v4l2_buffer *buffer)
{
	if (buffer->index >= buffers->n)
		return -EINVAL;
	buffer->length = (uint32_t)buffers->buffers[buffer->index].memory.planes[0].size;
	buffer->m.offset = buffer->index * OFFSET_STEP;
	return 0;
}

int glint_soft_buffers_export(const struct glint_soft_buffers *buffers,
			      struct v4l2_exportbuffer *export)
{
	if (export->index >= buffers->n || export->plane > 0)
		return -EINVAL;
	export->fd = fcntl(buffers->buffers[export->index].memory.planes[0].fd, F_DUPFD_CLOEXEC, 0);
	return export->fd < 0 ? -errno : 0;
}

/*
 * Make a second mapping of the same pages: mremap() from length 0 duplicates a shared
 * mapping. The dma-buf itself is not mapped, because io_uring cannot register such a map.
 */
void *glint_soft_buffers_map(const struct glint_soft_buffers *buffers, size_t length, long offset)
{
	size_t index = (size_t)offset / OFFSET_STEP;
	const struct glint_plane *plane;
	void *map;

	if (index >= buffers->n)
		return NULL;
	plane = &buffers->buffers[index].memory.planes[0];
	if (length > plane->size)
		return NULL;
	map = mremap(plane->map, 0, length, MREMAP_MAYMOVE);
	return map == MAP_FAILED ? NULL : map;
}

int glint_soft_buffers_queue(struct glint_soft_buffers *buffers, const struct v4l2_buffer *buffer)
{
	if (buffer->index >= buffers->n || buffers->buffers[buffer->index].queued)
		return -EINVAL;
	assert(buffers->n_queued < buffers->n); /* each is queued once at most */
	buffers->buffers[buffer->index].queued = true;
	buffers->fifo[buffers->n_queued++] = buffer->index;
	return 0;
}

unsigned glint_soft_buffers_take(struct glint_soft_buffers *buffers)
{
	unsigned index = buffers->fifo[0];

	assert(buffers->n_queued > 0);
	assert(index < buffers->n && buffers->buffers[index].queued);

	memmove(buffers->fifo, buffers->fifo + 1, --buffers->n_queued * sizeof(buffers->fifo[0]));
	buffers->buffers[index].queued = false;
	return index;
}

void glint_soft_buffers_reset(struct glint_soft_buffers *buffers)
{
	buffers->n_queued = 0;
	for (unsigned i = 0; i < buffers->n; i++)
		buffers->buffers[i].queued = false;
}
