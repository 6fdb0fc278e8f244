/* SPDX-License-Identifier: MIT */
#include "v4l2/edid_set.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"

/* The timings of a mode; all of these are progressive. */
struct timing {
	unsigned clock_10khz;
	unsigned width, h_front, h_sync, h_back;
	unsigned height, v_front, v_sync, v_back;
	bool h_positive, v_positive;
};

struct entry {
	const char *name;
	char shown[14]; /* by the source, as the name of the display */
	uint8_t product;
	struct timing timing; /* the preferred mode */
	uint8_t vics[8];      /* of CTA-861, ends with 0 */
	uint8_t hdmi_vic;     /* the same mode for HDMI 1.4; 0: none */
	uint8_t vic_420;      /* a mode for 4:2:0 only, which is preferred then; 0: none */
	unsigned max_hz, max_khz, max_mhz;
	unsigned width_cm, height_cm;
};

/* Sizes are those of 96 pixels an inch, so that desktops do not scale. */
static const struct entry entries[] = {
	{
		.name = "1080p60",
		.shown = "glint 1080p60",
		.product = 1,
		.timing = { 14850, 1920, 88, 44, 148, 1080, 4, 5, 36, true, true },
		.vics = { 16, 4, 1 },
		.max_hz = 61,
		.max_khz = 68,
		.max_mhz = 150,
		.width_cm = 51,
		.height_cm = 29,
	},
	{
		.name = "720p60",
		.shown = "glint 720p60",
		.product = 2,
		.timing = { 7425, 1280, 110, 40, 220, 720, 5, 5, 20, true, true },
		.vics = { 4, 1 },
		.max_hz = 61,
		.max_khz = 46,
		.max_mhz = 80,
		.width_cm = 34,
		.height_cm = 19,
	},
	{
		.name = "4k30",
		.shown = "glint 4k30",
		.product = 3,
		.timing = { 29700, 3840, 176, 88, 296, 2160, 8, 10, 72, true, true },
		.vics = { 95, 16, 4, 1 },
		.hdmi_vic = 1,
		.max_hz = 61,
		.max_khz = 68,
		.max_mhz = 300,
		.width_cm = 102,
		.height_cm = 57,
	},
	{
		.name = "4k60-420",
		.shown = "glint 4k60",
		.product = 4,
		/* A detailed timing cannot say 4:2:0; sources without 4:2:0 take this one. */
		.timing = { 29700, 3840, 176, 88, 296, 2160, 8, 10, 72, true, true },
		.vics = { 95, 16, 4, 1 },
		.hdmi_vic = 1,
		.vic_420 = 97,
		.max_hz = 61,
		.max_khz = 135,
		.max_mhz = 600,
		.width_cm = 102,
		.height_cm = 57,
	},
	{
		.name = "1080p120",
		.shown = "glint1080p120",
		.product = 5,
		.timing = { 29700, 1920, 88, 44, 148, 1080, 4, 5, 36, true, true },
		.vics = { 63, 16, 4, 1 },
		.max_hz = 121,
		.max_khz = 136,
		.max_mhz = 300,
		.width_cm = 51,
		.height_cm = 29,
	},
	{
		.name = "1440p60",
		.shown = "glint 1440p60",
		.product = 6,
		/* CVT with reduced blanking. */
		.timing = { 24150, 2560, 48, 32, 80, 1440, 3, 5, 33, true, false },
		.vics = { 16, 4, 1 },
		.max_hz = 61,
		.max_khz = 89,
		.max_mhz = 250,
		.width_cm = 68,
		.height_cm = 38,
	},
};

/* --- The base block -------------------------------------------------------------------- */

