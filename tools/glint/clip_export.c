/* SPDX-License-Identifier: MIT */
/* The frames of a clip for other programs. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glint/protocol.h>

#include "base/fourcc.h"
#include "base/macros.h"
#include "base/write.h"
#include "clip.h"
#include "clip/names.h"
#include "pixels/png.h"
#include "tool.h"
#include "v4l2/format.h"

#define FOURCC(a, b, c, d)                                                                         \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

static const char *y4m_colour(const struct glint_clip_head *head)
{
	switch (head->fourcc) {
	case FOURCC('Y', 'U', '1', '2'):
		return "420jpeg";
	case FOURCC('4', '2', '2', 'P'):
		return "422";
	case FOURCC('4', '4', '4', 'P'):
		return "444";
	case FOURCC('G', 'R', 'E', 'Y'):
		return "mono";
	case FOURCC('Y', 'U', 'Y', 'V'):
	case FOURCC('U', 'Y', 'V', 'Y'):
	case FOURCC('N', 'V', '1', '2'):
		return head->fourcc == FOURCC('N', 'V', '1', '2') ? "420jpeg" : "422";
	default:
		return NULL;
	}
}

bool clip_has_size(const struct glint_clip_head *head, uint32_t size)
{
	const struct glint_format_info *info = glint_format_find(head->fourcc);
	uint64_t pixels = (uint64_t)head->width * head->height, bytes = 0;
	struct glint_lines lines[3];
	unsigned n = info ? glint_format_packed_lines(info, head->width, head->height, lines) : 0;

	if (head->fourcc == FOURCC('4', '4', '4', 'P')) /* of three planes; not in one, for V4L2 */
		return size == 3 * pixels;
	for (unsigned i = 0; i < n; i++)
		bytes += (uint64_t)lines[i].bytes * lines[i].count;
	return size == (n > 0 ? bytes : pixels); /* Bayer has a byte a pixel */
}

/* Packed or interleaved samples as planes; the same values. @size was checked. */
static int put_planes(FILE *out, const struct glint_clip_head *head, const uint8_t *bytes,
		      uint32_t size)
{
	bool uyvy = head->fourcc == FOURCC('U', 'Y', 'V', 'Y');
	bool nv12 = head->fourcc == FOURCC('N', 'V', '1', '2');
	size_t w = head->width, h = head->height, half = (w + 1) / 2;

	if (!nv12 && !uyvy && head->fourcc != FOURCC('Y', 'U', 'Y', 'V'))
		return fwrite(bytes, 1, size, out) == size ? 0 : -EIO;
	if (nv12) {
		if (fwrite(bytes, 1, w * h, out) != w * h)
			return -EIO;
		for (unsigned c = 0; c < 2; c++)
			for (size_t i = 0; i < half * ((h + 1) / 2); i++)
				putc_unlocked(bytes[w * h + 2 * i + c], out);
		return ferror(out) ? -EIO : 0;
	}
	for (size_t y = 0; y < h; y++)
		for (size_t x = 0; x < w; x++)
			putc_unlocked(bytes[y * half * 4 + 2 * x + uyvy], out);
	for (unsigned c = 0; c < 2; c++)
		for (size_t i = 0; i < half * h; i++)
			putc_unlocked(bytes[4 * i + (uyvy ? 2 * c : 1 + 2 * c)], out);
	return ferror(out) ? -EIO : 0;
}

