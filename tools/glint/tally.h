/* SPDX-License-Identifier: MIT */
/* Count what a stream has sent: pictures, gaps in their sequence, rate, bytes. */
#ifndef GLINT_TOOLS_TALLY_H
#define GLINT_TOOLS_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct glint_image;

/* Zero-initialised. */
struct tool_tally {
	uint64_t pictures; /* live pictures */
	uint64_t offline;  /* pictures that said why there is no live video */
	uint64_t skipped;  /* frames missing between two pictures */
	uint64_t bytes;
	unsigned restarts;	    /* restarts of the source: the sequence began again */
	uint64_t first_ns, last_ns; /* arrival of live pictures, CLOCK_MONOTONIC */
	uint64_t last_sequence;
};

uint64_t tool_now_ns(void);

void tool_tally_add(struct tool_tally *tally, const struct glint_image *image, uint64_t now_ns);

/* Print "120 pictures, 29.97 fps, 3 skipped, 21.4 MB" without a newline. */
void tool_tally_put(FILE *out, const struct tool_tally *tally);

/*
 * Write the file name of the last picture. Names are unique within the stream and sort in
 * the order of capture: frame-00001234.jpg, after a restart frame-r1-00000000.jpg, and
 * offline-00000001.jpg.
 */
void tool_tally_name(const struct tool_tally *tally, const struct glint_image *image, char *name,
		     size_t size);
#endif
