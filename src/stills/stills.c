/* SPDX-License-Identifier: MIT */
#include "stills/stills.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "convert/convert.h"
#include "core/fanout.h"
#include "core/packet.h"
#include "core/report.h"
#include "core/workers.h"
#include "pixels/hash.h"
#include "pixels/jpeg.h"
#include "pixels/png.h"
#include "pixels/write.h"
#include "mem/dmabuf.h"

#define RUNNING_MAX 4u			/* stills, before another frame is taken */
#define BYTES_MAX   ((size_t)256 << 20) /* of all pictures; a single one may have more */
#define WORKERS_MAX 4u
#define STRIPS_MAX  16u

static const uint32_t codecs[] = {
	[GLINT_STILL_JPEG] = GLINT_CODEC_JPEG, [GLINT_STILL_PNG] = 0x20474e50,
	[GLINT_STILL_PPM] = 0x204d5050,	       [GLINT_STILL_PGM] = 0x204d4750,
	[GLINT_STILL_RAW] = 0x20574152,	       [GLINT_STILL_Y4M] = 0x204d3459,
	[GLINT_STILL_HASH] = 0x48534148,
};

struct glint_stills {
	struct glint_loop *loop;
	struct glint_fanout *frames;
	struct glint_stills_config config;
	struct glint_sink sink;
	struct glint_workers *workers; /* NULL before the first still */
	struct glint_list waiting;     /* struct glint_still */
	unsigned n_waiting, n_running;
	size_t bytes; /* of pictures that readers hold, and at most of those being made */
	uint64_t made, failed, refused, forgotten;
};

/* A picture, whose parts are owned. */
struct picture {
	struct glint_packet packet;
	struct glint_stills *stills;
};

/* One part of the work: a strip of an image, or all of it. */
struct part {
	struct glint_written out;
	struct glint_png_strip strip; /* of a PNG: its data are @out's */
	int err;
};

struct still_job {
	struct glint_job work;
	struct glint_stills *stills;
	struct glint_still *still; /* NULL: forgotten */
	struct glint_still_wish wish;
	unsigned quality;
	struct glint_frame *frame;     /* of the capture, or NULL */
	struct glint_packet *original; /* a JPEG that glint has made, or NULL */
	struct picture *picture;       /* made ready before, so that the end cannot fail */
	size_t claimed;		       /* of stills->bytes */
	uint64_t begin_ns;
	int err; /* why nothing can be made */

	struct glint_pixels_source source;
	struct glint_format format;    /* of decoded pixels */
	uint8_t *decoded;	       /* a JPEG's */
	struct glint_convert *convert; /* of a format that glint cannot read; or NULL */
	bool decoding;		   /* the workers decode or convert; the parts come afterwards */
	unsigned n_images, strips; /* of each image */
	struct glint_still_hash hash;
	struct glint_y4m y4m;
	struct part parts[GLINT_STILL_CROPS_MAX > STRIPS_MAX ? GLINT_STILL_CROPS_MAX : STRIPS_MAX];
};

static_assert(GLINT_STILL_CROPS_MAX * 2 <= GLINT_PACKET_PARTS_MAX, "parts of all images fit");
static_assert(STRIPS_MAX + 1 <= GLINT_PACKET_PARTS_MAX, "strips and their end fit");

/* --- On the workers ------------------------------------------------------------------------- */

static enum glint_pixels_kind kind_of(enum glint_still_format format)
{
	return format == GLINT_STILL_PGM ? GLINT_PIXELS_GREY : GLINT_PIXELS_RGB24;
}

static struct glint_pixels_wish wish_of(const struct still_job *job, unsigned image)
{
	struct glint_pixels_wish wish = {
		.kind = kind_of(job->wish.format),
		.region = { 0, 0, job->source.width, job->source.height },
		.scale = job->wish.scale,
	};

	if (job->wish.n_crops > 0)
		wish.region = job->wish.crops[image];
	return wish;
}

static int make_hash(struct still_job *job, const struct glint_pixels_wish *wish)
{
	uint32_t width = glint_pixels_width(wish), height = glint_pixels_height(wish);
	size_t size = (size_t)width * height * 3;
	uint8_t *rgb = malloc(size);
	int err = -ENOMEM;

	if (rgb)
		err = glint_pixels_read(&job->source, wish, 0, height, rgb, (size_t)width * 3);
	if (err == 0 && IS_ENABLED(CONFIG_PIXELS_HASH)) {
		glint_hash_exact(rgb, size, job->hash.exact);
		job->hash.bytes = size;
		err = glint_hash_average(rgb, width, height, &job->hash.perceived);
	}
	free(rgb);
	return err;
}

