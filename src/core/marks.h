/* SPDX-License-Identifier: MIT */
/*
 * Marks: moments that clients have named, each with a copy of the frame of that moment as its
 * reference. Bounded in number, bytes and time: a new mark takes the place of the oldest one, and
 * a new reference that of the oldest references, whose marks stay.
 *
 * The frame of a moment is the newest one that was complete then. To have that frame, the marks
 * keep a lease on the newest frame, from the first mark on until a minute without marks, and
 * while the driver can spare a buffer. Else the frame is the first one that is complete after the
 * moment, and the mark says so. Loop thread only.
 */
#ifndef GLINT_CORE_MARKS_H
#define GLINT_CORE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "core/frame.h"
#include "core/moment.h"
#include "core/status.h"

#define GLINT_MARKS_MAX	      1024u
#define GLINT_MARKS_BYTES_MAX ((size_t)128 << 20) /* of all references */

struct glint_fanout;
struct glint_loop;
struct glint_marks;
struct glint_report;

/* Functions of the service that the marks call. */
struct glint_marks_ops {
	struct glint_source_state (*source)(void *ctx);
	/* How many more frames readers may keep. */
	unsigned (*spare)(void *ctx);
	/* As in capture/copy.h. */
	size_t (*copy_size)(const struct glint_frame *frame);
	int (*copy_begin)(struct glint_frame *src, struct glint_frame **copy);
	int (*copy_run)(struct glint_frame *copy, const struct glint_frame *src);
};

struct glint_mark {
	struct glint_list link; /* by age, oldest first */
	char id[GLINT_MARK_ID_MAX + 1];
	uint64_t ns; /* the moment, on CLOCK_MONOTONIC */
	uint64_t expires_ns;
	bool has_frame; /* @info is set: the frame of the moment */
	bool before;	/* the frame was complete at the moment; else it is the first after */
	struct glint_frame_info info;  /* stays when the reference is gone */
	struct glint_frame *reference; /* a copy of that frame; NULL: none, or not any more */
	const char *reason;	       /* why there is no reference, as a word; "" */
};

/* A mark that is being made; in the memory of the caller. */
struct glint_mark_request {
	struct glint_list link;		/* the marks' own */
	char id[GLINT_MARK_ID_MAX + 1]; /* "": the marks choose one */
	uint64_t ns, keep_ns;
	/* From the loop's top level: @mark was added. NULL: -ENOMEM. The mark is borrowed. */
	void (*done)(struct glint_mark_request *request, const struct glint_mark *mark);
};

/* All is borrowed. The marks attach themselves to @frames when they are used. */
int glint_marks_create(struct glint_marks **out, struct glint_loop *loop,
		       struct glint_fanout *frames, const struct glint_marks_ops *ops, void *ctx);

/* Drop all references without calling done(). NULL is fine. Before the loop and the source end. */
void glint_marks_destroy(struct glint_marks *marks);

/* Make a mark; done() is called later. A mark of the same name is replaced then. */
void glint_marks_put(struct glint_marks *marks, struct glint_mark_request *request);

/* The client is gone: done() is not called, and no mark is made. Fine after done(). */
void glint_marks_forget(struct glint_marks *marks, struct glint_mark_request *request);

/* NULL: there is none, or not any more. Borrowed until the next call or turn of the loop. */
const struct glint_mark *glint_marks_find(struct glint_marks *marks, const char *id);

/*
 * The mark whose reference is the frame that was the newest complete one at @ns, as the mark itself
 * proves: it was set at @ns, or later and before another frame. NULL, and lifetime: likewise.
 */
const struct glint_mark *glint_marks_find_at(struct glint_marks *marks, uint64_t ns);

/* The mark with a reference whose frame was complete nearest to @ns. Likewise. */
const struct glint_mark *glint_marks_nearest(struct glint_marks *marks, uint64_t ns);

/* False: there is none. */
bool glint_marks_remove(struct glint_marks *marks, const char *id);

/* All of them, by age; the oldest first. Their links are @link. */
const struct glint_list *glint_marks_all(struct glint_marks *marks);

/* Keep the newest frame from now on, as after a mark. */
void glint_marks_expect(struct glint_marks *marks);

/* The newest complete frame of the live stream; NULL: not kept. Borrowed: take a reference. */
struct glint_frame *glint_marks_newest(struct glint_marks *marks);

/* Give the newest frame back to the driver, for readers that need a buffer. False: none. */
bool glint_marks_yield(struct glint_marks *marks);

/* The source went offline, came back, or changed. */
void glint_marks_source_changed(struct glint_marks *marks);

/* Object: marks. */
void glint_marks_report(const struct glint_marks *marks, struct glint_report *report);
#endif
