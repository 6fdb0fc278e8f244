/* SPDX-License-Identifier: MIT */
/*
 * The picture that says why there is no video: readable, of the size that the
 * video had or was asked for, and marked as not live.
 */
#ifndef GLINT_ENCODE_BLANK_H
#define GLINT_ENCODE_BLANK_H

#include <stdatomic.h>
#include <stdint.h>

struct glint_picture;

struct glint_blank_wish {
	uint32_t width, height;		/* of the video; below 160x120 the picture is larger */
	const char *title;		/* large: "NO SIGNAL"; static */
	char detail[256];		/* small below it, wrapped */
};

/*
 * Draws what @wish says on a dark ground, as a JPEG. The caller owns one reference to *@out;
 * the picture is freed with the last. For a worker: 2160p takes some 100 ms, and the largest
 * size seconds. -ERANGE: above 15360x8640, which no device has. -ENOMEM. -ECANCELED:
 * *@stop has become true meanwhile.
 */
int glint_blank_create(struct glint_picture **out, const struct glint_blank_wish *wish,
		       const atomic_bool *stop);
#endif
