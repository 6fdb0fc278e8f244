/* SPDX-License-Identifier: MIT */
#include "v4l2.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "v4l2_answers.h"

void fake_v4l2_lock(struct fake_v4l2 *fake)
{
	pthread_mutex_lock(&fake->lock);
}

void fake_v4l2_unlock(struct fake_v4l2 *fake)
{
	pthread_mutex_unlock(&fake->lock);
}

/* --- The table of system calls ------------------------------------------------------ */

static struct fake_v4l2 *fake_of(struct glint_v4l2_access *access)
{
	return container_of(access, struct fake_v4l2, access);
}

static int open_pair(struct fake_v4l2 *fake)
{
	int pair[2];

	for (unsigned i = 0; i < FAKE_OPENS; i++) {
		if (fake->fds[i].ours >= 0)
			continue;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
			return -errno;
		fake->fds[i].ours = pair[0];
		fake->fds[i].peer = pair[1];
		fake->opens++;
		return pair[0];
	}
	return -EMFILE;
}

static int fake_open(struct glint_v4l2_access *access, const char *path)
{
	struct fake_v4l2 *fake = fake_of(access);
	int result = -ENOENT;

	fake_v4l2_lock(fake);
	if (!fake->unplugged && (!fake->path || strcmp(path, fake->path) == 0))
		result = open_pair(fake);
	fake_v4l2_unlock(fake);
	return result;
}

static int fake_close(struct glint_v4l2_access *access, int fd)
{
	struct fake_v4l2 *fake = fake_of(access);

	fake_v4l2_lock(fake);
	for (unsigned i = 0; i < FAKE_OPENS; i++) {
		if (fake->fds[i].ours != fd)
			continue;
		glint_close(&fake->fds[i].ours);
		glint_close(&fake->fds[i].peer);
		fake->closes++;
	}
	if (fake->opens == fake->closes)
		fake_v4l2_forget(fake);
	fake_v4l2_unlock(fake);
	return 0;
}

static void hang(struct fake_v4l2 *fake, unsigned long request)
{
	while (fake->hang_request == request) {
		fake->hanging = true;
		pthread_cond_broadcast(&fake->released);
		pthread_cond_wait(&fake->released, &fake->lock);
	}
	fake->hanging = false;
}

/* When all events and frames are dequeued, the descriptor is no longer urgent or readable. */
static void settle_polls(struct fake_v4l2 *fake, int fd, unsigned long request)
{
	char ignored[64];

	if (request == VIDIOC_DQEVENT && fake->events == 0)
		(void)!recv(fd, ignored, 1, MSG_OOB);
	if (request == VIDIOC_DQBUF && fake->n_order == 0)
		while (recv(fd, ignored, sizeof(ignored), 0) > 0)
			;
}

static bool fails(struct fake_v4l2 *fake, unsigned long request)
{
	if (fake->calls == fake->fail_call)
		return true;
	if (request != fake->fail_request)
		return false;
	if (fake->fail_nth == 0)
		return true;
	if (--fake->fail_nth > 0)
		return false;
	fake->fail_request = 0;
	return true;
}

static int fake_ioctl(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg)
{
	struct fake_v4l2 *fake = fake_of(access);
	int result;

	assert(fcntl(fd, F_GETFD) >= 0);
	fake_v4l2_lock(fake);
	fake->calls++;
	hang(fake, request);
	if (fake->unplugged)
		result = -ENODEV;
	else if (fails(fake, request))
		result = fake->fail_err;
	else
		result = fake_v4l2_answer(fake, request, arg);
	if (result >= 0 && fake->lie)
		fake->lie(fake, request, arg);
	settle_polls(fake, fd, request);
	fake_v4l2_unlock(fake);
	return result;
}

static void *fake_mmap(struct glint_v4l2_access *access, int fd, size_t length, long offset)
{
	struct fake_v4l2 *fake = fake_of(access);
	size_t index = (size_t)offset / 4096 / VIDEO_MAX_PLANES;
	size_t plane = (size_t)offset / 4096 % VIDEO_MAX_PLANES;
	void *map = MAP_FAILED;

	(void)fd;
	fake_v4l2_lock(fake);
	if (index < fake->n_buffers && fake->buffers[index].memfd[plane] >= 0)
		map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fake->buffers[index].memfd[plane], 0);
	fake_v4l2_unlock(fake);
	return map == MAP_FAILED ? NULL : map;
}

/* The node that @fd or @path names exists, and has the attribute. */
static int fake_attribute(struct glint_v4l2_access *access, int fd, const char *path,
			  const char *name, char *text, size_t size)
{
	struct fake_v4l2 *fake = fake_of(access);
	const char *value = NULL;

	fake_v4l2_lock(fake);
	if (!fake->unplugged && (fd >= 0 || !fake->path || strcmp(path, fake->path) == 0)) {
		if (strcmp(name, "idVendor") == 0)
			value = fake->vendor;
		else if (strcmp(name, "idProduct") == 0)
			value = fake->product;
		else if (strcmp(name, "serial") == 0)
			value = fake->serial;
		else if (strcmp(name, "name") == 0)
			value = fake->card;
	}
	if (value)
		snprintf(text, size, "%s", value);
	fake_v4l2_unlock(fake);
	return value ? 0 : -ENOENT;
}

