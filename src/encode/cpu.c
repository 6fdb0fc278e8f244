/* SPDX-License-Identifier: MIT */
/*
 * The CPU encoder. A frame is cut into slices of whole MCU rows, and the workers encode the
 * slices straight from the capture buffer. A slice ends with a marker of two bytes: EOI,
 * which becomes a restart marker in all slices but the last. The header announces restarts
 * at just that distance, so the parts, one behind the other, are one ordinary baseline JPEG.
 *
 * The encoder in cpu/ does the work where the processor has its instructions and the
 * frame a layout that it reads, libjpeg-turbo everywhere else. The coefficients are the same.
 * With cpu/ each MCU row is a restart interval, and a row of which nothing has changed since
 * the frame before is not encoded again. The last picture is kept for its rows. When all of them
 * are the same, the next packet has that picture's memory, and no byte is copied.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "convert/convert.h"
#include "core/workers.h"
#include "encode/backend.h"
#include "encode/jpegenc_format.h"
#include "encode/packet_pool.h"
#include "encode/rows.h"
#include "encode/turbo.h"

#define SLICE_LINES_MIN 64u    /* less is not worth its share of a packet's memory */
#define RESTART_MAX	65535u /* MCUs; the DRI segment has 16 bits */
/* Of the frame before, kept to see what has not changed: all of 1080p, most of a 2160p desktop. */
#define REUSE_BYTES_MAX (6u << 20)
/* Bytes of a slice. malloc() maps a block of this size by itself, so that free() unmaps it. */
#define CAPACITY_FIRST (128u << 10)

static_assert(GLINT_SLICES_MAX + 1 <= GLINT_PACKET_PARTS_MAX, "a packet has its header and slices");

struct slice {
	/* Only for libjpeg-turbo; @turbo is created when it is first needed. */
	struct glint_turbo *turbo;
	struct glint_rows rows;
	uint32_t first, count;		  /* MCU rows */
	uint32_t reused;		  /* of them, of the picture under way */
	struct glint_bytes *out;	  /* of the picture under way */
	const struct glint_bytes *before; /* of the last picture; NULL: there is none */
	int err;
};

struct cpu {
	struct glint_encoder_backend backend;
	unsigned n_slices_max;
	/* Created for the first frame, and NULL before. */
	struct glint_workers *workers; /* @n_slices_max threads */
	struct slice *slices;	       /* GLINT_SLICES_MAX */
	struct glint_job slices_job;   /* a part for each slice */

	struct glint_format format;    /* that all below is made for */
	struct glint_convert *convert; /* NULL: the slices read the frame itself */
	struct glint_job convert_job;
	bool configured;
	struct glint_jpegenc *fused;	   /* NULL: libjpeg-turbo does the work */
	struct glint_jpegenc_reuse *reuse; /* of @fused; NULL: no memory, or given back */
	struct glint_pool_packet *last;	   /* the picture that @reuse belongs to, or NULL */
	bool still;			   /* all rows of the last picture were reused */
	uint64_t rows_reused;		   /* of all pictures */
	unsigned quality;		   /* these, too */
	enum glint_chroma chroma;
	bool keep_range;
	enum glint_sampling sampling;
	unsigned n_slices;
	uint8_t header[GLINT_JPEG_HEADER_MAX];
	size_t header_size;

	struct glint_encoder_job *job; /* borrowed, while slices run */
	struct glint_view view;
	struct glint_pool_packet *packet;
	int convert_err;
};

static struct cpu *cpu_of(struct glint_encoder_backend *backend)
{
	return container_of(backend, struct cpu, backend);
}

static bool cpu_takes(const struct glint_encoder_backend *backend, const struct glint_frame *src)
{
	const struct glint_format_info *info = src->format->info;

	(void)backend;
	return info->layout != GLINT_LAYOUT_JPEG &&
	       glint_format_is_usable(info, true, IS_ENABLED(CONFIG_LIBV4LCONVERT));
}

