/* SPDX-License-Identifier: MIT */
#include "v4l2/edid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "v4l2/vic.h"

static const uint8_t header[8] = { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0 };

#define EXTENSIONS 126 /* place of their number in the base block */
#define TAG_CTA	   0x02
#define DTD_SIZE   18u

/* Data blocks of CTA-861. */
enum { DATA_AUDIO = 1, DATA_VIDEO = 2, DATA_VENDOR = 3, DATA_EXTENDED = 7 };
/* Those of tag 7, by their first byte. */
enum { EXT_PREFERENCE = 13, EXT_420_VIDEO = 14, EXT_420_MAP = 15, EXT_BLOCK_COUNT = 0x78 };

#define OUI_HDMI       0x000c03u
#define OUI_HDMI_FORUM 0xc45dd8u

/* --- Blocks -------------------------------------------------------------------------- */

static const uint8_t *block_at(const uint8_t *edid, size_t size, size_t index)
{
	return (index + 1) * GLINT_EDID_BLOCK <= size ? edid + index * GLINT_EDID_BLOCK : NULL;
}

static uint8_t sum_of(const uint8_t *block, unsigned count)
{
	uint8_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum = (uint8_t)(sum + block[i]);
	return sum;
}

void glint_edid_sum(uint8_t block[static GLINT_EDID_BLOCK])
{
	block[GLINT_EDID_BLOCK - 1] = (uint8_t)-sum_of(block, GLINT_EDID_BLOCK - 1);
}

/* A data block of a CTA-861 extension, without its head. */
struct data {
	unsigned tag, ext; /* @ext: of DATA_EXTENDED; else 0 */
	unsigned n;
	const uint8_t *bytes;
};

/* Step to the next data block at *@at of @block. False: there are no more. */
static bool next_data(const uint8_t *block, unsigned *at, struct data *data)
{
	unsigned end = MIN((unsigned)block[2], GLINT_EDID_BLOCK - 1);

	/* Revisions 1 and 2 have no data blocks. */
	if (block[1] < 3 || *at >= end || *at + 1 + (block[*at] & 0x1f) > end)
		return false;
	*data = (struct data){
		.tag = block[*at] >> 5,
		.n = block[*at] & 0x1f,
		.bytes = block + *at + 1,
	};
	*at += 1 + data->n;
	if (data->tag == DATA_EXTENDED && data->n > 0) {
		data->ext = data->bytes[0];
		data->bytes++;
		data->n--;
	}
	return true;
}

#define DATA_BEGIN 4u

static uint32_t oui_of(const struct data *data)
{
	if (data->tag != DATA_VENDOR || data->n < 3)
		return 0;
	return (uint32_t)(data->bytes[2] << 16 | data->bytes[1] << 8 | data->bytes[0]);
}

/* Return the HDMI block with a physical address, of any CTA-861 extension. False: there is none. */
static bool find_hdmi(const uint8_t *edid, size_t size, struct data *data)
{
	const uint8_t *block;

	for (size_t i = 1; (block = block_at(edid, size, i)); i++) {
		unsigned at = DATA_BEGIN;

		while (block[0] == TAG_CTA && next_data(block, &at, data))
			if (oui_of(data) == OUI_HDMI && data->n >= 5)
				return true;
	}
	return false;
}

/* --- Checks -------------------------------------------------------------------------- */

/*
 * The number of extensions. Since HDMI 2.1 a display may say 1 for the sake of old sources, and the
 * real number in a data block at the beginning of the first extension.
 */
static unsigned count_extensions(const uint8_t *edid, size_t size)
{
	const uint8_t *block = block_at(edid, size, 1);
	unsigned at = DATA_BEGIN;
	struct data data;

	if (block && block[0] == TAG_CTA && edid[EXTENSIONS] == 1 && next_data(block, &at, &data) &&
	    data.tag == DATA_EXTENDED && data.ext == EXT_BLOCK_COUNT && data.n >= 1)
		return data.bytes[0];
	return edid[EXTENSIONS];
}

bool glint_edid_has_header(const uint8_t *edid, size_t size)
{
	return size >= GLINT_EDID_BLOCK && memcmp(edid, header, sizeof(header)) == 0;
}

