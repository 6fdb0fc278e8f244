/* SPDX-License-Identifier: MIT */
/* The buffers of a device: allocated, mapped and exported, queued and dequeued. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "v4l2/vdev.h"

/* Where one memory plane of one buffer lies, as QUERYBUF has it. */
struct place {
	uint32_t length, offset;
};

static void buffer_prepare(const struct glint_vdev *vdev, struct v4l2_buffer *buffer,
			   struct v4l2_plane planes[static VIDEO_MAX_PLANES], unsigned index)
{
	*buffer = (struct v4l2_buffer){
		.index = index,
		.type = glint_vdev_type(vdev),
		.memory = vdev->imports ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP,
	};
	if (vdev->mplane) {
		buffer->m.planes = planes;
		buffer->length = vdev->format.n_planes;
	}
}

/* With more room than the format needs; not every driver takes that. */
static int create_buffers(const struct glint_vdev *vdev, unsigned count)
{
	struct v4l2_create_buffers create = {
		.count = count,
		.memory = V4L2_MEMORY_MMAP,
		.format = { .type = glint_vdev_type(vdev) },
	};
	struct glint_format format = vdev->format;
	int err = glint_vdev_ioctl(vdev, VIDIOC_G_FMT, &create.format);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < format.n_planes; i++) {
		uint32_t size = MAX(format.size[i], vdev->room[i]);

		if (vdev->mplane)
			create.format.fmt.pix_mp.plane_fmt[i].sizeimage = size;
		else
			create.format.fmt.pix.sizeimage = size;
	}
	err = glint_vdev_ioctl(vdev, VIDIOC_CREATE_BUFS, &create);
	if (err < 0)
		return err;
	/* Some driver's idea of an index would shift all of them. */
	return create.index == 0 ? (int)MIN(create.count, GLINT_VDEV_BUFFERS_MAX + 0u) : -EPROTO;
}

static bool wants_room(const struct glint_vdev *vdev)
{
	for (unsigned i = 0; i < vdev->format.n_planes; i++)
		if (vdev->room[i] > vdev->format.size[i])
			return true;
	return false;
}

static int request_buffers(const struct glint_vdev *vdev, unsigned count)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = glint_vdev_type(vdev),
		.memory = vdev->imports ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP,
	};
	int err = glint_vdev_ioctl(vdev, VIDIOC_REQBUFS, &request);

	return err < 0 ? err : (int)MIN(request.count, GLINT_VDEV_BUFFERS_MAX + 0u);
}

static int query_buffer(const struct glint_vdev *vdev, unsigned index,
			struct place places[static GLINT_DMABUF_PLANES])
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES] = { 0 };
	struct v4l2_buffer buffer;
	int err;

	buffer_prepare(vdev, &buffer, planes, index);
	err = glint_vdev_ioctl(vdev, VIDIOC_QUERYBUF, &buffer);
	if (err < 0)
		return err;
	if (vdev->mplane && buffer.length != vdev->format.n_planes)
		return -EPROTO;
	for (unsigned i = 0; i < vdev->format.n_planes; i++) {
		places[i].length = vdev->mplane ? planes[i].length : buffer.length;
		places[i].offset = vdev->mplane ? planes[i].m.mem_offset : buffer.m.offset;
		if (places[i].length < vdev->format.size[i] || places[i].length > INT32_MAX)
			return -EPROTO;
	}
	return 0;
}

/* Not every driver can, and the descriptor is a gain only: -1 then. */
static int export_plane(const struct glint_vdev *vdev, unsigned index, unsigned plane)
{
	struct v4l2_exportbuffer export = {
		.type = glint_vdev_type(vdev),
		.index = index,
		.plane = plane,
		.flags = O_RDWR | O_CLOEXEC,
	};

	return glint_vdev_ioctl(vdev, VIDIOC_EXPBUF, &export) < 0 ? -1 : export.fd;
}

/*
 * A plane of pixels that has a descriptor is mapped by it when the CPU is to read it, which
 * it may never be; a JPEG's ends are looked at in any case. @plane has no map and no fd.
 */
static int take_memory(const struct glint_vdev *vdev, unsigned index, unsigned number,
		       const struct place *place, struct glint_plane *plane)
{
	struct glint_v4l2_access *access = vdev->access;

	plane->size = place->length;
	plane->fd = export_plane(vdev, index, number);
	if (plane->fd >= 0 && vdev->format.info->layout != GLINT_LAYOUT_JPEG)
		return 0;
	plane->map = access->ops->mmap(access, vdev->fd, place->length, (long)place->offset);
	return plane->map ? 0 : -ENOMEM;
}

static int take_buffer(const struct glint_vdev *vdev, unsigned index, struct glint_dmabuf *buf)
{
	struct place places[GLINT_DMABUF_PLANES];
	int err = query_buffer(vdev, index, places);

	if (err < 0)
		return err;
	buf->memory = GLINT_MEMORY_V4L2;
	for (unsigned i = 0; i < vdev->format.n_planes; i++) {
		buf->n_planes = i + 1;
		err = take_memory(vdev, index, i, &places[i], &buf->planes[i]);
		if (err < 0)
			return err;
		if (buf->planes[i].fd < 0)
			buf->memory = GLINT_MEMORY_V4L2_NOEXP;
	}
	return 0;
}

int glint_vdev_alloc(struct glint_vdev *vdev, unsigned count,
		     struct glint_dmabuf buffers[static GLINT_VDEV_BUFFERS_MAX])
{
	int n = wants_room(vdev) ? create_buffers(vdev, count) : -ENOTTY, err;

	assert(vdev->n_buffers == 0);
	if (n <= 0)
		n = request_buffers(vdev, count);
	if (n < 0)
		return n;
	if (n == 0)
		return -ENOMEM;

