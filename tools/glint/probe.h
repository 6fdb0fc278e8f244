/* SPDX-License-Identifier: MIT */
/*
 * Queries a video node: enumerates inputs, timings, controls, formats, sizes and rates, and sets
 * nothing, so that a process that streams from the node is not disturbed. Enumerations are bounded.
 */
#ifndef GLINT_TOOLS_PROBE_H
#define GLINT_TOOLS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "v4l2/controls.h"
#include "v4l2/edid.h"
#include "v4l2/identity.h"
#include "v4l2/pipeline.h"
#include "v4l2/vdev.h"

#define PROBE_FORMATS_MAX 128 /* vivid has 83 */
#define PROBE_SIZES_MAX	  64
#define PROBE_RATES_MAX	  16
#define PROBE_INPUTS_MAX  16
#define PROBE_TIMINGS_MAX 256 /* vivid has 109 */
#define PROBE_NAMES_MAX	  8
#define PROBE_NAME_MAX	  256

enum probe_verdict {
	PROBE_CAPTURE,
	PROBE_JPEG_ENCODER,
	PROBE_OTHER, /* why_not says why it is of no use here */
};

struct probe_size {
	double rates[PROBE_RATES_MAX]; /* frames a second, as enumerated */
	unsigned n_rates;
	uint32_t width, height;		/* the largest, when a range */
	uint32_t min_width, min_height; /* equal to the above, when not */
	bool rate_range;		/* any between rates[0] and rates[1] */
};

struct probe_format {
	uint32_t fourcc;
	char description[33];
	bool compressed, emulated;
	bool to_device; /* an M2M device's raw side */
	unsigned n_sizes;
	struct probe_size *sizes;
};

struct probe_input {
	char name[33];
	bool dv_timings;
	bool current;
	const char *standards; /* constant: "PAL, NTSC"; "": none */
	const char *fault;     /* constant: "no signal", "no lock", "no power"; "": none is known */
};

/* Of the input in use. */
struct probe_timings {
	bool present;
	struct glint_timings set, detected; /* width 0: unknown */
	const char *fault;		    /* constant: why there is no signal; "" */
	unsigned n;
	struct glint_timings list[PROBE_TIMINGS_MAX];
};

/* What the receiver of the input in use shows to its source. */
struct probe_edid {
	bool present;		     /* the receiver can have one */
	unsigned blocks;	     /* 0: it has none */
	char name[16];		     /* of the display, "" */
	struct glint_edid_mode mode; /* the display's first choice; width 0: none */
};

/* What the queue of frames can do. */
struct probe_memory {
	bool known; /* the driver says: since Linux 4.20 */
	bool mmap, userptr, dmabuf;
	bool exports; /* VIDIOC_EXPBUF */
};

struct probe_node {
	char path[24];
	struct glint_identity identity;
	unsigned usb_mbit; /* speed of the port; 0: unknown, or no USB device */
	unsigned n_names;
	char names[PROBE_NAMES_MAX][PROBE_NAME_MAX]; /* for glintd's --device, the surest first */
	enum probe_verdict verdict;
	const char *why_not;	    /* constant; "" when there is nothing against it */
	int err;		    /* it could not be opened or asked */
	bool busy;		    /* another program has its buffers, and so streams or will */
	struct probe_memory memory; /* of an M2M device: of its frames' side */
	int32_t quality_min, quality_max; /* of an encoder, on its own scale; both 0: unknown */
	bool media_controller;		  /* its pipeline is set up elsewhere */
	char media[GLINT_V4L2_PATH_MAX];  /* the media device that has the node; "" */
	unsigned n_path;		  /* entities from the source to the node */
	char entities[GLINT_PIPELINE_LENGTH_MAX][65];
	char problem[GLINT_PIPELINE_TEXT_MAX]; /* why there is no path, or STREAMON would fail */
	uint32_t width, height;		       /* as it is set now; 0: unknown */
	unsigned n_inputs;
	struct probe_input inputs[PROBE_INPUTS_MAX];
	struct probe_timings timings;
	struct probe_edid edid;
	struct glint_control_list controls;
	unsigned n_formats;
	struct probe_format formats[PROBE_FORMATS_MAX];
};

/*
 * Queries /dev/video@number. -ENOENT: there is no such node; @node is not set. Else 0: @node
 * describes the node or what is wrong with it, and the caller frees @node.
 */
int probe_node(struct probe_node *node, unsigned number);

void probe_node_fini(struct probe_node *node);
#endif
