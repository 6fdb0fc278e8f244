/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "file.h"
#include "pixels/picture.h"
#include "tool.h"

#define PIXELS_MAX (15360u * 8640u)

struct compare_args {
	struct tool_service *service;
	const char *first, *second; /* @second NULL: what the service shows now */
	uint32_t width, height, x, y;
	uint64_t tolerance, pixels;
	bool json;
};

enum { KEY_CROP = 0x100, KEY_TOLERANCE, KEY_PIXELS };

static const struct argp_option options[] = {
	{ "crop", KEY_CROP, "WxH+X+Y", 0, "Compare this part of the service's picture", 0 },
	{ "tolerance", KEY_TOLERANCE, "N", 0,
	  "Values that differ by N of 255 or less are equal (default 0)", 0 },
	{ "pixels", KEY_PIXELS, "N", 0, "N pixels may differ (default 0)", 0 },
	{ "json", 'j', NULL, 0, "Print the result as a line of JSON", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct compare_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case KEY_CROP:
		if (!tool_region(arg, &args->width, &args->height, &args->x, &args->y))
			argp_error(state, "--crop takes WxH+X+Y in pixels, not '%s'", arg);
		return 0;
	case KEY_TOLERANCE:
		if (!tool_number(arg, &args->tolerance) || args->tolerance > 255)
			argp_error(state, "--tolerance takes a number from 0 to 255, not '%s'",
				   arg);
		return 0;
	case KEY_PIXELS:
		if (!tool_number(arg, &args->pixels))
			argp_error(state, "--pixels takes a number, not '%s'", arg);
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->second)
			argp_error(state, "two pictures are compared, '%s' is a third", arg);
		*(args->first ? &args->second : &args->first) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->first)
			argp_error(state, "compare what? A file, with another or with the service");
		else if (args->second && args->width > 0)
			argp_error(state, "--crop is for the service's picture, not for a file");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "REFERENCE [PICTURE]",
	.doc = "Compares a picture with a reference, pixel by pixel: a file, or without one what the "
	       "service shows now."
	       "\v"
	       "Files are PNG, PPM, PGM or JPEG. Where the reference is transparent, nothing is "
	       "compared. The exit status is 4 if the pictures differ, also in size.",
	.children = tool_service_child,
};

/* --- Reading ----------------------------------------------------------------------------- */

/* Prints what is wrong; returns the exit code. */
static int read_file(const char *path, struct glint_picture *picture)
{
	uint8_t *bytes = NULL;
	size_t size = 0;
	int err = tool_file_read(path, &bytes, &size);

	if (err < 0) {
		tool_fail_read(path, err);
	} else {
		err = glint_picture_read(picture, bytes, size, PIXELS_MAX);
		if (err < 0)
			fprintf(stderr, "glint: '%s' %s\n", path,
				err == -ENOTSUP	 ? "is no PNG, PPM, PGM or JPEG" :
				err == -ELIBACC	 ? "cannot be read without libspng" :
				err == -EMSGSIZE ? "has too many pixels" :
				err == -ENOMEM	 ? "does not fit into memory" :
						   "is broken");
	}
	free(bytes);
	return err < 0 ? GLINT_EXIT_USAGE : GLINT_EXIT_OK;
}

static int read_service(const struct compare_args *args, struct glint_picture *picture)
{
	const struct glint_snapshot_options how = {
		.format = "ppm",
		.crop_x = args->x,
		.crop_y = args->y,
		.crop_width = args->width,
		.crop_height = args->height,
	};
	struct glint_image image = { 0 };
	struct glint_client *client;
	int code, err;

	client = tool_connect(args->service, &code);
	if (!client)
		return code;
	err = glint_client_snapshot(client, &how, &image);
	if (err == -EINVAL && args->width > 0) {
		fprintf(stderr, "glint: %s: --crop is not within the picture\n",
			glint_client_address(client));
		code = GLINT_EXIT_USAGE;
	} else if (err < 0) {
		code = tool_fail(args->service, client, err, image.reason);
	} else {
		err = glint_picture_read(picture, image.data, image.size, PIXELS_MAX);
		code = err < 0 ? tool_fail(args->service, client, -EPROTO, "") : GLINT_EXIT_OK;
	}
	glint_image_fini(&image);
	glint_client_destroy(client);
	return code;
}

