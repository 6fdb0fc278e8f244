/* SPDX-License-Identifier: MIT */
/*
 * What the network side may ask the service: everything that /state shows, the
 * pictures, and the picture that stands for no video. One table of functions, so
 * that net knows neither capture nor encode. Loop thread only.
 */
#ifndef GLINT_CORE_STATUS_H
#define GLINT_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ledger.h"

struct glint_fanout;
struct glint_histogram;
struct glint_picture;

/* Strings are borrowed until the loop's next callback; "" when unknown, never NULL. */
struct glint_status {
	const char *version;
	uint64_t started_ns;		/* CLOCK_MONOTONIC */
	const char *loop_backend, *loop_reason;

	struct {
		const char *kind;	/* "v4l2", "test" */
		const char *reason;	/* "" when live, else no-device, busy, no-signal, ... */
		bool online;
		uint64_t stream;	/* of the live frames; 0 while offline */
		uint32_t width, height;	/* current, or last, or as asked for */
		uint32_t desired_fps;
		uint32_t rate_millihz, nominal_millihz;
	} source;

	struct {
		const char *path, *driver, *card, *bus;
	} device;

	struct {
		char fourcc[5];		/* "" before the first */
		uint32_t width, height;
		uint32_t stride[4];	/* bytes, of n_planes planes */
		uint32_t size[4];	/* bytes */
		unsigned n_planes;
		const char *range, *matrix;	/* "full" "limited"; "bt601" "bt709" "bt2020" */
	} format;

	struct {
		bool any;
		uint32_t seq;
		uint64_t capture_ns, complete_ns;	/* CLOCK_MONOTONIC */
		const char *clock;	/* "monotonic", "arrival" */
		const char *moment;	/* "start-of-exposure", "end-of-frame" */
	} frame;

	struct glint_ledger ledger;

	struct {
		const char *memory;
		unsigned count, with_driver, leased;
		uint64_t cancelled;	/* given back by the driver without a frame */
	} buffers;
	uint64_t opens, restarts;

	struct {
		const char *type;	/* ustreamer's word */
		const char *name, *subsampling;
		const char *range;	/* of pictures: "expand", "keep" */
		unsigned quality, workers, slices;
		uint64_t encoded, failed, skipped, bytes;
		size_t last_size;
		unsigned pictures, pictures_held;
		size_t pictures_bytes;
		uint32_t rate_millihz;
		/* The M2M encoder, whoever had the last frame. */
		const char *state;	/* "ok", "quarantined", "probing", "absent"; "" without one */
		const char *reason, *path, *driver;
		const char *memory;	/* how frames get into it: "import", "copy", ... */
		int32_t driver_quality;	/* on its driver's scale; -1: unknown */
		uint64_t faults, probes, late;
		unsigned leased;	/* frames that it has */
	} encoder;

	double copies_per_frame;	/* measured: whole-frame copies by the CPU / frames encoded */

	/* Pictures that say why there is no video. */
	struct {
		uint64_t drawn, failed;	/* since start */
		bool drawing;
	} offline;

	/* Stages of one frame's way: borrowed histograms, NULL when there is none. */
	const struct glint_histogram *wait, *encode;
};

struct glint_status_ops {
	void (*status)(void *ctx, struct glint_status *status);
	/*
	 * The picture that says why there is no video now: 0 and a reference that the caller
	 * owns. Or *@out is NULL and -EAGAIN: the picture is being drawn, and
	 * glint_net_offline_drawn() tells when to ask again; -ENOMEM and the like: there is none.
	 */
	int (*offline_picture)(void *ctx, struct glint_picture **out);
};
#endif
