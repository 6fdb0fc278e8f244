/* SPDX-License-Identifier: MIT */
/*
 * The CPU encoder. A frame is cut into slices of whole MCU rows; each is encoded
 * by a worker as if it were a picture of its own, straight from the capture
 * buffer. A slice's last marker, EOI, is made a restart marker, and our header
 * announces restarts at just that distance: so the parts, one behind the other,
 * are one ordinary baseline JPEG, and nobody has to join them.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "core/workers.h"
#include "encode/backend.h"
#include "encode/convert.h"
#include "encode/pictures.h"
#include "encode/rows.h"
#include "encode/turbo.h"

#define SLICE_LINES_MIN 64u	/* less is not worth a worker's wake-up */
#define RESTART_MAX	65535u	/* MCUs; the DRI segment has 16 bits */

struct slice {
	struct glint_turbo *turbo;
	struct glint_rows rows;
	uint32_t first, count;		/* MCU rows */
	struct glint_bytes *out;	/* of the picture under way */
	int err;
};

struct cpu {
	struct glint_backend backend;
	struct glint_workers *workers;
	unsigned n_slices_max;
	struct slice slices[GLINT_SLICES_MAX];
	struct glint_job slices_job;	/* a part for each slice */

	struct glint_format format;	/* that all below is made for */
	struct glint_convert *convert;	/* NULL: the slices read the frame itself */
	struct glint_job convert_job;
	bool configured;
	enum glint_sampling sampling;
	unsigned n_slices;
	uint8_t header[GLINT_JPEG_HEADER_MAX];
	size_t header_size;

	struct glint_work *work;	/* borrowed, while slices run */
	struct glint_view view;
	struct glint_pool_picture *picture;
	int convert_err;
};

static struct cpu *cpu_of(struct glint_backend *backend)
{
	return container_of(backend, struct cpu, backend);
}

static bool cpu_takes(const struct glint_backend *backend, const struct glint_frame *src)
{
	const struct glint_format_info *info = src->format->info;

	(void)backend;
	return info->layout != GLINT_LAYOUT_JPEG &&
	       glint_format_is_usable(info, true, IS_ENABLED(CONFIG_LIBV4LCONVERT));
}

/* --- Configuring ----------------------------------------------------------------- */

static void cpu_unconfigure(struct cpu *cpu)
{
	for (unsigned i = 0; i < cpu->n_slices_max; i++)
		glint_rows_fini(&cpu->slices[i].rows);
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		glint_convert_destroy(cpu->convert);
	cpu->convert = NULL;
	cpu->configured = false;
}

/* What the slices read. */
static const struct glint_format *cpu_pixels(const struct cpu *cpu)
{
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT) && cpu->convert)
		return glint_convert_format(cpu->convert);
	return &cpu->format;
}

/* Equal slices, so that the restart interval is one number; the last may be shorter. */
static void cpu_cut(struct cpu *cpu)
{
	unsigned lines = glint_sampling_mcu_height(cpu->sampling);
	uint32_t rows = (cpu->format.height + lines - 1) / lines;
	uint32_t columns = (cpu->format.width + glint_sampling_mcu_width(cpu->sampling) - 1) /
			   glint_sampling_mcu_width(cpu->sampling);
	uint32_t wanted = MIN(cpu->n_slices_max, MAX(cpu->format.height / SLICE_LINES_MIN, 1u));
	uint32_t each;

	/* glint_format_check() refuses a driver's empty frame. */
	assert(rows > 0 && columns > 0 && wanted > 0);

	each = (rows + wanted - 1) / wanted;
	if (each * columns > RESTART_MAX)
		each = MAX(MIN(each, RESTART_MAX / columns), 1u);
	if ((rows + each - 1) / each > cpu->n_slices_max)
		each = rows;	/* too few slices for so large a frame: one, without restarts */
	cpu->n_slices = (rows + each - 1) / each;
	for (unsigned i = 0; i < cpu->n_slices; i++) {
		cpu->slices[i].first = i * each;
		cpu->slices[i].count = MIN(each, rows - i * each);
	}
}