static int write_y4m(const struct clip_args *args, struct clip *clip, FILE *out, uint64_t *n)
{
	const struct glint_clip_head *head = &clip->reader.head;
	const char *colour = y4m_colour(head);
	uint64_t frame_ns = head->frame_ns > 0 ? head->frame_ns : 40000000;
	struct clip_progress progress;
	int err = 0;

	if (!colour)
		return -ENOTSUP;
	fprintf(out, "YUV4MPEG2 W%" PRIu32 " H%" PRIu32 " F1000000000:%" PRIu64 " Ip A1:1 C%s%s\n",
		head->width, head->height, frame_ns, colour,
		head->limited ? " XCOLORRANGE=LIMITED" : " XCOLORRANGE=FULL");
	clip_progress_begin(&progress, args->out, clip->total);
	while (err == 0 && clip_next_wanted(clip, args, &err)) {
		uint8_t *bytes = clip_read(clip, 0, clip->frame.size, &err);

		if (bytes && !clip_has_size(head, clip->frame.size))
			err = -EBADMSG;
		if (bytes && err == 0)
			err = fputs("FRAME\n", out) < 0 ?
				      -EIO :
				      put_planes(out, head, bytes, clip->frame.size);
		free(bytes);
		*n += err == 0;
		clip_progress_step(&progress, clip->frames);
		if (err == 0)
			err = clip_interrupted();
	}
	clip_progress_end(&progress);
	return err;
}

/* --- A folder -------------------------------------------------------------------------------- */

int clip_pixels(struct clip_pixels *pixels, const struct glint_clip_head *head, uint8_t *bytes,
		uint32_t size)
{
	static const struct glint_pixels_rules rules = { .swap_rgb = false };
	struct glint_format *format = &pixels->format;

	if (head->fourcc == GLINT_CLIP_MJPEG) {
		glint_pixels_of_jpeg(&pixels->source, bytes, size, head->width, head->height);
		return 0;
	}
	*format = (struct glint_format){
		.info = glint_format_find(head->fourcc),
		.fourcc = head->fourcc,
		.width = head->width,
		.height = head->height,
		.n_planes = 1,
		.range = head->limited ? GLINT_RANGE_LIMITED : GLINT_RANGE_FULL,
		.matrix = head->matrix == 9 ? GLINT_MATRIX_BT2020 :
			  head->matrix == 1 ? GLINT_MATRIX_BT709 :
					      GLINT_MATRIX_BT601,
	};
	if (!format->info || format->info->layout == GLINT_LAYOUT_OTHER ||
	    format->info->mem_planes != 1 || head->width == 0 || head->height == 0 ||
	    head->width > GLINT_FORMAT_WIDTH_MAX || head->height > GLINT_FORMAT_HEIGHT_MAX)
		return -ENOTSUP;
	format->stride[0] = format->info->layout == GLINT_LAYOUT_PACKED_YUV ?
				    DIV_ROUND_UP(head->width, 2u) * 4 :
				    head->width * format->info->bytes_per_pixel;
	format->size[0] = size;
	if (glint_format_check(format) < 0)
		return -EBADMSG;
	pixels->buf = (struct glint_dmabuf){
		.n_planes = 1,
		.planes[0] = { .fd = -1, .map = bytes, .size = size },
	};
	return glint_pixels_of_frame(&pixels->source, format, &pixels->buf, rules) < 0 ? -ENOTSUP :
											 0;
}

static int write_png(int fd, const struct glint_clip_head *head, uint8_t *bytes, uint32_t size)
{
	struct glint_png_strip strip = { .data = NULL };
	uint8_t end[GLINT_PNG_END_MAX];
	struct clip_pixels pixels;
	struct glint_pixels_wish wish = { .scale = 1 };
	int err = clip_pixels(&pixels, head, bytes, size);

	if (err < 0)
		return err;
	wish.kind = head->fourcc == FOURCC('G', 'R', 'E', 'Y') ? GLINT_PIXELS_GREY :
								 GLINT_PIXELS_RGB24;
	wish.region.width = head->width;
	wish.region.height = head->height;
	err = glint_png_strip(&strip, &pixels.source, &wish, 0, 1);
	if (err == 0)
		err = glint_write_all(fd, strip.data, strip.size);
	if (err == 0)
		err = glint_write_all(fd, end, glint_png_end(&strip, 1, end));
	free(strip.data);
	return err;
}

