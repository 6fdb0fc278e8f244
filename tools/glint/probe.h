/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says about a video node. It only asks: formats, sizes and
 * rates are enumerated, nothing is set, so a node that somebody streams from is
 * not disturbed. Lists are cut where a driver does not come to an end.
 */
#ifndef GLINT_TOOLS_PROBE_H
#define GLINT_TOOLS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#define PROBE_FORMATS_MAX 128	/* vivid has 83 */
#define PROBE_SIZES_MAX	  64
#define PROBE_RATES_MAX	  16
#define PROBE_INPUTS_MAX  16

enum probe_verdict {
	PROBE_CAPTURE,
	PROBE_JPEG_ENCODER,
	PROBE_OTHER,		/* why_not says why it is of no use here */
};

struct probe_size {
	uint32_t width, height;			/* the largest, when a range */
	uint32_t min_width, min_height;		/* equal to the above, when not */
	unsigned n_rates;
	double rates[PROBE_RATES_MAX];		/* frames a second, as enumerated */
	bool rate_range;			/* any between rates[0] and rates[1] */
};

struct probe_format {
	uint32_t fourcc;
	char description[33];
	bool compressed, emulated;
	bool to_device;				/* an M2M device's raw side */
	unsigned n_sizes;
	struct probe_size *sizes;
};

struct probe_input {
	char name[33];
	bool dv_timings, no_signal;
	bool current;
};

struct probe_node {
	char path[24];
	char driver[17], card[33], bus[33];
	enum probe_verdict verdict;
	const char *why_not;			/* constant; "" when there is nothing against it */
	int err;				/* it could not be opened or asked */
	bool imports;				/* an encoder reads others' memory: no copy */
	int32_t quality_min, quality_max;	/* of an encoder, on its own scale; both 0: unknown */
	bool media_controller;			/* its pipeline is set up elsewhere */
	unsigned n_inputs;
	struct probe_input inputs[PROBE_INPUTS_MAX];
	unsigned n_formats;
	struct probe_format formats[PROBE_FORMATS_MAX];
};

/*
 * Asks /dev/video@number. -ENOENT: there is no such node, and @node says nothing.
 * Else 0, with what is wrong in @node, and the caller frees it.
 */
int probe_node(struct probe_node *node, unsigned number);

void probe_node_fini(struct probe_node *node);
#endif