static void cpu_make_header(struct cpu *cpu)
{
	uint32_t columns = (cpu->format.width + glint_sampling_mcu_width(cpu->sampling) - 1) /
			   glint_sampling_mcu_width(cpu->sampling);
	struct glint_jpeg_params params = {
		.width = cpu->format.width,
		.height = cpu->format.height,
		.sampling = cpu->sampling,
		.restart = cpu->n_slices > 1 ? (uint16_t)(cpu->slices[0].count * columns) : 0,
	};

	glint_turbo_quant(cpu->slices[0].turbo, params.quant);
	cpu->header_size = glint_jpeg_write_header(cpu->header, &params);
}

static int cpu_configure_slices(struct cpu *cpu)
{
	const struct glint_encoder_config *config = cpu->backend.config;
	const struct glint_format *pixels = cpu_pixels(cpu);

	cpu->sampling = glint_rows_sampling(pixels->info, config->chroma == GLINT_CHROMA_SOURCE);
	cpu_cut(cpu);
	for (unsigned i = 0; i < cpu->n_slices; i++) {
		struct slice *slice = &cpu->slices[i];
		int err = glint_turbo_configure(slice->turbo, config->quality, cpu->sampling);

		if (err < 0)
			return err;
		err = glint_rows_init(&slice->rows, pixels, cpu->sampling, config->swap_rgb,
				      config->keep_range);
		if (err < 0)
			return err;
	}
	return 0;
}

