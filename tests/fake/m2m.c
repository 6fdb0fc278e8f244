/* SPDX-License-Identifier: MIT */
#include "m2m.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "v4l2/format.h"

void fake_m2m_lock(struct fake_m2m *fake)
{
	pthread_mutex_lock(&fake->lock);
}

void fake_m2m_unlock(struct fake_m2m *fake)
{
	pthread_mutex_unlock(&fake->lock);
}

static bool is_mplane(const struct fake_m2m *fake)
{
	return fake->caps & V4L2_CAP_VIDEO_M2M_MPLANE;
}

static struct fake_m2m_queue *queue_of(struct fake_m2m *fake, uint32_t type)
{
	return V4L2_TYPE_IS_OUTPUT(type) ? &fake->raw : &fake->coded;
}

/* --- Buffers ------------------------------------------------------------------------- */

static void queue_free(struct fake_m2m_queue *queue)
{
	for (unsigned i = 0; i < FAKE_M2M_BUFFERS; i++) {
		glint_close(&queue->memfd[i]);
		queue->imported[i] = -1;
	}
	queue->n = queue->n_order = queue->n_done = 0;
	queue->streaming = false;
}

static int reqbufs(struct fake_m2m *fake, struct v4l2_requestbuffers *request)
{
	struct fake_m2m_queue *queue = queue_of(fake, request->type);

	if (request->memory == V4L2_MEMORY_DMABUF && !fake->imports)
		return -EINVAL;
	queue_free(queue);
	request->count = MIN(request->count, FAKE_M2M_BUFFERS + 0u);
	queue->n = request->count;
	queue->memory = request->memory;
	for (unsigned i = 0; i < queue->n && request->memory == V4L2_MEMORY_MMAP; i++) {
		queue->memfd[i] = memfd_create("fake", MFD_CLOEXEC);
		(void)!ftruncate(queue->memfd[i], (off_t)queue->size * 4);
	}
	return 0;
}

static int querybuf(struct fake_m2m *fake, struct v4l2_buffer *buffer)
{
	struct fake_m2m_queue *queue = queue_of(fake, buffer->type);
	uint32_t base = V4L2_TYPE_IS_OUTPUT(buffer->type) ? 0 : FAKE_M2M_BUFFERS;

	if (buffer->index >= queue->n)
		return -EINVAL;
	buffer->m.offset = is_mplane(fake) ? buffer->m.offset : (base + buffer->index) * 4096;
	if (!is_mplane(fake)) {
		buffer->length = queue->size;
		return 0;
	}
	for (unsigned i = 0; i < queue->n_planes; i++) {
		buffer->m.planes[i].length = queue->size;
		buffer->m.planes[i].m.mem_offset = (base + buffer->index) * 4096;
	}
	return 0;
}

static int expbuf(struct fake_m2m *fake, struct v4l2_exportbuffer *export)
{
	struct fake_m2m_queue *queue = queue_of(fake, export->type);

	if (export->index >= queue->n || queue->memfd[export->index] < 0)
		return -EINVAL;
	export->fd = dup(queue->memfd[export->index]);
	return 0;
}

/* Refuses a closed descriptor, as the kernel does. */
static int attach(struct fake_m2m *fake, struct fake_m2m_queue *queue,
		  const struct v4l2_buffer *buffer)
{
	int fd = is_mplane(fake) ? buffer->m.planes[0].m.fd : buffer->m.fd;
	uint32_t length = is_mplane(fake) ? buffer->m.planes[0].length : buffer->length;

	if (buffer->index >= queue->n || buffer->memory != queue->memory)
		return -EINVAL;
	if (queue->memory != V4L2_MEMORY_DMABUF)
		return 0;
	if (lseek(fd, 0, SEEK_CUR) < 0)
		return -EBADF;
	if (fake->attach_err)
		return fake->attach_err;
	if (length < queue->size)
		return -EINVAL;
	queue->imported[buffer->index] = fd;
	return 0;
}

/* --- Jobs ------------------------------------------------------------------------------ */

