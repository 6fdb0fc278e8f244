/* SPDX-License-Identifier: MIT */
/*
 * Encodes frames to packets, once for all readers, and only while there are some: the
 * encoder attaches itself to the source's fanout when its own fanout gets its first
 * sink, and detaches with the last. A table of backends (encode/backends.c) decides for
 * each frame which backend encodes it.
 *
 * Newest first: a backend has as many jobs as it can use, and one more may wait. A newer
 * frame takes the place of the one that waits, so latency does not grow with the number
 * of buffers. Packets leave in capture order. Loop thread only; workers borrow.
 */
#ifndef GLINT_ENCODE_ENCODER_H
#define GLINT_ENCODE_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/change.h"
#include "core/fanout.h"
#include "core/stats.h"

struct glint_encoder;
struct glint_events;
struct glint_loop;
struct glint_packet;
struct glint_report;

enum glint_chroma {
	GLINT_CHROMA_420,    /* the default: the smallest, and what most readers expect */
	GLINT_CHROMA_SOURCE, /* 4:2:2 stays 4:2:2, 4:4:4 stays 4:4:4 */
};

enum glint_encoder_choice {
	GLINT_ENCODER_AUTO, /* M2M where the colours would be right, else the CPU */
	GLINT_ENCODER_CPU,
	GLINT_ENCODER_M2M, /* even if the colours are wrong; the CPU while M2M cannot encode */
};

struct glint_v4l2_access;

struct glint_encoder_config {
	enum glint_encoder_choice choice;
	const char *m2m_device;		      /* path; NULL: any */
	struct glint_v4l2_access *m2m_access; /* NULL: the kernel's */
	struct glint_events *events;	      /* borrowed; NULL: none */
	unsigned quality;		      /* 1..100, as libjpeg has it */
	enum glint_chroma chroma;
	unsigned workers;     /* threads, 1..32 */
	unsigned packets;     /* most packets alive at once: readers that may hold one, plus 3 */
	unsigned desired_fps; /* 0: all; else frames are dropped before they are encoded */
	bool swap_rgb;	      /* the device has R and B the wrong way round */
	bool keep_range;      /* leave range and matrix of YCbCr as they are, not JFIF's */
	/* How many source frames readers may keep; at 0 passthrough copies. May be NULL. */
	unsigned (*spare)(void *ctx);
	void *spare_ctx;
	/*
	 * The rate of captured frames, with the same ctx. Both rates are measured over a second,
	 * but not over the same one; the encoder reports its own rate as at most this one. NULL:
	 * unknown.
	 */
	uint32_t (*captured_millihz)(void *ctx);
};

/* @source is borrowed and outlives the encoder. -ENOMEM, -EAGAIN; nothing is owned on failure. */
int glint_encoder_create(struct glint_encoder **out, struct glint_loop *loop,
			 struct glint_fanout *source, const struct glint_encoder_config *config);

/*
 * Wait for the jobs under way, and release all source frames; packets must have been
 * released. False: a call into a driver is stuck; its thread is left behind with its frames,
 * and the process should end. NULL is fine.
 */
bool glint_encoder_destroy(struct glint_encoder *encoder);

struct glint_downstream;
/* The device that the capture negotiates with, as long as the encoder; NULL: there is none. */
struct glint_downstream *glint_encoder_downstream(struct glint_encoder *encoder);

/*
 * A change of quality, chroma, keep_range and desired_fps; other members of @wanted are not
 * looked at. First ask the device: 0, or a negative errno when the change is refused, or
 * -EINPROGRESS when @prepare->done() tells later. *@holds is raised to what a member takes.
 */
int glint_encoder_prepare(struct glint_encoder *encoder, const struct glint_encoder_config *wanted,
			  struct glint_prepare *prepare, enum glint_holds *holds);

/*
 * Then change: what is encoded already stays as it is, the next frame has the new settings.
 * With the config of before: give up what was prepared; done() is not called any more.
 */
void glint_encoder_apply(struct glint_encoder *encoder, const struct glint_encoder_config *wanted);

/* Where the packets go; lives as long as the encoder. */
struct glint_fanout *glint_encoder_packets(struct glint_encoder *encoder);

/* Object: encoder. */
void glint_encoder_report(const struct glint_encoder *encoder, struct glint_report *report);
/* Members of ustreamer's object "encoder". */
void glint_encoder_report_type(const struct glint_encoder *encoder, struct glint_report *report);
/* Members of the object of latencies: wait, encode. */
void glint_encoder_report_latencies(const struct glint_encoder *encoder,
				    struct glint_report *report);
/* Whole-frame copies by the CPU for each encoded frame: measured. */
double glint_encoder_copies_per_frame(const struct glint_encoder *encoder);
#endif
