/* SPDX-License-Identifier: MIT */
#include "v4l2/queue.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/macros.h"

/* A struct v4l2_buffer and the planes that it points to. */
struct vbuffer {
	struct v4l2_buffer b;
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
};

static int queue_ioctl(const struct glint_vqueue *queue, unsigned long request, void *arg)
{
	return glint_v4l2_ioctl(queue->access, queue->fd, request, arg);
}

static bool queue_is_mplane(const struct glint_vqueue *queue)
{
	return V4L2_TYPE_IS_MULTIPLANAR(queue->type);
}

static uint32_t queue_memory(const struct glint_vqueue *queue)
{
	if (queue->users)
		return V4L2_MEMORY_USERPTR;
	return queue->imports ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP;
}

static void vbuffer_init(struct vbuffer *vbuffer, const struct glint_vqueue *queue, unsigned index)
{
	assert(queue->n_planes <= VIDEO_MAX_PLANES);

	*vbuffer = (struct vbuffer){
		.b = { .index = index, .type = queue->type, .memory = queue_memory(queue) },
	};
	if (V4L2_TYPE_IS_OUTPUT(queue->type))
		vbuffer->b.field = V4L2_FIELD_NONE;
	if (queue_is_mplane(queue)) {
		vbuffer->b.m.planes = vbuffer->planes;
		vbuffer->b.length = queue->n_planes;
	}
}

void glint_vqueue_init(struct glint_vqueue *queue, struct glint_v4l2_access *access, int fd,
		       uint32_t type)
{
	*queue = (struct glint_vqueue){ .access = access, .fd = fd, .type = type };
}

void glint_vqueue_set_planes(struct glint_vqueue *queue, unsigned n_planes,
			     const uint32_t size[static GLINT_DMABUF_PLANES])
{
	assert(queue->n_buffers == 0);
	assert(n_planes >= 1 && n_planes <= GLINT_DMABUF_PLANES);

	queue->n_planes = n_planes;
	memcpy(queue->size, size, sizeof(queue->size));
}

/* --- Allocation ------------------------------------------------------------------ */

static int request_buffers(const struct glint_vqueue *queue, unsigned count, uint32_t memory)
{
	struct v4l2_requestbuffers request = { .count = count,
					       .type = queue->type,
					       .memory = memory };
	int err = queue_ioctl(queue, VIDIOC_REQBUFS, &request);

	return err < 0 ? err : (int)MIN(request.count, GLINT_VQUEUE_BUFFERS_MAX + 0u);
}

bool glint_vqueue_can_import(const struct glint_vqueue *queue)
{
	assert(queue->n_buffers == 0);

	return request_buffers(queue, 0, V4L2_MEMORY_DMABUF) == 0;
}

static bool is_larger(const struct glint_vqueue *queue, const uint32_t *size)
{
	for (unsigned i = 0; size && i < queue->n_planes; i++)
		if (size[i] > queue->size[i])
			return true;
	return false;
}

/* REQBUFS allocates sizeimage bytes; CREATE_BUFS allocates more, but not every driver has it. */
static int create_buffers(const struct glint_vqueue *queue, unsigned count, const uint32_t *size)
{
	struct v4l2_create_buffers create = { .count = count,
					      .memory = V4L2_MEMORY_MMAP,
					      .format = { .type = queue->type } };
	int err = queue_ioctl(queue, VIDIOC_G_FMT, &create.format);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < queue->n_planes; i++) {
		uint32_t larger = MAX(queue->size[i], size[i]);

		if (queue_is_mplane(queue))
			create.format.fmt.pix_mp.plane_fmt[i].sizeimage = larger;
		else
			create.format.fmt.pix.sizeimage = larger;
	}
	err = queue_ioctl(queue, VIDIOC_CREATE_BUFS, &create);
	if (err < 0)
		return err;
	/* With another first index, the queue has buffers of another owner. */
	return create.index == 0 ? (int)MIN(create.count, GLINT_VQUEUE_BUFFERS_MAX + 0u) : -EPROTO;
}

