/* SPDX-License-Identifier: MIT */
#include "encode/m2m/outputs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "v4l2/queue.h"

static void outputs_free(struct glint_m2m_outputs *outputs)
{
	for (unsigned i = 0; i < outputs->n; i++)
		glint_dmabuf_fini(&outputs->items[i].buf);
	free(outputs);
}

static void output_release(struct glint_packet *packet)
{
	struct glint_m2m_output *output = container_of(packet, struct glint_m2m_output, packet);
	struct glint_m2m_outputs *outputs = output->outputs;

	assert(outputs->held > 0);

	outputs->held--;
	if (!outputs->retired)
		outputs->owner->give(outputs->owner, outputs, output->index);
	else if (outputs->held == 0)
		outputs_free(outputs);
}

static const struct glint_packet_ops output_ops = { .release = output_release };

int glint_m2m_outputs_create(struct glint_m2m_outputs **out, const struct glint_vqueue *coded)
{
	struct glint_m2m_outputs *outputs = calloc(1, sizeof(*outputs));
	int err = 0;

	if (!outputs)
		return -ENOMEM;
	for (unsigned i = 0; i < MIN(coded->n_buffers, GLINT_M2M_OUTPUTS_MAX + 0u); i++) {
		struct glint_m2m_output *output = &outputs->items[i];

		glint_dmabuf_init(&output->buf);
		output->packet.ops = &output_ops;
		output->outputs = outputs;
		output->index = i;
		outputs->n = i + 1;
		err = glint_vqueue_take(coded, i, GLINT_VQUEUE_MAP, &output->buf);
		if (err < 0)
			break;
	}
	if (err < 0) {
		outputs_free(outputs);
		return err;
	}
	*out = outputs;
	return 0;
}

void glint_m2m_outputs_retire(struct glint_m2m_outputs *outputs)
{
	if (!outputs)
		return;
	assert(!outputs->retired);
	outputs->retired = true;
	if (outputs->held == 0)
		outputs_free(outputs);
}

struct glint_packet *glint_m2m_outputs_lease(struct glint_m2m_outputs *outputs, unsigned index,
					     size_t size)
{
	struct glint_packet *packet = &outputs->items[index].packet;

	/* The session refuses a driver's @index that it had not queued. */
	assert(index < outputs->n && !outputs->retired);

	glint_packet_begin(packet, GLINT_CODEC_JPEG, true);
	outputs->held++;
	assert(outputs->held <= outputs->n);
	packet->parts[0].iov_base = outputs->items[index].buf.planes[0].map;
	packet->parts[0].iov_len = size;
	packet->n_parts = 1;
	packet->size = size;
	return packet;
}