static void put_timing(uint8_t out[18], const struct entry *entry)
{
	const struct timing *t = &entry->timing;
	unsigned h_blank = t->h_front + t->h_sync + t->h_back;
	unsigned v_blank = t->v_front + t->v_sync + t->v_back;
	unsigned width_mm = entry->width_cm * 10, height_mm = entry->height_cm * 10;

	out[0] = (uint8_t)t->clock_10khz;
	out[1] = (uint8_t)(t->clock_10khz >> 8);
	out[2] = (uint8_t)t->width;
	out[3] = (uint8_t)h_blank;
	out[4] = (uint8_t)(t->width >> 8 << 4 | h_blank >> 8);
	out[5] = (uint8_t)t->height;
	out[6] = (uint8_t)v_blank;
	out[7] = (uint8_t)(t->height >> 8 << 4 | v_blank >> 8);
	out[8] = (uint8_t)t->h_front;
	out[9] = (uint8_t)t->h_sync;
	out[10] = (uint8_t)((t->v_front & 0xf) << 4 | (t->v_sync & 0xf));
	out[11] = (uint8_t)(t->h_front >> 8 << 6 | t->h_sync >> 8 << 4 | t->v_front >> 4 << 2 |
			    t->v_sync >> 4);
	out[12] = (uint8_t)width_mm;
	out[13] = (uint8_t)height_mm;
	out[14] = (uint8_t)(width_mm >> 8 << 4 | height_mm >> 8);
	/* Digital separate syncs, and their polarities. */
	out[17] = (uint8_t)(0x18 | t->v_positive << 2 | t->h_positive << 1);
}

/* A name shorter than its place ends with a line feed, and is filled up with blanks. */
static void put_name(uint8_t out[18], const char *name)
{
	bool ended = false;

	out[3] = 0xfc;
	for (unsigned i = 0; i < 13; i++) {
		bool ends = !ended && !name[i];

		out[5 + i] = (uint8_t)(ended ? ' ' : ends ? '\n' : name[i]);
		ended |= ends;
	}
}

static void put_limits(uint8_t out[18], const struct entry *entry)
{
	out[3] = 0xfd;
	out[5] = 23; /* Hz */
	out[6] = (uint8_t)entry->max_hz;
	out[7] = 26; /* kHz */
	out[8] = (uint8_t)entry->max_khz;
	out[9] = (uint8_t)(entry->max_mhz / 10);
	out[10] = 0;
	out[11] = '\n';
	memset(out + 12, ' ', 6);
}

static void put_base(uint8_t *out, const struct entry *entry, bool audio)
{
	static const uint8_t head[] = {
		0,    0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0,	  0x31, 0xd8, /* LNX, which Linux uses for EDIDs of its own */
	};
	/* sRGB */
	static const uint8_t colours[] = { 0xee, 0x91, 0xa3, 0x54, 0x4c,
					   0x99, 0x26, 0x0f, 0x50, 0x54 };

	memcpy(out, head, sizeof(head));
	out[10] = entry->product;
	out[11] = audio ? 0x67 : 0x66;
	out[16] = 1;	       /* week */
	out[17] = 2025 - 1990; /* year */
	out[18] = 1;
	out[19] = 3;
	out[20] = 0x80; /* digital */
	out[21] = (uint8_t)entry->width_cm;
	out[22] = (uint8_t)entry->height_cm;
	out[23] = 120;	/* gamma 2.2 */
	out[24] = 0x0e; /* RGB, sRGB, the first detailed timing is preferred */
	memcpy(out + 25, colours, sizeof(colours));
	out[35] = 0x20; /* 640x480p60, for firmware */
	memset(out + 38, 1, 16);
	put_timing(out + 54, entry);
	put_name(out + 72, entry->shown);
	put_limits(out + 90, entry);
	out[108 + 3] = 0x10; /* unused */
	out[126] = 1;
	glint_edid_sum(out);
}

/* --- The CTA-861 block ------------------------------------------------------------------ */

static unsigned put_data(uint8_t *out, unsigned at, unsigned tag, const uint8_t *bytes, unsigned n)
{
	assert(n < 32 && at + 1 + n < GLINT_EDID_BLOCK);
	out[at] = (uint8_t)(tag << 5 | n);
	memcpy(out + at + 1, bytes, n);
	return at + 1 + n;
}