static unsigned queue_shift(struct fake_m2m_queue *queue)
{
	unsigned index = queue->order[0];

	queue->n_order--;
	memmove(queue->order, queue->order + 1, queue->n_order * sizeof(queue->order[0]));
	return index;
}

static void queue_complete(struct fake_m2m_queue *queue, unsigned index, struct timeval stamp,
			   uint32_t used, uint32_t flags)
{
	queue->done[queue->n_done++] = (struct v4l2_buffer){
		.index = index, .timestamp = stamp, .bytesused = used, .flags = flags
	};
}

static bool finish(struct fake_m2m *fake, const void *jpeg, size_t size, uint32_t flags)
{
	unsigned raw, coded;

	if (!fake->raw.streaming || !fake->coded.streaming || !fake->raw.n_order ||
	    !fake->coded.n_order)
		return false;
	raw = queue_shift(&fake->raw);
	coded = queue_shift(&fake->coded);
	if (jpeg)
		(void)!pwrite(fake->coded.memfd[coded], jpeg, size, 0);
	queue_complete(&fake->raw, raw, fake->raw.stamp[raw], 0, flags);
	queue_complete(&fake->coded, coded, fake->raw.stamp[raw], (uint32_t)size, flags);
	fake->jobs++;
	(void)!send(fake->peer, "!", 1, MSG_NOSIGNAL);
	pthread_cond_broadcast(&fake->changed);
	return true;
}

bool fake_m2m_finish(struct fake_m2m *fake, const void *jpeg, size_t size, uint32_t flags)
{
	bool done;

	fake_m2m_lock(fake);
	done = finish(fake, jpeg, size, flags);
	fake_m2m_unlock(fake);
	return done;
}

static void work(struct fake_m2m *fake)
{
	while (fake->automatic && finish(fake, fake->jpeg, fake->jpeg_size, fake->done_flags))
		;
}

static int qbuf(struct fake_m2m *fake, struct v4l2_buffer *buffer)
{
	struct fake_m2m_queue *queue = queue_of(fake, buffer->type);
	int err = attach(fake, queue, buffer);

	if (err < 0)
		return err;
	queue->order[queue->n_order++] = buffer->index;
	queue->stamp[buffer->index] = buffer->timestamp;
	pthread_cond_broadcast(&fake->changed);
	work(fake);
	return 0;
}

static int dqbuf(struct fake_m2m *fake, struct v4l2_buffer *buffer)
{
	struct fake_m2m_queue *queue = queue_of(fake, buffer->type);
	struct v4l2_buffer *done = &queue->done[0];
	struct v4l2_plane *planes = buffer->m.planes;

	if (!queue->streaming)
		return -EINVAL;
	if (!queue->n_done)
		return -EAGAIN;
	if (is_mplane(fake))
		planes[0].bytesused = done->bytesused;
	buffer->index = done->index;
	buffer->timestamp = done->timestamp;
	buffer->bytesused = done->bytesused;
	buffer->flags = done->flags;
	queue->n_done--;
	memmove(queue->done, queue->done + 1, queue->n_done * sizeof(queue->done[0]));
	return 0;
}

static int stream(struct fake_m2m *fake, uint32_t type, bool on)
{
	struct fake_m2m_queue *queue = queue_of(fake, type);

	queue->streaming = on;
	if (!on)
		queue->n_order = queue->n_done = 0;
	work(fake);
	return 0;
}

/* --- Formats and controls ----------------------------------------------------------------- */

static int querycap(struct fake_m2m *fake, struct v4l2_capability *cap)
{
	*cap = (struct v4l2_capability){
		.driver = "fake-m2m",
		.card = "Scripted encoder",
		.bus_info = "platform:fake-m2m",
		.capabilities = fake->caps | V4L2_CAP_DEVICE_CAPS,
		.device_caps = fake->caps,
	};
	return 0;
}

