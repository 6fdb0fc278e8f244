/* SPDX-License-Identifier: MIT */
#include "judge/meter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "pixels/hash.h"

struct glint_meter *glint_meter_create(const struct glint_condition *what, uint64_t since_ns)
{
	struct glint_meter *meter = calloc(1, sizeof(*meter));

	if (!meter)
		return NULL;
	glint_list_init(&meter->link);
	glint_list_init(&meter->watches);
	meter->what = *what;
	if (what->reference)
		glint_frame_ref(what->reference);
	meter->follows = what->kind != GLINT_CONDITION_CHANGE;
	meter->since_ns = since_ns;
	return meter;
}

struct glint_meter *glint_meter_create_match(const struct glint_condition *what, uint64_t since_ns,
					     struct glint_match *match)
{
	struct glint_meter *meter = glint_meter_create(what, since_ns);

	if (!meter)
		return NULL;
	meter->match = match;
	meter->held = match->held;
	return meter;
}

static void drop_plate(struct glint_meter *meter)
{
	if (meter->plate)
		meter->plate->refs--;
	meter->plate = NULL;
}

static void free_hash(struct glint_meter *meter)
{
	if (IS_ENABLED(CONFIG_PIXELS_HASH)) /* else no such condition is accepted */
		glint_hash_destroy(meter->hash);
	meter->hash = NULL;
}

void glint_meter_destroy(struct glint_meter *meter)
{
	if (!meter)
		return;
	drop_plate(meter);
	glint_frame_unref(meter->what.reference);
	free(meter->mask);
	free(meter->reference);
	free(meter->changed);
	free_hash(meter);
	glint_match_destroy(meter->match);
	free(meter);
}

static bool compares(const struct glint_meter *meter)
{
	return glint_condition_compares(meter->what.kind);
}

static bool is_hash(const struct glint_meter *meter)
{
	return IS_ENABLED(CONFIG_PIXELS_HASH) && meter->what.kind == GLINT_CONDITION_HASH;
}

unsigned glint_meter_bytes(const struct glint_meter *meter)
{
	if (meter->what.kind == GLINT_CONDITION_HASH)
		return 3;
	if (meter->match)
		return meter->match->luma ? 1 : 3;
	return compares(meter) ? glint_metric_bytes(meter->what.metric) : 1;
}

/* --- Sharing ----------------------------------------------------------------------- */

static bool regions_equal(const struct glint_region *a, const struct glint_region *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!glint_region_equals(&a[i], &b[i]))
			return false;
	return true;
}

bool glint_meter_equals(const struct glint_meter *meter, const struct glint_meter *other)
{
	const struct glint_condition *a = &meter->what, *b = &other->what;
	bool hashes = a->kind == GLINT_CONDITION_HASH || b->kind == GLINT_CONDITION_HASH;
	/* black and nonblack measure the brightest pixel, whatever their threshold is. */
	bool same_kind = hashes ? a->kind == b->kind && a->hash[0] == b->hash[0] &&
					  a->hash[1] == b->hash[1] :
			 compares(meter) ?
				  compares(other) && meter->follows == other->follows &&
					  a->metric == b->metric && a->threshold == b->threshold &&
					  a->min_width == b->min_width &&
					  a->min_height == b->min_height :
				  !compares(other);

	if (meter->match || other->match)
		return false; /* each client has a picture of its own */
	return same_kind && a->scale == b->scale && a->reference == b->reference &&
	       a->n_excluded == b->n_excluded && regions_equal(&a->region, &b->region, 1) &&
	       regions_equal(a->excluded, b->excluded, a->n_excluded);
}

/* --- Placing ------------------------------------------------------------------------ */

static void forget_place(struct glint_meter *meter)
{
	meter->size_changed = meter->size_changed || meter->measure.width > 0;
	meter->has_reference = false;
	drop_plate(meter);
	free(meter->mask);
	free(meter->reference);
	free(meter->changed);
	free_hash(meter);
	meter->mask = NULL;
	meter->reference = NULL;
	meter->changed = NULL;
	meter->held = 0;
}

