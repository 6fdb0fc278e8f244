/* SPDX-License-Identifier: MIT */
/*
 * The frame path: a wakeup of the device, its frames dequeued and judged, the
 * newest handed on. Nothing here allocates, formats, waits, or reads pixels. A JPEG is
 * read once, for its markers.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "capture/internal.h"
#include "v4l2/input.h"

#define STAMP_AGE_MAX_NS (10 * GLINT_NSEC_PER_SEC)

/* --- Time ------------------------------------------------------------------------- */

/*
 * Drivers write stamps of another frame, of the future, or of a clock that jumped:
 * vivid's end-of-frame stamps are one frame ahead, and since it writes them after it
 * has handed the buffer over, a fast reader may find the buffer's last one.
 */
static bool stamp_is_plausible(const struct glint_capture_stream *stream, uint64_t stamp_ns,
			       uint64_t now_ns)
{
	return stamp_ns != 0 && stamp_ns <= now_ns && now_ns - stamp_ns < STAMP_AGE_MAX_NS &&
	       stamp_ns > stream->last_stamp_ns;
}

/*
 * When the exposure of a frame began, at the earliest. Up to its end it takes two frame
 * times at most, one to be exposed and one to be read out: it began when the frame before
 * the last had ended, or later. Measured like this it holds at every rate, and in the dark,
 * where a camera is slower than it says. 0 for the first two of a stream.
 */
static uint64_t exposure_before_end(struct glint_capture_stream *stream, uint64_t ended_ns)
{
	uint64_t exposure_ns = stream->ended_ns[1];

	stream->ended_ns[1] = stream->ended_ns[0];
	stream->ended_ns[0] = ended_ns;
	return exposure_ns;
}

static void frame_stamp(struct glint_capture *capture, struct glint_frame *frame,
			const struct glint_vbuf *vbuf)
{
	struct glint_capture_stream *stream = &capture->stream;
	uint64_t now_ns = glint_now_ns(), stamp_ns = vbuf->timestamp_ns, exposure_ns;
	bool plausible = stamp_is_plausible(stream, stamp_ns, now_ns);
	bool start_of_exposure = plausible && vbuf->start_of_exposure;
	bool end_of_frame = plausible && !vbuf->start_of_exposure;

	stream->last_stamp_ns = stamp_ns;
	stream->taken_ns = now_ns;
	frame->dequeue_ns = now_ns;
	frame->capture_ns = plausible ? stamp_ns : now_ns;
	frame->clock = plausible ? GLINT_CLOCK_MONOTONIC : GLINT_CLOCK_ARRIVAL;
	/* A start of exposure says nothing of when the frame was complete. */
	frame->complete_ns = vbuf->start_of_exposure ? now_ns : frame->capture_ns;
	/* We may be late, so the time of arrival is no proof; that it was not there before is. */
	exposure_ns = exposure_before_end(stream, end_of_frame ? stamp_ns : stream->drained_ns);
	frame->exposure_ns = start_of_exposure ? stamp_ns : exposure_ns;

	capture->last.seq = vbuf->seq;
	capture->last.capture_ns = frame->capture_ns;
	capture->last.complete_ns = frame->complete_ns;
	capture->last.clock = frame->clock;
	capture->last.start_of_exposure = start_of_exposure;
}

/* --- Content ------------------------------------------------------------------------ */

/*
 * A truncated picture cannot show by its data that its size is true: it must be the one that
 * was agreed upon.
 */
static bool is_tolerated(const struct glint_capture *capture, const struct glint_jpeg_info *info)
{
	return capture->config.allow_truncated && info->width == capture->pool->format.width &&
	       info->height == capture->pool->format.height;
}

/* The one look at a JPEG: what reads the frame later goes by it. */
static bool jpeg_is_good(const struct glint_capture *capture, struct glint_frame *frame)
{
	struct glint_jpeg_info *info = &container_of(frame, struct glint_slot, frame)->jpeg;
	int err = glint_jpeg_inspect(frame->buf->planes[0].map, frame->used, info);

	if (err < 0 && !(err == -ENODATA && is_tolerated(capture, info)))
		return false;
	frame->used = (uint32_t)info->size;
	return frame->used >= capture->config.min_frame_size;
}

static bool frame_is_good(const struct glint_capture *capture, struct glint_frame *frame,
			  const struct glint_vbuf *vbuf)
{
	if (vbuf->error || vbuf->short_data || vbuf->used == 0)
		return false;
	return frame->format->info->layout != GLINT_LAYOUT_JPEG || jpeg_is_good(capture, frame);
}

/*
 * A buffer that the driver has cancelled. uvcvideo queues the buffer of a frame that it drops
 * again by itself, and that buffer keeps the frame's number and time: if it is cancelled then,
 * a number that has passed comes once more, with an error and without data.
 */
