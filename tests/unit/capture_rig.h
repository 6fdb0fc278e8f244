/* SPDX-License-Identifier: MIT */
/*
 * A capture on the scripted device, on the loop backend under test, with a sink that records what
 * is pushed.
 */
#ifndef GLINT_TESTS_CAPTURE_RIG_H
#define GLINT_TESTS_CAPTURE_RIG_H

#include <string.h>

#include "../fake/v4l2.h"
#include "base/clock.h"
#include "capture/internal.h"
#include "harness.h"
#include "loop_rig.h"
#include "report_rig.h"

#define FOREVER UINT64_MAX
#define LONG	(60 * GLINT_NSEC_PER_SEC)

struct rig {
	struct fake_v4l2 fake;
	struct glint_loop *loop;
	struct glint_capture *capture;
	struct glint_capture_config config;
	struct glint_capture_listener listener;
	struct glint_sink sink;
	unsigned pushed, changes;
	bool keeps; /* the sink keeps one frame */
	struct glint_frame *kept;
	enum glint_outcome outcome;
	uint32_t last_seq;
	uint64_t last_exposure_ns, last_dequeue_ns;
};

static inline bool rig_push(struct glint_sink *sink, struct glint_frame *frame)
{
	struct rig *rig = container_of(sink, struct rig, sink);

	rig->pushed++;
	rig->last_seq = frame->info.seq;
	rig->last_exposure_ns = frame->info.exposure_ns;
	rig->last_dequeue_ns = frame->info.dequeue_ns;
	frame->outcome = rig->outcome;
	if (rig->keeps && !rig->kept)
		rig->kept = glint_frame_ref(frame);
	return true;
}

static inline void rig_changed(struct glint_capture_listener *listener)
{
	container_of(listener, struct rig, listener)->changes++;
}

static inline void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	fake_v4l2_init(&rig->fake);
	rig->outcome = GLINT_OUTCOME_DELIVERED;
	rig->sink.push_frame = rig_push;
	glint_list_init(&rig->sink.link);
	rig->listener.changed = rig_changed;
	rig->config = (struct glint_capture_config){
		.device = "/dev/video0",
		.width = 64,
		.height = 48,
		.raw_formats = true,
		.buffers = 3,
		.min_frame_size = 8,
		.timeout_ns = LONG,
		.retry_ns = GLINT_NSEC_PER_MSEC,
		.stuck_ns = LONG,
		.access = &rig->fake.access,
	};
}

#define RIG_START(rig)                                                                             \
	do {                                                                                       \
		RIG_LOOP((rig)->loop);                                                             \
		CU_ASSERT_EQUAL_FATAL(glint_capture_create(&(rig)->capture, (rig)->loop,           \
							   &(rig)->config, &(rig)->listener),      \
				      0);                                                          \
		glint_fanout_attach(glint_capture_frames((rig)->capture), &(rig)->sink);           \
		glint_capture_start((rig)->capture);                                               \
	} while (0)

static inline struct glint_capture_status rig_status(struct rig *rig)
{
	struct glint_capture_status status;

	glint_capture_status(rig->capture, &status);
	return status;
}

static inline uint64_t rig_cancelled(struct rig *rig)
{
	return (uint64_t)REPORTED(int, capture, rig->capture, "buffers.cancelled");
}

static inline enum glint_reason rig_reason(struct rig *rig)
{
	return rig_status(rig).reason;
}

/* The device has started: all its buffers are with the driver. */
static inline bool rig_streams(struct rig *rig)
{
	struct glint_capture_status status = rig_status(rig);

	return status.buffers > 0 && status.with_driver + status.leased >= status.buffers;
}

/* Change the device while the capture's threads may use it: RIG_FAKE(&rig, power = 0). */
#define RIG_FAKE(rig, assignment)                                                                  \
	do {                                                                                       \
		fake_v4l2_lock(&(rig)->fake);                                                      \
		(rig)->fake.assignment;                                                            \
		fake_v4l2_unlock(&(rig)->fake);                                                    \
	} while (0)

#define RIG_UNTIL(rig, condition) RIG_RUN_UNTIL((rig)->loop, condition)

/* Complete a frame, and run until the capture has taken it. */
static inline void rig_frame(struct rig *rig, const struct fake_frame *frame)
{
	uint64_t before = glint_capture_ledger(rig->capture)->seen;

	CU_ASSERT_TRUE_FATAL(fake_v4l2_complete(&rig->fake, -1, frame) >= 0);
	RIG_UNTIL(rig, glint_capture_ledger(rig->capture)->seen != before);
}

/*
 * Change the device's timeout. A rig whose timeout is short from the start may be seen as stalled
 * before it has taken its first frame, when the host is busy.
 */
static inline void rig_set_timeout(struct rig *rig, uint64_t timeout_ns)
{
	rig->config.timeout_ns = timeout_ns;
	glint_capture_apply(rig->capture, &rig->config);
}

static inline void rig_go_live(struct rig *rig)
{
	RIG_UNTIL(rig, rig_streams(rig));
	rig_frame(rig, &(struct fake_frame){ .seq = 0 });
	CU_ASSERT_EQUAL_FATAL(rig_reason(rig), GLINT_REASON_NONE);
}

static inline void rig_close(struct rig *rig)
{
	rig->kept = glint_frame_unref(rig->kept);
	glint_fanout_detach(glint_capture_frames(rig->capture), &rig->sink);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(glint_capture_ledger(rig->capture)), 0);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig->capture)->in_flight, 0);
	CU_ASSERT_TRUE(glint_capture_destroy(rig->capture, FOREVER));
	glint_loop_destroy(rig->loop);
	CU_ASSERT_EQUAL(rig->fake.opens, rig->fake.closes);
	fake_v4l2_fini(&rig->fake);
}
#endif