static int place_memory(struct glint_meter *meter, size_t room)
{
	size_t pixels = (size_t)meter->region.width * meter->region.height;
	size_t mask = glint_bits_pitch(meter->region.width) * meter->region.height * 8;
	size_t reference = compares(meter) ? pixels * glint_meter_bytes(meter) : 0;
	size_t changed = compares(meter) ? glint_tally_words(&meter->measure) * 8 : 0;

	mask = meter->what.n_excluded > 0 ? mask : 0;
	if (mask + reference + changed > room)
		return -ENOMEM;
	meter->mask = mask > 0 ? malloc(mask) : NULL;
	meter->reference = reference > 0 ? malloc(reference) : NULL;
	meter->changed = changed > 0 ? malloc(changed) : NULL;
	meter->hash = is_hash(meter) ? glint_hash_create() : NULL;
	if ((mask > 0 && !meter->mask) || (reference > 0 && !meter->reference) ||
	    (changed > 0 && !meter->changed) || (is_hash(meter) && !meter->hash))
		return -ENOMEM;
	meter->held = mask + reference + changed;
	return 0;
}

static int place_match(struct glint_meter *meter, uint32_t width, uint32_t height, size_t room)
{
	int err = glint_match_place(meter->match, width, height, room);

	meter->region = meter->match->window;
	meter->held = meter->match->held;
	return err == -ERANGE ? 0 : err;
}

/* The reduced pixels that have any pixel of @region. */
static struct glint_region reduce(const struct glint_region *region, unsigned scale)
{
	uint32_t x = region->x / scale, y = region->y / scale;

	return (struct glint_region){
		.x = x,
		.y = y,
		.width = DIV_ROUND_UP(region->x + region->width, scale) - x,
		.height = DIV_ROUND_UP(region->y + region->height, scale) - y,
	};
}

struct glint_region glint_meter_source(const struct glint_region *region, unsigned scale,
				       uint32_t picture_width, uint32_t picture_height)
{
	struct glint_region source = {
		.x = region->x * scale,
		.y = region->y * scale,
		.width = region->width * scale,
		.height = region->height * scale,
	};

	/* The last column and line may be made of fewer pixels. */
	(void)glint_region_clip(&source, picture_width, picture_height);
	return source;
}

/* @excluded: reduced. */
static void find_masked_lines(struct glint_meter *meter, const struct glint_region *excluded)
{
	struct glint_region box = { 0 };

	for (unsigned i = 0; i < meter->what.n_excluded; i++) {
		struct glint_region part = excluded[i];

		if (glint_region_move_into(&part, &meter->region))
			glint_region_include(&box, &part);
	}
	meter->measure.masked_top = box.y;
	meter->measure.masked_end = box.y + box.height;
}

int glint_meter_place(struct glint_meter *meter, uint32_t width, uint32_t height, size_t room)
{
	struct glint_region excluded[GLINT_CONDITION_AREAS_MAX], *region = &meter->region;
	unsigned scale = meter->what.scale;
	int err;

	forget_place(meter);
	meter->picture_width = width;
	meter->picture_height = height;
	if (meter->match)
		return place_match(meter, width, height, room);
	*region = meter->what.region;
	if (region->width == 0)
		*region = (struct glint_region){ .width = width, .height = height };
	if (glint_region_clip(region, width, height))
		*region = reduce(region, scale);
	else
		*region = (struct glint_region){ 0 };
	meter->measure = (struct glint_measure){
		.metric = meter->what.metric,
		.threshold = meter->what.threshold,
		.min_width = DIV_ROUND_UP(meter->what.min_width, scale),
		.min_height = DIV_ROUND_UP(meter->what.min_height, scale),
		.width = region->width,
		.height = region->height,
	};
	err = place_memory(meter, room);
	if (err < 0)
		return err;
	meter->measure.mask = meter->mask;
	for (unsigned i = 0; i < meter->what.n_excluded; i++)
		excluded[i] = reduce(&meter->what.excluded[i], scale);
	find_masked_lines(meter, excluded);
	if (meter->mask)
		glint_bits_exclude(&(struct glint_bits){ meter->mask, region->width,
							 region->height },
				   region, excluded, meter->what.n_excluded);
	return 0;
}

/* --- Judging ------------------------------------------------------------------------ */

/* The region of @plate. */
static struct glint_judge_pixels pixels_of(const struct glint_meter *meter,
					   const struct glint_plate *plate)
{
	return (struct glint_judge_pixels){
		.base = plate->base + meter->region.y * plate->stride +
			(size_t)meter->region.x * glint_meter_bytes(meter),
		.stride = plate->stride,
	};
}

static struct glint_judge_pixels reference_of(const struct glint_meter *meter)
{
	if (meter->plate)
		return pixels_of(meter, meter->plate);
	return (struct glint_judge_pixels){
		.base = meter->reference,
		.stride = (size_t)meter->region.width * glint_meter_bytes(meter),
	};
}

