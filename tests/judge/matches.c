/* SPDX-License-Identifier: MIT */
/*
 * For tests/protocol/judge-reference.py: reads pictures with references from standard input, and
 * writes where and how well each is found.
 *	in:	WIDTH HEIGHT X Y WIDTH HEIGHT MARGIN ALPHA\n: of the picture, then of the reference;
 *		then the picture as BGR, the reference as RGB, and if ALPHA is 1 its alpha
 *	out:	SIMILARITY X Y\n
 */
#include <stdio.h>
#include <stdlib.h>

#include "judge/match.h"
#include "pixels/picture.h"

static uint8_t *take(size_t size)
{
	uint8_t *bytes = malloc(size);

	if (!bytes || fread(bytes, size, 1, stdin) != 1)
		exit(1);
	return bytes;
}

int main(void)
{
	const struct glint_judge_kernels *kernels = glint_judge_kernels_choose();
	struct glint_condition condition;
	struct glint_picture reference = { 0 };
	uint32_t width, height;
	unsigned alpha;

	glint_condition_init(&condition, GLINT_CONDITION_MATCH, GLINT_METRIC_LUMA);
	condition.has_at = true;
	while (scanf("%u %u %u %u %u %u %u %u", &width, &height, &condition.at_x, &condition.at_y,
		     &reference.width, &reference.height, &condition.margin, &alpha) == 8 &&
	       getchar() == '\n') {
		uint8_t *picture = take((size_t)width * height * 3);
		struct glint_match_result result;
		struct glint_match *match;

		reference.rgb = take((size_t)reference.width * reference.height * 3);
		reference.alpha = alpha ? take((size_t)reference.width * reference.height) : NULL;
		if (glint_match_create(&match, &condition, &reference, SIZE_MAX) < 0 ||
		    glint_match_place(match, width, height, SIZE_MAX) < 0)
			return 1;
		glint_match_look(
			match, kernels,
			&(struct glint_judge_pixels){
				picture + ((size_t)match->window.y * width + match->window.x) * 3,
				(size_t)width * 3,
			},
			&result);
		printf("%.12g %u %u\n", result.similarity, result.box.x, result.box.y);
		glint_match_destroy(match);
		glint_picture_fini(&reference);
		free(picture);
	}
	return 0;
}