/* --- Configuring ----------------------------------------------------------------- */

static void cpu_forget(struct cpu *cpu)
{
	if (cpu->last)
		glint_packet_unref(&cpu->last->packet);
	cpu->last = NULL;
	cpu->still = false;
}

/* Gives back what only a later picture could have used. */
static void cpu_idle(struct glint_encoder_backend *backend)
{
	struct cpu *cpu = cpu_of(backend);

	if (cpu->job)
		return;
	cpu_forget(cpu);
	glint_jpegenc_reuse_destroy(cpu->reuse);
	cpu->reuse = NULL;
}

static void cpu_unconfigure(struct cpu *cpu)
{
	cpu_forget(cpu);
	for (unsigned i = 0; cpu->slices && i < cpu->n_slices_max; i++)
		glint_rows_fini(&cpu->slices[i].rows);
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		glint_convert_destroy(cpu->convert);
	cpu->convert = NULL;
	glint_jpegenc_reuse_destroy(cpu->reuse);
	cpu->reuse = NULL;
	glint_jpegenc_destroy(cpu->fused);
	cpu->fused = NULL;
	cpu->configured = false;
}

/* What the slices read. */
static const struct glint_format *cpu_pixels(const struct cpu *cpu)
{
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT) && cpu->convert)
		return glint_convert_format(cpu->convert);
	return &cpu->format;
}

/* MCUs of a row. */
static uint32_t cpu_columns(const struct cpu *cpu)
{
	unsigned width = glint_sampling_mcu_width(cpu->sampling);

	return (cpu->format.width + width - 1) / width;
}

/*
 * Equal slices, so that libjpeg-turbo's restart interval is one number; the last may be
 * shorter. libjpeg-turbo gets a slice for each worker. With cpu/ each row is an interval, and
 * the slices are many and short, so that a worker that is late delays the picture by one
 * slice and not by its share.
 */
static void cpu_cut(struct cpu *cpu)
{
	unsigned lines = glint_sampling_mcu_height(cpu->sampling);
	uint32_t rows = (cpu->format.height + lines - 1) / lines;
	uint32_t columns = cpu_columns(cpu);
	uint32_t most = cpu->fused ? GLINT_SLICES_MAX : cpu->n_slices_max;
	uint32_t wanted = MIN(most, MAX(cpu->format.height / SLICE_LINES_MIN, 1u));
	uint32_t each;

	/* glint_format_check() refuses a driver's empty frame. */
	assert(rows > 0 && columns > 0 && wanted > 0);

	each = (rows + wanted - 1) / wanted;
	if (!cpu->fused && each * columns > RESTART_MAX)
		each = MAX(MIN(each, RESTART_MAX / columns), 1u);
	if ((rows + each - 1) / each > most)
		each = rows; /* too few slices for so large a frame: one, without restarts */
	cpu->n_slices = (rows + each - 1) / each;
	for (unsigned i = 0; i < cpu->n_slices; i++) {
		cpu->slices[i].first = i * each;
		cpu->slices[i].count = MIN(each, rows - i * each);
	}
}

static void cpu_make_header(struct cpu *cpu)
{
	uint32_t columns = cpu_columns(cpu);
	struct glint_jpeg_params params = {
		.width = cpu->format.width,
		.height = cpu->format.height,
		.sampling = cpu->sampling,
		.restart = cpu->n_slices > 1 ? (uint16_t)(cpu->slices[0].count * columns) : 0,
	};

	if (cpu->fused) {
		cpu->header_size = glint_jpegenc_header(
			cpu->fused, (uint16_t)glint_jpegenc_columns(cpu->fused), cpu->header);
		return;
	}
	assert(cpu->n_slices == 1 || cpu->slices[0].count * columns <= RESTART_MAX);
	glint_turbo_quant(cpu->slices[0].turbo, params.quant);
	cpu->header_size = glint_jpeg_write_header(cpu->header, &params);
}

