/* SPDX-License-Identifier: MIT */
#include "core/packet.h"

#include <assert.h>

#include "core/upcall.h"

void glint_packet_begin(struct glint_packet *packet, uint32_t codec, bool keyframe)
{
	assert(packet->refs == 0); /* a reader may still send from the memory */
	assert(packet->ops && codec);

	packet->refs = 1;
	packet->serial = 0;
	packet->codec = codec;
	packet->keyframe = keyframe;
	packet->info = (struct glint_frame_info){ 0 };
	packet->size = 0;
	packet->n_parts = 0;
}

void glint_packet_publish(struct glint_packet *packet)
{
	static uint64_t last;

	assert(packet->refs > 0 && packet->serial == 0);
	assert(packet->n_parts > 0 && packet->n_parts <= GLINT_PACKET_PARTS_MAX);

	packet->serial = ++last;
}

struct glint_packet *glint_packet_ref(struct glint_packet *packet)
{
	assert(packet->refs > 0);

	packet->refs++;
	return packet;
}

struct glint_packet *glint_packet_unref(struct glint_packet *packet)
{
	if (!packet)
		return NULL;
	assert(packet->refs > 0);

	if (--packet->refs > 0)
		return NULL;
	glint_upcall_forbid();
	packet->ops->release(packet);
	glint_upcall_allow();
	return NULL;
}
