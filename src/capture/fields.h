/* SPDX-License-Identifier: MIT */
/*
 * Whole frames of an interlaced source. Its driver delivers the two fields of a frame in a buffer
 * each, one below the other in one buffer, or line by line. A thread copies the lines into memory of
 * this module:
 *
 *	weave	the lines of both fields, in turn: all lines, of two moments
 *	bob	the lines of the earlier field, each twice: one moment, half of the lines
 *
 * A field's buffer goes back to the driver when it has been copied. Loop thread only.
 */
#ifndef GLINT_CAPTURE_FIELDS_H
#define GLINT_CAPTURE_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/capture.h"
#include "core/frame.h"
#include "v4l2/vdev.h"

#define GLINT_FIELDS_PLACES 8u /* whole frames, being made or kept by readers */

struct glint_fields;
struct glint_workers;

struct glint_fields_owner {
	/*
	 * The lines of @frame are copied: the owner gets its reference. From the loop's top level;
	 * not after glint_fields_retire(). A frame that could not be copied has @err.
	 */
	void (*made)(struct glint_fields_owner *owner, struct glint_frame *frame, int err);
	/* A frame was released; its outcome is final. Called from within an unref. */
	void (*released)(struct glint_fields_owner *owner, const struct glint_frame *frame);
};

/* Returns whether buffers of @format must become other frames. */
bool glint_fields_need(const struct glint_format *format, enum glint_deinterlace how);

/* Returns whether they can: not if the lines are compressed, and not if one of the fields is missing. */
bool glint_fields_can(const struct glint_format *format);

/*
 * Create the maker of frames from buffers of @format, for one stream. Borrows @owner and @workers,
 * one thread. -ENOMEM.
 */
int glint_fields_create(struct glint_fields **out, struct glint_workers *workers,
			const struct glint_format *format, enum glint_deinterlace how,
			struct glint_fields_owner *owner);

/* The format of the frames. */
const struct glint_format *glint_fields_format(const struct glint_fields *fields);

enum glint_deinterlace glint_fields_how(const struct glint_fields *fields);

/* Use the range and the matrix of @format from the next frame on. */
void glint_fields_set_colours(struct glint_fields *fields, const struct glint_format *format);

/* What a buffer has of a frame. */
enum glint_fields_part {
	GLINT_FIELDS_BOTH,
	GLINT_FIELDS_FIRST,  /* of a new frame, whatever has come of the one before */
	GLINT_FIELDS_SECOND, /* completes the frame before */
};

/*
 * Returns what the buffer @vbuf has. *@number is the number of its frame: some drivers count frames,
 * others fields.
 */
enum glint_fields_part glint_fields_part(struct glint_fields *fields, const struct glint_vbuf *vbuf,
					 uint32_t *number);

/* The order of the fields in the frames that are made of buffers such as @earlier. */
enum glint_field_order glint_fields_order(const struct glint_fields *fields, bool interlaced,
					  bool bottom_first);

/*
 * Make a frame of the buffers of its fields, @later being NULL if one buffer has both. Takes a
 * reference of each until the frame is made. @info has the facts of the frame, and gets its size.
 * Returns false if readers keep all places.
 */
bool glint_fields_make(struct glint_fields *fields, struct glint_frame *earlier,
		       struct glint_frame *later, const struct glint_frame_info *info);

/* How many more frames readers may keep. */
unsigned glint_fields_spare(const struct glint_fields *fields);

/* The stream has ended. Frees now, or with the last release. NULL is fine. */
void glint_fields_retire(struct glint_fields *fields);
#endif
