/* SPDX-License-Identifier: MIT */
/*
 * Requests and replies of exact pixels: format=, crop=, scale=, and the checksums of /hash. The
 * wait for a frame is in http/snapshot.c.
 */
#ifndef GLINT_HTTP_EXACT_H
#define GLINT_HTTP_EXACT_H

#include "core/still.h"
#include "http/text.h"

struct glint_client;
struct glint_param;
struct glint_param_value;
struct glint_receipt;

extern const char *const glint_exact_formats[]; /* words of format= */
extern const char *const glint_exact_scales[];

/*
 * Set @still->wish from the parameters. False: they contradict each other, or need an option that
 * was not built in, and the request is answered.
 */
bool glint_exact_read(struct glint_client *client, struct glint_still *still,
		      const struct glint_param_value *format, const struct glint_param *crop_param,
		      const struct glint_param_value *crop, const struct glint_param_value *scale);

/* Whether @still is anything else than the encoder's JPEG of the whole picture. */
bool glint_exact_is_asked(const struct glint_still *still);

/* The media type of one image. */
const char *glint_exact_type(const struct glint_still *still);

/* Headers of image @nth: crop, scale, layout. */
void glint_exact_add_headers(struct glint_text *head, const struct glint_still *still,
			     unsigned nth);

/* The reply of /hash, in JSON. */
void glint_exact_add_hash(struct glint_text *text, const struct glint_still *still,
			  const struct glint_receipt *receipt);

/* Refuse the request because of @err, an error of done() or of ask_still(). */
void glint_exact_refuse(struct glint_client *client, const struct glint_still *still, int err);
#endif
