/* SPDX-License-Identifier: MIT */
#include "pattern/draw.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/font.h"
#include "base/fourcc.h"
#include "base/macros.h"
#include "v4l2/format.h"

static const struct glint_colour white = { 235, 128, 128 }, black = { 16, 128, 128 };
static const struct glint_colour paper = { 34, 136, 124 }, ink = { 225, 126, 130 };
static const struct glint_colour amber = { 170, 60, 160 };

/* Positions and sizes; all even. */
struct layout {
	uint32_t bars_height, caption_y, ramp_y, ramp_height, panel_y;
	uint32_t small; /* scale of the caption */
	uint32_t large; /* scale of number and clock */
	uint32_t digits_y, clock_y, text_x;
	uint32_t box; /* side of the moving box */
};

static uint32_t even(uint32_t value)
{
	return value & ~1u;
}

static struct layout layout_of(const struct glint_canvas *canvas)
{
	uint32_t width = canvas->width, height = canvas->height;
	struct glint_stamp_place stamp = glint_stamp_place(width, height);
	struct layout layout;
	uint32_t room;

	assert(stamp.cell > 0); /* a pattern is not smaller than 160x120 */

	layout.panel_y = even(height / 2);
	layout.bars_height = even(height * 5 / 16);
	layout.ramp_y = layout.bars_height;
	layout.ramp_height = layout.panel_y - layout.ramp_y;
	layout.box = even(layout.ramp_height * 3 / 4);
	layout.text_x = stamp.x;

	/* Two lines of twelve characters between panel and stamp, with margins of half a line. */
	room = stamp.y - layout.panel_y;
	layout.large = even(MIN(room / 17, width / (GLINT_FONT_ADVANCE * 14)));
	layout.large = MAX(layout.large, 2u);
	layout.digits_y = layout.panel_y + layout.large;
	layout.clock_y = layout.digits_y + 8 * layout.large;
	layout.small = MAX(even(layout.large / 4), 2u);
	layout.caption_y = layout.bars_height - (GLINT_FONT_HEIGHT + 2) * layout.small;
	return layout;
}

/* --- The background ---------------------------------------------------------------------- */

static void draw_bars(const struct glint_canvas *canvas, const struct layout *layout)
{
	/* Three quarters of full saturation, from bright to dark. */
	static const struct glint_colour bars[] = {
		{ 191, 128, 128 }, { 169, 32, 143 }, { 134, 160, 32 }, { 112, 65, 48 },
		{ 79, 191, 208 },  { 57, 96, 224 },  { 22, 224, 112 }, { 0, 128, 128 },
	};
	uint32_t n = ARRAY_SIZE(bars);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t x = even(canvas->width * i / n), next = even(canvas->width * (i + 1) / n);

		glint_canvas_fill(canvas,
				  (struct glint_rect){ x, 0, next - x, layout->bars_height },
				  bars[i]);
	}
}

/* A grey ramp and a hue ramp, each in steps of one level. */
static void draw_ramps(const struct glint_canvas *canvas, const struct layout *layout)
{
	uint32_t half = even(layout->ramp_height / 2);

	for (uint32_t x = 0; x < canvas->width; x += 2) {
		uint8_t level = (uint8_t)((uint64_t)x * 255 / canvas->width);
		uint8_t back = (uint8_t)(255 - level);

		glint_canvas_fill(canvas, (struct glint_rect){ x, layout->ramp_y, 2, half },
				  (struct glint_colour){ level, 128, 128 });
		glint_canvas_fill(canvas,
				  (struct glint_rect){ x, layout->ramp_y + half, 2,
						       layout->ramp_height - half },
				  (struct glint_colour){ 140, level, back });
	}
}

static void draw_caption(const struct glint_pattern_picture *picture, const struct layout *layout)
{
	const struct glint_canvas *canvas = &picture->background;
	char text[80], fourcc[5];

	snprintf(text, sizeof(text), "glint test pattern %ux%u %s %u fps", canvas->width,
		 canvas->height, glint_fourcc_text(canvas->fourcc, fourcc),
		 (picture->rate_millihz + 500) / 1000);
	glint_canvas_fill(canvas,
			  (struct glint_rect){ 0, layout->caption_y, canvas->width,
					       layout->bars_height - layout->caption_y },
			  black);
	glint_canvas_text(canvas, layout->text_x, layout->caption_y + layout->small, layout->small,
			  text, white, black);
}

void glint_pattern_draw_background(struct glint_pattern_picture *picture)
{
	const struct glint_canvas *canvas = &picture->background;
	struct layout layout = layout_of(canvas);

	draw_bars(canvas, &layout);
	draw_ramps(canvas, &layout);
	draw_caption(picture, &layout);
	glint_canvas_fill(canvas,
			  (struct glint_rect){ 0, layout.panel_y, canvas->width,
					       canvas->height - layout.panel_y },
			  paper);
}

