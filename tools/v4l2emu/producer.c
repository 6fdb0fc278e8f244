/* SPDX-License-Identifier: MIT */
/*
 * The part of the hardware: a frame each interval, whether somebody has a buffer for
 * it or not. It keeps to the moments that the rate asks for, counted from the start,
 * so it does not drift; a moment that it has slept through is a frame that was lost.
 */
#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "emu.h"

bool emu_has_signal(const struct emu_device *device)
{
	const char *path = device->settings.no_signal_path;

	return !path || access(path, F_OK) < 0;
}

static uint64_t frame_ns(const struct emu_settings *settings, uint64_t count)
{
	return (uint64_t)((unsigned __int128)count * settings->interval.numerator *
			  GLINT_NSEC_PER_SEC / settings->interval.denominator);
}

/* False: the stream ends. With the lock. */
static bool wait_until(struct emu_device *device, uint64_t ns)
{
	struct timespec moment = glint_timespec(ns);

	while (device->streaming &&
	       pthread_cond_timedwait(&device->stop, &device->lock, &moment) != ETIMEDOUT)
		;
	return device->streaming;
}

/* Without the lock: the buffer is the producer's. */
static void fill(struct emu_device *device, struct emu_buffer *buffer, uint32_t seq)
{
	struct glint_stamp stamp = { .seq = seq, .ns = glint_now_ns() };

	buffer->used = emu_picture_draw(&device->picture, buffer->memory.planes[0].map, &stamp,
					&buffer->box_x);
	buffer->seq = seq;
	buffer->ns = stamp.ns;
}

/* With the lock, which is left for as long as the frame is drawn. */
static void produce(struct emu_device *device, uint32_t seq)
{
	struct emu_buffer *buffer;
	unsigned index;

	if (!emu_has_signal(device))
		return;
	if (device->queued.count == 0) {
		device->stats->dropped++;
		return;
	}
	index = emu_fifo_pop(&device->queued);
	buffer = &device->buffers[index];
	buffer->state = EMU_FILLING;
	pthread_mutex_unlock(&device->lock);
	fill(device, buffer, seq);
	pthread_mutex_lock(&device->lock);

	buffer->state = EMU_DONE;
	emu_fifo_push(&device->done, index);
	device->stats->produced++;
	/* Without the lock, which who wakes up wants. The pipe cannot be full: it holds thousands. */
	pthread_mutex_unlock(&device->lock);
	(void)!write(device->writer, "", 1);
	device->stats->cpu_ns = glint_clock_ns(CLOCK_THREAD_CPUTIME_ID) + device->cpu_before_ns;
	pthread_mutex_lock(&device->lock);
}

/* The hardware does not wait until the processor has time for it. Refused to most users: fine. */
static void hurry(void)
{
	struct sched_param param = { .sched_priority = 1 };

	pthread_setname_np(pthread_self(), "v4l2emu");
	prctl(PR_SET_TIMERSLACK, 1);
	(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
}

static void *producer(void *arg)
{
	struct emu_device *device = arg;
	uint64_t start = glint_now_ns(), count = 1;

	device->cpu_before_ns = device->stats->cpu_ns;
	hurry();
	pthread_mutex_lock(&device->lock);
	for (; wait_until(device, start + frame_ns(&device->settings, count)); count++) {
		produce(device, (uint32_t)(count - 1));
		while (start + frame_ns(&device->settings, count + 1) < glint_now_ns()) {
			device->stats->dropped++;
			count++;
		}
	}
	pthread_mutex_unlock(&device->lock);
	return NULL;
}

int emu_producer_start(struct emu_device *device)
{
	int err;

	assert(!device->streaming);
	device->streaming = true;
	err = pthread_create(&device->producer, NULL, producer, device);
	if (err)
		device->streaming = false;
	return -err;
}

void emu_producer_stop(struct emu_device *device)
{
	pthread_mutex_lock(&device->lock);
	device->streaming = false;
	pthread_cond_signal(&device->stop);
	pthread_mutex_unlock(&device->lock);
	pthread_join(device->producer, NULL);
}
