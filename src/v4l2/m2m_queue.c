/* SPDX-License-Identifier: MIT */
/* The two queues of an encoder: buffers allocated, mapped, attached, queued and dequeued. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>

#include "base/cleanup.h"
#include "v4l2/m2m.h"

/* One buffer of a call, with the planes that belong to it. */
struct call {
	struct v4l2_buffer buffer;
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
};

static bool is_imported(const struct glint_m2m *m2m, enum glint_m2m_side side)
{
	return side == GLINT_M2M_RAW && m2m->imports;
}

static unsigned side_planes(const struct glint_m2m *m2m, enum glint_m2m_side side)
{
	return side == GLINT_M2M_RAW ? m2m->raw.n_planes : 1;
}

static uint32_t side_size(const struct glint_m2m *m2m, enum glint_m2m_side side, unsigned plane)
{
	return side == GLINT_M2M_RAW ? m2m->raw.size[plane] : m2m->jpeg_size;
}

static void call_prepare(struct call *call, const struct glint_m2m *m2m, enum glint_m2m_side side,
			 unsigned index)
{
	*call = (struct call){
		.buffer = {
			.index = index,
			.type = glint_m2m_type(m2m, side),
			.memory = is_imported(m2m, side) ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP,
			.field = V4L2_FIELD_NONE,
		},
	};
	if (m2m->mplane) {
		call->buffer.m.planes = call->planes;
		call->buffer.length = side_planes(m2m, side);
	}
}

/* --- Memory ------------------------------------------------------------------------- */

static int request_buffers(const struct glint_m2m *m2m, enum glint_m2m_side side, unsigned count,
			   bool import)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = glint_m2m_type(m2m, side),
		.memory = import ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP,
	};
	int err = glint_m2m_ioctl(m2m, VIDIOC_REQBUFS, &request);

	return err < 0 ? err : (int)MIN(request.count, GLINT_M2M_BUFFERS_MAX + 0u);
}

bool glint_m2m_imports(const struct glint_m2m *m2m)
{
	assert(m2m->n[GLINT_M2M_RAW] == 0);

	return request_buffers(m2m, GLINT_M2M_RAW, 0, true) == 0;
}

int glint_m2m_alloc(struct glint_m2m *m2m, enum glint_m2m_side side, unsigned count, bool import)
{
	int n;

	assert(m2m->n[side] == 0 && count <= GLINT_M2M_BUFFERS_MAX);

	n = request_buffers(m2m, side, count, import);
	if (n <= 0)
		return n < 0 ? n : -ENOMEM;
	m2m->n[side] = (unsigned)n;
	if (side == GLINT_M2M_RAW)
		m2m->imports = import;
	return n;
}

int glint_m2m_free(struct glint_m2m *m2m, enum glint_m2m_side side)
{
	unsigned n = m2m->n[side];

	m2m->n[side] = 0;
	return n ? request_buffers(m2m, side, 0, is_imported(m2m, side)) : 0;
}

static int map_plane(const struct glint_m2m *m2m, struct glint_dmabuf *buf, uint32_t length,
		     uint32_t offset)
{
	struct glint_plane *plane = &buf->planes[buf->n_planes];

	plane->map = m2m->access->ops->mmap(m2m->access, m2m->fd, length, (long)offset);
	if (!plane->map)
		return -ENOMEM;
	plane->size = length;
	buf->n_planes++;
	return 0;
}

int glint_m2m_map(const struct glint_m2m *m2m, enum glint_m2m_side side, unsigned index,
		  struct glint_dmabuf *buf)
{
	struct call call;
	int err;

	assert(index < m2m->n[side] && buf->n_planes == 0);

	call_prepare(&call, m2m, side, index);
	err = glint_m2m_ioctl(m2m, VIDIOC_QUERYBUF, &call.buffer);
	if (err < 0)
		return err;
	buf->memory = GLINT_MEMORY_V4L2_NOEXP;
	for (unsigned i = 0; i < side_planes(m2m, side) && err == 0; i++) {
		uint32_t length = m2m->mplane ? call.planes[i].length : call.buffer.length;
		uint32_t offset = m2m->mplane ? call.planes[i].m.mem_offset : call.buffer.m.offset;

		if (length < side_size(m2m, side, i) || length > INT32_MAX)
			err = -EPROTO;
		else
			err = map_plane(m2m, buf, length, offset);
	}
	if (err < 0)
		glint_dmabuf_fini(buf);
	return err;
}

int glint_m2m_export(const struct glint_m2m *m2m, enum glint_m2m_side side, unsigned index,
		     struct glint_dmabuf *buf)
{
	assert(index < m2m->n[side] && buf->n_planes == 0);