static int make_png(struct still_job *job, struct part *part, const struct glint_pixels_wish *wish,
		    unsigned index)
{
	int err = -ENOTSUP;

	if (IS_ENABLED(CONFIG_PIXELS_PNG))
		err = glint_png_strip(&part->strip, &job->source, wish, index, job->strips);
	part->out = (struct glint_written){ part->strip.data, part->strip.size };
	return err;
}

static void job_run(struct glint_job *work, unsigned index)
{
	struct still_job *job = container_of(work, struct still_job, work);
	struct part *part = &job->parts[index];
	struct glint_pixels_wish wish = wish_of(job, index / job->strips);

	switch (job->wish.format) {
	case GLINT_STILL_JPEG:
		part->err = glint_write_jpeg(&part->out, &job->source, &wish, job->quality);
		break;
	case GLINT_STILL_PNG:
		part->err = make_png(job, part, &wish, index % job->strips);
		break;
	case GLINT_STILL_PPM:
	case GLINT_STILL_PGM:
		part->err = glint_write_pnm(&part->out, &job->source, &wish);
		break;
	case GLINT_STILL_RAW:
		part->err = glint_write_raw(&part->out, &job->source, job->frame->buf);
		break;
	case GLINT_STILL_Y4M:
		part->err = glint_write_y4m(&part->out, &job->y4m, &job->source);
		break;
	case GLINT_STILL_HASH:
		part->err = make_hash(job, &wish);
		break;
	}
}

/* The still has failed already: job->err says why, and job_done() tells the reader. */
static void job_skip(struct glint_job *work, unsigned index)
{
	(void)work;
	(void)index;
}

/* Decode all of a JPEG once; the parts read the pixels. */
static void job_decode(struct glint_job *work, unsigned index)
{
	struct still_job *job = container_of(work, struct still_job, work);
	struct glint_pixels_source jpeg = job->source;
	struct glint_pixels_wish wish = {
		.kind = kind_of(job->wish.format),
		.region = { 0, 0, jpeg.width, jpeg.height },
		.scale = 1,
	};
	size_t line = (size_t)jpeg.width * glint_pixels_bytes(wish.kind);

	(void)index;
	job->decoded = malloc(line * jpeg.height);
	job->err = job->decoded ?
			   glint_pixels_read(&jpeg, &wish, 0, jpeg.height, job->decoded, line) :
			   -ENOMEM;
	glint_pixels_of_pixels(&job->source, &job->format, wish.kind, job->decoded, jpeg.width,
			       jpeg.height);
}

/* Convert the whole frame; the parts read the result. */
static void job_convert(struct glint_job *work, unsigned index)
{
	struct still_job *job = container_of(work, struct still_job, work);
	struct glint_view view;

	(void)index;
	job->err =
		IS_ENABLED(CONFIG_LIBV4LCONVERT) ?
			glint_convert_run(job->convert, job->frame->buf, job->frame->used, &view) :
			-ENOTSUP;
	if (job->err == 0)
		glint_pixels_of_view(&job->source, glint_convert_format(job->convert), &view,
				     job->source.rules);
	else if (job->err == -EPROTO)
		job->err = -EBADMSG;
}

/* --- The end of a still ------------------------------------------------------------------------ */

static void picture_free(struct picture *picture)
{
	if (!picture)
		return;
	for (unsigned i = 0; i < picture->packet.n_parts; i++)
		free(picture->packet.parts[i].iov_base);
	free(picture);
}

static void picture_release(struct glint_packet *packet)
{
	struct picture *picture = container_of(packet, struct picture, packet);

	picture->stills->bytes -= packet->size;
	picture_free(picture);
}

static const struct glint_packet_ops picture_ops = {
	.release = picture_release,
};

static void picture_add(struct glint_packet *packet, uint8_t *data, size_t size)
{
	assert(packet->n_parts < GLINT_PACKET_PARTS_MAX);

	packet->parts[packet->n_parts++] = (struct iovec){ data, size };
	packet->size += size;
}

