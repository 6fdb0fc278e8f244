/* SPDX-License-Identifier: MIT */
/*
 * Encodes one of the benchmarks' pictures, 1080p YUYV of limited range at quality 80, as often
 * as asked: what one more costs is what an instruction counter says of two runs.
 *
 *	repeat PICTURE TIMES
 */
#include <stdlib.h>
#include <string.h>

#include "jpegenc.h"
#include "v4l2emu/scene.h"

#define ROOM ((size_t)8 << 20)

int main(int argc, char **argv)
{
	const struct glint_jpegenc_config config = {
		.width = 1920,
		.height = 1080,
		.layout = GLINT_JPEGENC_PACKED,
		.order = { 0, 1, 2, 3 },
		.h_sub = 2,
		.v_sub = 1,
		.sampling = GLINT_JPEGENC_420,
		.quality = 80,
		.limited = true,
	};
	uint8_t *pixels = malloc((size_t)config.width * config.height * 2);
	struct glint_jpegenc_source source = { { pixels }, { (size_t)config.width * 2 } };
	struct glint_jpegenc_output out = { malloc(ROOM), 0, ROOM, NULL };
	unsigned scene = 0;
	struct glint_jpegenc *enc;

	if (argc != 3 || !pixels || !out.data || glint_jpegenc_create(&enc, &config) < 0)
		return 2;
	while (scene < EMU_SCENES && strcmp(emu_scene_names[scene], argv[1]) != 0)
		scene++;
	if (scene == EMU_SCENES)
		return 2;
	emu_scene_yuyv((enum emu_scene)scene, config.width, config.height, pixels);
	for (int i = 0; i < atoi(argv[2]); i++) {
		out.size = 0;
		if (glint_jpegenc_scan(enc, &source, 0, glint_jpegenc_rows(enc), &out) < 0)
			return 1;
	}
	glint_jpegenc_destroy(enc);
	free(out.data);
	free(pixels);
	return 0;
}
