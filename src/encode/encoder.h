/* SPDX-License-Identifier: MIT */
/*
 * Turns frames into pictures, once for all readers, and only while there are
 * some: it attaches itself to the source's fanout when its own fanout gets its
 * first sink, and detaches with the last. Which encoder does the work is decided
 * by an ordered table, for each format anew: passthrough, (M2M), CPU.
 *
 * Newest first: a backend has as many frames as it can use, one more may wait; a
 * newer one takes the place of the one that waits, so latency does not grow with
 * the number of buffers. Pictures leave in capture order. Loop thread only; workers borrow.
 */
#ifndef GLINT_ENCODE_ENCODER_H
#define GLINT_ENCODE_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fanout.h"
#include "core/stats.h"

struct glint_encoder;
struct glint_loop;
struct glint_picture;

enum glint_chroma {
	GLINT_CHROMA_420,	/* the default: what most readers expect, and the smallest */
	GLINT_CHROMA_SOURCE,	/* 4:2:2 stays 4:2:2, 4:4:4 stays 4:4:4 */
};

enum glint_encoder_choice {
	GLINT_ENCODER_AUTO,	/* M2M where there is one whose colours would be right, else the CPU */
	GLINT_ENCODER_CPU,
	GLINT_ENCODER_M2M,	/* even if the colours are wrong; the CPU while it cannot */
};

struct glint_v4l2_access;

struct glint_encoder_config {
	enum glint_encoder_choice choice;
	const char *m2m_device;		/* path; NULL: any */
	struct glint_v4l2_access *m2m_access;	/* NULL: the kernel's */
	unsigned quality;		/* 1..100, as libjpeg has it */
	enum glint_chroma chroma;
	unsigned workers;		/* threads, 1..32 */
	unsigned pictures;		/* most pictures alive at once: readers that may hold one, plus 3 */
	unsigned desired_fps;		/* 0: all; else frames are left out before they are encoded */
	bool swap_rgb;			/* the device has R and B the wrong way round */
	bool keep_range;		/* YCbCr samples as they are: neither range nor matrix is JFIF's */
	/* May be NULL: how many source frames readers may keep (passthrough copies when 0). */
	unsigned (*spare)(void *ctx);
	void *spare_ctx;
};

struct glint_encoder_status {
	const char *type;		/* "CPU", "HW": ustreamer's word for what is in use */
	const char *name;		/* "cpu", "passthrough": ours */
	unsigned quality;		/* 0 when passing the device's own JPEGs through */
	unsigned workers, slices;
	const char *subsampling;	/* "4:2:0", "4:2:2", "4:4:4", "grey", or "" */
	uint64_t encoded, failed, skipped;	/* frames */
	uint64_t copies;		/* whole-frame copies that were made */
	uint64_t bytes;			/* of all pictures */
	size_t last_size;
	unsigned pictures, pictures_held;
	size_t pictures_bytes;		/* memory of those whose data is ours */
	uint32_t rate_millihz;
	struct glint_histogram wait;	/* complete frame -> encode begins, ns */
	struct glint_histogram encode;	/* encode begins -> picture pushed, ns */
	struct {
		const char *state;	/* "ok", "quarantined", "probing", "absent"; "" without M2M */
		const char *reason;	/* why it is not used, for people; "" */
		const char *path, *driver;	/* of the last that was; "" */
		const char *memory;	/* "import", "copy"; "" before the first */
		int32_t driver_quality;	/* -1: unknown */
		uint64_t faults, probes;	/* times that it failed; that it was tried */
		uint64_t late;		/* frames that others did, since it was not in time */
		unsigned leased;	/* frames that its device has, lost ones included */
	} m2m;
};

/* @source is borrowed and outlives the encoder. -ENOMEM, -EAGAIN; nothing is owned on failure. */
int glint_encoder_create(struct glint_encoder **out, struct glint_loop *loop,
			 struct glint_fanout *source, const struct glint_encoder_config *config);

/*
 * Ends the work under way, gives all source frames back; pictures must have been released.
 * False: a call into an encoder's driver is stuck; its thread is left behind with the frames
 * that it has, and the process should end. NULL is fine.
 */
bool glint_encoder_destroy(struct glint_encoder *encoder);

struct glint_partner;
/* For the capture whose frames these are; NULL without an M2M encoder. As long as the encoder. */
struct glint_partner *glint_encoder_partner(struct glint_encoder *encoder);
/* Whoever waits for an answer of it, and whoever asks from now on, is told at once: none comes. */
void glint_encoder_close_partner(struct glint_encoder *encoder);

/* Frames here are pictures: glint_picture_of(). */
struct glint_fanout *glint_encoder_pictures(struct glint_encoder *encoder);

void glint_encoder_status(const struct glint_encoder *encoder, struct glint_encoder_status *status);
#endif
