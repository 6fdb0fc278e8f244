/* SPDX-License-Identifier: MIT */
/*
 * The frame path: dequeue the frames of a wakeup and judge them. Every good one goes to the sinks
 * that want all, the newest to the others. Nothing here allocates, formats, waits, or reads
 * pixels. The markers of a JPEG are read once.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "capture/internal.h"
#include "v4l2/input.h"

#define STAMP_AGE_MAX_NS (10 * GLINT_NSEC_PER_SEC)

/* --- Time ------------------------------------------------------------------------- */

static void frame_stamp(struct glint_capture *capture, struct glint_frame_info *info,
			const struct glint_vbuf *vbuf)
{
	struct glint_capture_stream *stream = &capture->stream;
	uint64_t now_ns = glint_now_ns(), stamp_ns = vbuf->timestamp_ns;
	/*
	 * Some stamps are of another frame, of the future, or of a clock that has jumped. vivid's
	 * end-of-frame stamps are one frame ahead; and because vivid writes a stamp after it has
	 * handed the buffer over, a fast reader may find the buffer's previous stamp.
	 */
	bool plausible = stamp_ns != 0 && stamp_ns <= now_ns &&
			 now_ns - stamp_ns < STAMP_AGE_MAX_NS && stamp_ns > stream->last_stamp_ns;

	stream->last_stamp_ns = stamp_ns;
	stream->taken_ns = now_ns;
	info->dequeue_ns = now_ns;
	info->capture_ns = plausible ? stamp_ns : now_ns;
	info->start_of_exposure = plausible && vbuf->start_of_exposure;
	info->clock = plausible ? GLINT_CLOCK_MONOTONIC : GLINT_CLOCK_ARRIVAL;
	/* The start of the exposure does not tell when the frame was complete. */
	info->complete_ns = vbuf->start_of_exposure ? now_ns : info->capture_ns;
	/*
	 * A frame takes at most two frame times from the start of its exposure to its end, one to
	 * be exposed and one to be read out, so its exposure began after the end of the frame
	 * before the last. This holds at every rate, and in the dark, where a camera is slower than
	 * it says. For the first two frames of a stream the result is 0, unknown.
	 */
	info->exposure_ns = info->start_of_exposure ? stamp_ns : stream->ended_ns[1];
	stream->ended_ns[1] = stream->ended_ns[0];
	/* The time of arrival proves nothing, because the loop may be late; an empty queue does. */
	stream->ended_ns[0] = plausible && !vbuf->start_of_exposure ? stamp_ns : stream->drained_ns;
	/* The frame was complete between that time and now. */
	info->error_ns = stream->ended_ns[0] > 0 ? now_ns - stream->ended_ns[0] : UINT64_MAX;
}

/* --- Content ------------------------------------------------------------------------ */

/* Judge the frame. This is the only inspection of a JPEG; later readers use its result. */
static bool frame_is_good(const struct glint_capture *capture, struct glint_frame *frame,
			  const struct glint_vbuf *vbuf)
{
	struct glint_jpeg_info *info = &container_of(frame, struct glint_slot, frame)->jpeg;
	const struct glint_format *format = &capture->pool->format;
	int err;

	if (vbuf->error || vbuf->short_data || vbuf->used == 0)
		return false;
	if (format->info->layout != GLINT_LAYOUT_JPEG)
		return true;
	/* One sync serves all readers of a JPEG: the driver does not write to this frame again. */
	err = glint_dmabuf_begin_read(frame->buf);
	if (err < 0)
		return false;
	err = glint_jpeg_inspect(frame->buf->planes[0].map, frame->used, info);
	(void)glint_dmabuf_end_read(frame->buf);
	/* The data of a truncated JPEG cannot prove its size, so the size must be the format's. */
	if (err == -ENODATA && capture->config.allow_truncated && info->width == format->width &&
	    info->height == format->height)
		err = 0;
	if (err < 0)
		return false;
	frame->used = (uint32_t)info->size;
	frame->info.width = info->width;
	frame->info.height = info->height;
	return frame->used >= capture->config.min_frame_size;
}

/*
 * Return whether the driver has cancelled the buffer. uvcvideo queues the buffer of a dropped frame
 * again by itself, and keeps the number and time of that frame. If uvcvideo cancels this buffer
 * later, a number that has passed comes again, with an error and without data.
 */
static bool has_no_frame(const struct glint_capture *capture, const struct glint_vbuf *vbuf)
{
	if (vbuf->cancelled)
		return true;
	return vbuf->error && vbuf->used == 0 &&
	       glint_ledger_has_passed(&capture->ledger, vbuf->seq);
}