static int cpu_configure(struct cpu *cpu, const struct glint_format *format)
{
	int err = 0;

	cpu_unconfigure(cpu);
	cpu->format = *format;
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

/* --- Encoding --------------------------------------------------------------------- */

static void slice_run(struct glint_job *job, unsigned part)
{
	struct cpu *cpu = container_of(job, struct cpu, slices_job);
	struct slice *slice = &cpu->slices[part];

	slice->err = glint_turbo_slice(slice->turbo, &slice->rows, &cpu->view, slice->first,
				       slice->count, slice->out);
}

/* EOI becomes RSTm, except at the very end. */
static void slice_end_with_restart(struct glint_bytes *out, unsigned i)
{
	out->data[out->size - 1] = (uint8_t)(0xd0 + i % 8);
}

static void picture_assemble(struct cpu *cpu)
{
	struct glint_picture *picture = &cpu->picture->picture;

	memcpy(cpu->picture->header, cpu->header, cpu->header_size);
	picture->parts[0] = (struct iovec){ cpu->picture->header, cpu->header_size };
	picture->size = cpu->header_size;
	for (unsigned i = 0; i < cpu->n_slices; i++) {
		struct glint_bytes *out = cpu->slices[i].out;
		size_t size = out->size - out->begin;

		if (i + 1 < cpu->n_slices)
			slice_end_with_restart(out, i);
		picture->parts[i + 1] = (struct iovec){ out->data + out->begin, size };
		picture->size += size;
	}
	picture->n_parts = cpu->n_slices + 1;
	picture->width = cpu->format.width;
	picture->height = cpu->format.height;
	picture->live = true;
	glint_pictures_count(cpu->picture);
}

static void cpu_finish(struct cpu *cpu, int err)
{
	struct glint_picture *picture = &cpu->picture->picture;
	struct glint_work *work = cpu->work;

	(void)glint_dmabuf_end_read(work->src->buf);
	cpu->work = NULL;
	cpu->picture = NULL;
	if (err < 0) {
		glint_picture_unref(picture);
		picture = NULL;
	}
	glint_encoder_finish(work, picture, err);
}

static void slices_done(struct glint_job *job)
{
	struct cpu *cpu = container_of(job, struct cpu, slices_job);
	int err = 0;

	for (unsigned i = 0; i < cpu->n_slices; i++)
		err = err ? err : cpu->slices[i].err;
	if (err == 0)
		picture_assemble(cpu);
	cpu_finish(cpu, err);
}

static void cpu_run_slices(struct cpu *cpu)
{
	for (unsigned i = 0; i < cpu->n_slices; i++)
		cpu->slices[i].out = &cpu->picture->slices[i];
	glint_workers_submit(cpu->workers, &cpu->slices_job, cpu->n_slices);
}

static void convert_run(struct glint_job *job, unsigned part)
{
	struct cpu *cpu = container_of(job, struct cpu, convert_job);

	(void)part;
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		cpu->convert_err = glint_convert_run(cpu->convert, cpu->work->src->buf,
						     cpu->work->src->used, &cpu->view);
}

static void convert_done(struct glint_job *job)
{
	struct cpu *cpu = container_of(job, struct cpu, convert_job);

	if (cpu->convert_err < 0)
		cpu_finish(cpu, cpu->convert_err);
	else
		cpu_run_slices(cpu);
}

static int cpu_begin(struct cpu *cpu, struct glint_frame *src)
{
	int err = 0;

	if (!cpu->configured || format_differs(&cpu->format, src->format))
		err = cpu_configure(cpu, src->format);
	if (err == 0)
		err = glint_dmabuf_map(src->buf);
	if (err == 0 && !cpu->convert)
		err = glint_format_view(src->format, src->buf, &cpu->view);
	if (err < 0)
		return err;
	cpu->picture = glint_pictures_take(&cpu->backend.pictures);
	if (!cpu->picture)
		return -ENOBUFS;
	err = glint_dmabuf_begin_read(src->buf);	/* cpu_finish() ends it */
	if (err < 0) {
		glint_picture_unref(&cpu->picture->picture);
		cpu->picture = NULL;
	}
	return err;
}

static bool cpu_room(const struct glint_backend *backend)
{
	return !container_of(backend, const struct cpu, backend)->work;
}

static void cpu_encode(struct glint_backend *backend, struct glint_work *work)
{
	struct cpu *cpu = cpu_of(backend);
	int err = cpu_begin(cpu, work->src);

	if (err < 0) {
		glint_encoder_finish(work, NULL, err);
		return;
	}
	cpu->work = work;
	backend->copies++;	/* the one pass that is needed to compress: counted, not hidden */
	if (!cpu->convert) {
		cpu_run_slices(cpu);
		return;
	}
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		backend->copies += glint_convert_passes(cpu->convert);
	glint_workers_submit(cpu->workers, &cpu->convert_job, 1);
}

/* --- Life -------------------------------------------------------------------------- */

static void cpu_status(const struct glint_backend *backend, struct glint_encoder_status *status)
{
	const struct cpu *cpu = container_of(backend, const struct cpu, backend);

	status->quality = backend->config->quality;
	status->workers = glint_workers_count(cpu->workers);
	status->slices = cpu->configured ? cpu->n_slices : 0;
	status->subsampling = cpu->configured ? glint_sampling_name(cpu->sampling) : "";
}

static bool cpu_destroy(struct glint_backend *backend)
{
	struct cpu *cpu = cpu_of(backend);

	(void)glint_workers_destroy(cpu->workers, UINT64_MAX);
	cpu_unconfigure(cpu);
	for (unsigned i = 0; i < cpu->n_slices_max; i++)
		glint_turbo_destroy(cpu->slices[i].turbo);
	glint_pictures_fini(&cpu->backend.pictures);
	free(cpu);
	return true;
}

static const struct glint_backend_ops cpu_ops = {
	.type = "CPU",
	.name = "cpu",
	.takes = cpu_takes,
	.room = cpu_room,
	.begin = cpu_encode,
	.status = cpu_status,
	.destroy = cpu_destroy,
};

int glint_cpu_create(struct glint_backend **out, struct glint_loop *loop,
		     const struct glint_encoder_config *config, struct glint_encoder *encoder)
{
	struct cpu *cpu = calloc(1, sizeof(*cpu));
	int err;

	if (!cpu)
		return -ENOMEM;
	cpu->backend = (struct glint_backend){ .ops = &cpu_ops, .encoder = encoder,
					       .config = config, .loop = loop };
	cpu->convert_job = (struct glint_job){ .run = convert_run, .done = convert_done };
	cpu->n_slices_max = MIN(config->workers, (unsigned)GLINT_SLICES_MAX);
	cpu->slices_job = (struct glint_job){ .run = slice_run, .done = slices_done };
	for (unsigned i = 0; i < cpu->n_slices_max; i++) {
		err = glint_turbo_create(&cpu->slices[i].turbo);
		if (err < 0)
			goto destroy_turbos;
	}
	err = glint_workers_create(&cpu->workers, loop, "encode", cpu->n_slices_max);
	if (err < 0)
		goto destroy_turbos;
	glint_pictures_init(&cpu->backend.pictures, encoder, config->pictures);
	*out = &cpu->backend;
	return 0;

destroy_turbos:
	for (unsigned i = 0; i < cpu->n_slices_max; i++)
		glint_turbo_destroy(cpu->slices[i].turbo);
	free(cpu);
	return err;
}