static int enum_fmt(struct fake_m2m *fake, struct v4l2_fmtdesc *desc)
{
	bool raw = V4L2_TYPE_IS_OUTPUT(desc->type);
	unsigned n = raw ? fake->n_formats : fake->jpeg_fourcc != 0;

	if (desc->index >= n)
		return -EINVAL;
	desc->pixelformat = raw ? fake->formats[desc->index] : fake->jpeg_fourcc;
	return 0;
}

static uint32_t round_up(uint32_t value, uint32_t to)
{
	return (value + to - 1) / to * to;
}

static void layout(struct fake_m2m *fake, uint32_t type, struct fake_m2m_queue *q, uint32_t stride)
{
	const struct glint_format_info *info = glint_format_find(q->fourcc);

	q->width = MIN(q->width, fake->most);
	q->height = MIN(q->height, fake->most);
	q->n_planes = 1;
	q->stride = 0;
	q->size = q->width * q->height * 2 + 1024;
	if (!V4L2_TYPE_IS_OUTPUT(type))
		return;
	q->n_planes = info->mem_planes;
	q->width = round_up(q->width, fake->align_width);
	q->height = round_up(q->height, fake->align_height);
	q->stride = round_up(MAX(stride, q->width * info->bytes_per_pixel), fake->align_stride);
	q->size = q->stride * q->height * (info->layout == GLINT_LAYOUT_PACKED_YUV ? 1 : 2) +
		  fake->extra_size;
}

static bool has_format(const struct fake_m2m *fake, uint32_t type, uint32_t fourcc)
{
	if (!V4L2_TYPE_IS_OUTPUT(type))
		return fourcc == fake->jpeg_fourcc;
	for (unsigned i = 0; i < fake->n_formats; i++)
		if (fake->formats[i] == fourcc)
			return true;
	return false;
}

static void tell_format(const struct fake_m2m *fake, const struct fake_m2m_queue *q,
			struct v4l2_format *fmt)
{
	struct v4l2_pix_format_mplane *mp = &fmt->fmt.pix_mp;

	if (!is_mplane(fake)) {
		fmt->fmt.pix = (struct v4l2_pix_format){ .pixelformat = q->fourcc,
							 .width = q->width,
							 .height = q->height,
							 .bytesperline = q->stride,
							 .sizeimage = q->size };
		return;
	}
	*mp = (struct v4l2_pix_format_mplane){ .pixelformat = q->fourcc,
					       .width = q->width,
					       .height = q->height,
					       .num_planes = (uint8_t)q->n_planes };
	for (unsigned i = 0; i < q->n_planes; i++) {
		mp->plane_fmt[i].bytesperline = q->stride;
		mp->plane_fmt[i].sizeimage = q->size;
	}
}

/* An unknown format becomes the first format. */
static int set_fmt(struct fake_m2m *fake, struct v4l2_format *fmt, bool keep)
{
	const struct v4l2_pix_format_mplane *mp = &fmt->fmt.pix_mp;
	const struct v4l2_pix_format *pix = &fmt->fmt.pix;
	struct fake_m2m_queue *queue = queue_of(fake, fmt->type), copy = *queue;
	uint32_t stride = is_mplane(fake) ? mp->plane_fmt[0].bytesperline : pix->bytesperline;

	copy.fourcc = is_mplane(fake) ? mp->pixelformat : pix->pixelformat;
	copy.width = is_mplane(fake) ? mp->width : pix->width;
	copy.height = is_mplane(fake) ? mp->height : pix->height;
	if (!has_format(fake, fmt->type, copy.fourcc))
		copy.fourcc = V4L2_TYPE_IS_OUTPUT(fmt->type) ? fake->formats[0] : fake->jpeg_fourcc;
	layout(fake, fmt->type, &copy, stride);
	tell_format(fake, &copy, fmt);
	if (keep)
		*queue = copy;
	return 0;
}

static int queryctrl(struct fake_m2m *fake, struct v4l2_queryctrl *query)
{
	if (query->id != V4L2_CID_JPEG_COMPRESSION_QUALITY || fake->quality_max == 0)
		return -EINVAL;
	query->minimum = fake->quality_min;
	query->maximum = fake->quality_max;
	query->step = 1;
	query->default_value = fake->quality_min;
	query->flags = 0;
	return 0;
}

