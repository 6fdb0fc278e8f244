/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/macros.h"

#define BOX_STEP 8 /* pixels from frame to frame */
#define BLINK_NS (GLINT_NSEC_PER_SEC / 2)
#define SHIFT	 10 /* pixels from buffer to buffer, with EMU_CHANGE_ALL */

static const struct glint_colour black = { 16, 128, 128 }, white = { 235, 128, 128 };
static const struct glint_colour orange = { 150, 60, 180 };

static size_t screen_size(const struct glint_canvas *screen)
{
	return glint_canvas_size(screen->fourcc, screen->width, screen->height);
}

/* What the scene is drawn in. */
static uint32_t canvas_fourcc(uint32_t fourcc)
{
	uint32_t drawn = emu_pack_drawn(fourcc);

	if (fourcc == V4L2_PIX_FMT_MJPEG)
		return V4L2_PIX_FMT_RGB24;
	return drawn ? drawn : fourcc;
}

uint32_t emu_picture_stride(uint32_t fourcc, uint32_t width)
{
	if (fourcc == V4L2_PIX_FMT_MJPEG)
		return 0;
	if (emu_pack_drawn(fourcc))
		return emu_pack_stride(fourcc, width);
	return glint_canvas_stride(fourcc, width);
}

size_t emu_picture_size(uint32_t fourcc, uint32_t width, uint32_t height)
{
	if (fourcc == V4L2_PIX_FMT_MJPEG)
		return (size_t)width * height * 2;
	if (emu_pack_drawn(fourcc))
		return emu_pack_size(fourcc, width, height);
	return glint_canvas_size(fourcc, width, height);
}

/* Shared like a device's memory, so that it does not count as the program's memory. */
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

void emu_picture_paint(const struct glint_canvas *canvas, enum emu_scene scene)
{
	uint32_t width = canvas->width, height = canvas->height;

	if (scene == EMU_SCREEN)
		emu_screen_draw(canvas);
	else if (canvas->fourcc == V4L2_PIX_FMT_NV12)
		emu_scene_nv12(scene, width, height, canvas->base);
	else if (canvas->fourcc == V4L2_PIX_FMT_RGB24)
		emu_scene_rgb24(scene, width, height, canvas->base);
	else
		emu_scene_yuyv(scene, width, height, canvas->base);
	if (scene == EMU_SCREEN || canvas->fourcc != V4L2_PIX_FMT_UYVY)
		return;
	for (size_t i = 0, size = screen_size(canvas); i < size; i += 2) {
		uint8_t luma = canvas->base[i];

		canvas->base[i] = canvas->base[i + 1];
		canvas->base[i + 1] = luma;
	}
}

static int make_jpegs(struct emu_picture *picture, enum emu_scene scene)
{
	const struct glint_canvas *screen = &picture->screen;
	int err = 0;

	for (unsigned i = 0; err == 0 && i < EMU_JPEGS; i++) {
		uint32_t x = box_place(screen, i * screen->width / BOX_STEP / EMU_JPEGS);

		emu_picture_paint(screen, scene);
		glint_canvas_fill(screen, box_at(screen, x), orange);
		err = emu_jpeg_make(&picture->jpegs[i], screen);
		if (err == 0)
			err = keep_shared(&picture->jpegs[i]);
	}
	return err;
}

int emu_picture_init(struct emu_picture *picture, const struct emu_settings *settings)
{
	bool jpeg = settings->fourcc == V4L2_PIX_FMT_MJPEG;
	struct glint_canvas *screen = &picture->screen;

	*picture = (struct emu_picture){
		.screen = { canvas_fourcc(settings->fourcc), settings->width, settings->height,
			    NULL },
		.fourcc = settings->fourcc,
		.change = settings->change,
	};
	screen->base = shared_alloc(screen_size(screen));
	if (!screen->base)
		return -ENOMEM;
	if (jpeg)
		return make_jpegs(picture, settings->scene);
	emu_picture_paint(screen, settings->scene);
	if (!emu_pack_drawn(settings->fourcc))
		return 0;
	picture->drawn = shared_alloc(screen_size(screen));
	if (!picture->drawn)
		return -ENOMEM;
	memcpy(picture->drawn, screen->base, screen_size(screen));
	return 0;
}

static void copy_shifted(uint8_t *to, const uint8_t *from, size_t size, size_t bytes)
{
	bytes %= size;
	memcpy(to + bytes, from, size - bytes);
	memcpy(to, from + size - bytes, bytes);
}

void emu_picture_prefill(const struct emu_picture *picture, uint8_t *base, unsigned index)
{
	const struct glint_canvas *screen = &picture->screen;
	size_t stride = glint_canvas_stride(screen->fourcc, screen->width);
	size_t luma = stride * screen->height, size = screen_size(screen);
	size_t shift = picture->change == EMU_CHANGE_ALL ? stride / screen->width * SHIFT * index :
							   0;

	if (picture->jpegs[0].data || picture->drawn)
		return;
	copy_shifted(base, screen->base, luma, shift);
	if (size > luma)
		copy_shifted(base + luma, screen->base + luma, size - luma, shift);
}

/* A run of equal bits is drawn as one rectangle. */
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

size_t emu_picture_draw(struct emu_picture *picture, uint8_t *base, const struct glint_stamp *stamp,
			uint32_t *box_x)
{
	struct glint_canvas canvas = picture->screen;
	bool blink = picture->change == EMU_CHANGE_BLINK;
	uint64_t phase = stamp->ns / BLINK_NS;
	struct glint_stamp_place place = glint_stamp_place(canvas.width, EMU_STRIP);
	uint32_t rows[GLINT_STAMP_ROWS];

	if (!blink || phase != picture->shown.ns / BLINK_NS)
		picture->shown = *stamp;
	glint_stamp_encode(&picture->shown, rows);
	if (picture->jpegs[0].data)
		return copy_jpeg(&picture->jpegs[(blink ? phase : stamp->seq) % EMU_JPEGS], base,
				 rows);

	canvas.base = picture->drawn ? picture->drawn : base;
	box_x = picture->drawn ? &picture->drawn_box_x : box_x;
	glint_canvas_copy(&canvas, &picture->screen, box_at(&canvas, *box_x));
	*box_x = blink ? (uint32_t)(phase % 2 * BOX_STEP) : box_place(&canvas, stamp->seq);
	glint_canvas_fill(&canvas, box_at(&canvas, *box_x), orange);
	for (unsigned i = 0; i < GLINT_STAMP_ROWS; i++)
		draw_row(&canvas, &place, place.y + i * place.cell, rows[i]);
	if (!picture->drawn)
		return screen_size(&canvas);
	emu_pack(picture->fourcc, &canvas, base);
	return emu_pack_size(picture->fourcc, canvas.width, canvas.height);
}
