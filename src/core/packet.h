/* SPDX-License-Identifier: MIT */
/*
 * A packet is one unit of coded data from an encoder, with the facts of its frame. The data are a
 * vector of parts, which are sent without being copied. Readers hold references, as with frames; the
 * last unref calls ops->release(), which returns the memory to the producer. Loop thread only, but a
 * worker may fill a packet before it is published.
 */
#ifndef GLINT_CORE_PACKET_H
#define GLINT_CORE_PACKET_H

#include <stddef.h>
#include <sys/uio.h>

#include "core/frame.h"

#define GLINT_PACKET_PARTS_MAX 33 /* the CPU encoder's: a header and a slice of each worker */

/* Codecs, as V4L2 fourccs. */
#define GLINT_CODEC_JPEG UINT32_C(0x4745504a) /* "JPEG" */

struct glint_packet;

struct glint_packet_ops {
	void (*release)(struct glint_packet *packet); /* cannot fail; calls no listener */
};

struct glint_packet {
	const struct glint_packet_ops *ops;	 /* of the producer */
	unsigned refs;				 /* 0 while the producer owns the memory */
	uint64_t serial;			 /* unique, and higher than those of all packets
						  * before; 0: not published yet */
	uint32_t codec;				 /* GLINT_CODEC_* */
	bool keyframe;				 /* decodable without the packets before it */
	struct glint_frame_info info;		 /* of the frame */
	uint64_t encode_begin_ns, encode_end_ns; /* CLOCK_MONOTONIC */
	size_t size;				 /* sum of the parts, bytes */
	unsigned n_parts;
	struct iovec parts[GLINT_PACKET_PARTS_MAX];
};

/* Begin an empty packet; the caller has set @ops, and owns the one reference. */
void glint_packet_begin(struct glint_packet *packet, uint32_t codec, bool keyframe);

/* Set the serial number of a complete packet, before the first reader gets the packet. */
void glint_packet_publish(struct glint_packet *packet);

/* Returns @packet. */
struct glint_packet *glint_packet_ref(struct glint_packet *packet);

/* NULL is fine. Returns NULL. */
struct glint_packet *glint_packet_unref(struct glint_packet *packet);
#endif
