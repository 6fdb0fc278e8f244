/* SPDX-License-Identifier: MIT */
/*
 * Draws the picture that says why there is no video, in the size of the video. The
 * picture is not live.
 */
#ifndef GLINT_ENCODE_BLANK_H
#define GLINT_ENCODE_BLANK_H

#include <stdatomic.h>
#include <stdint.h>

struct glint_packet;

struct glint_blank_wish {
	uint32_t width, height; /* of the video; below 160x120 the picture is larger */
	const char *title;	/* large: "NO SIGNAL"; static */
	char detail[256];	/* small below it, wrapped */
};

/*
 * Draw @wish on a dark ground, as a JPEG. The caller owns one reference to *@out; the last
 * unref frees it. For a worker: 2160p takes some 100 ms, and the largest size seconds.
 * -ERANGE: above 15360x8640, which no device has. -ENOMEM. -ECANCELED: *@stop has become true
 * meanwhile.
 */
int glint_blank_create(struct glint_packet **out, const struct glint_blank_wish *wish,
		       const atomic_bool *stop);
#endif
