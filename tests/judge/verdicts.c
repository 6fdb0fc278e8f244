/* SPDX-License-Identifier: MIT */
/*
 * For tests/protocol/judge-reference.py: reads pairs of pictures from standard input, and writes
 * the judge's verdict on each.
 *	in:	METRIC THRESHOLD WIDTH HEIGHT\n, then the picture and its reference
 *	out:	DIFFERS SCORE X Y WIDTH HEIGHT\n
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/metric.h"

int main(void)
{
	const struct glint_judge_kernels *kernels = glint_judge_kernels_choose();
	struct glint_measure measure = { 0 };
	char name[16];

	while (scanf("%15s %lf %u %u", name, &measure.threshold, &measure.width, &measure.height) ==
		       4 &&
	       getchar() == '\n') {
		struct glint_difference difference;
		size_t row, size;
		uint8_t *pictures;
		uint64_t *scratch;

		measure.metric = GLINT_METRIC_LUMA;
		while (measure.metric < GLINT_METRICS &&
		       strcmp(glint_metric_names[measure.metric], name) != 0)
			measure.metric++;
		if (measure.metric == GLINT_METRICS)
			return 1;
		row = (size_t)measure.width * glint_metric_bytes(measure.metric);
		size = row * measure.height;
		pictures = malloc(2 * size);
		scratch = malloc(
			8 * (glint_metric_scratch(measure.width) + glint_tally_words(&measure)));
		if (!pictures || !scratch || fread(pictures, size, 2, stdin) != 2)
			return 1;
		glint_metric_compare(kernels, &measure,
				     &(struct glint_judge_pixels){ pictures, row },
				     &(struct glint_judge_pixels){ pictures + size, row }, scratch,
				     &difference);
		printf("%d %.9g %u %u %u %u\n", difference.differs, difference.score,
		       difference.box.x, difference.box.y, difference.box.width,
		       difference.box.height);
		free(pictures);
		free(scratch);
	}
	return 0;
}
