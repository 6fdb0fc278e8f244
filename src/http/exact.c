/* SPDX-License-Identifier: MIT */
#include "http/exact.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "http/client.h"
#include "http/json.h"
#include "http/params.h"
#include "http/receipt.h"
#include "http/reply.h"

static const char *const types[] = {
	[GLINT_STILL_JPEG] = "image/jpeg",
	[GLINT_STILL_PNG] = "image/png",
	[GLINT_STILL_PPM] = "image/x-portable-pixmap",
	[GLINT_STILL_PGM] = "image/x-portable-graymap",
	[GLINT_STILL_RAW] = "application/octet-stream",
	[GLINT_STILL_Y4M] = "video/x-yuv4mpeg",
};

const char *const glint_exact_formats[] = {
	[GLINT_STILL_JPEG] = "jpeg", [GLINT_STILL_PNG] = "png", [GLINT_STILL_PPM] = "ppm",
	[GLINT_STILL_PGM] = "pgm",   [GLINT_STILL_RAW] = "raw", [GLINT_STILL_Y4M] = "y4m",
	[GLINT_STILL_HASH] = NULL,
};
const char *const glint_exact_scales[] = { "1", "1/2", "1/4", "1/8", NULL };

bool glint_exact_is_asked(const struct glint_still *still)
{
	return still->wish.format != GLINT_STILL_JPEG || still->wish.n_crops > 0 ||
	       still->wish.scale > 1;
}

bool glint_exact_read(struct glint_client *client, struct glint_still *still,
		      const struct glint_param_value *format, const struct glint_param *crop_param,
		      const struct glint_param_value *crop, const struct glint_param_value *scale)
{
	struct glint_still_wish *wish = &still->wish;
	const char *query = glint_parser_request(client->parser)->query;

	assert(crop->count <= GLINT_STILL_CROPS_MAX); /* the maximum of @crop_param */

	wish->format = (enum glint_still_format)format->word;
	wish->scale = 1u << scale->word;
	wish->n_crops = crop->count;
	for (unsigned i = 0; i < crop->count; i++) {
		struct glint_param_value value;

		(void)glint_params_nth(crop_param, query, i, &value);
		wish->crops[i] = value.region;
	}
	if (glint_still_is_whole(wish->format) && (wish->n_crops > 0 || wish->scale > 1)) {
		glint_reply_refusal(client, 400, "whole-only",
				    "raw and y4m are the frame's own samples, so there is no crop= "
				    "or scale= of them");
		return false;
	}
	if (!glint_still_knows(wish->format)) {
		glint_reply_refusal(client, 501, "not-built",
				    "this glintd was built without that; see glintd --features");
		return false;
	}
	return true;
}

const char *glint_exact_type(const struct glint_still *still)
{
	return types[still->wish.format];
}

void glint_exact_add_headers(struct glint_text *head, const struct glint_still *still, unsigned nth)
{
	char region[GLINT_REGION_TEXT_MAX];

	assert(nth < MAX(still->wish.n_crops, 1u));

	if (still->wish.n_crops > 0) {
		glint_region_text(&still->wish.crops[nth], region);
		glint_text_header(head, "X-Glint-Crop", region);
	}
	if (still->wish.scale > 1)
		glint_text_header(head, "X-Glint-Scale",
				  glint_exact_scales[__builtin_ctz(still->wish.scale)]);
	if (still->converted)
		glint_text_header(head, "X-Glint-Converted", still->converted);
	if (*still->layout)
		glint_text_header(head, "X-Glint-Layout", still->layout);
}

void glint_exact_add_hash(struct glint_text *text, const struct glint_still *still,
			  const struct glint_receipt *receipt)
{
	char region[GLINT_REGION_TEXT_MAX];
	const struct glint_region whole = { 0, 0, still->width, still->height };

	glint_region_text(still->wish.n_crops > 0 ? &still->wish.crops[0] : &whole, region);
	glint_text_add(text, "{\"ok\": true, \"result\": {");
	glint_receipt_add_members(text, receipt);
	glint_text_add(text, ", \"region\": \"");
	glint_text_add(text, region);
	glint_text_add(text, "\", \"xxh3_128\": \"");
	glint_text_hex16(text, still->hash.exact[0]);
	glint_text_hex16(text, still->hash.exact[1]);
	glint_text_add(text, "\", \"bytes\": ");
	glint_text_uint(text, still->hash.bytes);
	glint_text_add(text, ", \"average_hash\": \"");
	glint_text_hex16(text, still->hash.perceived);
	glint_text_add(text, "\", \"converted\": ");
	glint_text_add(text, still->converted ? "\"" : "null");
	glint_text_add(text, still->converted ? still->converted : "");
	glint_text_add(text, still->converted ? "\"}}\n" : "}}\n");
}

void glint_exact_refuse(struct glint_client *client, const struct glint_still *still, int err)
{
	char message[160];

	switch (err) {
	case -ERANGE:
		snprintf(message, sizeof(message),
			 "the region is not within the picture, which is %ux%u", still->width,
			 still->height);
		glint_reply_refusal(client, 400, "outside-picture", message);
		break;
	case -ENOTSUP:
		glint_reply_refusal(client, 406, "no-such-pixels",
				    "the device's pixel format does not have such a picture: y4m "
				    "needs YCbCr, the other formats one that glint can read");
		break;
	case -ELIBACC:
		glint_reply_refusal(client, 503, "library-missing",
				    "a library that this picture needs is not installed beside "
				    "glintd, whose log names it");
		break;
	case -EBADMSG:
		glint_reply_refusal(client, 503, "damaged",
				    "the device's JPEG is damaged, so its pixels are unknown");
		break;
	case -ENOBUFS:
		glint_reply_refusal(client, 503, "too-many-pictures",
				    "other clients have not yet taken their pictures, which fill "
				    "the memory for them");
		break;
	default:
		glint_reply_refusal(client, 503, "no-memory", "there is no memory for a picture");
		break;
	}
}