/* Take a frame that is complete at @dequeue_ns for the warm-up of the stream, unless that has ended. */
static bool capture_warms_up(struct glint_capture *capture, uint64_t dequeue_ns)
{
	struct glint_capture_stream *stream = &capture->stream;

	if (stream->cold_frames == 0 && dequeue_ns >= stream->cold_until_ns)
		return false;
	stream->cold_frames -= stream->cold_frames > 0;
	return true;
}

/* Without a signal a driver may deliver noise, which must not look live. */
static bool capture_may_look(const struct glint_capture *capture)
{
	return !capture->stream.doubted && capture->state == GLINT_CAPTURE_LIVE;
}

static bool capture_may_push(const struct glint_capture *capture)
{
	return capture_may_look(capture) && capture->judged == GLINT_REASON_NONE;
}

static void capture_tell_cold(struct glint_capture *capture)
{
	if (capture_may_look(capture) && capture->reason != GLINT_REASON_WARMING_UP)
		glint_capture_set_reason(capture, GLINT_REASON_WARMING_UP);
}

static void capture_measure_start(struct glint_capture *capture,
				  const struct glint_frame_info *info)
{
	if (capture->began_ns == 0)
		return;
	capture->first_frame_ns = info->dequeue_ns - capture->began_ns;
	capture->began_ns = 0;
	glint_histogram_add(&capture->first_frame, capture->first_frame_ns);
}

/* Tell what a good frame with these facts means. */
static void capture_show(struct glint_capture *capture, const struct glint_frame_info *info)
{
	if (capture_may_look(capture) && capture->judged != GLINT_REASON_NONE &&
	    capture->reason != capture->judged)
		glint_capture_set_reason(capture, capture->judged);
	if (!capture_may_push(capture))
		return;
	/* A JPEG may have another size than the format. */
	glint_capture_set_size(capture, info->width, info->height);
	if (capture->reason != GLINT_REASON_NONE) {
		capture_measure_start(capture, info);
		capture->logged_err = 0;
		glint_capture_set_reason(capture, GLINT_REASON_NONE);
	}
}

static void capture_count_good(struct glint_capture *capture, uint64_t dequeue_ns)
{
	capture->stream.frames++;
	capture->stream.last_good_ns = dequeue_ns;
	glint_rate_add(&capture->rate, dequeue_ns);
}

/* --- Fields --------------------------------------------------------------------------- */

void glint_capture_end_half(struct glint_capture *capture, enum glint_outcome outcome)
{
	struct glint_half *half = &capture->half;

	if (!half->begun)
		return;
	half->begun = false;
	half->first = glint_frame_unref(half->first);
	if (outcome == GLINT_OUTCOME_CORRUPT)
		glint_ledger_damage(&capture->ledger);
	assert(capture->leased > 0);
	capture->leased--;
	glint_ledger_settle(&capture->ledger, outcome);
}

/* A buffer with the first field of a frame, or with both. One of which a field is missing ends. */
static void capture_begin_half(struct glint_capture *capture, const struct glint_vbuf *vbuf,
			       uint32_t number, const struct glint_frame *buffer)
{
	const struct glint_format *format = glint_fields_format(capture->fields);
	struct glint_half *half = &capture->half;

	glint_capture_end_half(capture, GLINT_OUTCOME_CORRUPT);
	glint_ledger_enter(&capture->ledger, number);
	capture->leased++;
	*half = (struct glint_half){ .begun = true, .good = true, .info = buffer->info };
	half->info.seq = number;
	half->info.width = format->width;
	half->info.height = format->height;
	half->info.field_order =
		glint_fields_order(capture->fields, vbuf->interlaced, vbuf->bottom_first);
	frame_stamp(capture, &half->info, vbuf);
}

/* The second field completes the frame. It is exposed after the first one. */
static void capture_add_half(struct glint_capture *capture, const struct glint_vbuf *vbuf)
{
	struct glint_frame_info *info = &capture->half.info, later = { 0 };
	uint64_t before_ns = capture->stream.ended_ns[1];

	frame_stamp(capture, &later, vbuf);
	capture->stream.ended_ns[1] = before_ns; /* of the frame before */
	if (later.clock == GLINT_CLOCK_ARRIVAL)
		info->clock = GLINT_CLOCK_ARRIVAL;
	if (!info->start_of_exposure)
		info->capture_ns = later.capture_ns;
	info->complete_ns = later.complete_ns;
	info->dequeue_ns = later.dequeue_ns;
	info->error_ns = later.error_ns;
}