static int s_ctrl(struct fake_m2m *fake, const struct v4l2_control *control)
{
	if (control->id != V4L2_CID_JPEG_COMPRESSION_QUALITY)
		return -EINVAL;
	if (control->value < fake->quality_min || control->value > fake->quality_max)
		return -ERANGE;
	fake->quality = control->value;
	return 0;
}

static int answer(struct fake_m2m *fake, unsigned long request, void *arg)
{
	switch (request) {
	case VIDIOC_QUERYCAP:
		return querycap(fake, arg);
	case VIDIOC_ENUM_FMT:
		return enum_fmt(fake, arg);
	case VIDIOC_TRY_FMT:
		return set_fmt(fake, arg, false);
	case VIDIOC_S_FMT:
		return set_fmt(fake, arg, true);
	case VIDIOC_G_FMT:
		tell_format(fake, queue_of(fake, ((struct v4l2_format *)arg)->type), arg);
		return 0;
	case VIDIOC_S_SELECTION:
		fake->crop = ((struct v4l2_selection *)arg)->r;
		return 0;
	case VIDIOC_QUERYCTRL:
		return queryctrl(fake, arg);
	case VIDIOC_S_CTRL:
		return s_ctrl(fake, arg);
	case VIDIOC_REQBUFS:
		return reqbufs(fake, arg);
	case VIDIOC_QUERYBUF:
		return querybuf(fake, arg);
	case VIDIOC_EXPBUF:
		return expbuf(fake, arg);
	case VIDIOC_PREPARE_BUF:
		return attach(fake, queue_of(fake, ((struct v4l2_buffer *)arg)->type), arg);
	case VIDIOC_QBUF:
		return qbuf(fake, arg);
	case VIDIOC_DQBUF:
		return dqbuf(fake, arg);
	case VIDIOC_STREAMON:
	case VIDIOC_STREAMOFF:
		return stream(fake, *(uint32_t *)arg, request == VIDIOC_STREAMON);
	default:
		return -ENOTTY;
	}
}

/* --- The table of system calls --------------------------------------------------------------- */

static struct fake_m2m *fake_of(struct glint_v4l2_access *access)
{
	return container_of(access, struct fake_m2m, access);
}

static int fake_open(struct glint_v4l2_access *access, const char *path)
{
	struct fake_m2m *fake = fake_of(access);
	int pair[2], result = -ENOENT;

	fake_m2m_lock(fake);
	if (fake->ours >= 0) {
		result = -EBUSY;
	} else if (!fake->unplugged && (!fake->path || strcmp(path, fake->path) == 0)) {
		(void)!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair);
		result = fake->ours = pair[0];
		fake->peer = pair[1];
		fake->opens++;
	}
	fake_m2m_unlock(fake);
	return result;
}

static int fake_close(struct glint_v4l2_access *access, int fd)
{
	struct fake_m2m *fake = fake_of(access);

	fake_m2m_lock(fake);
	assert(fd == fake->ours);
	glint_close(&fake->ours);
	glint_close(&fake->peer);
	fake->closes++;
	queue_free(&fake->raw);
	queue_free(&fake->coded);
	pthread_cond_broadcast(&fake->changed);
	fake_m2m_unlock(fake);
	return 0;
}

static void hang(struct fake_m2m *fake, unsigned long request)
{
	while (fake->hang_request == request) {
		fake->hanging = true;
		pthread_cond_broadcast(&fake->changed);
		pthread_cond_wait(&fake->changed, &fake->lock);
	}
	fake->hanging = false;
}

