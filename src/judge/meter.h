/* SPDX-License-Identifier: MIT */
/*
 * A meter makes one measurement of each frame, for all watches that need the same measurement. Its
 * reference is a plate that it shares, or a copy of the region. The loop makes, places and merges
 * meters while no frame is being judged. A frame is judged in parts: runs of lines, each by one thread,
 * in any order; then one thread puts together what the parts have found.
 */
#ifndef GLINT_JUDGE_METER_H
#define GLINT_JUDGE_METER_H

#include "judge/machine.h"
#include "judge/match.h"
#include "judge/metric.h"
#include "judge/plate.h"

#define GLINT_METER_PARTS_MAX 16u

struct glint_meter {
	struct glint_list link;	   /* the judge's */
	struct glint_list watches; /* the judge's; none: to be freed */
	struct glint_condition what;
	uint64_t since_ns;
	struct glint_match *match; /* owned; NULL: another kind */

	/* For the present size of the pictures. Pixels are reduced ones: squares of what.scale. */
	uint32_t picture_width, picture_height; /* in pixels of the frame */
	struct glint_region region;		/* no width: it lies outside of the picture */
	struct glint_measure measure;
	uint64_t *mask;		   /* owned, or NULL */
	uint8_t *reference;	   /* owned; rows without padding; NULL: needs none */
	uint64_t *changed;	   /* owned; stbt: bits of the pixels that have changed */
	struct glint_hash *hash;   /* owned; of a checksum */
	size_t held;		   /* bytes of these, or of the match */
	struct glint_plate *plate; /* the reference; NULL: it is the copy above */
	struct glint_frame_info reference_info;
	bool follows; /* the reference is replaced when a frame differs, else it stays */
	bool has_reference;
	bool size_changed; /* since the last reference, or since the last frame */

	/* Of the frame that was judged last. */
	bool referred; /* it has become the first reference */
	bool given;    /* the reference was read from the frame that the client named */
	bool replaced; /* it has become the reference */
	struct glint_sample sample;

	/* Of the frame that is being judged. */
	bool by_lines; /* parts find something */
	/* What each part has found, and how far it has come: a line of the region; not of luma. */
	uint32_t line[GLINT_METER_PARTS_MAX];
	struct glint_luma luma[GLINT_METER_PARTS_MAX];
	struct glint_tally tally[GLINT_METER_PARTS_MAX];
	uint8_t brightest[GLINT_METER_PARTS_MAX];
};

/* NULL: no memory. */
struct glint_meter *glint_meter_create(const struct glint_condition *what, uint64_t since_ns);
void glint_meter_destroy(struct glint_meter *meter); /* NULL is fine */

/* Make a meter of kind MATCH; takes @match over unless NULL is returned. */
struct glint_meter *glint_meter_create_match(const struct glint_condition *what, uint64_t since_ns,
					     struct glint_match *match);

/* Returns whether both make the same measurement, given the same reference. */
bool glint_meter_equals(const struct glint_meter *meter, const struct glint_meter *other);

/* Bytes of a pixel in the pictures that @meter takes. */
unsigned glint_meter_bytes(const struct glint_meter *meter);

/* The pixels of the frame that @region, of reduced ones, is made of. */
struct glint_region glint_meter_source(const struct glint_region *region, unsigned scale,
				       uint32_t picture_width, uint32_t picture_height);

/*
 * The pictures have this size from now on: the reference is lost. -ENOMEM: there is no memory, or
 * the meter would need more than @room bytes. -E2BIG: a match would be too much work. A
 * match that does not fit sees nothing.
 */
int glint_meter_place(struct glint_meter *meter, uint32_t width, uint32_t height, size_t room);

/* Whether the frame that the client named is still to be read, to glint_meter_take(). */
static inline bool glint_meter_wants(const struct glint_meter *meter)
{
	return meter->what.reference && !meter->given && meter->reference;
}

/* Before a frame is judged: what.reference has been read into the reference, or has another size. */
void glint_meter_take(struct glint_meter *meter, bool fits);

/* Keep a copy of the reference instead of the plate, which is needed for another frame. */
void glint_meter_leave_plate(struct glint_meter *meter);

/*
 * Judge one frame: begin, before any part of it; begin each part, whose first line of the picture is
 * @first; add the lines of a part, from its top, in any number of steps; end, when all @n parts,
 * which are counted from the top and have all lines of the picture, have ended.
 */
void glint_meter_begin(struct glint_meter *meter, const struct glint_frame_info *info);
void glint_meter_begin_part(struct glint_meter *meter, unsigned part, uint32_t first);

/* The lines of a part that come next, and what one thread needs for them. */
struct glint_meter_step {
	const struct glint_plate *picture;	 /* the present frame's */
	const struct glint_distances *distances; /* of luma, from the meter's plate, if it has one */
	uint32_t end;				 /* of the lines of the picture */
	uint64_t *scratch;
};

void glint_meter_add(struct glint_meter *meter, const struct glint_judge_kernels *kernels,
		     unsigned part, const struct glint_meter_step *step);
void glint_meter_end(struct glint_meter *meter, const struct glint_judge_kernels *kernels,
		     unsigned n, struct glint_plate *picture, uint64_t *scratch);

/* Pixels that glint_meter_end() reads at most by itself: matches and checksums have no parts. */
uint64_t glint_meter_end_work(const struct glint_meter *meter);

/* The result for one watch, whose condition is @condition. */
struct glint_sample glint_meter_sample(const struct glint_meter *meter,
				       const struct glint_condition *condition);
#endif
