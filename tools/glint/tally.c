/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <inttypes.h>
#include <stdbool.h>
#include <time.h>

#include <glint/client.h>

#include "text.h"

uint64_t tool_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Devices count in 32 bits: 0 follows the largest number. */
static void count_gap(struct tool_tally *tally, uint64_t sequence)
{
	uint32_t step = (uint32_t)(sequence - tally->last_sequence);

	if (tally->pictures > 0 && (step == 0 || step > INT32_MAX))
		tally->restarts++;
	else if (tally->pictures > 0)
		tally->skipped += step - 1;
	tally->last_sequence = sequence;
}

void tool_tally_add(struct tool_tally *tally, const struct glint_image *image, uint64_t now_ns)
{
	if (!image->online) {
		tally->offline++;
		return;
	}
	if (image->known & GLINT_IMAGE_SEQUENCE)
		count_gap(tally, image->sequence);
	else
		tally->last_sequence = tally->pictures;
	if (tally->pictures == 0)
		tally->first_ns = now_ns;
	tally->last_ns = now_ns;
	tally->pictures++;
	tally->bytes += image->size;
}

static double tally_fps(const struct tool_tally *tally)
{
	uint64_t ns = tally->last_ns - tally->first_ns;

	return ns > 0 ? (double)(tally->pictures - 1) * 1e9 / (double)ns : 0;
}

void tool_tally_put(FILE *out, const struct tool_tally *tally)
{
	char bytes[32];

	fprintf(out, "%" PRIu64 " pictures, %.2f fps, %" PRIu64 " skipped, %s", tally->pictures,
		tally_fps(tally), tally->skipped,
		tool_text_bytes(bytes, sizeof(bytes), (double)tally->bytes));
	if (tally->restarts > 0)
		fprintf(out, ", %u restarts", tally->restarts);
	if (tally->offline > 0)
		fprintf(out, ", %" PRIu64 " times no live video", tally->offline);
}

void tool_tally_name(const struct tool_tally *tally, const struct glint_image *image, char *name,
		     size_t size)
{
	if (!image->online)
		snprintf(name, size, "offline-%08" PRIu64 ".jpg", tally->offline);
	else if (tally->restarts > 0)
		snprintf(name, size, "frame-r%u-%08" PRIu64 ".jpg", tally->restarts,
			 tally->last_sequence);
	else
		snprintf(name, size, "frame-%08" PRIu64 ".jpg", tally->last_sequence);
}