/* Without an engine for this processor, or for this layout, libjpeg-turbo is the faster one. */
static int cpu_configure_fused(struct cpu *cpu)
{
	const struct glint_encoder_config *config = cpu->backend.config;
	struct glint_jpegenc_config wanted;

	if (glint_jpegenc_best() == GLINT_JPEGENC_SCALAR ||
	    !glint_jpegenc_describe(&wanted, cpu_pixels(cpu), cpu->sampling, config->swap_rgb,
				    config->keep_range))
		return 0;
	wanted.quality = config->quality;
	return glint_jpegenc_create(&cpu->fused, &wanted);
}

static int cpu_configure_slices(struct cpu *cpu)
{
	const struct glint_encoder_config *config = cpu->backend.config;
	const struct glint_format *pixels = cpu_pixels(cpu);
	int err;

	cpu->sampling = glint_rows_sampling(pixels->info, config->chroma == GLINT_CHROMA_SOURCE);
	err = cpu_configure_fused(cpu);
	if (err < 0)
		return err;
	cpu_cut(cpu);
	if (cpu->fused)
		return 0;
	for (unsigned i = 0; i < cpu->n_slices; i++) {
		struct slice *slice = &cpu->slices[i];

		if (!slice->turbo) {
			err = glint_turbo_create(&slice->turbo);
			if (err < 0)
				return err;
		}
		err = glint_turbo_configure(slice->turbo, config->quality, cpu->sampling);
		if (err < 0)
			return err;
		err = glint_rows_init(&slice->rows, pixels, cpu->sampling, config->swap_rgb,
				      config->keep_range);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Without a client, or behind an encoder in hardware, the service has no use for the threads. */
static int cpu_prepare(struct cpu *cpu)
{
	if (!cpu->slices)
		cpu->slices = calloc(GLINT_SLICES_MAX, sizeof(cpu->slices[0]));
	if (!cpu->slices)
		return -ENOMEM;
	return cpu->workers ? 0 :
			      glint_workers_create(&cpu->workers, cpu->backend.loop, "encode",
						   cpu->n_slices_max);
}

static int cpu_configure(struct cpu *cpu, const struct glint_format *format)
{
	int err;

	cpu_unconfigure(cpu);
	err = cpu_prepare(cpu);
	if (err < 0)
		return err;
	cpu->format = *format;
	cpu->quality = cpu->backend.config->quality;
	cpu->chroma = cpu->backend.config->chroma;
	cpu->keep_range = cpu->backend.config->keep_range;
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT) && format->info->layout == GLINT_LAYOUT_OTHER)
		err = glint_convert_create(&cpu->convert, format);
	if (err == 0)
		err = cpu_configure_slices(cpu);
	if (err < 0) {
		cpu_unconfigure(cpu);
		return err;
	}
	cpu_make_header(cpu);
	cpu->configured = true;
	return 0;
}

static bool format_differs(const struct glint_format *a, const struct glint_format *b)
{
	return a->fourcc != b->fourcc || a->width != b->width || a->height != b->height ||
	       a->range != b->range || a->matrix != b->matrix ||
	       memcmp(a->stride, b->stride, sizeof(a->stride)) != 0;
}

static bool settings_differ(const struct cpu *cpu)
{
	const struct glint_encoder_config *config = cpu->backend.config;

	return cpu->quality != config->quality || cpu->chroma != config->chroma ||
	       cpu->keep_range != config->keep_range;
}

/* --- Encoding --------------------------------------------------------------------- */

struct slice_output {
	struct glint_jpegenc_output output;
	struct glint_bytes *bytes;
};

static bool slice_output_grow(struct glint_jpegenc_output *output, size_t capacity)
{
	struct glint_bytes *bytes = container_of(output, struct slice_output, output)->bytes;

	if (!glint_bytes_reserve(bytes, MAX(capacity, CAPACITY_FIRST)))
		return false;
	output->data = bytes->data;
	output->capacity = bytes->capacity;
	return true;
}

