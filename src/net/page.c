/* SPDX-License-Identifier: MIT */
/* The built-in page and its icon. */
#include "net/page.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/reply.h"
#include "net/routes.h"

#define SIDE	  16
#define PIXELS_AT (6 + 16 + 40)			/* behind directory, entry and bitmap header */
#define MASK_AT	  (PIXELS_AT + SIDE * SIDE * 4)
#define ICON_SIZE (MASK_AT + SIDE * 4)		/* a row of the mask takes 4 bytes */

void glint_route_page(struct glint_client *client)
{
	struct glint_text *head = glint_reply_begin(client, 200);

	glint_text_field(head, "Content-Security-Policy",
			 "default-src 'none'; img-src 'self'; connect-src 'self'; "
			 "style-src 'unsafe-inline'; script-src 'unsafe-inline'");
	glint_reply_end(client, "text/html; charset=utf-8", strlen(glint_page_html));
	glint_client_put(client, glint_page_html, strlen(glint_page_html));
	glint_client_send(client);
}

static void put_le(uint8_t *at, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* An amber star of four points on a dark ground, the corners cut; 0xAARRGGBB. */
static uint32_t icon_pixel(int column, int row)
{
	int x = abs(2 * column - (SIDE - 1)), y = abs(2 * row - (SIDE - 1));
	int rest = SIDE - 1 - x - y;

	/* An astroid: sqrt(x) + sqrt(y) <= sqrt(SIDE - 1), in integers. */
	if (rest >= 0 && 4 * x * y <= rest * rest)
		return 0xffffc24b;
	return x + y > 2 * SIDE - 6 ? 0 : 0xff14171c;
}

static void icon_draw(uint8_t icon[ICON_SIZE])
{
	uint8_t *entry = icon + 6, *bitmap = entry + 16;

	put_le(icon + 2, 1, 2);				/* an icon, */
	put_le(icon + 4, 1, 2);				/* with one picture */
	entry[0] = entry[1] = SIDE;
	put_le(entry + 4, 1, 2);			/* planes */
	put_le(entry + 6, 32, 2);			/* bits a pixel */
	put_le(entry + 8, ICON_SIZE - 22, 4);
	put_le(entry + 12, 22, 4);			/* where it begins */
	put_le(bitmap, 40, 4);
	put_le(bitmap + 4, SIDE, 4);
	put_le(bitmap + 8, 2 * SIDE, 4);		/* the mask counts as well */
	put_le(bitmap + 12, 1, 2);
	put_le(bitmap + 14, 32, 2);
	for (int i = 0; i < SIDE * SIDE; i++)		/* from the bottom up, as in any bitmap */
		put_le(icon + PIXELS_AT + 4 * i, icon_pixel(i % SIDE, SIDE - 1 - i / SIDE), 4);
}

void glint_route_icon(struct glint_client *client)
{
	static uint8_t icon[ICON_SIZE];

	if (icon[2] == 0)
		icon_draw(icon);
	glint_reply_static(client, "image/x-icon", icon, sizeof(icon));
}
