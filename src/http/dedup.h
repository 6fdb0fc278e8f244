/* SPDX-License-Identifier: MIT */
/* --drop-same-frames: leave out packets that are equal to the last packet that was sent. */
#ifndef GLINT_HTTP_DEDUP_H
#define GLINT_HTTP_DEDUP_H

#include <stdbool.h>
#include <stdint.h>

struct glint_packet;

/* State of one stream; zero-initialised. */
struct glint_dedup {
	uint64_t last_hash; /* of the last packet that was sent */
	unsigned n_skipped; /* equal packets left out since; the stream sets 0 when it sends */
	bool changed;	    /* the last packet differed from the packet before it */
};

/* The hash of the newest packet, computed once for all streams; zero-initialised. */
struct glint_dedup_hash {
	uint64_t serial, hash;
};

/*
 * Returns whether a stream leaves out @packet, because the packet is equal to the last one and fewer
 * than @max have been left out since. @twice: send the first equal packet after a change.
 */
bool glint_dedup_skips(struct glint_dedup *dedup, struct glint_dedup_hash *hash,
		       const struct glint_packet *packet, unsigned max, bool twice);
#endif
