/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#define BOX_STEP 8	/* pixels from frame to frame */

static const struct glint_colour black = { 16, 128, 128 }, white = { 235, 128, 128 };
static const struct glint_colour orange = { 150, 60, 180 };

static size_t screen_size(const struct glint_canvas *screen)
{
	return glint_canvas_size(screen->fourcc, screen->width, screen->height);
}

size_t emu_picture_size(uint32_t fourcc, uint32_t width, uint32_t height)
{
	if (fourcc == V4L2_PIX_FMT_MJPEG)
		return (size_t)width * height * 2;
	return glint_canvas_size(fourcc, width, height);
}

/* Shared, as a device's memory is, so that it is not on the account of the program. */
static uint8_t *shared_alloc(size_t size)
{
	void *map;

	assert(size > 0);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return map == MAP_FAILED ? NULL : map;
}

/* Between the stamp and the lower edge, a sixteenth of the picture's height. */
static struct glint_rect box_at(const struct glint_canvas *canvas, uint32_t x)
{
	uint32_t side = (canvas->height / 16 & ~1u) + 2;

	return (struct glint_rect){ x, (canvas->height - side - 2) & ~1u, side, side };
}

static uint32_t box_place(const struct glint_canvas *canvas, uint32_t seq)
{
	uint32_t room = canvas->width - box_at(canvas, 0).width;

	return (uint32_t)((uint64_t)seq * BOX_STEP % room) & ~1u;
}

static int keep_shared(struct emu_jpeg *jpeg)
{
	uint8_t *made = jpeg->data;

	jpeg->data = shared_alloc(jpeg->size);
	if (jpeg->data)
		memcpy(jpeg->data, made, jpeg->size);
	free(made);
	return jpeg->data ? 0 : -ENOMEM;
}

static int make_jpegs(struct emu_picture *picture)
{
	const struct glint_canvas *screen = &picture->screen;
	int err = 0;

	for (unsigned i = 0; err == 0 && i < EMU_JPEGS; i++) {
		uint32_t x = box_place(screen, i * screen->width / BOX_STEP / EMU_JPEGS);

		emu_screen_draw(screen);
		glint_canvas_fill(screen, box_at(screen, x), orange);
		err = emu_jpeg_make(&picture->jpegs[i], screen);
		if (err == 0)
			err = keep_shared(&picture->jpegs[i]);
	}
	return err;
}

int emu_picture_init(struct emu_picture *picture, uint32_t fourcc, uint32_t width, uint32_t height)
{
	bool jpeg = fourcc == V4L2_PIX_FMT_MJPEG;
	struct glint_canvas *screen = &picture->screen;

	*picture = (struct emu_picture){ .screen = { jpeg ? V4L2_PIX_FMT_RGB24 : fourcc, width,
						     height, NULL } };
	screen->base = shared_alloc(screen_size(screen));
	if (!screen->base)
		return -ENOMEM;
	if (jpeg)
		return make_jpegs(picture);
	emu_screen_draw(screen);
	return 0;
}

void emu_picture_prefill(const struct emu_picture *picture, uint8_t *base)
{
	if (!picture->jpegs[0].data)
		memcpy(base, picture->screen.base, screen_size(&picture->screen));
}

/* Runs of equal bits are one rectangle. */
static void draw_row(const struct glint_canvas *canvas, const struct glint_stamp_place *place,
		     uint32_t y, uint32_t bits)
{
	for (uint32_t from = 0, to; from < GLINT_STAMP_COLUMNS; from = to) {
		bool set = bits >> (GLINT_STAMP_COLUMNS - 1 - from) & 1;

		for (to = from + 1; to < GLINT_STAMP_COLUMNS; to++)
			if ((bits >> (GLINT_STAMP_COLUMNS - 1 - to) & 1) != set)
				break;
		glint_canvas_fill(canvas,
				  (struct glint_rect){ place->x + from * place->cell, y,
						       (to - from) * place->cell, place->cell },
				  set ? white : black);
	}
}

static size_t copy_jpeg(const struct emu_jpeg *jpeg, uint8_t *base,
			const uint32_t rows[static GLINT_STAMP_ROWS])
{
	memcpy(base, jpeg->data, jpeg->size);
	for (unsigned i = 0; i < 4 * GLINT_STAMP_ROWS; i++)
		base[jpeg->stamp + i] = (uint8_t)(rows[i / 4] >> (24 - 8 * (i % 4)));
	return jpeg->size;
}

size_t emu_picture_draw(const struct emu_picture *picture, uint8_t *base,
			const struct glint_stamp *stamp, uint32_t *box_x)
{
	struct glint_canvas canvas = picture->screen;
	struct glint_stamp_place place = glint_stamp_place(canvas.width, EMU_STRIP);
	uint32_t rows[GLINT_STAMP_ROWS];

	glint_stamp_encode(stamp, rows);
	if (picture->jpegs[0].data)
		return copy_jpeg(&picture->jpegs[stamp->seq % EMU_JPEGS], base, rows);

	canvas.base = base;
	glint_canvas_copy(&canvas, &picture->screen, box_at(&canvas, *box_x));
	*box_x = box_place(&canvas, stamp->seq);
	glint_canvas_fill(&canvas, box_at(&canvas, *box_x), orange);
	for (unsigned i = 0; i < GLINT_STAMP_ROWS; i++)
		draw_row(&canvas, &place, place.y + i * place.cell, rows[i]);
	return screen_size(&canvas);
}