	for (int i = 0; i < n; i++)
		glint_dmabuf_init(&buffers[i]);
	for (int i = 0; i < n; i++) {
		err = take_buffer(vdev, (unsigned)i, &buffers[i]);
		if (err < 0)
			goto unmap;
	}
	vdev->n_buffers = (unsigned)n;
	vdev->buffers = buffers;
	return n;

unmap:
	for (int i = 0; i < n; i++)
		glint_dmabuf_fini(&buffers[i]);
	(void)request_buffers(vdev, 0);
	return err;
}

int glint_vdev_import(struct glint_vdev *vdev, unsigned count, const struct glint_dmabuf *buffers)
{
	int n;

	assert(vdev->n_buffers == 0 && count <= GLINT_VDEV_BUFFERS_MAX);
	for (unsigned i = 0; i < vdev->format.n_planes; i++)
		if (buffers[0].planes[i].size < vdev->format.size[i])
			return -EINVAL;

	vdev->imports = true;
	n = request_buffers(vdev, count);
	if (n < (int)count) {
		if (n > 0)
			(void)request_buffers(vdev, 0);
		vdev->imports = false;
		return n < 0 ? n : -ENOMEM;
	}
	vdev->n_buffers = count;
	vdev->buffers = buffers;
	return 0;
}

int glint_vdev_free(struct glint_vdev *vdev)
{
	int err = vdev->n_buffers > 0 ? request_buffers(vdev, 0) : 0;

	vdev->imports = false;
	vdev->n_buffers = 0;
	vdev->buffers = NULL;
	return err;
}

/* Always the same descriptors in the same place: the driver imports them once. */
static void buffer_set_memory(const struct glint_vdev *vdev, struct v4l2_buffer *buffer,
			      struct v4l2_plane planes[static VIDEO_MAX_PLANES])
{
	const struct glint_dmabuf *buf = &vdev->buffers[buffer->index];

	if (!vdev->mplane) {
		buffer->m.fd = buf->planes[0].fd;
		buffer->length = (uint32_t)buf->planes[0].size;
		return;
	}
	for (unsigned i = 0; i < vdev->format.n_planes; i++) {
		planes[i].m.fd = buf->planes[i].fd;
		planes[i].length = (uint32_t)buf->planes[i].size;
	}
}

int glint_vdev_qbuf(struct glint_vdev *vdev, unsigned index)
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES] = { 0 };
	struct v4l2_buffer buffer;

	assert(index < vdev->n_buffers);

	buffer_prepare(vdev, &buffer, planes, index);
	if (vdev->imports)
		buffer_set_memory(vdev, &buffer, planes);
	return glint_vdev_ioctl(vdev, VIDIOC_QBUF, &buffer);
}

/* 0: a clock of the driver's own, or no time at all. */
static uint64_t stamp_of(const struct v4l2_buffer *buffer)
{
	uint64_t seconds = (uint64_t)buffer->timestamp.tv_sec;
	uint64_t micros = (uint64_t)buffer->timestamp.tv_usec;

	if ((buffer->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
		return 0;
	if (seconds > INT32_MAX || micros > 999999)
		return 0;
	return seconds * GLINT_NSEC_PER_SEC + micros * GLINT_NSEC_PER_USEC;
}

/*
 * False: the driver says something that cannot be. What is no picture of planes is
 * read from its beginning, so there it must begin.
 */
static bool take_plane(const struct glint_vdev *vdev, unsigned plane, uint32_t used,
		       uint32_t offset, struct glint_vbuf *vbuf)
{
	size_t needed = glint_format_min_size(&vdev->format, plane);

	if (used > vdev->buffers[vbuf->index].planes[plane].size || offset > used)
		return false;
	if (needed == 0 && offset > 0)
		return false;
	if (plane == 0)
		vbuf->used = used - offset;
	vbuf->offset[plane] = offset;
	vbuf->short_data |= used - offset < needed;
	return true;
}

static bool take_planes(const struct glint_vdev *vdev, const struct v4l2_buffer *buffer,
			struct glint_vbuf *vbuf)
{
	if (!vdev->mplane)
		return take_plane(vdev, 0, buffer->bytesused, 0, vbuf);
	for (unsigned i = 0; i < vdev->format.n_planes; i++)
		if (!take_plane(vdev, i, buffer->m.planes[i].bytesused,
				buffer->m.planes[i].data_offset, vbuf))
			return false;
	return true;
}

int glint_vdev_dqbuf(struct glint_vdev *vdev, struct glint_vbuf *vbuf)
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES] = { 0 };
	struct v4l2_buffer buffer;
	int err;

	buffer_prepare(vdev, &buffer, planes, 0);
	err = glint_vdev_ioctl(vdev, VIDIOC_DQBUF, &buffer);
	if (err < 0)
		return err;
	if (buffer.index >= vdev->n_buffers)
		return -EPROTO;
	if (vdev->mplane && buffer.length != vdev->format.n_planes)
		return -EPROTO;

	*vbuf = (struct glint_vbuf){
		.index = buffer.index,
		.seq = buffer.sequence,
		.timestamp_ns = stamp_of(&buffer),
		.start_of_exposure = (buffer.flags & V4L2_BUF_FLAG_TSTAMP_SRC_MASK) ==
				     V4L2_BUF_FLAG_TSTAMP_SRC_SOE,
		.error = buffer.flags & V4L2_BUF_FLAG_ERROR,
	};
	buffer.m.planes = planes;	/* whatever the driver left there */
	vbuf->error |= !take_planes(vdev, &buffer, vbuf);
	return 0;
}