/* The same bytes again, for a picture of which other slices have changed. */
static int slice_copy(struct slice *slice)
{
	const struct glint_bytes *before = slice->before;

	if (!glint_bytes_reserve(slice->out, before->size))
		return -ENOMEM;
	memcpy(slice->out->data, before->data, before->size);
	slice->out->size = before->size;
	return 0;
}

/*
 * As glint_turbo_slice(): an EOI ends the slice. A slice that has not changed stays empty if the
 * picture before was the same as its predecessor, too: then this picture is likely to be.
 */
static int slice_run_fused(const struct cpu *cpu, struct slice *slice)
{
	const struct glint_jpegenc_source source = glint_jpegenc_source_of(&cpu->view);
	struct glint_bytes *bytes = slice->out;
	struct slice_output out = { { .grow = slice_output_grow }, bytes };
	int err;

	bytes->size = bytes->begin = 0;
	out.output.data = bytes->data;
	out.output.capacity = bytes->capacity;
	err = glint_jpegenc_scan_rows(cpu->fused, cpu->reuse, &source, slice->first, slice->count,
				      slice->before ? slice->before->data : NULL, &out.output,
				      &slice->reused);
	if (err < 0)
		return err;
	if (slice->reused == slice->count)
		return cpu->still ? 0 : slice_copy(slice);
	if (!slice_output_grow(&out.output, out.output.size + 2))
		return -ENOMEM;
	bytes->size = out.output.size;
	bytes->data[bytes->size++] = 0xff;
	bytes->data[bytes->size++] = 0xd9;
	return 0;
}

static void slice_run(struct glint_job *job, unsigned part)
{
	struct cpu *cpu = container_of(job, struct cpu, slices_job);
	struct slice *slice = &cpu->slices[part];

	slice->reused = 0;
	if (cpu->fused) {
		slice->err = slice_run_fused(cpu, slice);
		return;
	}
	slice->err = glint_turbo_slice(slice->turbo, &slice->rows, &cpu->view, slice->first,
				       slice->count, slice->out);
}

/* EOI becomes RSTm, except at the very end. m counts intervals: rows, or else slices. */
static void slice_end_with_restart(const struct cpu *cpu, unsigned i)
{
	const struct slice *slice = &cpu->slices[i];
	uint32_t interval = cpu->fused ? slice->first + slice->count - 1 : i;

	assert(slice->out->size >= 2 && slice->out->data[slice->out->size - 2] == 0xff);

	slice->out->data[slice->out->size - 1] = (uint8_t)(0xd0 + interval % 8);
}

static void packet_assemble(struct cpu *cpu)
{
	struct glint_packet *packet = &cpu->packet->packet;

	memcpy(cpu->packet->header, cpu->header, cpu->header_size);
	packet->parts[0] = (struct iovec){ cpu->packet->header, cpu->header_size };
	packet->size = cpu->header_size;
	for (unsigned i = 0; i < cpu->n_slices; i++) {
		struct glint_bytes *out = cpu->slices[i].out;
		size_t size = out->size - out->begin;

		if (i + 1 < cpu->n_slices)
			slice_end_with_restart(cpu, i);
		packet->parts[i + 1] = (struct iovec){ out->data + out->begin, size };
		packet->size += size;
	}
	packet->n_parts = cpu->n_slices + 1;
	glint_packet_pool_count(cpu->packet);
}

/* @packet: the picture, or NULL and @err. */
static void cpu_finish(struct cpu *cpu, struct glint_packet *packet, int err)
{
	struct glint_encoder_job *job = cpu->job;

	assert(cpu->job && (packet || err < 0));

	(void)glint_dmabuf_end_read(job->src->buf);
	cpu->job = NULL;
	cpu->packet = NULL;
	glint_encoder_finish(job, packet, err);
}

