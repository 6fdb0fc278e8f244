/* SPDX-License-Identifier: MIT */
#include "v4l2/queue.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/cleanup.h"

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
	return queue->imports ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP;
}

static void vbuffer_init(struct vbuffer *vbuffer, const struct glint_vqueue *queue, unsigned index)
{
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

/* REQBUFS allocates sizeimage; CREATE_BUFS takes more, which not every driver has. */
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
	/* Buffers that do not begin at 0 are not ours alone. */
	return create.index == 0 ? (int)MIN(create.count, GLINT_VQUEUE_BUFFERS_MAX + 0u) : -EPROTO;
}

int glint_vqueue_alloc(struct glint_vqueue *queue, unsigned count, const uint32_t *size)
{
	int n = -ENOTTY;

	assert(queue->n_buffers == 0 && count >= 1 && count <= GLINT_VQUEUE_BUFFERS_MAX);

	queue->imports = false;
	if (is_larger(queue, size))
		n = create_buffers(queue, count, size);
	if (n <= 0)
		n = request_buffers(queue, count, V4L2_MEMORY_MMAP);
	if (n <= 0)
		return n < 0 ? n : -ENOMEM;
	queue->n_buffers = (unsigned)n;
	return n;
}

int glint_vqueue_import(struct glint_vqueue *queue, unsigned count)
{
	int n;

	assert(queue->n_buffers == 0 && count >= 1 && count <= GLINT_VQUEUE_BUFFERS_MAX);

	n = request_buffers(queue, count, V4L2_MEMORY_DMABUF);
	if (n <= 0)
		return n < 0 ? n : -ENOMEM;
	queue->imports = true;
	queue->n_buffers = (unsigned)n;
	return n;
}

int glint_vqueue_free(struct glint_vqueue *queue)
{
	int err = queue->n_buffers > 0 ? request_buffers(queue, 0, queue_memory(queue)) : 0;

	queue->n_buffers = 0;
	queue->imports = false;
	return err;
}

/* --- Memory ---------------------------------------------------------------------- */

/* A descriptor is a gain only, and some drivers cannot export: -1 then. */
static int export_plane(const struct glint_vqueue *queue, unsigned index, unsigned plane)
{
	struct v4l2_exportbuffer export = { .type = queue->type, .index = index, .plane = plane,
					    .flags = O_RDWR | O_CLOEXEC };

	return queue_ioctl(queue, VIDIOC_EXPBUF, &export) < 0 ? -1 : export.fd;
}

static int take_plane(const struct glint_vqueue *queue, unsigned index,
		      const struct vbuffer *vbuffer, unsigned i, enum glint_vqueue_access how,
		      struct glint_plane *plane)
{
	struct glint_v4l2_access *access = queue->access;
	bool mplane = queue_is_mplane(queue);
	uint32_t length = mplane ? vbuffer->planes[i].length : vbuffer->b.length;
	uint32_t offset = mplane ? vbuffer->planes[i].m.mem_offset : vbuffer->b.m.offset;

	if (length < queue->size[i] || length > INT32_MAX)
		return -EPROTO;
	plane->size = length;
	if (how != GLINT_VQUEUE_MAP)
		plane->fd = export_plane(queue, index, i);
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

	if (entry->buf && entry->buf->n_planes < queue->n_planes)
		return -EINVAL;
	for (unsigned i = 0; i < queue->n_planes; i++) {
		struct v4l2_plane *to = &vbuffer->planes[i];

		if (entry->filled) {
			to->data_offset = entry->buf ? entry->buf->planes[i].offset : 0;
			to->bytesused = queue->size[i] + to->data_offset;
		}
		if (entry->buf) {
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
