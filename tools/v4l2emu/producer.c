/* SPDX-License-Identifier: MIT */
/*
 * Plays the hardware: it produces a frame each interval, whether a buffer is queued or not. The
 * times of the frames are counted from the start of the stream, so the rate does not drift. A frame
 * whose time has been slept through is lost, and counted apart: no program could have had it.
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

/* False: the stream ends. Call with the lock held. */
static bool wait_until(struct emu_device *device, uint64_t ns)
{
	struct timespec moment = glint_timespec(ns);

	while (device->streaming &&
	       pthread_cond_timedwait(&device->stop, &device->lock, &moment) != ETIMEDOUT)
		;
	return device->streaming;
}

/* Call without the lock: the buffer belongs to the producer. */
static void fill(struct emu_device *device, struct emu_buffer *buffer, uint32_t seq)
{
	struct glint_stamp stamp = { .seq = seq, .ns = glint_now_ns() };
	uint8_t *map = buffer->memory.planes[0].map;
	struct emu_place *place = buffer->place;

	if (place && !place->prefilled)
		emu_picture_prefill(&device->picture, map, 0);
	buffer->used = emu_picture_draw(&device->picture, map, &stamp,
					place ? &place->box_x : &buffer->box_x);
	if (place)
		place->prefilled = true;
	buffer->seq = seq;
	buffer->ns = stamp.ns;
}

/* Call with the lock held; it is released while the frame is drawn. */
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
	/*
	 * Without the lock, because the woken thread takes it. The pipe is never full: it holds
	 * thousands of bytes.
	 */
	pthread_mutex_unlock(&device->lock);
	(void)!write(device->writer, "", 1);
	device->stats->cpu_ns = glint_clock_ns(CLOCK_THREAD_CPUTIME_ID) + device->cpu_before_ns;
	pthread_mutex_lock(&device->lock);
}

/* Hardware does not wait for a processor: use real-time priority where the user may. */
static void run_like_hardware(void)
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
	run_like_hardware();
	pthread_mutex_lock(&device->lock);
	for (; wait_until(device, start + frame_ns(&device->settings, count)); count++) {
		produce(device, (uint32_t)(count - 1));
		while (start + frame_ns(&device->settings, count + 1) < glint_now_ns()) {
			device->stats->late++;
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