/* What follows the strips of a PNG, or precedes the planes of a Y4M, is a part of its own. */
static int picture_add_image(struct still_job *job, struct glint_packet *packet, unsigned image)
{
	struct part *part = &job->parts[image * job->strips];
	uint8_t *more = NULL;

	if (job->wish.format == GLINT_STILL_PNG || job->wish.format == GLINT_STILL_Y4M) {
		more = malloc(GLINT_PNG_END_MAX + GLINT_Y4M_HEAD_MAX);
		if (!more)
			return -ENOMEM;
	}
	if (job->wish.format == GLINT_STILL_Y4M) {
		size_t n = glint_y4m_head(&job->y4m, 0, (char *)more);

		strcpy((char *)more + n, "FRAME\n");
		picture_add(packet, more, n + 6);
	}
	for (unsigned i = 0; i < job->strips; i++) {
		picture_add(packet, part[i].out.data, part[i].out.size);
		part[i].out.data = NULL;
	}
	if (IS_ENABLED(CONFIG_PIXELS_PNG) && job->wish.format == GLINT_STILL_PNG) {
		struct glint_png_strip strips[STRIPS_MAX];

		for (unsigned i = 0; i < job->strips; i++)
			strips[i] = part[i].strip;
		picture_add(packet, more, glint_png_end(strips, job->strips, more));
	}
	return 0;
}

static int job_fill_in(struct still_job *job, struct glint_still *still)
{
	struct glint_packet *packet = &job->picture->packet;

	for (unsigned i = 0; i < job->n_images; i++) {
		struct glint_pixels_wish wish = wish_of(job, i);
		struct glint_still_image *image = &still->images[i];
		size_t before = packet->size;
		int err;

		image->first = packet->n_parts;
		err = job->wish.format == GLINT_STILL_HASH ? 0 : picture_add_image(job, packet, i);
		if (err < 0)
			return err;
		image->count = packet->n_parts - image->first;
		image->size = packet->size - before;
		image->width = glint_pixels_width(&wish);
		image->height = glint_pixels_height(&wish);
	}
	still->n_images = job->n_images;
	still->hash = job->hash;
	return 0;
}

static void job_free(struct still_job *job)
{
	for (unsigned i = 0; i < ARRAY_SIZE(job->parts); i++)
		free(job->parts[i].out.data);
	free(job->decoded);
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		glint_convert_destroy(job->convert);
	if (job->frame)
		(void)glint_dmabuf_end_read(job->frame->buf);
	glint_frame_unref(job->frame);
	glint_packet_unref(job->original);
	job->stills->bytes -= job->claimed;
	picture_free(job->picture);
	free(job);
}

/* Give the still what was made, or why not. @job is freed before the reader is called. */
static void job_end(struct still_job *job, int err)
{
	struct glint_stills *stills = job->stills;
	struct glint_still *still = job->still;

	if (!still) {
		stills->forgotten++;
		job_free(job);
		return;
	}
	still->job = NULL;
	still->packet = NULL;
	if (err == 0)
		err = job_fill_in(job, still);
	if (err == 0) {
		struct glint_packet *packet = &job->picture->packet;

		packet->encode_begin_ns = job->begin_ns;
		packet->encode_end_ns = glint_now_ns();
		if (job->wish.format != GLINT_STILL_HASH)
			glint_packet_publish(packet);
		stills->bytes += packet->size;
		still->packet = packet;
		job->picture = NULL;
		if (job->frame)
			job->frame->outcome = GLINT_OUTCOME_DELIVERED;
		stills->made++;
	} else {
		stills->failed++;
	}
	job_free(job);
	still->done(still, err);
}

static void job_done(struct glint_job *work)
{
	struct still_job *job = container_of(work, struct still_job, work);
	int err = job->err;

	if (job->decoding && err == 0 && job->still) {
		job->decoding = false;
		job->work.run = job_run;
		glint_workers_submit(job->stills->workers, &job->work, job->n_images * job->strips);
		return;
	}
	for (unsigned i = 0; i < job->n_images * job->strips && err == 0; i++)
		err = job->parts[i].err;
	job->stills->n_running--;
	job_end(job, err);
}

/* --- The begin of a still ---------------------------------------------------------------------- */

/* At most so many bytes at a time. */
static size_t memory_of(const struct still_job *job)
{
	size_t frame = (size_t)job->source.width * job->source.height * 3, all = 0;

	if (job->wish.format == GLINT_STILL_RAW && job->source.jpeg)
		return job->source.jpeg_size;
	for (unsigned i = 0; i < job->n_images; i++) {
		struct glint_pixels_wish wish = wish_of(job, i);

		all += (size_t)glint_pixels_width(&wish) * glint_pixels_height(&wish) * 6;
	}
	return all + (job->source.jpeg || job->convert ? frame : 0);
}