static bool capture_is_wanted(const struct glint_capture *capture)
{
	return glint_fanout_wanted(&capture->frames) || glint_fanout_wanted(&capture->all) ||
	       glint_fanout_wanted(&capture->looks);
}

/* Both fields are there: have the frame made, or settle it. @buffer has the last of them. */
static void capture_end_fields(struct glint_capture *capture, struct glint_frame *buffer)
{
	struct glint_half *half = &capture->half;
	struct glint_frame *first = half->first ? half->first : buffer;
	struct glint_frame *second = half->first ? buffer : NULL;

	glint_ledger_complete(&capture->ledger, half->info.complete_ns);
	glint_histogram_add(&capture->dequeue, half->info.dequeue_ns - half->info.complete_ns);
	capture->last = half->info;
	if (!half->good) {
		glint_capture_end_half(capture, GLINT_OUTCOME_CORRUPT);
		return;
	}
	capture_count_good(capture, half->info.dequeue_ns);
	if (capture_warms_up(capture, half->info.dequeue_ns)) {
		glint_capture_end_half(capture, GLINT_OUTCOME_WARM_UP);
		capture_tell_cold(capture);
	} else if (!capture_is_wanted(capture)) {
		struct glint_frame_info info = half->info;

		glint_capture_end_half(capture, GLINT_OUTCOME_SKIPPED);
		capture_show(capture, &info);
	} else if (glint_fields_make(capture->fields, first, second, &half->info)) {
		half->begun = false; /* the ledger settles the frame that is made */
		half->first = glint_frame_unref(half->first);
	} else {
		glint_capture_end_half(capture, GLINT_OUTCOME_SKIPPED);
	}
}

/* Take a dequeued buffer, and the caller's reference. -EUCLEAN: the driver has not filled it. */
static int capture_take_fields(struct glint_capture *capture, struct glint_frame *buffer,
			       const struct glint_vbuf *vbuf)
{
	uint32_t number;
	enum glint_fields_part part = glint_fields_part(capture->fields, vbuf, &number);
	struct glint_half *half = &capture->half;
	bool good = frame_is_good(capture, buffer, vbuf);
	int err = 0;

	if (good && !glint_pool_is_filled(capture->pool, buffer)) {
		err = -EUCLEAN;
		good = false;
	}
	if (part == GLINT_FIELDS_SECOND)
		capture_add_half(capture, vbuf);
	else
		capture_begin_half(capture, vbuf, number, buffer);
	half->good &= good;
	if (part == GLINT_FIELDS_FIRST) {
		half->first = buffer;
		return err;
	}
	capture_end_fields(capture, buffer);
	glint_frame_unref(buffer);
	return err;
}

/* --- Dequeuing ------------------------------------------------------------------------ */

/*
 * Dequeue one frame; the caller owns the reference in *@out. NULL in *@out: the frame was damaged,
 * or the buffer had no frame, and the buffer is queued again. -EAGAIN: no frame is ready.
 */
static int capture_dequeue(struct glint_capture *capture, struct glint_frame **out)
{
	struct glint_frame *frame;
	struct glint_vbuf vbuf;
	int err = glint_vdev_dqbuf(&capture->source.vdev, &vbuf);
	bool good;

	*out = NULL;
	if (err < 0)
		return err;
	if (has_no_frame(capture, &vbuf)) {
		capture->cancelled++;
		return glint_pool_requeue(capture->pool, vbuf.index);
	}
	frame = glint_pool_begin(capture->pool, &vbuf);
	if (!frame)
		return -EPROTO; /* a buffer that the driver did not have */
	if (capture->fields)
		return capture_take_fields(capture, frame, &vbuf);

	capture->leased++;
	glint_ledger_enter(&capture->ledger, vbuf.seq);
	frame_stamp(capture, &frame->info, &vbuf);
	glint_ledger_complete(&capture->ledger, frame->info.complete_ns);
	glint_histogram_add(&capture->dequeue, frame->info.dequeue_ns - frame->info.complete_ns);
	good = frame_is_good(capture, frame, &vbuf);
	capture->last = frame->info;
	if (good && !glint_pool_is_filled(capture->pool, frame)) {
		err = -EUCLEAN;
		good = false;
	}
	if (good) {
		*out = frame;
		return 0;
	}
	frame->outcome = GLINT_OUTCOME_CORRUPT;
	glint_ledger_damage(&capture->ledger);
	glint_frame_unref(frame);
	return err;
}

/* Push the newest frame, and take over the caller's reference. NULL is fine. */
static void capture_deliver(struct glint_capture *capture, struct glint_frame *frame)
{
	if (frame && capture_may_look(capture))
		(void)glint_fanout_push_frame(&capture->looks, frame);
	if (frame)
		capture_show(capture, &frame->info);
	if (frame && capture_may_push(capture))
		(void)glint_fanout_push_frame(&capture->frames, frame);
	glint_frame_unref(frame);
}