int glint_vqueue_alloc(struct glint_vqueue *queue, unsigned count, const uint32_t *size)
{
	int n = -ENOTTY;

	assert(queue->n_buffers == 0 && count >= 1 && count <= GLINT_VQUEUE_BUFFERS_MAX);
	assert(queue->n_planes >= 1); /* glint_vqueue_set_planes() comes first */

	queue->imports = queue->users = false;
	if (is_larger(queue, size))
		n = create_buffers(queue, count, size);
	if (n <= 0)
		n = request_buffers(queue, count, V4L2_MEMORY_MMAP);
	if (n <= 0)
		return n < 0 ? n : -ENOMEM;
	queue->n_buffers = (unsigned)n;
	return n;
}

static int import_buffers(struct glint_vqueue *queue, unsigned count, bool users)
{
	int n;

	assert(queue->n_buffers == 0 && count >= 1 && count <= GLINT_VQUEUE_BUFFERS_MAX);

	n = request_buffers(queue, count, users ? V4L2_MEMORY_USERPTR : V4L2_MEMORY_DMABUF);
	if (n <= 0)
		return n < 0 ? n : -ENOMEM;
	queue->imports = true;
	queue->users = users;
	queue->n_buffers = (unsigned)n;
	return n;
}

int glint_vqueue_import(struct glint_vqueue *queue, unsigned count)
{
	return import_buffers(queue, count, false);
}

int glint_vqueue_import_mapped(struct glint_vqueue *queue, unsigned count)
{
	return import_buffers(queue, count, true);
}

int glint_vqueue_free(struct glint_vqueue *queue)
{
	int err = queue->n_buffers > 0 ? request_buffers(queue, 0, queue_memory(queue)) : 0;

	queue->n_buffers = 0;
	queue->imports = queue->users = false;
	return err;
}

/* --- Memory ---------------------------------------------------------------------- */

static int take_plane(const struct glint_vqueue *queue, unsigned index,
		      const struct vbuffer *vbuffer, unsigned i, enum glint_vqueue_access how,
		      struct glint_plane *plane)
{
	struct v4l2_exportbuffer export = {
		.type = queue->type, .index = index, .plane = i, .flags = O_RDWR | O_CLOEXEC
	};
	struct glint_v4l2_access *access = queue->access;
	bool mplane = queue_is_mplane(queue);
	uint32_t length = mplane ? vbuffer->planes[i].length : vbuffer->b.length;
	uint32_t offset = mplane ? vbuffer->planes[i].m.mem_offset : vbuffer->b.m.offset;

	assert(plane->fd < 0 && !plane->map);

	if (length < queue->size[i] || length > INT32_MAX)
		return -EPROTO;
	plane->size = length;
	/* The map is enough where the driver cannot export. */
	if (how != GLINT_VQUEUE_MAP && queue_ioctl(queue, VIDIOC_EXPBUF, &export) == 0)
		plane->fd = export.fd;
	if (plane->fd >= 0 && how == GLINT_VQUEUE_EXPORT)
		return 0;
	plane->map = access->ops->mmap(access, queue->fd, length, (long)offset);
	return plane->map ? 0 : -ENOMEM;
}

int glint_vqueue_take(const struct glint_vqueue *queue, unsigned index,
		      enum glint_vqueue_access how, struct glint_dmabuf *buf)
{
	struct vbuffer vbuffer;
	int err;

	assert(index < queue->n_buffers && !queue->imports && buf->n_planes == 0);

	vbuffer_init(&vbuffer, queue, index);
	err = queue_ioctl(queue, VIDIOC_QUERYBUF, &vbuffer.b);
	if (err < 0)
		return err;
	if (queue_is_mplane(queue) && vbuffer.b.length != queue->n_planes)
		return -EPROTO;

	buf->memory = GLINT_MEMORY_V4L2;
	for (unsigned i = 0; i < queue->n_planes && err == 0; i++) {
		buf->n_planes = i + 1;
		err = take_plane(queue, index, &vbuffer, i, how, &buf->planes[i]);
		if (buf->planes[i].fd < 0)
			buf->memory = GLINT_MEMORY_V4L2_NOEXP;
	}
	if (err < 0)
		glint_dmabuf_fini(buf);
	return err;
}