static int job_check_wish(struct still_job *job)
{
	job->n_images = MAX(job->wish.n_crops, 1u);
	for (unsigned i = 0; i < job->n_images; i++) {
		struct glint_pixels_wish wish = wish_of(job, i);

		if (!glint_pixels_wish_fits(&wish, &job->source))
			return -ERANGE;
		if (IS_ENABLED(CONFIG_PIXELS_PNG) && job->wish.format == GLINT_STILL_PNG &&
		    job->n_images == 1)
			job->strips = glint_png_strips(&wish, STRIPS_MAX);
	}
	return 0;
}

static int job_claim(struct still_job *job)
{
	struct glint_stills *stills = job->stills;
	size_t bytes = memory_of(job);

	if (stills->bytes > 0 && bytes > BYTES_MAX - MIN(stills->bytes, BYTES_MAX)) {
		stills->refused++;
		return -ENOBUFS;
	}
	job->claimed = bytes;
	stills->bytes += bytes;
	return 0;
}

static int job_point_to_frame(struct still_job *job)
{
	const struct glint_stills_config *config = &job->stills->config;
	struct glint_frame *frame = job->frame;
	int err = glint_dmabuf_map(frame->buf);

	if (err < 0)
		return err;
	if (frame->jpeg) {
		glint_pixels_of_jpeg(&job->source,
				     frame->buf->planes[0].map + frame->buf->planes[0].offset,
				     frame->used, frame->info.width, frame->info.height);
		return 0;
	}
	err = glint_pixels_of_frame(&job->source, frame->format, frame->buf,
				    (struct glint_pixels_rules){ config->swap_rgb,
								 config->keep_range });
	if (err == -EINVAL && job->wish.format == GLINT_STILL_RAW)
		return 0; /* the bytes need not be understood */
	if (err != -EINVAL)
		return err;
	if (!IS_ENABLED(CONFIG_LIBV4LCONVERT) || !frame->format->info->becomes)
		return -ENOTSUP;
	job->still->converted = frame->format->info->name;
	return glint_convert_create(&job->convert, frame->format);
}

/* The job has its frame or picture. From the loop, or from a push: the end comes later. */
static void job_begin(struct still_job *job)
{
	struct glint_stills *stills = job->stills;
	struct glint_still *still = job->still;
	bool whole = glint_still_is_whole(job->wish.format);

	job->begin_ns = glint_now_ns();
	job->strips = 1;
	job->quality = stills->config.quality;
	if (job->frame)
		job->err = job_point_to_frame(job);
	else
		glint_pixels_of_jpeg(&job->source, job->original->parts[0].iov_base,
				     job->original->parts[0].iov_len, job->original->info.width,
				     job->original->info.height);
	still->width = job->source.width;
	still->height = job->source.height;
	if (job->err == 0)
		job->err = job_check_wish(job);
	if (job->err == 0 && job->wish.format == GLINT_STILL_RAW &&
	    !glint_write_layout(still->layout, sizeof(still->layout), &job->source,
				job->frame->buf))
		job->err = -ENOTSUP;
	if (job->err == 0)
		job->err = job_claim(job);
	job->picture->packet.info = job->frame ? job->frame->info : job->original->info;
	if (job->frame)
		(void)glint_dmabuf_begin_read(job->frame->buf);

	stills->n_running++;
	job->decoding = job->err < 0 || job->convert || (job->source.jpeg && !whole);
	job->work.run = job->err < 0  ? job_skip :
			job->convert  ? job_convert :
			job->decoding ? job_decode :
					job_run;
	glint_workers_submit(stills->workers, &job->work,
			     job->decoding ? 1 : job->n_images * job->strips);
}

/* --- Waiting ------------------------------------------------------------------------------------ */

static struct still_job *job_create(struct glint_stills *stills, struct glint_still *still)
{
	struct still_job *job = calloc(1, sizeof(*job));
	struct picture *picture = calloc(1, sizeof(*picture));

	if (!job || !picture) {
		free(picture);
		free(job);
		return NULL;
	}
	picture->stills = stills;
	picture->packet.ops = &picture_ops;
	glint_packet_begin(&picture->packet, codecs[still->wish.format], true);
	job->picture = picture;
	job->stills = stills;
	job->still = still;
	job->wish = still->wish;
	job->work.done = job_done;
	still->job = job;
	still->converted = NULL;
	still->n_images = 0;
	glint_list_init(&still->link);
	return job;
}