/* --- The moving parts ------------------------------------------------------------------------ */

static void put_number(char *text, unsigned digits, uint64_t value)
{
	for (unsigned i = digits; i > 0; i--, value /= 10)
		text[i - 1] = (char)('0' + value % 10);
}

static void put_clock(char text[static GLINT_PATTERN_CLOCK + 1], uint64_t wall_ns,
		      long utc_offset_s)
{
	uint64_t ms = wall_ns / GLINT_NSEC_PER_MSEC;
	uint64_t s = (uint64_t)((int64_t)(ms / 1000) + utc_offset_s) % 86400;

	memcpy(text, "00:00:00.000", GLINT_PATTERN_CLOCK + 1);
	put_number(text, 2, s / 3600);
	put_number(text + 3, 2, s / 60 % 60);
	put_number(text + 6, 2, s % 60);
	put_number(text + 9, 3, ms % 1000);
}

/* The box moves to the right edge and back in four seconds; a skipped frame is a jump. */
static uint32_t box_position(const struct glint_pattern_picture *picture, uint32_t box,
			     uint32_t seq)
{
	uint32_t way = picture->background.width - box;
	uint64_t period = MAX(picture->rate_millihz * 4ull / 1000, 2ull);
	uint64_t at = seq % period * 2;

	if (at > period)
		at = 2 * period - at;
	return even((uint32_t)(way * at / period));
}

void glint_pattern_moment(const struct glint_pattern_picture *picture,
			  const struct glint_stamp *stamp, uint64_t wall_ns,
			  struct glint_pattern_moment *moment)
{
	struct layout layout = layout_of(&picture->background);

	moment->stamp = *stamp;
	put_number(moment->digits, GLINT_PATTERN_DIGITS, stamp->seq);
	moment->digits[GLINT_PATTERN_DIGITS] = '\0';
	put_clock(moment->clock, wall_ns, picture->utc_offset_s);
	moment->box_x = box_position(picture, layout.box, stamp->seq);
}

/* Draw only the characters that differ. */
static void draw_line(const struct glint_canvas *canvas, uint32_t x, uint32_t y, uint32_t scale,
		      const char *before, const char *now)
{
	for (unsigned i = 0; now[i]; i++) {
		char text[2] = { now[i], '\0' };

		if (!before || before[i] != now[i])
			glint_canvas_text(canvas, x + i * GLINT_FONT_ADVANCE * scale, y, scale,
					  text, ink, paper);
	}
}

static void draw_box(const struct glint_canvas *canvas, const struct layout *layout, uint32_t x)
{
	uint32_t y = layout->ramp_y + even((layout->ramp_height - layout->box) / 2);
	uint32_t rim = even(layout->box / 8), inner = layout->box - 2 * rim;

	glint_canvas_fill(canvas, (struct glint_rect){ x, y, layout->box, layout->box }, white);
	glint_canvas_fill(canvas, (struct glint_rect){ x + rim, y + rim, inner, inner }, amber);
}

static void draw_stamp(const struct glint_canvas *canvas, const struct glint_stamp *stamp)
{
	struct glint_stamp_place place = glint_stamp_place(canvas->width, canvas->height);
	uint32_t rows[GLINT_STAMP_ROWS];

	glint_stamp_encode(stamp, rows);
	for (unsigned row = 0; row < GLINT_STAMP_ROWS; row++)
		for (unsigned column = 0; column < GLINT_STAMP_COLUMNS; column++)
			glint_canvas_fill(canvas,
					  (struct glint_rect){ place.x + column * place.cell,
							       place.y + row * place.cell,
							       place.cell, place.cell },
					  rows[row] >> (31 - column) & 1 ? white : black);
}

void glint_pattern_draw(const struct glint_pattern_picture *picture,
			const struct glint_canvas *canvas,
			const struct glint_pattern_moment *before,
			const struct glint_pattern_moment *now)
{
	const struct glint_canvas *background = &picture->background;
	struct layout layout = layout_of(canvas);

	if (!before)
		glint_canvas_copy(canvas, background,
				  (struct glint_rect){ 0, 0, canvas->width, canvas->height });
	else
		glint_canvas_copy(canvas, background,
				  (struct glint_rect){ before->box_x, layout.ramp_y, layout.box,
						       layout.ramp_height & ~1u });
	draw_box(canvas, &layout, now->box_x);
	draw_line(canvas, layout.text_x, layout.digits_y, layout.large,
		  before ? before->digits : NULL, now->digits);
	draw_line(canvas, layout.text_x, layout.clock_y, layout.large,
		  before ? before->clock : NULL, now->clock);
	draw_stamp(canvas, &now->stamp);
}
