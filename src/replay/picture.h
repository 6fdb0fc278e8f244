/* SPDX-License-Identifier: MIT */
/* The bytes of one replayed frame: those of the clip, or with a fault. Not for the loop's thread. */
#ifndef GLINT_REPLAY_PICTURE_H
#define GLINT_REPLAY_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glint_track;

struct glint_replay_picture {
	size_t pixels; /* index of the frame that is shown */
	size_t lower;  /* of the frame whose lower half is shown */
	bool noise;
};

/*
 * Write the picture to @out, which has track->frame_bytes. Returns how many bytes it has, at most
 * that many, or the error of pread(); -EBADMSG: the file has been cut meanwhile.
 */
int64_t glint_replay_picture_read(const struct glint_track *track,
				  const struct glint_replay_picture *picture, uint8_t *out);
#endif