static int export_frame(const struct clip *clip, int dir, const char *end)
{
	char name[48];
	int err, fd;
	uint8_t *bytes = clip_read(clip, 0, clip->frame.size, &err);

	if (!bytes)
		return err;
	snprintf(name, sizeof(name), "%08" PRIu64 ".%s", clip->frames - 1, end);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		err = -errno;
	else if (strcmp(end, "png") == 0 && IS_ENABLED(CONFIG_PIXELS_PNG))
		err = write_png(fd, &clip->reader.head, bytes, clip->frame.size);
	else
		err = glint_write_all(fd, bytes, clip->frame.size);
	glint_close(&fd);
	free(bytes);
	return err;
}

/* A file for each frame, and frames.csv with their facts. */
static int write_folder(const struct clip_args *args, struct clip *clip, int dir, const char *end,
			uint64_t *n)
{
	int fd = openat(dir, "frames.csv", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), err = 0;
	FILE *csv = fd < 0 ? NULL : fdopen(fd, "w");
	struct clip_progress progress;
	int n_bytes;

	if (!csv)
		return -errno;
	fputs("file,n,seq,stream,ns,complete_ns,dropped,corrupt,lost,skipped\n", csv);
	clip_progress_begin(&progress, args->out, clip->total);
	while (err == 0 && clip_next_wanted(clip, args, &err)) {
		const struct glint_clip_frame *frame = &clip->frame;

		err = export_frame(clip, dir, end);
		errno = 0;
		n_bytes = fprintf(csv,
				  "%08" PRIu64 ".%s,%" PRId64 ",%" PRIu32 ",%" PRIu64 ",%" PRIu64
				  ",%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 "\n",
				  clip->frames - 1, end, clip->number, frame->seq, frame->stream,
				  frame->capture_ns, frame->complete_ns, frame->before.dropped,
				  frame->before.corrupt, frame->before.lost, frame->before.skipped);
		if (n_bytes < 0 && err == 0)
			err = errno ? -errno : -EIO;
		*n += err == 0;
		clip_progress_step(&progress, clip->frames);
		if (err == 0)
			err = clip_interrupted();
	}
	clip_progress_end(&progress);
	if (err == 0 && *n == 0)
		err = -ENODATA;
	if (fclose(csv) != 0 && err == 0)
		err = -errno;
	return err;
}

/* Remove what write_folder() has written of the first @frames frames of the clip. */
static void remove_folder(const char *part, int dir, const char *end, uint64_t frames)
{
	char name[48];

	for (uint64_t i = 0; i < frames; i++) {
		snprintf(name, sizeof(name), "%08" PRIu64 ".%s", i, end);
		(void)unlinkat(dir, name, 0);
	}
	(void)unlinkat(dir, "frames.csv", 0);
	(void)rmdir(part);
}

static int export_folder(const struct clip_args *args, struct clip *clip, uint64_t *n)
{
	bool png = args->format && strcmp(args->format, "png") == 0;
	const char *end = png					       ? "png" :
			  clip->reader.head.fourcc == GLINT_CLIP_MJPEG ? "jpg" :
									 "raw";
	char *part = NULL;
	int dir = -1, err;

	if (access(args->out, F_OK) == 0)
		return -EEXIST;
	if (asprintf(&part, "%s.part", args->out) < 0)
		return -ENOMEM;
	err = mkdir(part, 0755) < 0 ? -errno : 0;
	if (err < 0)
		goto free_part;
	dir = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = dir < 0 ? -errno : write_folder(args, clip, dir, end, n);
	/* All of the files at once: thousands of them, one by one, would take minutes. */
	if (err == 0 && syncfs(dir) < 0)
		err = -errno;
	if (err == 0)
		err = glint_clip_rename(AT_FDCWD, part, args->out);
	if (err < 0)
		remove_folder(part, dir, end, clip->frames);
	else
		err = glint_clip_sync_names_beside(part);
	glint_close(&dir);
free_part:
	free(part);
	return err;
}