/* --- Streaming ------------------------------------------------------------------- */

static int vbuffer_fill(struct vbuffer *vbuffer, const struct glint_vqueue *queue,
			const struct glint_vqueue_entry *entry)
{
	assert(queue->imports == (entry->buf != NULL));
	assert(!entry->filled || V4L2_TYPE_IS_OUTPUT(queue->type));

	if (entry->buf && entry->buf->n_planes < queue->n_planes)
		return -EINVAL;
	for (unsigned i = 0; i < queue->n_planes; i++) {
		struct v4l2_plane *to = &vbuffer->planes[i];

		if (entry->filled) {
			to->data_offset = entry->buf ? entry->buf->planes[i].offset : 0;
			to->bytesused = queue->size[i] + to->data_offset;
		}
		if (entry->buf) {
			if (queue->users)
				to->m.userptr = (unsigned long)entry->buf->planes[i].map;
			else
				to->m.fd = entry->buf->planes[i].fd;
			to->length = (uint32_t)entry->buf->planes[i].size;
			to->bytesused = MIN(to->bytesused, to->length);
		}
	}
	if (queue_is_mplane(queue))
		return 0;
	if (vbuffer->planes[0].data_offset > 0)
		return -EINVAL;
	vbuffer->b.bytesused = vbuffer->planes[0].bytesused;
	if (entry->buf) {
		if (queue->users)
			vbuffer->b.m.userptr = vbuffer->planes[0].m.userptr;
		else
			vbuffer->b.m.fd = vbuffer->planes[0].m.fd;
		vbuffer->b.length = vbuffer->planes[0].length;
	}
	return 0;
}

static int hand_over(const struct glint_vqueue *queue, unsigned long request, unsigned index,
		     const struct glint_vqueue_entry *entry)
{
	struct vbuffer vbuffer;
	int err;

	assert(index < queue->n_buffers);

	vbuffer_init(&vbuffer, queue, index);
	vbuffer.b.timestamp.tv_sec = (time_t)(entry->stamp_us / 1000000);
	vbuffer.b.timestamp.tv_usec = (suseconds_t)(entry->stamp_us % 1000000);
	err = vbuffer_fill(&vbuffer, queue, entry);
	return err < 0 ? err : queue_ioctl(queue, request, &vbuffer.b);
}

int glint_vqueue_prepare(const struct glint_vqueue *queue, unsigned index,
			 const struct glint_vqueue_entry *entry)
{
	return hand_over(queue, VIDIOC_PREPARE_BUF, index, entry);
}

int glint_vqueue_queue(const struct glint_vqueue *queue, unsigned index,
		       const struct glint_vqueue_entry *entry)
{
	return hand_over(queue, VIDIOC_QBUF, index, entry);
}

int glint_vqueue_dequeue(const struct glint_vqueue *queue, struct glint_vqueue_done *done)
{
	struct vbuffer vbuffer;
	int err;

	vbuffer_init(&vbuffer, queue, 0);
	err = queue_ioctl(queue, VIDIOC_DQBUF, &vbuffer.b);
	if (err < 0)
		return err;
	if (vbuffer.b.index >= queue->n_buffers)
		return -EPROTO;
	if (queue_is_mplane(queue) && vbuffer.b.length != queue->n_planes)
		return -EPROTO;

	*done = (struct glint_vqueue_done){
		.index = vbuffer.b.index,
		.seq = vbuffer.b.sequence,
		.flags = vbuffer.b.flags,
		.field = vbuffer.b.field,
		.stamp = vbuffer.b.timestamp,
	};
	if (!queue_is_mplane(queue)) {
		done->used[0] = vbuffer.b.bytesused;
		return 0;
	}
	for (unsigned i = 0; i < queue->n_planes; i++) {
		done->used[i] = vbuffer.planes[i].bytesused;
		done->offset[i] = vbuffer.planes[i].data_offset;
	}
	return 0;
}

int glint_vqueue_stream(const struct glint_vqueue *queue, bool on)
{
	int type = (int)queue->type;

	return queue_ioctl(queue, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}