int glint_edid_check(const uint8_t *edid, size_t size, char why[GLINT_EDID_WHY_MAX])
{
	const uint8_t *block;
	unsigned extensions;

	if (size == 0 || size % GLINT_EDID_BLOCK || size > GLINT_EDID_SIZE_MAX) {
		snprintf(why, GLINT_EDID_WHY_MAX, "has %zu bytes, and not 1 to %u blocks of %u",
			 size, GLINT_EDID_BLOCKS_MAX, GLINT_EDID_BLOCK);
		return -EINVAL;
	}
	if (!glint_edid_has_header(edid, size)) {
		snprintf(why, GLINT_EDID_WHY_MAX,
			 "does not begin with 00 ff ff ff ff ff ff 00: is it a binary file?");
		return -EINVAL;
	}
	for (unsigned i = 0; (block = block_at(edid, size, i)); i++) {
		uint8_t sum = sum_of(block, GLINT_EDID_BLOCK - 1);

		if ((uint8_t)(sum + block[GLINT_EDID_BLOCK - 1]) == 0)
			continue;
		snprintf(why, GLINT_EDID_WHY_MAX,
			 "has a wrong check sum in block %u: 0x%02x instead of 0x%02x", i,
			 block[GLINT_EDID_BLOCK - 1], (uint8_t)-sum);
		return -EINVAL;
	}
	extensions = count_extensions(edid, size);
	if (extensions + 1 != size / GLINT_EDID_BLOCK) {
		snprintf(why, GLINT_EDID_WHY_MAX, "says that it has %u blocks, and has %zu",
			 extensions + 1, size / GLINT_EDID_BLOCK);
		return -EINVAL;
	}
	*why = '\0';
	return 0;
}

/* --- The physical address -------------------------------------------------------------- */

uint16_t glint_edid_address(const uint8_t *edid, size_t size)
{
	struct data data;

	if (!find_hdmi(edid, size, &data))
		return GLINT_EDID_NO_ADDRESS;
	return (uint16_t)(data.bytes[3] << 8 | data.bytes[4]);
}

bool glint_edid_set_address(uint8_t *edid, size_t size, uint16_t address)
{
	struct data data;
	size_t at;

	if (!find_hdmi(edid, size, &data))
		return false;
	at = (size_t)(data.bytes - edid);
	edid[at + 3] = (uint8_t)(address >> 8);
	edid[at + 4] = (uint8_t)address;
	glint_edid_sum(edid + at / GLINT_EDID_BLOCK * GLINT_EDID_BLOCK);
	return true;
}

const char *glint_edid_address_text(uint16_t address, char text[GLINT_EDID_ADDRESS_TEXT])
{
	snprintf(text, GLINT_EDID_ADDRESS_TEXT, "%x.%x.%x.%x", address >> 12, address >> 8 & 0xf,
		 address >> 4 & 0xf, address & 0xf);
	return text;
}

/* --- Modes --------------------------------------------------------------------------- */

static bool same_mode(const struct glint_edid_mode *a, const struct glint_edid_mode *b)
{
	uint32_t apart = a->millihz > b->millihz ? a->millihz - b->millihz :
						   b->millihz - a->millihz;

	/* The nominal 60 Hz of a number and the exact 59.94 or 60.00 Hz of a description. */
	return a->width == b->width && a->height == b->height && a->interlaced == b->interlaced &&
	       apart < 200;
}

/* Return the mode's place; NULL: there is no more space. */
static struct glint_edid_mode *add_mode(struct glint_edid_facts *facts,
					const struct glint_edid_mode *mode)
{
	for (unsigned i = 0; i < facts->n_modes; i++) {
		struct glint_edid_mode *known = &facts->modes[i];

		if (!same_mode(known, mode))
			continue;
		known->preferred |= mode->preferred;
		known->vic = known->vic ? known->vic : mode->vic;
		/* Also described without 4:2:0. */
		if (known->chroma != mode->chroma)
			known->chroma = GLINT_EDID_ALSO_420;
		return known;
	}
	if (facts->n_modes == GLINT_EDID_MODES_MAX)
		return NULL;
	facts->modes[facts->n_modes] = *mode;
	return &facts->modes[facts->n_modes++];
}

static void add_vic(struct glint_edid_facts *facts, unsigned number, enum glint_edid_chroma chroma)
{
	const struct glint_vic *vic = glint_vic_find(number);

	if (!vic)
		return;
	(void)add_mode(facts, &(struct glint_edid_mode){
				      .width = vic->width,
				      .height = vic->height,
				      .millihz = vic->hz * 1000u,
				      .vic = vic->number,
				      .interlaced = vic->interlaced,
				      .chroma = chroma,
			      });
}

/* The VIC of a short video descriptor; the highest bit of the first 64 numbers means "native". */
static unsigned vic_of(uint8_t descriptor)
{
	return descriptor >= 129 && descriptor <= 192 ? descriptor & 0x7fu : descriptor;
}

