/* SPDX-License-Identifier: MIT */
/*
 * The frames of a clip in memory, in their order: where each lies in the file, its time and its
 * number. Not for the loop's thread: the file may be on a slow disk.
 */
#ifndef GLINT_REPLAY_TRACK_H
#define GLINT_REPLAY_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clip/clip.h"
#include "v4l2/format.h"

#define GLINT_TRACK_FRAMES_MAX (1u << 22)
#define GLINT_TRACK_DAMAGE_MAX 128

struct glint_track_frame {
	uint64_t offset; /* of its bytes in the file */
	uint64_t ns;	 /* stamp when it was recorded; each is later than the one before */
	uint64_t stream; /* of the source then: each counts its frames anew */
	uint32_t size;
	uint32_t seq;	   /* its number in that stream */
	uint32_t position; /* counted from the first frame, with those missing */
	bool exposure_start;
};

struct glint_track {
	int fd;
	struct glint_clip_head head;
	const struct glint_format_info *info; /* of head.fourcc */
	size_t frame_bytes;		      /* that a buffer needs; raw frames have this size */
	/* Known after glint_track_read(). */
	struct glint_track_frame *frames;
	size_t n;
	size_t trigger;			     /* index of frame 0; 0 if that frame is missing */
	uint32_t origin;		     /* position of frame 0 */
	uint32_t tail;			     /* missing behind the last frame */
	uint64_t missing;		     /* between the frames */
	uint64_t frame_ns;		     /* usual time between two frames */
	char damage[GLINT_TRACK_DAMAGE_MAX]; /* frames that are not there, in words; or "" */
};

#define GLINT_TRACK_MESSAGE_MAX 256

/*
 * Open the file and read its head and its first frame. An error: @message says what is wrong with
 * which file, and there is nothing to close.
 */
int glint_track_open(struct glint_track *track, const char *path,
		     char message[static GLINT_TRACK_MESSAGE_MAX]);

/* Read the heads of all frames. -ENODATA: there is none any more; or the error of pread(). */
int glint_track_read(struct glint_track *track);

void glint_track_close(struct glint_track *track);

/* The number of frame @index, counted from the trigger's. */
int64_t glint_track_number(const struct glint_track *track, size_t index);

/* The index of the frame with the number @n, or of the one after it. -ENOENT: it is not there. */
int glint_track_find(const struct glint_track *track, int64_t n, size_t *index);

/* How many components a raw frame has, and the lines of each: without padding, one behind another. */
unsigned glint_track_lines(const struct glint_track *track, struct glint_lines lines[static 3]);

/* Bytes a line of the format; 0: the format has no lines. */
uint32_t glint_track_stride(const struct glint_track *track);
#endif
