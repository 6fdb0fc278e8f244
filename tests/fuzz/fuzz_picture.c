/* SPDX-License-Identifier: MIT */
/* Pictures from clients: PNG, JPEG, PPM and PGM. */
#include <stdlib.h>

#include "fuzz.h"
#include "pixels/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct glint_picture picture;
	unsigned sum = 0;

	if (glint_picture_read(&picture, data, size, 1u << 20) == 0) {
		size_t n = (size_t)picture.width * picture.height;

		for (size_t i = 0; i < n; i++)
			sum += picture.rgb[3 * i] + (picture.alpha ? picture.alpha[i] : 0);
		if (n == 0 || n > 1u << 20)
			abort();
		glint_picture_fini(&picture);
	} else if (picture.rgb || picture.alpha) {
		abort();
	}
	return sum == UINT32_MAX;
}