/* The first HDMI VIC stands behind two bytes that say that there is one. */
static unsigned put_hdmi(uint8_t *out, unsigned at, const struct entry *entry)
{
	unsigned tmds_mhz = entry->vic_420 ? 300 : entry->max_mhz;
	const uint8_t hdmi[] = {
		0x03,
		0x0c,
		0x00, /* OUI */
		0x10,
		0x00, /* physical address 1.0.0.0 */
		0,    /* no deep colour */
		(uint8_t)(tmds_mhz / 5),
		0x20,
		0,
		0x20,
		entry->hdmi_vic,
	};

	return put_data(out, at, 3, hdmi, entry->hdmi_vic ? sizeof(hdmi) : 7);
}

static unsigned put_audio(uint8_t *out, unsigned at)
{
	/* LPCM of two channels, 32 to 48 kHz, 16 to 24 bits, for a front left and right speaker. */
	static const uint8_t lpcm[] = { 1 << 3 | 1, 0x07, 0x07 }, speakers[] = { 1, 0, 0 };

	at = put_data(out, at, 1, lpcm, sizeof(lpcm));
	return put_data(out, at, 4, speakers, sizeof(speakers));
}

static unsigned put_420(uint8_t *out, unsigned at, const struct entry *entry)
{
	/* HDMI Forum: no rates above 340 MHz, no SCDC: 2160p60 as 4:2:0 needs 297 MHz. */
	static const uint8_t forum[] = { 0xd8, 0x5d, 0xc4, 1, 0, 0, 0 };
	const uint8_t video[] = { 14, entry->vic_420 }, preferred[] = { 13, entry->vic_420 };

	at = put_data(out, at, 3, forum, sizeof(forum));
	at = put_data(out, at, 7, video, sizeof(video));
	return put_data(out, at, 7, preferred, sizeof(preferred));
}

static void put_cta(uint8_t *out, const struct entry *entry, bool audio)
{
	/* A source may choose the range of RGB and YCbCr, and must not leave out the borders. */
	static const uint8_t capability[] = { 0, 0xc0 | 0x08 | 0x02 };
	uint8_t vics[ARRAY_SIZE(entry->vics)];
	unsigned at = 4, n = 0;

	for (; n < ARRAY_SIZE(vics) && entry->vics[n]; n++)
		vics[n] = entry->vics[n];
	at = put_data(out, at, 2, vics, n);
	if (audio)
		at = put_audio(out, at);
	at = put_hdmi(out, at, entry);
	if (entry->vic_420)
		at = put_420(out, at, entry);
	at = put_data(out, at, 7, capability, sizeof(capability));
	out[0] = 2;
	out[1] = 3;
	out[2] = (uint8_t)at; /* where detailed timings would begin */
	/* Underscan, YCbCr 4:4:4 and 4:2:2; one native timing. */
	out[3] = (uint8_t)(0x80 | (audio ? 0x40 : 0) | 0x30 | 1);
	glint_edid_sum(out);
}

/* --- The set --------------------------------------------------------------------------- */

const char *glint_edid_set_name(unsigned index)
{
	return index < ARRAY_SIZE(entries) ? entries[index].name : NULL;
}

int glint_edid_set_build(const char *name, uint8_t edid[static GLINT_EDID_SET_SIZE])
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		const struct entry *entry = &entries[i];
		size_t length = strlen(entry->name);
		bool audio = strcasecmp(name + MIN(length, strlen(name)), GLINT_EDID_SET_AUDIO) ==
			     0;

		if (strncasecmp(name, entry->name, length) != 0 || (name[length] && !audio))
			continue;
		memset(edid, 0, GLINT_EDID_SET_SIZE);
		put_base(edid, entry, audio);
		put_cta(edid + GLINT_EDID_BLOCK, entry, audio);
		return 0;
	}
	return -ENOENT;
}
