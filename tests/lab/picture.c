/* SPDX-License-Identifier: MIT */
/*
 * Inspects a JPEG: prints its size or its mean colours on a grid, or checks for the colour bars of
 * vivid's test patterns 0 and 1.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

/* Exit codes as for test(1): 1 is a finding, 2 a mistake in the call. */
enum { EXIT_FINDING = 1, EXIT_USAGE = 2 };

struct rgb {
	int r, g, b;
};

struct picture {
	unsigned width, height, components;
	unsigned char *pixels; /* RGB, no padding */
};

struct jpeg_errors {
	struct jpeg_error_mgr mgr;
	jmp_buf failed;
};

static void jpeg_failed(j_common_ptr jpeg)
{
	struct jpeg_errors *errors = (struct jpeg_errors *)jpeg->err;

	jpeg->err->output_message(jpeg);
	longjmp(errors->failed, 1);
}

/* libjpeg only warns about truncated data; here it is an error. */
static bool decode(FILE *file, struct picture *picture)
{
	struct jpeg_errors errors;
	struct jpeg_decompress_struct jpeg = { .err = jpeg_std_error(&errors.mgr) };
	bool whole;

	errors.mgr.error_exit = jpeg_failed;
	if (setjmp(errors.failed)) {
		jpeg_destroy_decompress(&jpeg);
		return false;
	}
	jpeg_create_decompress(&jpeg);
	jpeg_stdio_src(&jpeg, file);
	jpeg_read_header(&jpeg, TRUE);
	picture->components = (unsigned)jpeg.num_components;
	jpeg.out_color_space = JCS_RGB;
	jpeg_start_decompress(&jpeg);

	picture->width = jpeg.output_width;
	picture->height = jpeg.output_height;
	picture->pixels = malloc((size_t)picture->width * picture->height * 3);
	while (picture->pixels && jpeg.output_scanline < jpeg.output_height) {
		JSAMPROW row = picture->pixels + (size_t)jpeg.output_scanline * picture->width * 3;

		jpeg_read_scanlines(&jpeg, &row, 1);
	}
	whole = picture->pixels && jpeg.err->num_warnings == 0;
	jpeg_abort_decompress(&jpeg);
	jpeg_destroy_decompress(&jpeg);
	return whole;
}

static struct rgb mean(const struct picture *picture, unsigned x, unsigned y, unsigned width,
		       unsigned height)
{
	unsigned long r = 0, g = 0, b = 0, n = (unsigned long)width * height;

	for (unsigned row = y; row < y + height; row++) {
		const unsigned char *p = picture->pixels + ((size_t)row * picture->width + x) * 3;

		for (unsigned column = 0; column < width; column++, p += 3) {
			r += p[0];
			g += p[1];
			b += p[2];
		}
	}
	return (struct rgb){ (int)(r / n), (int)(g / n), (int)(b / n) };
}

static bool near(struct rgb seen, struct rgb wanted, int tolerance)
{
	return abs(seen.r - wanted.r) <= tolerance && abs(seen.g - wanted.g) <= tolerance &&
	       abs(seen.b - wanted.b) <= tolerance;
}

/* vivid's GREY: luma with the weights of Rec. 709, full range. */
static struct rgb gray_of(struct rgb c)
{
	int y = (2126 * c.r + 7152 * c.g + 722 * c.b + 5000) / 10000;

	return (struct rgb){ y, y, y };
}

/*
 * Eight bars of equal width, sampled in their middle and in the lower part of the picture, because
 * vivid writes its counters at the top.
 */