static bool decode_detailed(struct glint_edid_facts *facts, const uint8_t *dtd, bool preferred)
{
	uint32_t clock_khz = (uint32_t)(dtd[1] << 8 | dtd[0]) * 10;
	uint32_t width = (uint32_t)(dtd[4] & 0xf0) << 4 | dtd[2];
	uint32_t h_blank = (uint32_t)(dtd[4] & 0x0f) << 8 | dtd[3];
	uint32_t height = (uint32_t)(dtd[7] & 0xf0) << 4 | dtd[5];
	uint32_t v_blank = (uint32_t)(dtd[7] & 0x0f) << 8 | dtd[6];
	bool interlaced = dtd[17] & 0x80;
	uint64_t lines = height + v_blank;

	if (clock_khz == 0 || width == 0 || height == 0)
		return false;
	/* Lines are those of a field; two fields have one line more than twice as many. */
	(void)add_mode(facts, &(struct glint_edid_mode){
				      .width = (uint16_t)width,
				      .height = (uint16_t)(interlaced ? height * 2 : height),
				      .millihz = (uint32_t)((uint64_t)clock_khz * 1000000 *
							    (interlaced ? 2 : 1) /
							    ((uint64_t)(width + h_blank) *
							     (interlaced ? 2 * lines + 1 : lines))),
				      .interlaced = interlaced,
				      .preferred = preferred,
			      });
	return true;
}

