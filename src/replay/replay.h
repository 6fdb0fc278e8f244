/* SPDX-License-Identifier: MIT */
/*
 * A recording as the source: a V4L2 device to all other code, with the frames of a clip as its
 * frames. A thread of the replay reads the file, so that a slow disk delays frames and nothing else;
 * it fills one buffer ahead and asks the kernel for the next few megabytes.
 *
 * The frames have the numbers of the clip at first, and a number that is missing in the clip is
 * missing here, as if the driver had dropped the frame. The stamps have the intervals of the clip.
 * Where a clip is paused or at its end, the same frame is delivered again and again, with further
 * numbers and stamps: a still screen. The replay itself never drops a frame: without a free buffer,
 * or if the disk is slow, the rest of the clip comes later (status.delays).
 *
 * The device's calls come from the device's thread and from the loop's, as for any device; all other
 * functions are for the loop's thread.
 */
#ifndef GLINT_REPLAY_REPLAY_H
#define GLINT_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/replay.h"

struct glint_loop;
struct glint_replay;
struct glint_report;
struct glint_v4l2_access;

#define GLINT_REPLAY_MESSAGE_MAX 256u

struct glint_replay_config {
	const char *path;
	uint32_t speed_milli;
	bool loop;
	bool paused; /* begin with a pause on the first frame */
	struct glint_replay_cues cues;
};

/*
 * Open a clip; borrows @loop. An error: @message says why it cannot be played. The first page of the
 * file is read at once, the rest when the device is opened. -ETIMEDOUT: the file system does not
 * answer; what waits for it is left behind, for a process that ends.
 */
int glint_replay_create(struct glint_replay **out, struct glint_loop *loop,
			const struct glint_replay_config *config,
			char message[static GLINT_REPLAY_MESSAGE_MAX]);

struct glint_v4l2_access *glint_replay_access(struct glint_replay *replay);

/* Begin; the answer comes to request->done(), perhaps from within the loop's next round. */
void glint_replay_ask(struct glint_replay *replay, struct glint_replay_request *request);

/* The client is gone: done() is not called. What was asked for happens nevertheless. */
void glint_replay_forget(struct glint_replay *replay, struct glint_replay_request *request);

void glint_replay_status(struct glint_replay *replay, struct glint_replay_status *status);

/* The object "replay" of /state. NULL: null, the source is no recording. */
void glint_replay_report(struct glint_replay *replay, struct glint_report *report);

/* The members of that object. */
void glint_replay_report_status(const struct glint_replay_status *status,
				struct glint_report *report);

/* The device must be closed, and the loop destroyed. NULL is fine. */
void glint_replay_destroy(struct glint_replay *replay);
#endif
