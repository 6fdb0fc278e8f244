/* SPDX-License-Identifier: MIT */
/*
 * What is done to the device on its own thread: opened, set up, started, stopped.
 * Each function is one job and may block in the kernel. While it runs, all of
 * struct glint_source is its own; between jobs it is the loop's.
 */
#ifndef GLINT_CAPTURE_SOURCE_H
#define GLINT_CAPTURE_SOURCE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/capture.h"
#include "v4l2/vdev.h"

struct glint_pool;

struct glint_source {
	const struct glint_capture_config *config;
	struct glint_v4l2_access *access;
	struct glint_vdev vdev;
	char path[PATH_MAX];		/* as named, or as found; "" before */
	struct glint_partner *partner;	/* borrowed, or NULL */
	bool partner_wants;		/* frames of the present format */
	struct glint_pool *pool;	/* made by start; the loop takes it */
	uint64_t opens, streams;
	bool missed_told, timings_told;	/* in the log already */
	uint32_t controls_told;		/* a bit each */
};

/*
 * Opens the device if it is closed, sets it up, and starts a stream whose buffers
 * are in source->pool. On failure the device is closed, but for one that lacks a
 * signal only (glint_source_waits()): that stays open, to tell when it has one.
 */
int glint_source_start(struct glint_source *source);

/* Ends the stream, and closes the device if @close. The pool's memory stays. */
void glint_source_stop(struct glint_source *source, bool close);

/* Whether @err only says that there is no signal for now. */
bool glint_source_waits(int err);

static inline bool glint_source_is_open(const struct glint_source *source)
{
	return source->vdev.fd >= 0;
}
#endif
