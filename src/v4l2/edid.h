/* SPDX-License-Identifier: MIT */
/*
 * EDID: what a display tells a source about itself. A capture card is a display to the device under
 * test, so its EDID decides which modes the device offers. Blocks of 128 bytes: the base block
 * (VESA E-EDID 1.3 and 1.4), and CTA-861 extensions, whose data blocks are read; other extensions
 * are counted. Pure: neither device nor file. No byte of an EDID is trusted.
 */
#ifndef GLINT_V4L2_EDID_H
#define GLINT_V4L2_EDID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_EDID_BLOCK      128u
#define GLINT_EDID_BLOCKS_MAX 256u /* of V4L2 and of the standard */
#define GLINT_EDID_SIZE_MAX   (GLINT_EDID_BLOCK * GLINT_EDID_BLOCKS_MAX)

/* Returns whether there is a base block, with the header of an EDID. */
bool glint_edid_has_header(const uint8_t *edid, size_t size);

#define GLINT_EDID_WHY_MAX 128u

/*
 * Check size, header, check sums and number of blocks. 0, or -EINVAL: @why says what is wrong, in
 * words that complete "the EDID ...".
 */
int glint_edid_check(const uint8_t *edid, size_t size, char why[GLINT_EDID_WHY_MAX]);

/* Set the last byte of @block, so that the sum of its bytes is 0. */
void glint_edid_sum(uint8_t block[static GLINT_EDID_BLOCK]);

#define GLINT_EDID_NO_ADDRESS 0xffffu /* f.f.f.f, which stands for "none" in HDMI as well */

/*
 * The CEC physical address in the HDMI block: where the display is in the tree of HDMI devices, a
 * digit for each level. GLINT_EDID_NO_ADDRESS without such a block.
 */
uint16_t glint_edid_address(const uint8_t *edid, size_t size);

/* Set it, and the check sum of its block. False: there is no HDMI block. */
bool glint_edid_set_address(uint8_t *edid, size_t size, uint16_t address);

/* Write the address as HDMI does: "1.0.0.0". */
#define GLINT_EDID_ADDRESS_TEXT 8u
const char *glint_edid_address_text(uint16_t address, char text[GLINT_EDID_ADDRESS_TEXT]);

/* --- What an EDID says --------------------------------------------------------------------- */

#define GLINT_EDID_MODES_MAX  128u
#define GLINT_EDID_AUDIOS_MAX 16u

enum glint_edid_chroma {
	GLINT_EDID_ANY_CHROMA,
	GLINT_EDID_ALSO_420, /* the mode may be sent as 4:2:0, too */
	GLINT_EDID_ONLY_420, /* the mode may be sent as 4:2:0 only */
};

struct glint_edid_mode {
	uint16_t width, height; /* of a whole frame */
	uint32_t millihz;	/* frames a second; fields, if interlaced */
	uint8_t vic;		/* number of CTA-861; 0: none */
	bool interlaced;
	bool preferred; /* the display's first choice */
	enum glint_edid_chroma chroma;
};

/* One short audio descriptor. */
struct glint_edid_audio {
	uint8_t format; /* 1 is LPCM; glint_edid_audio_name() */
	uint8_t channels;
	uint8_t rates; /* a bit each: 32, 44.1, 48, 88.2, 96, 176.4, 192 kHz */
	uint8_t bits;  /* LPCM, a bit each: 16, 20, 24 */
};

struct glint_edid_facts {
	unsigned blocks;
	uint8_t version, revision;
	char maker[4]; /* three letters */
	uint16_t product;
	uint32_t serial;
	uint16_t year; /* of manufacture, or of the model */
	bool digital;
	unsigned width_cm, height_cm; /* of the picture; 0: not known */
	char name[14], serial_text[14];
	unsigned max_pixel_mhz; /* from the range limits; 0: no such descriptor */

	unsigned n_modes; /* each mode once, in the order of the EDID */
	struct glint_edid_mode modes[GLINT_EDID_MODES_MAX];

	bool cta; /* has a CTA-861 block: the members below */
	bool basic_audio, ycbcr444, ycbcr422;
	unsigned n_audios;
	struct glint_edid_audio audios[GLINT_EDID_AUDIOS_MAX];
	bool hdmi;		/* has an HDMI block: a source sends HDMI and not DVI */
	uint16_t address;	/* GLINT_EDID_NO_ADDRESS: none */
	unsigned max_tmds_mhz;	/* of the HDMI block; 0: does not say */
	unsigned max_hdmi2_mhz; /* of the HDMI Forum block, above 340 MHz; 0: none */
	bool scdc;
	unsigned other_blocks; /* extensions of other kinds */
};

/* Read as much as there is of it; never fails. */
void glint_edid_decode(const uint8_t *edid, size_t size, struct glint_edid_facts *facts);

/* "1920x1080p60", "1920x1080i59.94" */
#define GLINT_EDID_MODE_TEXT 32u
const char *glint_edid_mode_text(const struct glint_edid_mode *mode,
				 char text[GLINT_EDID_MODE_TEXT]);

/* "LPCM", "AC-3", ...; "format 17" does not exist: "unknown". */
const char *glint_edid_audio_name(unsigned format);

/* The nth rate or size of an audio's mask in Hz or bits; 0: it has not so many. */
unsigned glint_edid_audio_rate(const struct glint_edid_audio *audio, unsigned nth);
unsigned glint_edid_audio_bits(const struct glint_edid_audio *audio, unsigned nth);
#endif
