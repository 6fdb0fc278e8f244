/* SPDX-License-Identifier: MIT */
/*
 * Judges whether the pictures are those of a source. A capture device may go on delivering when
 * its source is gone: the same picture for ever, black, or a picture of its own that says so. The
 * truth takes a look at some lines of a frame, four times a second, or ten times if there are cards
 * to look for (of a JPEG every three seconds, because it has to be decoded), on a thread of its own,
 * and tells since when the picture is black, unchanged, or equal to a picture that the user has named.
 * Nothing is copied. Loop thread only; the thread borrows one frame.
 */
#ifndef GLINT_TRUTH_TRUTH_H
#define GLINT_TRUTH_TRUTH_H

#include <stdbool.h>
#include <stdint.h>

struct glint_events;
struct glint_fanout;
struct glint_loop;
struct glint_report;
struct glint_truth;

/* What the picture may show instead of a source, the most certain first. */
enum glint_untruth {
	GLINT_UNTRUTH_NONE,
	GLINT_UNTRUTH_CARD, /* a picture that the user has named */
	GLINT_UNTRUTH_BLACK,
	GLINT_UNTRUTH_FROZEN, /* unchanged for a while, as a still desktop is, too */
};

struct glint_truth_config {
	const char *cards;	 /* borrowed: a folder or a file; NULL: none */
	unsigned card_tolerance; /* mean difference, in grey levels */
	unsigned black_level;	 /* nothing is brighter: black; 0: never */
	unsigned frozen_noise;	 /* differences up to this are noise */
	uint64_t frozen_ns;	 /* unchanged for so long: frozen; 0: never */
	bool swap_rgb, keep_range;
	unsigned (*spare)(void *ctx); /* how many more frames readers may keep */
	/* From the loop's top level: glint_truth_finds() has another result. */
	void (*changed)(void *ctx);
	void *ctx;
	struct glint_events *events; /* borrowed; NULL: none */
};

/*
 * @frames is borrowed: every good frame, also while the source is not called live. -ENOMEM, -EAGAIN;
 * nothing is owned on failure.
 */
int glint_truth_create(struct glint_truth **out, struct glint_loop *loop,
		       struct glint_fanout *frames, const struct glint_truth_config *config);

/* False: a look still runs at @deadline_ns, and the process should end. NULL is fine. */
bool glint_truth_destroy(struct glint_truth *truth, uint64_t deadline_ns);

/*
 * Take over new settings. What cards points to must stay. Without anything to look for, no finding
 * holds any more; changed() is not called.
 */
void glint_truth_apply(struct glint_truth *truth, const struct glint_truth_config *config);

/* No frames arrive any more, so the picture shows nothing. */
void glint_truth_source_lost(struct glint_truth *truth);

enum glint_untruth glint_truth_finds(const struct glint_truth *truth);

/* "", "card", "black", "frozen" */
const char *glint_untruth_name(enum glint_untruth untruth);

/* Members: looks, look_ns, black, frozen, card; each with since_ns and what it rests on. */
void glint_truth_report(const struct glint_truth *truth, struct glint_report *report);
#endif