/* --- Calls of the test --------------------------------------------------------------- */

void fake_v4l2_init(struct fake_v4l2 *fake)
{
	static const struct glint_v4l2_access_ops ops = {
		.open = fake_open,
		.close = fake_close,
		.ioctl = fake_ioctl,
		.mmap = fake_mmap,
		.attribute = fake_attribute,
	};

	*fake = (struct fake_v4l2){
		.access.ops = &ops,
		.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
		.n_formats = 1,
		.formats = { { .fourcc = V4L2_PIX_FMT_YUYV, .width = 64, .height = 48, .fps = 30 } },
		.buffers_max = FAKE_BUFFERS,
		.exports = true,
		.n_inputs = 1,
		.timings_width = 64,
		.timings_height = 48,
	};
	fake_v4l2_reset_controls(fake);
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->released, NULL);
	for (unsigned i = 0; i < FAKE_OPENS; i++)
		fake->fds[i].ours = fake->fds[i].peer = -1;
	for (unsigned i = 0; i < FAKE_BUFFERS; i++)
		for (unsigned plane = 0; plane < VIDEO_MAX_PLANES; plane++)
			fake->buffers[i].memfd[plane] = -1;
}

void fake_v4l2_fini(struct fake_v4l2 *fake)
{
	/* The device's thread made the last calls, and may have ended without being joined. */
	fake_v4l2_lock(fake);
	fake_v4l2_unlock(fake);
	assert(fake->opens == fake->closes);
	fake_v4l2_forget(fake);
	pthread_cond_destroy(&fake->released);
	pthread_mutex_destroy(&fake->lock);
}

static void wake(struct fake_v4l2 *fake, int flags)
{
	for (unsigned i = 0; i < FAKE_OPENS; i++)
		if (fake->fds[i].peer >= 0)
			(void)!send(fake->fds[i].peer, "!", 1, flags | MSG_NOSIGNAL);
}

static void fill(struct fake_v4l2 *fake, struct fake_buffer *buffer, const struct fake_frame *frame)
{
	buffer->frame = *frame;
	if (!buffer->frame.stamp_ns && !frame->cancelled)
		buffer->frame.stamp_ns = glint_now_ns();
	if (frame->data && fake->memory == V4L2_MEMORY_USERPTR)
		memcpy(buffer->user, frame->data, frame->used);
	else if (frame->data)
		(void)!pwrite(buffer->memfd[0], frame->data, frame->used, 0);
	buffer->queued = false;
	buffer->done = true;
}

int fake_v4l2_complete(struct fake_v4l2 *fake, int index, const struct fake_frame *frame)
{
	fake_v4l2_lock(fake);
	if (index < 0)
		index = fake->queued ? __builtin_ctz(fake->queued) : -1;
	if (!fake->streaming || index < 0 || !(fake->queued & 1u << index))
		index = -1;
	if (index >= 0) {
		fill(fake, &fake->buffers[index], frame);
		fake->queued &= ~(1u << index);
		fake->order[fake->n_order++] = (unsigned)index;
		wake(fake, 0);
	}
	fake_v4l2_unlock(fake);
	return index;
}

void fake_v4l2_event(struct fake_v4l2 *fake)
{
	fake_v4l2_lock(fake);
	if (fake->has_events && fake->opens > fake->closes) {
		fake->events++;
		wake(fake, MSG_OOB);
	}
	fake_v4l2_unlock(fake);
}

void fake_v4l2_control_event(struct fake_v4l2 *fake, uint32_t id, int32_t value)
{
	fake_v4l2_lock(fake);
	fake->control_event = id;
	fake->control_event_value = value;
	fake->events++;
	wake(fake, MSG_OOB);
	fake_v4l2_unlock(fake);
}

void fake_v4l2_unplug(struct fake_v4l2 *fake)
{
	fake_v4l2_lock(fake);
	fake->unplugged = true;
	for (unsigned i = 0; i < FAKE_OPENS; i++)
		glint_close(&fake->fds[i].peer);
	fake_v4l2_unlock(fake);
}

void fake_v4l2_replug(struct fake_v4l2 *fake)
{
	fake_v4l2_lock(fake);
	fake->unplugged = false;
	fake_v4l2_reset_controls(fake);
	fake_v4l2_unlock(fake);
}

void fake_v4l2_wait_hanging(struct fake_v4l2 *fake)
{
	fake_v4l2_lock(fake);
	while (!fake->hanging)
		pthread_cond_wait(&fake->released, &fake->lock);
	fake_v4l2_unlock(fake);
}

void fake_v4l2_release(struct fake_v4l2 *fake)
{
	fake_v4l2_lock(fake);
	fake->hang_request = 0;
	pthread_cond_broadcast(&fake->released);
	fake_v4l2_unlock(fake);
}
