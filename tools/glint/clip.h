/* SPDX-License-Identifier: MIT */
/* Shared by the files of "glint clip": an open clip, a frame's pixels, an output that is whole or gone. */
#ifndef GLINT_TOOLS_CLIP_H
#define GLINT_TOOLS_CLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "clip/clip.h"
#include "pixels/pixels.h"

struct clip_args {
	const char *verb, *path, *out, *format, *html;
	int64_t from, to; /* numbers, from the trigger; both are part of it */
	bool json, missing, has_from, has_to;
};

struct clip {
	struct glint_clip_reader reader;
	struct glint_clip_frame frame; /* the present one */
	int64_t number;		       /* its number */
	uint64_t position;	       /* counted from the first frame, with those missing */
	struct glint_clip_origin origin;
	uint64_t frames, first_ns, last_ns;
	uint64_t total;			  /* frames in all */
	bool restarts;			  /* it has several streams, each of which counts anew */
	uint64_t longest_ns, shortest_ns; /* between two frames */
	int64_t last;			  /* the last frame's number */
	struct glint_clip_gap gaps, tail; /* missing in all; behind the last frame */
	bool damaged; /* it has not all frames that its head promises, or other bytes between them */
	bool damaged_first; /* before its first frame; else behind the frame @damaged_behind */
	int64_t damaged_behind;
};

/* Open the clip, and look at all of its frames: it is at its end then. */
int clip_open(struct clip *clip, const char *path);
void clip_close(struct clip *clip);
void clip_rewind(struct clip *clip);

/* Go to the next frame that can be read. -ENODATA: there is none. */
int clip_next(struct clip *clip);

/* Go to the next frame that --from and --to ask for. False: there is none, or *@err < 0. */
bool clip_next_wanted(struct clip *clip, const struct clip_args *args, int *err);

/* Print what a damaged clip lacks. Returns the exit code of work that has done the frames that are there. */
int clip_end_code(const struct clip *clip, const char *path);

/*
 * The present frame's bytes, @head bytes behind the begin of a block of @size bytes; the caller
 * frees the block. NULL: *@err says why.
 */
uint8_t *clip_read(const struct clip *clip, size_t head, size_t size, int *err);

/* Print why the clip cannot be read. Returns the exit code. */
int clip_fail(const char *path, int err);

/* Whether a raw frame has the bytes that its format needs; hostile clips may not. */
bool clip_has_size(const struct glint_clip_head *head, uint32_t size);

/* A frame's pixels for src/pixels; what the members point to lies in the other members. */
struct clip_pixels {
	struct glint_format format;
	struct glint_dmabuf buf;
	struct glint_pixels_source source;
};

/*
 * Point @pixels to the @size bytes of a frame. -ENOTSUP: glint cannot read the format; -EBADMSG: the
 * size is wrong.
 */
int clip_pixels(struct clip_pixels *pixels, const struct glint_clip_head *head, uint8_t *bytes,
		uint32_t size);

/* --- Output that is whole, or gone ------------------------------------------------------------ */

struct clip_output {
	const char *path;
	char *part; /* its name until it is complete */
	FILE *file;
	int fd, err; /* @err: the first of a write; stdio itself keeps none */
};

/* Begin a file beside @path. -EEXIST: @path exists. */
int clip_output_begin(struct clip_output *output, const char *path);

/* Give the file its name; or with @err < 0 remove it. Returns the first error. */
int clip_output_end(struct clip_output *output, int err);

/* Ctrl-C from now on stops the work, which then removes what it has written. */
void clip_catch_interrupts(void);

/* -EINTR: there was a Ctrl-C; else 0. */
int clip_interrupted(void);

/* End the program as the Ctrl-C would have. */
void clip_die_of_interrupt(void);

/* A bar on a terminal, for work that takes longer than a moment. */
struct clip_progress {
	const char *what;
	uint64_t total, begun_ns, shown_ns;
};

void clip_progress_begin(struct clip_progress *progress, const char *what, uint64_t total);
void clip_progress_step(struct clip_progress *progress, uint64_t done);
void clip_progress_end(struct clip_progress *progress);

/* --- Verbs -------------------------------------------------------------------------------------- */

int clip_export(const struct clip_args *args);
int clip_show(const struct clip_args *args);

/* clip_mcap.c: write all wanted frames as MCAP; *@n counts them. */
int clip_write_mcap(const struct clip_args *args, struct clip *clip, FILE *out, uint64_t *n);

/* clip_av.c: likewise as Matroska with FFV1, or as QuickTime. -ELIBACC: said why there are no libraries. */
int clip_write_matroska(const struct clip_args *args, struct clip *clip, FILE *out, uint64_t *n);
int clip_write_quicktime(const struct clip_args *args, struct clip *clip, FILE *out, uint64_t *n);
#endif