static void cpu_fail(struct cpu *cpu, int err)
{
	glint_packet_unref(&cpu->packet->packet);
	cpu_finish(cpu, NULL, err);
}

/* The same picture again: a packet with the last one's memory. False: there is none. */
static bool cpu_share(struct cpu *cpu)
{
	struct glint_packet *shared = glint_packet_pool_share(cpu->last);

	if (!shared)
		return false;
	glint_packet_unref(&cpu->packet->packet);
	cpu->packet = NULL;
	cpu_finish(cpu, shared, 0);
	return true;
}

/* The packet of the slices. */
static int cpu_assemble(struct cpu *cpu)
{
	for (unsigned i = 0; i < cpu->n_slices; i++)
		if (cpu->slices[i].out->size == 0) {
			int err = slice_copy(&cpu->slices[i]);

			if (err < 0)
				return err;
		}
	packet_assemble(cpu);
	if (cpu->reuse) {
		cpu_forget(cpu);
		cpu->last = cpu->packet;
		(void)glint_packet_ref(&cpu->last->packet);
	}
	return 0;
}

static void slices_done(struct glint_job *job)
{
	struct cpu *cpu = container_of(job, struct cpu, slices_job);
	uint32_t reused = 0, rows = 0;
	int err = 0;

	for (unsigned i = 0; i < cpu->n_slices; i++) {
		err = err ? err : cpu->slices[i].err;
		reused += cpu->slices[i].reused;
		rows += cpu->slices[i].count;
	}
	cpu->rows_reused += reused;
	cpu->still = err == 0 && reused == rows;
	if (cpu->still && cpu_share(cpu))
		return;
	if (err == 0)
		err = cpu_assemble(cpu);
	if (err == 0) {
		cpu_finish(cpu, &cpu->packet->packet, 0);
		return;
	}
	cpu_forget(cpu); /* its rows are no longer those of @reuse */
	cpu_fail(cpu, err);
}

static void cpu_run_slices(struct cpu *cpu)
{
	assert(cpu->packet && cpu->n_slices > 0 && cpu->n_slices <= GLINT_SLICES_MAX);

	for (unsigned i = 0; i < cpu->n_slices; i++) {
		cpu->slices[i].out = &cpu->packet->slices[i];
		cpu->slices[i].before = cpu->last ? &cpu->last->slices[i] : NULL;
	}
	if (cpu->fused)
		glint_workers_submit_shared(cpu->workers, &cpu->slices_job, cpu->n_slices);
	else
		glint_workers_submit(cpu->workers, &cpu->slices_job, cpu->n_slices);
}

static void convert_run(struct glint_job *job, unsigned part)
{
	struct cpu *cpu = container_of(job, struct cpu, convert_job);

	(void)part;
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		cpu->convert_err = glint_convert_run(cpu->convert, cpu->job->src->buf,
						     cpu->job->src->used, &cpu->view);
}

static void convert_done(struct glint_job *job)
{
	struct cpu *cpu = container_of(job, struct cpu, convert_job);

	if (cpu->convert_err < 0)
		cpu_fail(cpu, cpu->convert_err);
	else
		cpu_run_slices(cpu);
}

static int cpu_begin(struct cpu *cpu, struct glint_frame *src)
{
	int err = 0;

	if (!cpu->configured || format_differs(&cpu->format, src->format) || settings_differ(cpu))
		err = cpu_configure(cpu, src->format);
	if (err == 0)
		err = glint_dmabuf_map(src->buf);
	if (err == 0 && !cpu->convert)
		err = glint_format_view(src->format, src->buf, &cpu->view);
	if (err < 0)
		return err;
	/* Without memory for it, each row is encoded anew. */
	if (cpu->fused && !cpu->reuse)
		(void)glint_jpegenc_reuse_create(&cpu->reuse, cpu->fused, REUSE_BYTES_MAX,
						 cpu->n_slices_max + 1);
	cpu->packet = glint_packet_pool_take(&cpu->backend.pool);
	if (!cpu->packet && cpu->last) {
		cpu_forget(cpu);
		cpu->packet = glint_packet_pool_take(&cpu->backend.pool);
	}
	if (!cpu->packet)
		return -ENOBUFS;
	err = glint_dmabuf_begin_read(src->buf); /* cpu_finish() ends it */
	if (err < 0) {
		glint_packet_unref(&cpu->packet->packet);
		cpu->packet = NULL;
	}
	return err;
}

