/* SPDX-License-Identifier: MIT */
/*
 * The order of the frames in the recorder's memory, or in its ring on the disk: a queue of entries of
 * any size, each in one piece, the oldest first. Entries have numbers, which grow and never come
 * again; a frame has the same number in the memory and on the disk. Pure.
 *
 * The loop adds and removes entries. The writer's thread reads entries that a recording keeps: the
 * loop does not change these.
 */
#ifndef GLINT_RECORD_RING_H
#define GLINT_RECORD_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "clip/clip.h"
#include "clip/ring.h"

struct glint_record_entry {
	struct glint_clip_frame frame;
	uint64_t position; /* counts all frames of the source, with those that are missing */
	uint64_t at;	   /* place in the memory */
	uint32_t length;   /* bytes there: whole pages */
	uint32_t format;   /* the recorder's number of the format */
	struct glint_clip_format look; /* the format itself, for a ring on the disk */
	/* The loop's own. */
	bool recorded; /* is in a file */
	bool failed;   /* a file that was to have the frame has failed */
	/* The writer's own. */
	bool has_head;	  /* the page before the frame's bytes is written */
	_Atomic bool bad; /* of a ring on the disk: the disk did not take the frame */
	_Atomic bool
		in_file; /* a recording's file has the frame; the loop enters that as @recorded */
};

struct glint_record_ring {
	struct glint_record_entry *entries;
	uint64_t n_entries;
	uint64_t size;	      /* bytes of the memory */
	uint64_t head;	      /* where the next entry would begin */
	uint64_t first, next; /* numbers: the oldest entry, and the one that comes next */
};

/* Small frames at 5000 fps fill so many places of the memory in 13 s. */
#define GLINT_RECORD_ENTRIES_MAX 65536u

/* -ENOMEM. @size: of the memory, which the caller has; @most: entries. */
int glint_record_ring_init(struct glint_record_ring *ring, uint64_t size, uint64_t most);
void glint_record_ring_fini(struct glint_record_ring *ring);

/* Find @length bytes in one piece. False: the oldest entry has to go first. */
bool glint_record_ring_find(const struct glint_record_ring *ring, uint64_t length, uint64_t *at);

/* Add an entry at @at, as found. The caller sets the rest of it. */
struct glint_record_entry *glint_record_ring_add(struct glint_record_ring *ring, uint64_t at,
						 uint64_t length);

/* Remove the oldest entry. */
void glint_record_ring_drop(struct glint_record_ring *ring);

/* @number: first <= @number < next. */
static inline struct glint_record_entry *glint_record_ring_at(const struct glint_record_ring *ring,
							      uint64_t number)
{
	return &ring->entries[number % ring->n_entries];
}
#endif