/* --- Comparing ----------------------------------------------------------------------------- */

struct result {
	bool same_size;
	uint64_t compared, different; /* pixels */
	unsigned largest;	      /* difference of two values */
	double psnr;		      /* dB; infinite: equal */
	uint32_t left, top, right, bottom;
};

static void compare(const struct glint_picture *a, const struct glint_picture *b,
		    unsigned tolerance, struct result *result)
{
	double squares = 0;

	*result = (struct result){ .left = UINT32_MAX, .top = UINT32_MAX };
	result->same_size = a->width == b->width && a->height == b->height;
	if (!result->same_size)
		return;
	for (uint32_t y = 0; y < a->height; y++)
		for (uint32_t x = 0; x < a->width; x++) {
			size_t i = (size_t)y * a->width + x;
			unsigned most = 0;

			if (a->alpha && a->alpha[i] == 0)
				continue;
			result->compared++;
			for (unsigned k = 0; k < 3; k++) {
				int d = abs(a->rgb[3 * i + k] - b->rgb[3 * i + k]);

				squares += d * d;
				most = (unsigned)d > most ? (unsigned)d : most;
			}
			result->largest = most > result->largest ? most : result->largest;
			if (most <= tolerance)
				continue;
			result->different++;
			result->left = x < result->left ? x : result->left;
			result->top = y < result->top ? y : result->top;
			result->right = x > result->right ? x : result->right;
			result->bottom = y > result->bottom ? y : result->bottom;
		}
	result->psnr = squares > 0 ?
			       10 * log10(255.0 * 255 * 3 * (double)result->compared / squares) :
			       INFINITY;
}

static void print_json(const struct result *r, const struct glint_picture *a,
		       const struct glint_picture *b, bool equal)
{
	printf("{\"equal\": %s, \"reference\": {\"width\": %u, \"height\": %u}, \"picture\": "
	       "{\"width\": %u, \"height\": %u}",
	       equal ? "true" : "false", a->width, a->height, b->width, b->height);
	if (r->same_size) {
		printf(", \"compared\": %llu, \"different\": %llu, \"largest\": %u, \"psnr_db\": ",
		       (unsigned long long)r->compared, (unsigned long long)r->different,
		       r->largest);
		if (isinf(r->psnr))
			printf("null");
		else
			printf("%.2f", r->psnr);
		if (r->different > 0)
			printf(", \"box\": \"%ux%u+%u+%u\"", r->right - r->left + 1,
			       r->bottom - r->top + 1, r->left, r->top);
	}
	printf("}\n");
}

static void print_text(const struct result *r, const struct glint_picture *a,
		       const struct glint_picture *b, bool equal)
{
	if (!r->same_size) {
		printf("different: the reference is %ux%u, the picture %ux%u\n", a->width,
		       a->height, b->width, b->height);
		return;
	}
	printf("%s: %llu of %llu pixels differ", equal ? "equal" : "different",
	       (unsigned long long)r->different, (unsigned long long)r->compared);
	if (r->different > 0)
		printf(", within %ux%u+%u+%u", r->right - r->left + 1, r->bottom - r->top + 1,
		       r->left, r->top);
	if (r->largest > 0)
		printf("; by %u at most, PSNR %.2f dB", r->largest, r->psnr);
	printf("\n");
}

int tool_compare(int argc, char **argv, struct tool_service *service)
{
	struct compare_args args = { .service = service };
	struct glint_picture reference = { 0 }, picture = { 0 };
	struct result result;
	bool equal;
	int code;

	tool_parse(&argp, argc, argv, &args);
	code = read_file(args.first, &reference);
	if (code == GLINT_EXIT_OK)
		code = args.second ? read_file(args.second, &picture) :
				     read_service(&args, &picture);
	if (code == GLINT_EXIT_OK) {
		compare(&reference, &picture, (unsigned)args.tolerance, &result);
		equal = result.same_size && result.different <= args.pixels;
		(args.json ? print_json : print_text)(&result, &reference, &picture, equal);
		code = equal ? GLINT_EXIT_OK : GLINT_EXIT_NOT_MET;
	}
	glint_picture_fini(&picture);
	glint_picture_fini(&reference);
	return code;
}