static void decode_established(struct glint_edid_facts *facts, const uint8_t *edid)
{
	static const struct {
		uint16_t width, height, hz;
	} modes[24] = {
		{ 720, 400, 70 },  { 720, 400, 88 },  { 640, 480, 60 },	 { 640, 480, 67 },
		{ 640, 480, 72 },  { 640, 480, 75 },  { 800, 600, 56 },	 { 800, 600, 60 },
		{ 800, 600, 72 },  { 800, 600, 75 },  { 832, 624, 75 },	 { 1024, 768, 87 },
		{ 1024, 768, 60 }, { 1024, 768, 70 }, { 1024, 768, 75 }, { 1280, 1024, 75 },
		{ 1152, 870, 75 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++)
		if (modes[i].width > 0 && edid[35 + i / 8] & 0x80 >> i % 8)
			(void)add_mode(facts, &(struct glint_edid_mode){
						      .width = modes[i].width,
						      .height = modes[i].height,
						      .millihz = modes[i].hz * 1000u,
						      .interlaced = modes[i].hz == 87,
					      });
}

static void decode_standard(struct glint_edid_facts *facts, const uint8_t *edid)
{
	/* Before 1.3 the first ratio was 1:1. */
	bool square = edid[18] == 1 && edid[19] < 3;
	const uint8_t ratios[4][2] = {
		{ square ? 1 : 16, square ? 1 : 10 }, { 4, 3 }, { 5, 4 }, { 16, 9 }
	};

	for (unsigned i = 0; i < 8; i++) {
		const uint8_t *pair = edid + 38 + 2 * (size_t)i;
		const uint8_t *ratio = ratios[pair[1] >> 6];
		unsigned width = (pair[0] + 31u) * 8;

		if (pair[0] <= 1 && pair[1] <= 1)
			continue; /* unused */
		(void)add_mode(facts, &(struct glint_edid_mode){
					      .width = (uint16_t)width,
					      .height = (uint16_t)(width * ratio[1] / ratio[0]),
					      .millihz = ((pair[1] & 0x3fu) + 60) * 1000,
				      });
	}
}

/* --- The base block -------------------------------------------------------------------- */

static void take_text(char text[14], const uint8_t *descriptor)
{
	unsigned n = 0;

	for (const uint8_t *byte = descriptor + 5; n < 13 && *byte != '\n' && *byte; byte++)
		text[n++] = (char)(*byte >= ' ' && *byte <= '~' ? *byte : '?');
	while (n > 0 && text[n - 1] == ' ')
		n--;
	text[n] = '\0';
}

static void decode_descriptor(struct glint_edid_facts *facts, const uint8_t *descriptor,
			      bool preferred)
{
	if (decode_detailed(facts, descriptor, preferred) || descriptor[0] || descriptor[1])
		return;
	switch (descriptor[3]) {
	case 0xfc:
		take_text(facts->name, descriptor);
		break;
	case 0xff:
		take_text(facts->serial_text, descriptor);
		break;
	case 0xfd:
		facts->max_pixel_mhz = descriptor[9] * 10u;
		break;
	default:
		break;
	}
}

static void decode_base(struct glint_edid_facts *facts, const uint8_t *edid)
{
	unsigned maker = (unsigned)edid[8] << 8 | edid[9];

	for (unsigned i = 0; i < 3; i++) {
		unsigned letter = maker >> (10 - 5 * i) & 0x1f;

		facts->maker[i] = (char)(letter >= 1 && letter <= 26 ? '@' + letter : '?');
	}
	facts->product = (uint16_t)(edid[11] << 8 | edid[10]);
	facts->serial = (uint32_t)edid[15] << 24 | (uint32_t)edid[14] << 16 |
			(uint32_t)edid[13] << 8 | edid[12];
	facts->year = (uint16_t)(1990 + edid[17]);
	facts->version = edid[18];
	facts->revision = edid[19];
	facts->digital = edid[20] & 0x80;
	facts->width_cm = edid[21];
	facts->height_cm = edid[22];
	/* Since 1.4, one 0 makes the other an aspect ratio. */
	if (facts->width_cm == 0 || facts->height_cm == 0)
		facts->width_cm = facts->height_cm = 0;
	for (unsigned i = 0; i < 4; i++)
		decode_descriptor(facts, edid + 54 + DTD_SIZE * (size_t)i, i == 0);
	decode_standard(facts, edid);
	decode_established(facts, edid);
}

/* --- CTA-861 ------------------------------------------------------------------------- */

static void decode_audio(struct glint_edid_facts *facts, const struct data *data)
{
	for (unsigned i = 0; i + 3 <= data->n && facts->n_audios < GLINT_EDID_AUDIOS_MAX; i += 3) {
		const uint8_t *bytes = data->bytes + i;

		facts->audios[facts->n_audios++] = (struct glint_edid_audio){
			.format = bytes[0] >> 3 & 0xf,
			.channels = (bytes[0] & 7) + 1,
			.rates = bytes[1] & 0x7f,
			.bits = (bytes[0] >> 3 & 0xf) == 1 ? bytes[2] & 7 : 0,
		};
	}
}

static void decode_hdmi(struct glint_edid_facts *facts, const struct data *data)
{
	unsigned at = 8, n_vics;

	facts->hdmi = true;
	if (data->n >= 5)
		facts->address = (uint16_t)(data->bytes[3] << 8 | data->bytes[4]);
	if (data->n >= 7)
		facts->max_tmds_mhz = data->bytes[6] * 5u;
	if (data->n < 8)
		return;
	/* Latencies, two bytes each, lie before the HDMI VICs. */
	at += data->bytes[7] & 0x80 ? 2 : 0;
	at += data->bytes[7] & 0x40 ? 2 : 0;
	if (!(data->bytes[7] & 0x20) || at + 2 > data->n)
		return;
	n_vics = data->bytes[at + 1] >> 5;
	for (unsigned i = 0; i < n_vics && at + 2 + i < data->n; i++)
		add_vic(facts, glint_vic_of_hdmi(data->bytes[at + 2 + i]), GLINT_EDID_ANY_CHROMA);
}

static void decode_vendor(struct glint_edid_facts *facts, const struct data *data)
{
	if (oui_of(data) == OUI_HDMI)
		decode_hdmi(facts, data);
	if (oui_of(data) != OUI_HDMI_FORUM || data->n < 6)
		return;
	facts->max_hdmi2_mhz = data->bytes[4] * 5u;
	facts->scdc = data->bytes[5] & 0x80;
}

static void prefer_vic(struct glint_edid_facts *facts, unsigned vic)
{
	for (unsigned i = 0; vic > 0 && i < facts->n_modes; i++)
		if (facts->modes[i].vic == vic) {
			for (unsigned k = 0; k < facts->n_modes; k++)
				facts->modes[k].preferred = k == i;
			return;
		}
}

/* What refers to the modes that other data blocks name. */
struct pending {
	unsigned svds[31 * 4], n_svds; /* VICs of the video data blocks, in order */
	bool all_420;		       /* an empty map: every one of them */
	uint8_t map[31];
	unsigned map_bytes;
	unsigned preferred; /* VIC; 0: none */
};

static void decode_data(struct glint_edid_facts *facts, const struct data *data,
			struct pending *pending)
{
	switch (data->tag) {
	case DATA_AUDIO:
		decode_audio(facts, data);
		break;
	case DATA_VIDEO:
		for (unsigned i = 0; i < data->n; i++) {
			unsigned vic = vic_of(data->bytes[i]);

			add_vic(facts, vic, GLINT_EDID_ANY_CHROMA);
			if (pending->n_svds < ARRAY_SIZE(pending->svds))
				pending->svds[pending->n_svds++] = vic;
		}
		break;
	case DATA_VENDOR:
		decode_vendor(facts, data);
		break;
	case DATA_EXTENDED:
		if (data->ext == EXT_420_VIDEO)
			for (unsigned i = 0; i < data->n; i++)
				add_vic(facts, vic_of(data->bytes[i]), GLINT_EDID_ONLY_420);
		if (data->ext == EXT_420_MAP) {
			pending->all_420 = data->n == 0;
			pending->map_bytes = data->n;
			memcpy(pending->map, data->bytes, data->n);
		}
		if (data->ext == EXT_PREFERENCE && data->n > 0)
			pending->preferred = vic_of(data->bytes[0]);
		break;
	default:
		break;
	}
}

static void settle(struct glint_edid_facts *facts, const struct pending *pending)
{
	for (unsigned i = 0; i < pending->n_svds; i++) {
		bool mapped = i / 8 < pending->map_bytes && pending->map[i / 8] & 1 << i % 8;

		for (unsigned k = 0; k < facts->n_modes && (mapped || pending->all_420); k++)
			if (facts->modes[k].vic == pending->svds[i])
				facts->modes[k].chroma = GLINT_EDID_ALSO_420;
	}
	prefer_vic(facts, pending->preferred);
}

static void decode_cta(struct glint_edid_facts *facts, const uint8_t *block)
{
	struct pending pending = { 0 };
	unsigned at = DATA_BEGIN;
	struct data data;

	facts->cta = true;
	if (block[1] >= 2) {
		facts->basic_audio |= block[3] & 0x40;
		facts->ycbcr444 |= block[3] & 0x20;
		facts->ycbcr422 |= block[3] & 0x10;
	}
	while (next_data(block, &at, &data))
		decode_data(facts, &data, &pending);
	for (at = block[2]; at >= DATA_BEGIN && at + DTD_SIZE < GLINT_EDID_BLOCK; at += DTD_SIZE)
		if (!decode_detailed(facts, block + at, false))
			break;
	settle(facts, &pending);
}

void glint_edid_decode(const uint8_t *edid, size_t size, struct glint_edid_facts *facts)
{
	const uint8_t *block;

	*facts = (struct glint_edid_facts){
		.blocks = (unsigned)(size / GLINT_EDID_BLOCK),
		.address = GLINT_EDID_NO_ADDRESS,
	};
	if (size < GLINT_EDID_BLOCK)
		return;
	decode_base(facts, edid);
	for (size_t i = 1; (block = block_at(edid, size, i)); i++) {
		if (block[0] == TAG_CTA)
			decode_cta(facts, block);
		else
			facts->other_blocks++;
	}
}

/* --- Words ----------------------------------------------------------------------------- */

const char *glint_edid_mode_text(const struct glint_edid_mode *mode,
				 char text[GLINT_EDID_MODE_TEXT])
{
	unsigned centihz = (mode->millihz + 5) / 10;
	int n = snprintf(text, GLINT_EDID_MODE_TEXT, "%ux%u%c%u", mode->width, mode->height,
			 mode->interlaced ? 'i' : 'p', centihz / 100);

	if (centihz % 100)
		snprintf(text + n, GLINT_EDID_MODE_TEXT - (size_t)n, ".%02u", centihz % 100);
	return text;
}

const char *glint_edid_audio_name(unsigned format)
{
	static const char *const names[] = {
		[1] = "LPCM",	       [2] = "AC-3",	 [3] = "MPEG-1",    [4] = "MP3",
		[5] = "MPEG-2",	       [6] = "AAC-LC",	 [7] = "DTS",	    [8] = "ATRAC",
		[9] = "One Bit Audio", [10] = "E-AC-3",	 [11] = "DTS-HD",   [12] = "MAT",
		[13] = "DST",	       [14] = "WMA Pro", [15] = "extended",
	};

	return format < ARRAY_SIZE(names) && names[format] ? names[format] : "unknown";
}

static unsigned nth_of(const unsigned *values, unsigned n, uint8_t mask, unsigned nth)
{
	for (unsigned i = 0; i < n; i++)
		if (mask & 1 << i && nth-- == 0)
			return values[i];
	return 0;
}

unsigned glint_edid_audio_rate(const struct glint_edid_audio *audio, unsigned nth)
{
	static const unsigned hz[] = { 32000, 44100, 48000, 88200, 96000, 176400, 192000 };

	return nth_of(hz, ARRAY_SIZE(hz), audio->rates, nth);
}

unsigned glint_edid_audio_bits(const struct glint_edid_audio *audio, unsigned nth)
{
	static const unsigned bits[] = { 16, 20, 24 };

	return nth_of(bits, ARRAY_SIZE(bits), audio->bits, nth);
}