static int check_bars(const struct picture *picture, int level, bool gray, int tolerance)
{
	static const char *const names[] = { "white",	"yellow", "cyan", "green",
					     "magenta", "red",	  "blue", "black" };
	unsigned bar = picture->width / 8, side = bar / 4;
	unsigned top = picture->height * 3 / 4;
	int wrong = 0;

	if (side == 0 || top + side > picture->height) {
		printf("%ux%u is too small for bars\n", picture->width, picture->height);
		return EXIT_FINDING;
	}
	for (unsigned i = 0; i < 8; i++) {
		/* In that order green, red and blue change every 4th, 2nd and bar. */
		struct rgb wanted = { i & 2 ? 0 : level, i & 4 ? 0 : level, i & 1 ? 0 : level };
		struct rgb seen = mean(picture, i * bar + bar / 2 - side / 2, top, side, side);

		if (gray)
			wanted = gray_of(wanted);
		if (near(seen, wanted, tolerance))
			continue;
		printf("%s bar: %d %d %d, not %d %d %d\n", names[i], seen.r, seen.g, seen.b,
		       wanted.r, wanted.g, wanted.b);
		wrong++;
	}
	return wrong ? EXIT_FINDING : EXIT_SUCCESS;
}

static bool has_size(const struct picture *picture, const char *size)
{
	char seen[32];

	snprintf(seen, sizeof(seen), "%ux%u", picture->width, picture->height);
	if (strcmp(seen, size) == 0)
		return true;
	printf("the size is %s, not %s\n", seen, size);
	return false;
}

static int print_grid(const struct picture *picture, const char *grid)
{
	unsigned columns, rows;

	if (sscanf(grid, "%ux%u", &columns, &rows) != 2 || columns == 0 || rows == 0 ||
	    columns > picture->width || rows > picture->height)
		return EXIT_USAGE;
	for (unsigned y = 0; y < rows; y++) {
		for (unsigned x = 0; x < columns; x++) {
			unsigned width = picture->width / columns, height = picture->height / rows;
			struct rgb c = mean(picture, x * width, y * height, width, height);

			printf("%3d,%3d,%3d%s", c.r, c.g, c.b, x + 1 < columns ? "  " : "\n");
		}
	}
	return EXIT_SUCCESS;
}

static int usage(void)
{
	fputs("usage: picture FILE size\n"
	      "       picture FILE grid COLUMNSxROWS\n"
	      "       picture FILE bars [--level 0..255] [--gray] [--tolerance N] [--size WxH]\n",
	      stderr);
	return EXIT_USAGE;
}

static int look(const struct picture *picture, int argc, char **argv)
{
	const char *size = NULL;
	int level = 255, tolerance = 12;
	bool gray = false;

	if (strcmp(argv[0], "size") == 0)
		return printf("%ux%u\n", picture->width, picture->height) < 0;
	if (strcmp(argv[0], "grid") == 0 && argc == 2)
		return print_grid(picture, argv[1]);
	if (strcmp(argv[0], "bars") != 0)
		return usage();

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--gray") == 0)
			gray = true;
		else if (strcmp(argv[i], "--level") == 0 && i + 1 < argc)
			level = atoi(argv[++i]);
		else if (strcmp(argv[i], "--tolerance") == 0 && i + 1 < argc)
			tolerance = atoi(argv[++i]);
		else if (strcmp(argv[i], "--size") == 0 && i + 1 < argc)
			size = argv[++i];
		else
			return usage();
	}
	if (size && !has_size(picture, size))
		return EXIT_FINDING;
	return check_bars(picture, level, gray, tolerance);
}

int main(int argc, char **argv)
{
	struct picture picture = { 0 };
	FILE *file;
	int status;

	if (argc < 3)
		return usage();
	file = fopen(argv[1], "rb");
	if (!file) {
		fprintf(stderr, "picture: %s: %s\n", argv[1], strerror(errno));
		return EXIT_FINDING;
	}
	if (!decode(file, &picture)) {
		printf("%s is no whole JPEG\n", argv[1]);
		status = EXIT_FINDING;
	} else {
		status = look(&picture, argc - 2, argv + 2);
	}
	free(picture.pixels);
	fclose(file);
	return status;
}
