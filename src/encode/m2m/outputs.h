/* SPDX-License-Identifier: MIT */
/*
 * The mapped buffers that an encoder writes JPEGs to, and the pictures that clients read from
 * them without a copy. Created on the encoder's thread, then owned by the loop thread. A
 * buffer returns to the encoder with the last unref of its picture. When the session ends,
 * the outputs retire: leased buffers keep their memory, and the last unref frees all.
 */
#ifndef GLINT_ENCODE_M2M_OUTPUTS_H
#define GLINT_ENCODE_M2M_OUTPUTS_H

#include <stdbool.h>

#include "core/packet.h"
#include "mem/dmabuf.h"

#define GLINT_M2M_OUTPUTS_MAX 8

struct glint_vqueue;
struct glint_m2m_outputs;

/* How buffers go back to the encoder; loop thread. */
struct glint_m2m_outputs_owner {
	void (*give)(struct glint_m2m_outputs_owner *owner, struct glint_m2m_outputs *outputs,
		     unsigned index);
};

struct glint_m2m_output {
	struct glint_packet packet;
	struct glint_m2m_outputs *outputs;
	struct glint_dmabuf buf;
	unsigned index;
};

struct glint_m2m_outputs {
	struct glint_m2m_outputs_owner *owner; /* borrowed; set before the first lease */
	bool retired;
	unsigned n, held; /* held: leased to readers */
	struct glint_m2m_output items[GLINT_M2M_OUTPUTS_MAX];
};

/* Maps the buffers of @coded. Nothing is owned on failure. */
int glint_m2m_outputs_create(struct glint_m2m_outputs **out, const struct glint_vqueue *coded);

/* The encoder no longer uses the buffers. Frees now, or with the last unref. NULL is fine. */
void glint_m2m_outputs_retire(struct glint_m2m_outputs *outputs);

/* The picture of @size bytes in buffer @index; the caller owns its one reference. */
struct glint_packet *glint_m2m_outputs_lease(struct glint_m2m_outputs *outputs, unsigned index,
					     size_t size);

/* Whether the encoder keeps enough buffers when one more is leased. */
static inline bool glint_m2m_outputs_spare(const struct glint_m2m_outputs *outputs)
{
	return outputs->n - outputs->held > 2;
}
#endif