	for (unsigned i = 0; i < side_planes(m2m, side); i++) {
		struct v4l2_exportbuffer export = {
			.type = glint_m2m_type(m2m, side),
			.index = index,
			.plane = i,
			.flags = O_RDWR | O_CLOEXEC,
		};
		int err = glint_m2m_ioctl(m2m, VIDIOC_EXPBUF, &export);

		if (err < 0) {
			glint_dmabuf_fini(buf);
			return err;
		}
		buf->planes[i].fd = export.fd;
		buf->planes[i].size = side_size(m2m, side, i);
		buf->n_planes = i + 1;
	}
	buf->memory = GLINT_MEMORY_V4L2;
	return 0;
}

/* --- Queuing ------------------------------------------------------------------------- */

/* The whole plane is data: nothing of a raw frame is of variable length. */
static void call_set_plane(struct call *call, const struct glint_m2m *m2m, unsigned plane,
			   const struct glint_plane *memory)
{
	struct v4l2_plane *to = &call->planes[plane];
	uint32_t offset = memory ? memory->offset : 0;

	to->data_offset = offset;
	to->bytesused = m2m->raw.size[plane] + offset;
	if (memory) {
		to->m.fd = memory->fd;
		to->length = (uint32_t)memory->size;
		to->bytesused = MIN(to->bytesused, to->length);
	}
}

static int call_fill(struct call *call, const struct glint_m2m *m2m, const struct glint_dmabuf *buf)
{
	assert(m2m->imports == (buf != NULL));

	if (buf && buf->n_planes < m2m->raw.n_planes)
		return -EINVAL;
	for (unsigned i = 0; i < m2m->raw.n_planes; i++)
		call_set_plane(call, m2m, i, buf ? &buf->planes[i] : NULL);
	if (m2m->mplane)
		return 0;
	if (call->planes[0].data_offset > 0)
		return -EINVAL;
	call->buffer.bytesused = call->planes[0].bytesused;
	if (buf) {
		call->buffer.m.fd = buf->planes[0].fd;
		call->buffer.length = call->planes[0].length;
	}
	return 0;
}

int glint_m2m_attach(const struct glint_m2m *m2m, unsigned index, const struct glint_dmabuf *buf)
{
	struct call call;
	int err;

	assert(index < m2m->n[GLINT_M2M_RAW] && m2m->imports);

	call_prepare(&call, m2m, GLINT_M2M_RAW, index);
	err = call_fill(&call, m2m, buf);
	return err < 0 ? err : glint_m2m_ioctl(m2m, VIDIOC_PREPARE_BUF, &call.buffer);
}

int glint_m2m_queue_raw(const struct glint_m2m *m2m, unsigned index, const struct glint_dmabuf *buf,
			uint64_t stamp)
{
	struct call call;
	int err;

	assert(index < m2m->n[GLINT_M2M_RAW]);

	call_prepare(&call, m2m, GLINT_M2M_RAW, index);
	call.buffer.timestamp.tv_sec = (long)(stamp / 1000000);
	call.buffer.timestamp.tv_usec = (long)(stamp % 1000000);
	err = call_fill(&call, m2m, buf);
	return err < 0 ? err : glint_m2m_ioctl(m2m, VIDIOC_QBUF, &call.buffer);
}

int glint_m2m_queue_jpeg(const struct glint_m2m *m2m, unsigned index)
{
	struct call call;

	assert(index < m2m->n[GLINT_M2M_JPEG]);

	call_prepare(&call, m2m, GLINT_M2M_JPEG, index);
	return glint_m2m_ioctl(m2m, VIDIOC_QBUF, &call.buffer);
}

int glint_m2m_dequeue(const struct glint_m2m *m2m, enum glint_m2m_side side,
		      struct glint_m2m_done *done)
{
	struct call call;
	int err;

	call_prepare(&call, m2m, side, 0);
	err = glint_m2m_ioctl(m2m, VIDIOC_DQBUF, &call.buffer);
	if (err < 0)
		return err;
	if (call.buffer.index >= m2m->n[side])
		return -EPROTO;
	*done = (struct glint_m2m_done){
		.index = call.buffer.index,
		.stamp = (uint64_t)call.buffer.timestamp.tv_sec * 1000000 +
			 (uint64_t)call.buffer.timestamp.tv_usec,
		.used = m2m->mplane ? call.planes[0].bytesused : call.buffer.bytesused,
		.error = call.buffer.flags & V4L2_BUF_FLAG_ERROR,
	};
	return 0;
}

int glint_m2m_stream(const struct glint_m2m *m2m, enum glint_m2m_side side, bool on)
{
	int type = (int)glint_m2m_type(m2m, side);

	return glint_m2m_ioctl(m2m, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}