/* --- Which ------------------------------------------------------------------------------------- */

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), n = strlen(end);

	return len > n && strcmp(path + len - n, end) == 0;
}

static int export_file(const struct clip_args *args, struct clip *clip,
		       int (*write)(const struct clip_args *args, struct clip *clip, FILE *out,
				    uint64_t *n),
		       uint64_t *n)
{
	struct clip_output output;
	int err = clip_output_begin(&output, args->out);

	if (err < 0)
		return err;
	err = write(args, clip, output.file, n);
	return clip_output_end(&output, err == 0 && *n == 0 ? -ENODATA : err);
}

static int export_as_named(const struct clip_args *args, struct clip *clip, uint64_t *n)
{
	if (ends_with(args->out, ".y4m"))
		return export_file(args, clip, write_y4m, n);
	if (ends_with(args->out, ".mcap"))
		return export_file(args, clip, clip_write_mcap, n);
	if (IS_ENABLED(CONFIG_CLIP_LIBAV) && ends_with(args->out, ".mkv"))
		return export_file(args, clip, clip_write_matroska, n);
	if (IS_ENABLED(CONFIG_CLIP_LIBAV) && ends_with(args->out, ".mov"))
		return export_file(args, clip, clip_write_quicktime, n);
	return export_folder(args, clip, n);
}

int clip_export(const struct clip_args *args)
{
	char fourcc[5];
	struct clip clip;
	uint64_t n = 0;
	int code, err = clip_open(&clip, args->path);

	if (err < 0)
		return clip_fail(args->path, err);
	if (args->format && strcmp(args->format, "png") == 0 && !IS_ENABLED(CONFIG_PIXELS_PNG)) {
		fprintf(stderr, "glint: built without PNG\n");
		clip_close(&clip);
		return GLINT_EXIT_USAGE;
	}
	if (!IS_ENABLED(CONFIG_CLIP_LIBAV) &&
	    (ends_with(args->out, ".mkv") || ends_with(args->out, ".mov"))) {
		fprintf(stderr,
			"glint: built without libavformat (CONFIG_CLIP_LIBAV): no export to .mkv or .mov\n");
		clip_close(&clip);
		return GLINT_EXIT_USAGE;
	}
	clip_catch_interrupts();
	clip_rewind(&clip);
	err = export_as_named(args, &clip, &n);
	glint_fourcc_text(clip.reader.head.fourcc, fourcc);
	code = err == 0 ? clip_end_code(&clip, args->path) : GLINT_EXIT_USAGE;
	clip_close(&clip);
	clip_die_of_interrupt();
	if (err == -ELIBACC)
		return GLINT_EXIT_USAGE;
	if (err == -ENODATA) {
		fprintf(stderr, "glint: '%s' has no such frames\n", args->path);
		return GLINT_EXIT_USAGE;
	}
	if (err == -ENOTSUP) {
		fprintf(stderr,
			args->format && strcmp(args->format, "png") == 0 ?
				"glint: frames in %s cannot be PNGs; --format raw has the recorded bytes\n" :
				"glint: frames in %s cannot be exported so; give a folder instead\n",
			fourcc);
		return GLINT_EXIT_USAGE;
	}
	if (err == -ERANGE) {
		fprintf(stderr,
			"glint: '%s' has a pause of more than 35 minutes, which QuickTime has no room for\n",
			args->path);
		return GLINT_EXIT_USAGE;
	}
	if (err == -EBADMSG) {
		fprintf(stderr, "glint: '%s' has a frame of a wrong size\n", args->path);
		return GLINT_EXIT_USAGE;
	}
	if (err < 0)
		return tool_fail_file(args->out, err);
	printf("%s\t%" PRIu64 " frames\n", args->out, n);
	return code;
}