static int fake_ioctl(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg)
{
	struct fake_m2m *fake = fake_of(access);
	char ignored[64];
	int result;

	fake_m2m_lock(fake);
	assert(fd == fake->ours);
	fake->calls++;
	hang(fake, request);
	if (fake->awaited == request) {
		fake->awaited = 0; /* once only: the next call succeeds */
		pthread_cond_broadcast(&fake->changed);
		result = fake->fail_err;
	} else if (fake->unplugged) {
		result = -ENODEV;
	} else if (request == fake->fail_request) {
		result = fake->fail_err;
	} else {
		result = answer(fake, request, arg);
	}
	if (result >= 0 && fake->lie)
		fake->lie(fake, request, arg);
	if (request == VIDIOC_DQBUF && !fake->raw.n_done && !fake->coded.n_done)
		while (recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT) > 0)
			;
	fake_m2m_unlock(fake);
	return result;
}

static void *fake_mmap(struct glint_v4l2_access *access, int fd, size_t length, long offset)
{
	struct fake_m2m *fake = fake_of(access);
	unsigned place = (unsigned)(offset / 4096);
	struct fake_m2m_queue *queue = place < FAKE_M2M_BUFFERS ? &fake->raw : &fake->coded;
	void *map;

	(void)fd;
	fake_m2m_lock(fake);
	map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED,
		   queue->memfd[place % FAKE_M2M_BUFFERS], 0);
	fake_m2m_unlock(fake);
	return map == MAP_FAILED ? NULL : map;
}

/*
 * --- Calls of the test --------------------------------------------------------------------------
 */

void fake_m2m_init(struct fake_m2m *fake)
{
	static const struct glint_v4l2_access_ops ops = {
		.open = fake_open,
		.close = fake_close,
		.ioctl = fake_ioctl,
		.mmap = fake_mmap,
	};

	*fake = (struct fake_m2m){
		.access.ops = &ops,
		.caps = V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_STREAMING,
		.jpeg_fourcc = V4L2_PIX_FMT_JPEG,
		.n_formats = 2,
		.formats = { V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_NV12 },
		.align_width = 16,
		.align_height = 16,
		.align_stride = 1,
		.most = 8192,
		.imports = true,
		.quality_min = 1,
		.quality_max = 100,
		.quality = -1,
		.ours = -1,
		.peer = -1,
	};
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->changed, NULL);
	for (unsigned i = 0; i < FAKE_M2M_BUFFERS; i++)
		fake->raw.memfd[i] = fake->coded.memfd[i] = fake->raw.imported[i] =
			fake->coded.imported[i] = -1;
}

void fake_m2m_fini(struct fake_m2m *fake)
{
	assert(fake->opens == fake->closes);
	pthread_cond_destroy(&fake->changed);
	pthread_mutex_destroy(&fake->lock);
}

void fake_m2m_wait_jobs(struct fake_m2m *fake, unsigned n)
{
	fake_m2m_lock(fake);
	while (fake->raw.n_order < n)
		pthread_cond_wait(&fake->changed, &fake->lock);
	fake_m2m_unlock(fake);
}

void fake_m2m_fail_once(struct fake_m2m *fake, unsigned long request, int err)
{
	fake_m2m_lock(fake);
	fake->fail_err = err;
	fake->awaited = request;
	fake_m2m_unlock(fake);
}

void fake_m2m_wait_failed(struct fake_m2m *fake)
{
	fake_m2m_lock(fake);
	while (fake->awaited)
		pthread_cond_wait(&fake->changed, &fake->lock);
	fake_m2m_unlock(fake);
}

void fake_m2m_wait_hanging(struct fake_m2m *fake)
{
	fake_m2m_lock(fake);
	while (!fake->hanging)
		pthread_cond_wait(&fake->changed, &fake->lock);
	fake_m2m_unlock(fake);
}

void fake_m2m_release(struct fake_m2m *fake)
{
	fake_m2m_lock(fake);
	fake->hang_request = 0;
	pthread_cond_broadcast(&fake->changed);
	fake_m2m_unlock(fake);
}

void fake_m2m_unplug(struct fake_m2m *fake, bool unplugged)
{
	fake_m2m_lock(fake);
	fake->unplugged = unplugged;
	if (unplugged && fake->peer >= 0)
		(void)shutdown(fake->peer, SHUT_RDWR);
	fake_m2m_unlock(fake);
}