void glint_meter_leave_plate(struct glint_meter *meter)
{
	struct glint_judge_pixels pixels = pixels_of(meter, meter->plate);
	size_t row = (size_t)meter->region.width * glint_meter_bytes(meter);

	for (uint32_t y = 0; y < meter->region.height; y++)
		memcpy(meter->reference + y * row, pixels.base + y * pixels.stride, row);
	drop_plate(meter);
}

static void refer_to(struct glint_meter *meter, struct glint_plate *plate)
{
	drop_plate(meter);
	meter->plate = plate;
	plate->refs++;
	meter->has_reference = true;
	meter->replaced = true;
	meter->reference_info = meter->sample.info;
}

void glint_meter_take(struct glint_meter *meter, bool fits)
{
	meter->given = true;
	meter->has_reference = fits;
	meter->size_changed = !fits;
	meter->reference_info = meter->what.reference->info;
}

/* The checksum that /hash tells of the same pixels: of RGB without padding. */
static void look_at_hash(struct glint_meter *meter, const struct glint_judge_kernels *kernels,
			 const struct glint_judge_pixels *pixels, uint64_t *scratch)
{
	struct glint_sample *sample = &meter->sample;
	uint8_t *rgb = (uint8_t *)scratch;

	glint_hash_begin(meter->hash);
	for (uint32_t y = 0; y < meter->region.height; y++) {
		kernels->swap(rgb, pixels->base + y * pixels->stride, meter->region.width);
		glint_hash_add(meter->hash, rgb, (size_t)meter->region.width * 3);
	}
	glint_hash_end(meter->hash, sample->hash);
	sample->yes = sample->hash[0] == meter->what.hash[0] &&
		      sample->hash[1] == meter->what.hash[1];
}

static void look_for_match(struct glint_meter *meter, const struct glint_judge_kernels *kernels,
			   const struct glint_judge_pixels *pixels)
{
	struct glint_match_result result;

	glint_match_look(meter->match, kernels, pixels, &result);
	meter->sample.score = result.similarity;
	meter->sample.box = result.box;
	meter->sample.yes = result.similarity >= meter->what.threshold;
}

static bool measures_brightness(const struct glint_meter *meter)
{
	return meter->what.kind == GLINT_CONDITION_BLACK ||
	       meter->what.kind == GLINT_CONDITION_NONBLACK;
}

void glint_meter_begin(struct glint_meter *meter, const struct glint_frame_info *info)
{
	meter->sample = (struct glint_sample){ .info = *info, .size_changed = meter->size_changed };
	meter->referred = meter->replaced = false;
	/* A match and a checksum are of the whole region. */
	meter->by_lines = meter->region.width > 0 && !meter->match && !is_hash(meter) &&
			  (!compares(meter) || meter->has_reference);
}

void glint_meter_begin_part(struct glint_meter *meter, unsigned part, uint32_t first)
{
	uint32_t line = first > meter->region.y ? first - meter->region.y : 0;

	meter->line[part] = line;
	meter->brightest[part] = 0;
	glint_luma_begin(&meter->luma[part], &meter->measure, line);
	glint_tally_begin(&meter->tally[part], line);
}

/* The strip that comes next, out of the distances from the plate. */
static void add_strip(struct glint_luma *luma, const struct glint_meter *meter,
		      const struct glint_judge_kernels *kernels, uint32_t lines,
		      const struct glint_meter_step *step)
{
	const struct glint_distances *distances = step->distances;
	uint32_t x = meter->region.x, y = meter->region.y + luma->end;
	const uint8_t *rows[GLINT_CELL] = { NULL };
	const uint8_t *most = &distances->most[y % GLINT_PLATE_LINES];
	uint8_t most_of_all = 0;

	for (unsigned i = 0; i < lines; i++)
		most_of_all = MAX(most_of_all, most[i]);
	if (most_of_all <= meter->measure.threshold)
		return;
	for (unsigned i = 0; i < lines; i++)
		rows[i] = most[i] > meter->measure.threshold ?
				  glint_distances_at(distances, x, y + i) :
				  glint_distances_zeroes(distances);
	glint_luma_strip(luma, kernels, &meter->measure, luma->end, rows, step->scratch);
}

/* A strip that the part has only a piece of is left to glint_luma_end(). */
static void add_strips(struct glint_luma *luma, const struct glint_meter *meter,
		       const struct glint_judge_kernels *kernels,
		       const struct glint_judge_pixels *pixels, uint32_t end,
		       const struct glint_meter_step *step)
{
	struct glint_judge_pixels reference = reference_of(meter);

	while (luma->end < end) {
		uint32_t lines = MIN(GLINT_CELL, meter->region.height - luma->end);

		if (luma->end + lines > end)
			return;
		if (meter->plate)
			add_strip(luma, meter, kernels, lines, step);
		else
			glint_luma_compare_strip(luma, kernels, &meter->measure, pixels, &reference,
						 luma->end, step->scratch);
		luma->end += lines;
	}
}