static int stills_start_workers(struct glint_stills *stills)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (stills->workers)
		return 0;
	return glint_workers_create(&stills->workers, stills->loop, "stills",
				    (unsigned)MIN(MAX(cores, 1L), (long)WORKERS_MAX));
}

int glint_stills_ask(struct glint_stills *stills, struct glint_still *still)
{
	int err = stills_start_workers(stills);

	assert(!still->job);

	if (err < 0)
		return err;
	if (!job_create(stills, still))
		return -ENOMEM;
	glint_list_append(&stills->waiting, &still->link);
	stills->n_waiting++;
	glint_fanout_attach(stills->frames, &stills->sink);
	return 0;
}

int glint_stills_convert(struct glint_stills *stills, struct glint_still *still,
			 struct glint_packet *picture)
{
	int err = stills_start_workers(stills);
	struct still_job *job;

	assert(!still->job && picture->n_parts == 1);
	assert(!glint_still_is_whole(still->wish.format));

	if (err < 0)
		return err;
	job = job_create(stills, still);
	if (!job)
		return -ENOMEM;
	job->original = glint_packet_ref(picture);
	job_begin(job);
	return 0;
}

static void stills_leave(struct glint_stills *stills, struct glint_still *still)
{
	glint_list_remove(&still->link);
	glint_list_init(&still->link);
	stills->n_waiting--;
	if (stills->n_waiting == 0)
		glint_fanout_detach(stills->frames, &stills->sink);
}

/* One still is made in any case: with few buffers the driver does without one for a while. */
static bool stills_are_full(const struct glint_stills *stills)
{
	return stills->n_running > 0 &&
	       (stills->n_running >= RUNNING_MAX || stills->config.spare(stills->config.ctx) == 0);
}

void glint_stills_forget(struct glint_stills *stills, struct glint_still *still)
{
	struct still_job *job = still->job;

	if (!job)
		return;
	still->job = NULL;
	job->still = NULL;
	if (job->frame || job->original)
		return; /* the workers have it: the end frees it */
	stills_leave(stills, still);
	job_free(job);
}

bool glint_stills_due(const struct glint_stills *stills, const struct glint_still *still)
{
	const struct still_job *job = still->job;

	return job && (job->frame || job->original || stills_are_full(stills));
}

static bool stills_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	struct glint_stills *stills = container_of(sink, struct glint_stills, sink);
	struct glint_still *still;
	bool taken = false;

	if (stills_are_full(stills))
		return false;
	/* All that want this frame share it. */
	glint_list_for_each(still, &stills->waiting, link) {
		struct still_job *job = still->job;

		if (still->wants && !still->wants(still, &frame->info))
			continue;
		job->frame = glint_frame_ref(frame);
		stills_leave(stills, still);
		job_begin(job);
		taken = true;
	}
	return taken;
}

/* --- Life ------------------------------------------------------------------------------------------ */

int glint_stills_create(struct glint_stills **out, struct glint_loop *loop,
			struct glint_fanout *frames, const struct glint_stills_config *config)
{
	struct glint_stills *stills = calloc(1, sizeof(*stills));

	if (!stills)
		return -ENOMEM;
	stills->loop = loop;
	stills->frames = frames;
	stills->config = *config;
	stills->sink.push_frame = stills_on_frame;
	glint_list_init(&stills->sink.link);
	glint_list_init(&stills->waiting);
	*out = stills;
	return 0;
}

void glint_stills_destroy(struct glint_stills *stills)
{
	if (!stills)
		return;
	assert(stills->n_waiting == 0);

	(void)glint_workers_destroy(stills->workers, UINT64_MAX);
	assert(stills->bytes == 0);
	free(stills);
}

void glint_stills_apply(struct glint_stills *stills, const struct glint_stills_config *config)
{
	stills->config.quality = config->quality;
	stills->config.swap_rgb = config->swap_rgb;
	stills->config.keep_range = config->keep_range;
}

void glint_stills_report(const struct glint_stills *stills, struct glint_report *report)
{
	glint_report_object(report, "stills");
	glint_report_uint(report, "waiting", stills->n_waiting);
	glint_report_uint(report, "running", stills->n_running);
	glint_report_uint(report, "made", stills->made);
	glint_report_uint(report, "failed", stills->failed);
	glint_report_uint(report, "refused", stills->refused);
	glint_report_uint(report, "forgotten", stills->forgotten);
	glint_report_uint(report, "bytes", stills->bytes);
	glint_report_end(report);
}
