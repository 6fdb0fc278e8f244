/* SPDX-License-Identifier: MIT */
/*
 * The buffers that an encoder writes its JPEGs to, mapped, and the pictures that
 * clients read straight from them. Made on the encoder's thread, then the loop's. A
 * buffer goes back to the encoder when its last reader lets go. When the session
 * ends they retire: what readers still have keeps its memory, and the last one
 * frees all.
 */
#ifndef GLINT_ENCODE_M2M_OUTPUTS_H
#define GLINT_ENCODE_M2M_OUTPUTS_H

#include <stdbool.h>

#include "core/picture.h"
#include "mem/dmabuf.h"

#define GLINT_M2M_OUTPUTS_MAX 8

struct glint_vqueue;
struct glint_m2m_outputs;

/* Whoever hands buffers back to the encoder; loop thread. */
struct glint_m2m_outputs_owner {
	void (*give)(struct glint_m2m_outputs_owner *owner, struct glint_m2m_outputs *outputs,
		     unsigned index);
};

struct glint_m2m_output {
	struct glint_picture picture;
	struct glint_m2m_outputs *outputs;
	struct glint_dmabuf buf;
	unsigned index;
};

struct glint_m2m_outputs {
	struct glint_m2m_outputs_owner *owner;	/* borrowed; set before the first lease */
	bool retired;
	unsigned n, held;			/* held: leased to readers */
	struct glint_m2m_output items[GLINT_M2M_OUTPUTS_MAX];
};

/* Maps the buffers of @coded. Nothing is owned on failure. */
int glint_m2m_outputs_create(struct glint_m2m_outputs **out, const struct glint_vqueue *coded);

/* The encoder uses them no more. Frees now or later. NULL is fine. */
void glint_m2m_outputs_retire(struct glint_m2m_outputs *outputs);

/* The picture in buffer @index: @size bytes; the caller's, with one reference. */
struct glint_picture *glint_m2m_outputs_lease(struct glint_m2m_outputs *outputs, unsigned index,
					      size_t size);

/* Whether so many buffers are left that the encoder can go on when one more is leased. */
static inline bool glint_m2m_outputs_spare(const struct glint_m2m_outputs *outputs)
{
	return outputs->n - outputs->held > 2;
}
#endif