void glint_meter_add(struct glint_meter *meter, const struct glint_judge_kernels *kernels,
		     unsigned part, const struct glint_meter_step *step)
{
	struct glint_judge_pixels pixels, reference;
	uint32_t line = meter->line[part], end;
	uint8_t brightest;

	if (!meter->by_lines || step->end <= meter->region.y)
		return;
	end = MIN(step->end - meter->region.y, meter->region.height);
	if (end <= line)
		return;
	pixels = pixels_of(meter, step->picture);
	if (compares(meter) && meter->what.metric == GLINT_METRIC_LUMA) {
		add_strips(&meter->luma[part], meter, kernels, &pixels, end, step);
		return;
	}
	if (compares(meter)) {
		reference = reference_of(meter);
		glint_tally_add(&meter->tally[part], kernels, &meter->measure, &pixels, &reference,
				line, end, meter->changed, step->scratch);
	} else if (meter->brightest[part] < UINT8_MAX) {
		brightest = glint_metric_brightest(kernels, &meter->measure, &pixels, line, end);
		meter->brightest[part] = MAX(meter->brightest[part], brightest);
	}
	meter->line[part] = end;
}

static uint8_t brightest_of(const struct glint_meter *meter, unsigned n)
{
	uint8_t brightest = 0;

	for (unsigned i = 0; i < n; i++)
		brightest = MAX(brightest, meter->brightest[i]);
	return brightest;
}

/* The comparison with the reference, to which all lines were added. */
static void compare(struct glint_meter *meter, const struct glint_judge_kernels *kernels,
		    unsigned n, struct glint_plate *picture, uint64_t *scratch)
{
	struct glint_judge_pixels pixels = pixels_of(meter, picture), reference;
	struct glint_sample *sample = &meter->sample;
	struct glint_difference difference;

	if (!meter->has_reference) {
		meter->referred = !meter->size_changed;
		refer_to(meter, picture);
		/* The first write to new memory is slow: better now than with a frame that decides. */
		if (meter->changed)
			memset(meter->changed, 0,
			       glint_tally_words(&meter->measure) * sizeof(uint64_t));
		return;
	}
	reference = reference_of(meter);
	if (meter->what.metric == GLINT_METRIC_LUMA)
		glint_luma_end(meter->luma, n, kernels, &meter->measure, &pixels, &reference,
			       scratch, &difference);
	else
		glint_tally_end(meter->tally, n, &meter->measure, meter->changed, scratch,
				&difference);
	sample->yes = difference.differs;
	sample->score = difference.score;
	if (difference.box.width > 0) {
		sample->box = difference.box;
		sample->box.x += meter->region.x;
		sample->box.y += meter->region.y;
		sample->box = glint_meter_source(&sample->box, meter->what.scale,
						 meter->picture_width, meter->picture_height);
	}
	if (difference.differs && meter->follows)
		refer_to(meter, picture);
}

void glint_meter_end(struct glint_meter *meter, const struct glint_judge_kernels *kernels,
		     unsigned n, struct glint_plate *picture, uint64_t *scratch)
{
	struct glint_judge_pixels pixels;

	if (meter->region.width == 0) {
		meter->sample.empty = true;
		return; /* size_changed stays: there is nothing to compare with */
	}
	pixels = pixels_of(meter, picture);
	if (compares(meter))
		compare(meter, kernels, n, picture, scratch);
	else if (meter->match)
		look_for_match(meter, kernels, &pixels);
	else if (is_hash(meter))
		look_at_hash(meter, kernels, &pixels, scratch);
	else
		meter->sample.score = brightest_of(meter, n);
	meter->size_changed = false;
}

uint64_t glint_meter_end_work(const struct glint_meter *meter)
{
	if (meter->match)
		return meter->match->work;
	return is_hash(meter) ? (uint64_t)meter->region.width * meter->region.height : 0;
}

struct glint_sample glint_meter_sample(const struct glint_meter *meter,
				       const struct glint_condition *condition)
{
	struct glint_sample sample = meter->sample;

	if (measures_brightness(meter) && !sample.empty)
		sample.yes = sample.score <= condition->threshold;
	return sample;
}
