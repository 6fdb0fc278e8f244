/* SPDX-License-Identifier: MIT */
/*
 * The device's own JPEGs, sent from its buffers as capture has found them (frame->jpeg).
 * Huffman tables that MJPEG leaves out are one more part, in front of the scan; the EOI that
 * a truncated picture lacks is the last. When readers already keep as many buffers as the
 * driver can spare, the picture is copied, and that is counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "encode/backend.h"
#include "encode/pictures.h"
#include "jpeg/header.h"
#include "jpeg/inspect.h"

#define LEASES_MAX 32	/* as many as there can be capture buffers */

struct passthrough;

struct lease {
	struct glint_picture picture;
	struct passthrough *owner;
	struct glint_frame *src;	/* NULL: free */
};

struct passthrough {
	struct glint_backend backend;
	struct lease leases[LEASES_MAX];
	unsigned leased;
};

static struct passthrough *passthrough_of(struct glint_backend *backend)
{
	return container_of(backend, struct passthrough, backend);
}

static bool passthrough_takes(const struct glint_backend *backend, const struct glint_frame *src)
{
	(void)backend;
	return src->format->info->layout == GLINT_LAYOUT_JPEG;
}

static void lease_release(struct glint_frame *frame)
{
	struct lease *lease = container_of(glint_picture_of(frame), struct lease, picture);

	lease->owner->leased--;
	lease->src = glint_frame_unref(lease->src);
}

static const struct glint_frame_ops lease_ops = { .release = lease_release };

static struct glint_picture *passthrough_lease(struct passthrough *pass, struct glint_frame *src)
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
		lease->picture.frame.ops = &lease_ops;
		glint_frame_begin(&lease->picture.frame, src->seq, src->capture_ns);
		pass->leased++;
		return &lease->picture;
	}
	return NULL;
}

/* @data moves to memory of ours. */
static struct glint_picture *passthrough_copy(struct passthrough *pass, const uint8_t **data,
					      size_t size)
{
	struct glint_pool_picture *copy = glint_pictures_take(&pass->backend.pictures);
	struct glint_bytes *bytes;

	if (!copy)
		return NULL;
	bytes = &copy->slices[0];
	if (!glint_bytes_reserve(bytes, size)) {
		glint_picture_unref(&copy->picture);
		return NULL;
	}
	glint_pictures_count(copy);
	memcpy(bytes->data, *data, size);
	*data = bytes->data;
	pass->backend.copies++;
	return &copy->picture;
}

static void picture_set_parts(struct glint_picture *picture, const uint8_t *data,
			      const struct glint_jpeg_info *info)
{
	static const uint8_t eoi[] = { 0xff, 0xd9 };
	struct iovec *part = picture->parts;
	size_t head = info->has_huffman ? info->size : info->sos;

	*part++ = (struct iovec){ (void *)data, head };
	picture->size = info->size;
	if (!info->has_huffman) {
		*part++ = (struct iovec){ (void *)glint_jpeg_standard_dht(), GLINT_JPEG_DHT_SIZE };
		*part++ = (struct iovec){ (void *)(data + head), info->size - head };
		picture->size += GLINT_JPEG_DHT_SIZE;
	}
	if (info->truncated) {
		*part++ = (struct iovec){ (void *)eoi, sizeof(eoi) };
		picture->size += sizeof(eoi);
	}
	picture->n_parts = (unsigned)(part - picture->parts);
	picture->width = info->width;
	picture->height = info->height;
	picture->live = true;
}

/* All is done at once. */
static bool passthrough_room(const struct glint_backend *backend)
{
	(void)backend;
	return true;
}

static void passthrough_encode(struct glint_backend *backend, struct glint_work *work)
{
	struct passthrough *pass = passthrough_of(backend);
	struct glint_frame *src = work->src;
	const uint8_t *data = src->buf->planes[0].map;
	struct glint_picture *picture = passthrough_lease(pass, src);

	if (!picture)
		picture = passthrough_copy(pass, &data, src->jpeg->size);
	if (picture)
		picture_set_parts(picture, data, src->jpeg);
	glint_encoder_finish(work, picture, picture ? 0 : -ENOBUFS);
}

static void passthrough_status(const struct glint_backend *backend,
			       struct glint_encoder_status *status)
{
	const struct passthrough *pass = container_of(backend, const struct passthrough, backend);

	status->quality = 0;
	status->workers = 0;
	status->subsampling = "";
	status->pictures += pass->leased;
	status->pictures_held += pass->leased;
}

static bool passthrough_destroy(struct glint_backend *backend)
{
	struct passthrough *pass = passthrough_of(backend);

	glint_pictures_fini(&pass->backend.pictures);
	free(pass);
	return true;
}

static const struct glint_backend_ops passthrough_ops = {
	.type = "HW",
	.name = "passthrough",
	.takes = passthrough_takes,
	.room = passthrough_room,
	.begin = passthrough_encode,
	.status = passthrough_status,
	.destroy = passthrough_destroy,
};

int glint_passthrough_create(struct glint_backend **out, struct glint_loop *loop,
			     const struct glint_encoder_config *config,
			     struct glint_encoder *encoder)
{
	struct passthrough *pass = calloc(1, sizeof(*pass));

	if (!pass)
		return -ENOMEM;
	pass->backend = (struct glint_backend){ .ops = &passthrough_ops, .encoder = encoder,
						.config = config, .loop = loop };
	glint_pictures_init(&pass->backend.pictures, encoder, config->pictures);
	*out = &pass->backend;
	return 0;
}
