/* SPDX-License-Identifier: MIT */
/*
 * The device's own JPEGs, sent from the device's buffers as capture has inspected them
 * (frame->jpeg). Huffman tables that MJPEG leaves out are an additional part in front of the
 * scan; the EOI that a truncated JPEG lacks is the last part. When readers keep as many
 * buffers as the driver can spare, the JPEG is copied, and the copy is counted.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "encode/backend.h"
#include "encode/packet_pool.h"
#include "jpeg/header.h"
#include "jpeg/inspect.h"

#define LEASES_MAX 32 /* as many as there can be capture buffers */

struct passthrough;

struct lease {
	struct glint_packet packet;
	struct passthrough *owner;
	struct glint_frame *src; /* NULL: free */
};

struct passthrough {
	struct glint_encoder_backend backend;
	struct lease leases[LEASES_MAX];
	unsigned leased;
};

static struct passthrough *passthrough_of(struct glint_encoder_backend *backend)
{
	return container_of(backend, struct passthrough, backend);
}

static bool passthrough_takes(const struct glint_encoder_backend *backend,
			      const struct glint_frame *src)
{
	(void)backend;
	return src->format->info->layout == GLINT_LAYOUT_JPEG;
}

static void lease_release(struct glint_packet *packet)
{
	struct lease *lease = container_of(packet, struct lease, packet);

	assert(lease->src && lease->owner->leased > 0);

	lease->owner->leased--;
	lease->src = glint_frame_unref(lease->src);
}

static const struct glint_packet_ops lease_ops = { .release = lease_release };

static struct glint_packet *passthrough_lease(struct passthrough *pass, struct glint_frame *src)
{
	const struct glint_encoder_config *config = pass->backend.config;

	if (config->spare && config->spare(config->spare_ctx) == 0)
		return NULL;
	for (unsigned i = 0; i < LEASES_MAX; i++) {
		struct lease *lease = &pass->leases[i];

		if (lease->src)
			continue;
		lease->owner = pass;
		lease->src = glint_frame_ref(src);
		lease->packet.ops = &lease_ops;
		glint_packet_begin(&lease->packet, GLINT_CODEC_JPEG, true);
		pass->leased++;
		return &lease->packet;
	}
	return NULL;
}

static void packet_set_parts(struct glint_packet *packet, const uint8_t *data,
			     const struct glint_jpeg_info *info)
{
	static const uint8_t eoi[] = { 0xff, 0xd9 };
	struct iovec *part = packet->parts;
	size_t head = info->has_huffman ? info->size : info->sos;

	assert(head <= info->size);

	*part++ = (struct iovec){ (void *)data, head };
	packet->size = info->size;
	if (!info->has_huffman) {
		*part++ = (struct iovec){ (void *)glint_jpeg_standard_dht(), GLINT_JPEG_DHT_SIZE };
		*part++ = (struct iovec){ (void *)(data + head), info->size - head };
		packet->size += GLINT_JPEG_DHT_SIZE;
	}
	if (info->truncated) {
		*part++ = (struct iovec){ (void *)eoi, sizeof(eoi) };
		packet->size += sizeof(eoi);
	}
	packet->n_parts = (unsigned)(part - packet->parts);
}

/* A job ends within begin(). */
static bool passthrough_has_room(const struct glint_encoder_backend *backend)
{
	(void)backend;
	return true;
}

static void passthrough_encode(struct glint_encoder_backend *backend, struct glint_encoder_job *job)
{
	struct passthrough *pass = passthrough_of(backend);
	struct glint_frame *src = job->src;
	const uint8_t *data = src->buf->planes[0].map;
	struct glint_packet *packet = passthrough_lease(pass, src);

	assert(data && src->jpeg); /* capture maps and inspects each JPEG */

	if (!packet) {
		packet = glint_packet_pool_copy(&backend->pool, data, src->jpeg->size);
		if (packet)
			data = packet->parts[0].iov_base;
		backend->copies += packet != NULL;
	}
	if (packet)
		packet_set_parts(packet, data, src->jpeg);
	glint_encoder_finish(job, packet, packet ? 0 : -ENOBUFS);
}

static void passthrough_status(const struct glint_encoder_backend *backend,
			       struct glint_encoder_backend_status *status)
{
	const struct passthrough *pass = container_of(backend, const struct passthrough, backend);

	status->pictures = pass->leased;
	status->pictures_held = pass->leased;
}

static bool passthrough_destroy(struct glint_encoder_backend *backend)
{
	struct passthrough *pass = passthrough_of(backend);

	assert(pass->leased == 0);

	glint_packet_pool_fini(&pass->backend.pool);
	free(pass);
	return true;
}

static int passthrough_create(struct glint_encoder_backend **out, struct glint_loop *loop,
			      const struct glint_encoder_config *config,
			      struct glint_encoder *encoder)
{
	struct passthrough *pass = calloc(1, sizeof(*pass));

	if (!pass)
		return -ENOMEM;
	pass->backend = (struct glint_encoder_backend){ .ops = &glint_passthrough_backend,
							.encoder = encoder,
							.config = config,
							.loop = loop };
	glint_packet_pool_init(&pass->backend.pool, encoder, GLINT_CODEC_JPEG, config->packets);
	*out = &pass->backend;
	return 0;
}

const struct glint_encoder_backend_ops glint_passthrough_backend = {
	.type = "HW",
	.name = "passthrough",
	.create = passthrough_create,
	.takes = passthrough_takes,
	.has_room = passthrough_has_room,
	.begin = passthrough_encode,
	.status = passthrough_status,
	.destroy = passthrough_destroy,
};
