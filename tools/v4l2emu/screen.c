/* SPDX-License-Identifier: MIT */
/* Draws a screen that costs an encoder as much as the screen of a typical device under test. */
#include "base/font.h"
#include "base/macros.h"
#include "picture.h"

static uint32_t even(uint64_t value)
{
	return (uint32_t)(value & ~1ull);
}

/* @numerator sixteenths of @whole. */
static uint32_t part(uint32_t whole, uint32_t numerator)
{
	return even((uint64_t)whole * numerator / 16);
}

/* The same numbers on every machine. */
static uint32_t noise(uint32_t x, uint32_t y)
{
	uint32_t value = x * 0x9e3779b1u ^ y * 0x85ebca77u;

	value ^= value >> 15;
	value *= 0x2c1b3c6du;
	value ^= value >> 12;
	value *= 0x297a2d39u;
	return value ^ value >> 15;
}

/* Noise of one value for @period pixels, smooth in between. */
static uint32_t hills(uint32_t x, uint32_t y, uint32_t period, uint32_t height)
{
	uint32_t column = x / period, row = y / period, right = x % period, down = y % period;
	uint32_t upper = noise(column, row) % height * (period - right) +
			 noise(column + 1, row) % height * right;
	uint32_t lower = noise(column, row + 1) % height * (period - right) +
			 noise(column + 1, row + 1) % height * right;

	return (upper * (period - down) + lower * down) / (period * period);
}

static void draw_wallpaper(const struct glint_canvas *canvas)
{
	for (uint32_t y = 0; y < canvas->height; y += 2) {
		uint8_t shade = (uint8_t)(40 + 100ull * y / canvas->height);

		glint_canvas_fill(canvas, (struct glint_rect){ 0, y, canvas->width, 2 },
				  (struct glint_colour){ shade, (uint8_t)(150 - shade / 8), 118 });
	}
}

static void draw_text(const struct glint_canvas *canvas, struct glint_rect panel,
		      struct glint_colour paper)
{
	static const char *const lines[] = {
		"[    0.000000] Booting on physical CPU 0x0",
		"[    1.284031] mmc0: new HS400 card at address 0001",
		"[    1.530022] eth0: link up, 1000Mbps, full duplex",
		"Starting Network Time Synchronization... ok",
		"root@board:~# dmesg | tail -n 4; uptime",
		"PASS: 128 of 128, 0 skipped, 12.51 s",
	};
	static const struct glint_colour ink = { 205, 120, 124 };
	uint32_t line = 2 * (GLINT_FONT_HEIGHT + 3), n = 0;

	glint_canvas_fill(canvas, panel, paper);
	for (uint32_t y = 8; y + line < panel.height; y += line, n++)
		glint_canvas_text(canvas, panel.x + 8, panel.y + y, 2,
				  lines[n * 5 % ARRAY_SIZE(lines)], ink, paper);
}

/* Smooth shapes with a sensor's noise: neither flat nor random. */
static void draw_photo(const struct glint_canvas *canvas, struct glint_rect at)
{
	for (uint32_t y = 0; y < at.height; y += 2)
		for (uint32_t x = 0; x < at.width; x += 2) {
			uint32_t hill = hills(x, y, 96, 96) + hills(x, y, 20, 40);
			uint32_t grain = noise(x, y) % 14;
			uint8_t cb = (uint8_t)(110 + hills(x, y, 70, 36));
			uint8_t cr = (uint8_t)(112 + hills(y, x, 110, 32));

			glint_canvas_fill(canvas, (struct glint_rect){ at.x + x, at.y + y, 2, 2 },
					  (struct glint_colour){ (uint8_t)(40 + hill + grain), cb,
								 cr });
		}
}

static void draw_panels(const struct glint_canvas *canvas)
{
	static const struct glint_colour tile = { 200, 122, 130 }, mark = { 90, 170, 110 };
	uint32_t width = canvas->width, height = canvas->height;

	for (uint32_t i = 0; i < 6; i++) {
		struct glint_rect rect = { part(width, 10), part(height, 9) + part(height, i), 0,
					   0 };

		rect.width = part(width, 5);
		rect.height = part(height, 1) - 4;
		glint_canvas_fill(canvas, rect, tile);
		rect.width = even((uint64_t)rect.width * (3 + i) / 10);
		rect.height = even(rect.height / 2);
		glint_canvas_fill(canvas, rect, mark);
	}
}

void emu_screen_draw(const struct glint_canvas *canvas)
{
	static const struct glint_colour bar = { 30, 132, 126 }, terminal = { 24, 130, 127 };
	uint32_t width = canvas->width, height = canvas->height;

	draw_wallpaper(canvas);
	glint_canvas_fill(canvas, (struct glint_rect){ 0, 0, width, part(height, 1) & ~3u }, bar);
	draw_text(canvas,
		  (struct glint_rect){ part(width, 1), part(height, 3), part(width, 8),
				       part(height, 11) },
		  terminal);
	draw_photo(canvas, (struct glint_rect){ part(width, 10), part(height, 2), part(width, 5),
						part(height, 6) });
	draw_panels(canvas);
}