/*
 * One wakeup may stand for several frames: dequeue all of them, keep the newest. A buffer that is
 * filled meanwhile wakes the loop again, so one pass over the buffers is enough, even if the driver
 * always has a frame ready.
 */
static void capture_drain(struct glint_capture *capture)
{
	unsigned most = capture->pool->n_buffers;
	struct glint_frame *newest = NULL, *frame;
	bool cold = false;
	int err = 0;

	assert(capture->pool->live);

	for (unsigned i = 0; i < most && err == 0 && capture->state == GLINT_CAPTURE_LIVE; i++) {
		err = capture_dequeue(capture, &frame);
		if (!frame)
			continue;
		capture_count_good(capture, frame->info.dequeue_ns);
		if (capture_warms_up(capture, frame->info.dequeue_ns)) {
			frame->outcome = GLINT_OUTCOME_WARM_UP;
			glint_frame_unref(frame);
			cold = true;
			continue;
		}
		if (capture_may_push(capture))
			(void)glint_fanout_push_frame(&capture->all, frame);
		/* Later than the frame, unless the loop is late, too: the driver needs buffers. */
		if (newest)
			glint_pool_refill(capture->pool);
		glint_frame_unref(newest);
		newest = frame;
	}
	if (err == -EAGAIN)
		capture->stream.drained_ns = capture->stream.taken_ns;
	if (cold && !newest)
		capture_tell_cold(capture);
	capture_deliver(capture, newest);
	glint_pool_refill(capture->pool);
	if (err >= 0 || err == -EAGAIN || capture->state != GLINT_CAPTURE_LIVE)
		return;
	if (err == -EUCLEAN)
		glint_capture_distrust(capture);
	else if (glint_source_waits(err))
		glint_capture_lose(capture, err);
	else
		glint_capture_fail(capture, err);
}

void glint_capture_on_made(struct glint_fields_owner *owner, struct glint_frame *frame, int err)
{
	struct glint_capture *capture = container_of(owner, struct glint_capture, fields_owner);

	if (err < 0) {
		glint_frame_unref(frame);
		return;
	}
	if (capture_may_push(capture))
		(void)glint_fanout_push_frame(&capture->all, frame);
	capture_deliver(capture, frame);
}

/* Tell the changes of controls. Returns whether the source has changed. */
static bool capture_take_events(struct glint_capture *capture)
{
	struct glint_input_changes changes = { 0 };
	bool changed = glint_input_changed(&capture->source.vdev, &changes);

	for (unsigned i = 0; i < changes.n; i++)
		glint_capture_tell_control(capture, &changes.list[i]);
	return changed;
}

/* Events of the device, or of its receiver. */
static void capture_on_event(struct glint_capture *capture)
{
	if (!capture_take_events(capture))
		return;
	if (capture->state == GLINT_CAPTURE_LIVE) {
		capture->stream.doubted = true;
		capture->stream.changed = true;
		glint_capture_check(capture, true);
	} else {
		glint_capture_hurry(capture);
	}
}

/* Returns whether the device may be used: false if the poll has ended, or while a job runs. */
static bool capture_may_use(struct glint_capture *capture, int res, uint32_t flags)
{
	bool live = capture->state == GLINT_CAPTURE_LIVE;

	if (flags & GLINT_OP_MORE)
		return live || capture->state == GLINT_CAPTURE_OFFLINE;
	glint_capture_polled(capture);
	if (live && !capture->ending) /* the capture has not cancelled it */
		glint_capture_fail(capture, res);
	return false;
}

void glint_capture_on_poll(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_capture *capture = container_of(op, struct glint_capture, poll_op);

	if (!capture_may_use(capture, res, flags))
		return;
	if (res & POLLPRI)
		capture_on_event(capture);
	if (capture->state == GLINT_CAPTURE_LIVE)
		capture_drain(capture);
	else if (res & POLLHUP)
		glint_capture_hurry(capture);
}

/* The receiver has hung up: the board is gone. */
void glint_capture_on_receiver(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_capture *capture = container_of(op, struct glint_capture, receiver_op);

	if (!capture_may_use(capture, res, flags))
		return;
	if (!(res & (POLLHUP | POLLERR)))
		capture_on_event(capture);
	else if (capture->state == GLINT_CAPTURE_LIVE)
		glint_capture_fail(capture, -ENODEV);
	else
		glint_capture_hurry(capture);
}