static bool has_no_frame(const struct glint_capture *capture, const struct glint_vbuf *vbuf)
{
	if (vbuf->cancelled)
		return true;
	return vbuf->error && vbuf->used == 0 &&
	       glint_ledger_has_passed(&capture->ledger, vbuf->seq);
}

/* --- Dequeuing ------------------------------------------------------------------------ */

/*
 * Takes one frame; *@out is the caller's. -EAGAIN: there is none. A damaged one, and a
 * buffer without a frame, went back already, and *@out is NULL.
 */
static int capture_dequeue(struct glint_capture *capture, struct glint_frame **out)
{
	struct glint_frame *frame;
	struct glint_vbuf vbuf;
	int err = glint_vdev_dqbuf(&capture->source.vdev, &vbuf);

	*out = NULL;
	if (err < 0)
		return err;
	if (has_no_frame(capture, &vbuf)) {
		capture->cancelled++;
		return glint_pool_requeue(capture->pool, vbuf.index);
	}
	frame = glint_pool_begin(capture->pool, &vbuf);
	if (!frame)
		return -EPROTO;	/* a buffer that it did not have: its books are wrong */

	capture->leased++;
	glint_ledger_enter(&capture->ledger, vbuf.seq);
	frame_stamp(capture, frame, &vbuf);
	if (frame_is_good(capture, frame, &vbuf)) {
		*out = frame;
		return 0;
	}
	frame->outcome = GLINT_OUTCOME_CORRUPT;
	glint_frame_unref(frame);
	return 0;
}

static void capture_note_good(struct glint_capture *capture, const struct glint_frame *frame)
{
	capture->stream.frames++;
	capture->stream.last_good_ns = frame->dequeue_ns;
	glint_rate_add(&capture->rate, frame->dequeue_ns);
}

/* A JPEG has the size that it says, which may be another than the driver's. */
static void capture_note_size(struct glint_capture *capture, const struct glint_frame *frame)
{
	if (frame->jpeg)
		glint_capture_set_size(capture, frame->jpeg->width, frame->jpeg->height);
}

/* Hands on the newest frame, which is the caller's no more. */
static void capture_deliver(struct glint_capture *capture, struct glint_frame *frame)
{
	/* A driver that lost its signal may go on with noise, which must not pass for live. */
	if (frame && !capture->stream.doubted && capture->state == GLINT_CAPTURE_LIVE) {
		capture_note_size(capture, frame);
		if (capture->reason != GLINT_REASON_NONE) {
			capture->told_err = 0;
			glint_capture_set_reason(capture, GLINT_REASON_NONE);
		}
		(void)glint_fanout_push(&capture->frames, frame);
	}
	glint_frame_unref(frame);
}

/*
 * One wakeup may stand for several frames: all are taken, the newest is kept. What
 * is filled while we do so wakes us again, so one round of the buffers is enough
 * even for a driver that never runs dry.
 */
static void capture_drain(struct glint_capture *capture)
{
	unsigned most = capture->pool->n;
	struct glint_frame *newest = NULL, *frame;
	int err = 0;

	for (unsigned i = 0; i < most && err == 0 && capture->state == GLINT_CAPTURE_LIVE; i++) {
		err = capture_dequeue(capture, &frame);
		if (!frame)
			continue;
		capture_note_good(capture, frame);
		glint_frame_unref(newest);
		newest = frame;
	}
	if (err == -EAGAIN)
		capture->stream.drained_ns = capture->stream.taken_ns;
	capture_deliver(capture, newest);
	if (err < 0 && err != -EAGAIN && capture->state == GLINT_CAPTURE_LIVE)
		glint_capture_fail(capture, err);
}

static void capture_take_events(struct glint_capture *capture)
{
	if (!glint_input_changed(&capture->source.vdev))
		return;
	if (capture->state == GLINT_CAPTURE_OFFLINE) {
		glint_capture_hurry(capture);
		return;
	}
	capture->stream.doubted = true;
	capture->stream.changed = true;
	glint_capture_check(capture, true);
}

void glint_capture_on_poll(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_capture *capture = container_of(op, struct glint_capture, poll_op);
	bool live = capture->state == GLINT_CAPTURE_LIVE;

	if (!(flags & GLINT_OP_MORE)) {
		glint_capture_polled(capture);
		if (live && !capture->ending)	/* nobody has cancelled it */
			glint_capture_fail(capture, res);
		return;
	}
	if (!live && capture->state != GLINT_CAPTURE_OFFLINE)
		return;
	if (res & POLLPRI)
		capture_take_events(capture);
	if (live)
		capture_drain(capture);
	else if (res & POLLHUP)
		glint_capture_hurry(capture);
}
