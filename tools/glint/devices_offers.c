/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "devices.h"
#include "probe.h"
#include "v4l2/format.h"

#define SIZES_MAX 256u /* of all formats together; further ones are left out */

static double fastest(const struct probe_size *size)
{
	double best = 0;

	for (unsigned i = 0; i < size->n_rates; i++)
		best = MAX(best, size->rates[i]);
	return best;
}

/* False: glint cannot read the format. */
static bool find_way(const struct probe_format *format, enum devices_way *way)
{
	const struct glint_format_info *info = glint_format_find(format->fourcc);

	if (format->to_device || !info ||
	    !glint_format_is_usable(info, true, IS_ENABLED(CONFIG_LIBV4LCONVERT)))
		return false;
	if (info->layout == GLINT_LAYOUT_JPEG)
		*way = DEVICES_PASSED;
	else
		*way = info->layout == GLINT_LAYOUT_OTHER || format->emulated ? DEVICES_CONVERTED :
										DEVICES_ENCODED;
	return true;
}

static bool costs_less(uint32_t fourcc, uint32_t than)
{
	return glint_format_find(fourcc)->cost < glint_format_find(than)->cost;
}

static void offer_add(struct devices_offer *offer, enum devices_way way, uint32_t fourcc,
		      double fps)
{
	bool none = offer->fourcc[way] == 0;

	if (none || fps > offer->fps[way] * 1.01 ||
	    (fps > offer->fps[way] && fourcc == offer->fourcc[way]) ||
	    (fps > offer->fps[way] * 0.99 && costs_less(fourcc, offer->fourcc[way]))) {
		offer->fourcc[way] = fourcc;
		offer->fps[way] = fps;
	}
}

static struct devices_offer *offer_of(struct devices_offer *all, unsigned *n, uint32_t width,
				      uint32_t height)
{
	for (unsigned i = 0; i < *n; i++)
		if (all[i].width == width && all[i].height == height)
			return &all[i];
	if (*n == SIZES_MAX || width == 0 || height == 0)
		return NULL;
	all[*n] = (struct devices_offer){ .width = width, .height = height };
	return &all[(*n)++];
}

static int by_area(const void *one, const void *other)
{
	const struct devices_offer *a = one, *b = other;
	uint64_t area_a = (uint64_t)a->width * a->height, area_b = (uint64_t)b->width * b->height;

	return (area_a < area_b) - (area_a > area_b);
}

static double best_fps(const struct devices_offer *offer)
{
	double best = -1;

	for (unsigned way = 0; way < DEVICES_WAYS; way++)
		if (offer->fourcc[way])
			best = MAX(best, offer->fps[way]);
	return best;
}

static double raw_fps(const struct devices_offer *offer)
{
	return offer->fourcc[DEVICES_ENCODED] ? offer->fps[DEVICES_ENCODED] : -1;
}

/* A receiver's sizes and rates are those of the signals that it takes. */
static unsigned signals(const struct probe_timings *timings,
			struct probe_size sizes[static PROBE_TIMINGS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < timings->n; i++) {
		const struct glint_timings *one = &timings->list[i];

		if (!one->interlaced)
			sizes[n++] = (struct probe_size){
				.width = one->width,
				.height = one->height,
				.min_width = one->width,
				.n_rates = 1,
				.rates = { one->rate_millihz / 1000.0 },
			};
	}
	return n;
}

static unsigned find_all(const struct probe_node *node, struct devices_offer all[static SIZES_MAX])
{
	const struct probe_size as_set = { .width = node->width, .height = node->height };
	struct probe_size of_signals[PROBE_TIMINGS_MAX];
	unsigned n_signals = signals(&node->timings, of_signals), n = 0;
	enum devices_way way;

	for (unsigned i = 0; i < node->n_formats; i++) {
		const struct probe_format *format = &node->formats[i];
		const struct probe_size *sizes = n_signals > 0	     ? of_signals :
						 format->n_sizes > 0 ? format->sizes :
								       &as_set;
		unsigned n_sizes = n_signals > 0 ? n_signals : MAX(format->n_sizes, 1u);

		if (!find_way(format, &way))
			continue;
		for (unsigned k = 0; k < n_sizes; k++) {
			struct devices_offer *offer =
				offer_of(all, &n, sizes[k].width, sizes[k].height);

			if (!offer)
				continue;
			offer->range |= sizes[k].min_width > 0 &&
					sizes[k].min_width < sizes[k].width;
			offer_add(offer, way, format->fourcc, fastest(&sizes[k]));
		}
	}
	return n;
}

unsigned devices_offers(const struct probe_node *node,
			struct devices_offer offers[static DEVICES_OFFERS_MAX])
{
	struct devices_offer all[SIZES_MAX];
	unsigned n = find_all(node, all), kept = 0;
	double any = -1, raw = -1;

	qsort(all, n, sizeof(all[0]), by_area);
	for (unsigned i = 0; i < n && kept < DEVICES_OFFERS_MAX; i++) {
		if (best_fps(&all[i]) <= any * 1.01 && raw_fps(&all[i]) <= raw * 1.01)
			continue;
		any = MAX(any, best_fps(&all[i]));
		raw = MAX(raw, raw_fps(&all[i]));
		offers[kept++] = all[i];
	}
	return kept;
}

/* As v4l2/choose.h has it: raw frames, unless the device has JPEGs faster. */
enum devices_way devices_offer_way(const struct devices_offer *offer)
{
	bool has_jpeg = offer->fourcc[DEVICES_PASSED] != 0;

	if (offer->fourcc[DEVICES_ENCODED] &&
	    (!has_jpeg || offer->fps[DEVICES_ENCODED] >= offer->fps[DEVICES_PASSED] * 0.99))
		return DEVICES_ENCODED;
	return has_jpeg ? DEVICES_PASSED : DEVICES_CONVERTED;
}

static void add_rate(double fps, char *text, size_t size)
{
	*text = '\0';
	if (fps > 0)
		snprintf(text, size, " at %.4g fps", fps);
}

void devices_offer_text(const struct devices_offer *offer, char *text, size_t size)
{
	static const char *const made[DEVICES_WAYS] = {
		[DEVICES_ENCODED] = "glint encodes it",
		[DEVICES_PASSED] = "passed through",
		[DEVICES_CONVERTED] = "converted first, then encoded",
	};
	enum devices_way way = devices_offer_way(offer);
	bool only = way == DEVICES_PASSED && !offer->fourcc[DEVICES_ENCODED];
	char rate[32], fourcc[5], slower[64] = "";

	if (way == DEVICES_PASSED && offer->fourcc[DEVICES_ENCODED]) {
		add_rate(offer->fps[DEVICES_ENCODED], rate, sizeof(rate));
		snprintf(slower, sizeof(slower), "; %s%s: %s",
			 devices_fourcc(offer->fourcc[DEVICES_ENCODED], fourcc), rate,
			 made[DEVICES_ENCODED]);
	}
	add_rate(offer->fps[way], rate, sizeof(rate));
	snprintf(text, size, "%s%ux%u%s %sas %s: %s%s", offer->range ? "up to " : "", offer->width,
		 offer->height, rate, only ? "only " : "",
		 devices_fourcc(offer->fourcc[way], fourcc), made[way], slower);
}