static bool cpu_has_room(const struct glint_encoder_backend *backend)
{
	return !container_of(backend, const struct cpu, backend)->job;
}

static void cpu_encode(struct glint_encoder_backend *backend, struct glint_encoder_job *job)
{
	struct cpu *cpu = cpu_of(backend);
	int err;

	assert(!cpu->job && !cpu->packet);

	err = cpu_begin(cpu, job->src);
	if (err < 0) {
		glint_encoder_finish(job, NULL, err);
		return;
	}
	cpu->job = job;
	backend->copies++; /* the one pass that is needed to compress: counted, not hidden */
	if (!cpu->convert) {
		cpu_run_slices(cpu);
		return;
	}
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		backend->copies += glint_convert_passes(cpu->convert);
	glint_workers_submit(cpu->workers, &cpu->convert_job, 1);
}

/* --- Life -------------------------------------------------------------------------- */

static void cpu_status(const struct glint_encoder_backend *backend,
		       struct glint_encoder_backend_status *status)
{
	const struct cpu *cpu = container_of(backend, const struct cpu, backend);

	status->quality = backend->config->quality;
	status->workers = cpu->n_slices_max;
	status->rows_reused = cpu->rows_reused;
	status->pictures_kept = cpu->last && cpu->last->packet.refs == 1;
	status->slices = cpu->configured ? cpu->n_slices : 0;
	status->subsampling = cpu->configured ? glint_sampling_name(cpu->sampling) : "";
	if (cpu->configured)
		status->engine = cpu->fused ? glint_jpegenc_engine_name(GLINT_JPEGENC_AUTO) :
					      "libjpeg-turbo";
}

static bool cpu_destroy(struct glint_encoder_backend *backend)
{
	struct cpu *cpu = cpu_of(backend);

	(void)glint_workers_destroy(cpu->workers, UINT64_MAX);
	cpu_unconfigure(cpu);
	for (unsigned i = 0; cpu->slices && i < cpu->n_slices_max; i++)
		glint_turbo_destroy(cpu->slices[i].turbo);
	free(cpu->slices);
	glint_packet_pool_fini(&cpu->backend.pool);
	free(cpu);
	return true;
}

static int cpu_create(struct glint_encoder_backend **out, struct glint_loop *loop,
		      const struct glint_encoder_config *config, struct glint_encoder *encoder)
{
	struct cpu *cpu = calloc(1, sizeof(*cpu));

	if (!cpu)
		return -ENOMEM;
	cpu->backend = (struct glint_encoder_backend){
		.ops = &glint_cpu_backend, .encoder = encoder, .config = config, .loop = loop
	};
	cpu->convert_job = (struct glint_job){ .run = convert_run, .done = convert_done };
	cpu->n_slices_max = MIN(config->workers, (unsigned)GLINT_SLICES_MAX);
	cpu->slices_job = (struct glint_job){ .run = slice_run, .done = slices_done };
	glint_packet_pool_init(&cpu->backend.pool, encoder, GLINT_CODEC_JPEG, config->packets);
	*out = &cpu->backend;
	return 0;
}

const struct glint_encoder_backend_ops glint_cpu_backend = {
	.type = "CPU",
	.name = "cpu",
	.create = cpu_create,
	.takes = cpu_takes,
	.has_room = cpu_has_room,
	.begin = cpu_encode,
	.idle = cpu_idle,
	.status = cpu_status,
	.destroy = cpu_destroy,
};
