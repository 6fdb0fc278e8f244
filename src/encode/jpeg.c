/* SPDX-License-Identifier: MIT */
#include "encode/jpeg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	M_SOF0 = 0xc0,
	M_SOF2 = 0xc2,
	M_DHT = 0xc4,
	M_RST0 = 0xd0,
	M_RST7 = 0xd7,
	M_SOI = 0xd8,
	M_EOI = 0xd9,
	M_SOS = 0xda,
	M_DQT = 0xdb,
	M_DRI = 0xdd,
	M_APP0 = 0xe0,
	M_TEM = 0x01,
};

/* --- Checking ------------------------------------------------------------------ */

static unsigned read_word(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Length of the segment at @at, marker included; 0 when it does not fit. */
static size_t segment_length(const uint8_t *data, size_t size, size_t at)
{
	size_t length;

	if (size - at < 4)
		return 0;
	length = read_word(data + at + 2);
	return length >= 2 && length + 2 <= size - at ? length + 2 : 0;
}

static int inspect_frame(const uint8_t *segment, size_t length, struct glint_jpeg_info *info)
{
	if (length < 10)
		return -EBADMSG;
	info->height = read_word(segment + 5);
	info->width = read_word(segment + 7);
	return info->width && info->height ? 0 : -EBADMSG;
}

/* The last EOI: what cameras put behind it is no part of the picture. */
static int find_end(const uint8_t *data, size_t size, struct glint_jpeg_info *info)
{
	const uint8_t *eoi;

	for (size_t end = size; end > info->sos + 2; end = (size_t)(eoi - data)) {
		eoi = memrchr(data + info->sos, M_EOI, end - info->sos);
		if (!eoi || eoi == data)
			return -EBADMSG;
		if (eoi[-1] == 0xff) {
			info->size = (size_t)(eoi + 1 - data);
			return 0;
		}
	}
	return -EBADMSG;
}

int glint_jpeg_inspect(const uint8_t *data, size_t size, struct glint_jpeg_info *info)
{
	size_t at = 2, length;
	int err;

	memset(info, 0, sizeof(*info));
	if (size < 4 || data[0] != 0xff || data[1] != M_SOI)
		return -EBADMSG;

	for (; at + 4 <= size; at += length) {
		uint8_t marker = data[at + 1];

		if (data[at] != 0xff)
			return -EBADMSG;
		if (marker == 0xff) {		/* a fill byte before the marker */
			length = 1;
			continue;
		}
		if (marker == M_SOS) {
			info->sos = at;
			return info->width ? find_end(data, size, info) : -EBADMSG;
		}
		length = segment_length(data, size, at);
		if (length == 0)
			return -EBADMSG;
		if (marker >= M_SOF0 && marker <= M_SOF2) {
			err = inspect_frame(data + at, length, info);
			if (err < 0)
				return err;
		}
		info->has_huffman |= marker == M_DHT;
	}
	return -EBADMSG;
}

/* --- Sampling ------------------------------------------------------------------- */

const char *glint_sampling_name(enum glint_sampling sampling)
{
	static const char *const names[] = {
		[GLINT_SAMPLING_GREY] = "grey",
		[GLINT_SAMPLING_420] = "4:2:0",
		[GLINT_SAMPLING_422] = "4:2:2",
		[GLINT_SAMPLING_444] = "4:4:4",
	};

	return names[sampling];
}

unsigned glint_sampling_mcu_width(enum glint_sampling sampling)
{
	return sampling == GLINT_SAMPLING_420 || sampling == GLINT_SAMPLING_422 ? 16 : 8;
}

unsigned glint_sampling_mcu_height(enum glint_sampling sampling)
{
	return sampling == GLINT_SAMPLING_420 ? 16 : 8;
}

/* --- Writing -------------------------------------------------------------------- */

/* T.81 tables K.3 to K.6 as DHT segments: DC and AC for luma, DC and AC for chroma. */
static const uint8_t standard_dht[GLINT_JPEG_DHT_SIZE] = {
	0xff, M_DHT, 0x00, 0x1f, 0x00, 0,    1,	   5,	 1,    1,    1,	   1,	 1,    1,    0,
	0,    0,     0,	   0,	 0,    0,    0,	   1,	 2,    3,    4,	   5,	 6,    7,    8,
	9,    10,    11,

	0xff, M_DHT, 0x00, 0xb5, 0x10, 0,    2,	   1,	 3,    3,    2,	   4,	 3,    5,    5,
	4,    4,     0,	   0,	 1,    0x7d, 0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21,
	0x31, 0x41,  0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08,
	0x23, 0x42,  0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a,
	0x16, 0x17,  0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
	0x38, 0x39,  0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56,
	0x57, 0x58,  0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75,
	0x76, 0x77,  0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93,
	0x94, 0x95,  0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9,
	0xaa, 0xb2,  0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6,
	0xc7, 0xc8,  0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
	0xe3, 0xe4,  0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
	0xf8, 0xf9,  0xfa,

	0xff, M_DHT, 0x00, 0x1f, 0x01, 0,    3,	   1,	 1,    1,    1,	   1,	 1,    1,    1,
	1,    0,     0,	   0,	 0,    0,    0,	   1,	 2,    3,    4,	   5,	 6,    7,    8,
	9,    10,    11,

	0xff, M_DHT, 0x00, 0xb5, 0x11, 0,    2,	   1,	 2,    4,    4,	   3,	 4,    7,    5,
	4,    4,     0,	   1,	 2,    0x77, 0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31,
	0x06, 0x12,  0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91,
	0xa1, 0xb1,  0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24,
	0x34, 0xe1,  0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
	0x37, 0x38,  0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55,
	0x56, 0x57,  0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74,
	0x75, 0x76,  0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a,
	0x92, 0x93,  0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
	0xa8, 0xa9,  0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4,
	0xc5, 0xc6,  0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
	0xe2, 0xe3,  0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
	0xf8, 0xf9,  0xfa,
};

const uint8_t *glint_jpeg_standard_dht(void)
{
	return standard_dht;
}

static uint8_t *put_word(uint8_t *at, unsigned word)
{
	*at++ = (uint8_t)(word >> 8);
	*at++ = (uint8_t)word;
	return at;
}

static uint8_t *put_segment(uint8_t *at, uint8_t marker, unsigned length)
{
	*at++ = 0xff;
	*at++ = marker;
	return put_word(at, length);
}

static uint8_t *put_jfif(uint8_t *at)
{
	static const uint8_t body[14] = { 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0 };

	at = put_segment(at, M_APP0, 2 + sizeof(body));
	return mempcpy(at, body, sizeof(body));
}

static uint8_t *put_quant(uint8_t *at, uint8_t id, const uint8_t quant[64])
{
	at = put_segment(at, M_DQT, 2 + 1 + 64);
	*at++ = id;
	return mempcpy(at, quant, 64);
}

static uint8_t *put_frame(uint8_t *at, const struct glint_jpeg_params *params, unsigned n)
{
	unsigned h = glint_sampling_mcu_width(params->sampling) / 8;
	unsigned v = glint_sampling_mcu_height(params->sampling) / 8;

	at = put_segment(at, M_SOF0, 8 + 3 * n);
	*at++ = 8;
	at = put_word(at, params->height);
	at = put_word(at, params->width);
	*at++ = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		*at++ = (uint8_t)(i + 1);
		*at++ = (uint8_t)(i == 0 ? h << 4 | v : 0x11);
		*at++ = i > 0;
	}
	return at;
}

static uint8_t *put_scan(uint8_t *at, unsigned n)
{
	at = put_segment(at, M_SOS, 6 + 2 * n);
	*at++ = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		*at++ = (uint8_t)(i + 1);
		*at++ = i > 0 ? 0x11 : 0x00;
	}
	*at++ = 0;
	*at++ = 63;
	*at++ = 0;
	return at;
}

size_t glint_jpeg_write_header(uint8_t out[static GLINT_JPEG_HEADER_MAX],
			       const struct glint_jpeg_params *params)
{
	unsigned n = params->sampling == GLINT_SAMPLING_GREY ? 1 : 3;
	uint8_t *at = out;

	*at++ = 0xff;
	*at++ = M_SOI;
	at = put_jfif(at);
	at = put_quant(at, 0, params->quant[0]);
	if (n == 3)
		at = put_quant(at, 1, params->quant[1]);
	at = put_frame(at, params, n);
	at = mempcpy(at, standard_dht, n == 3 ? sizeof(standard_dht) : sizeof(standard_dht) / 2);
	if (params->restart)
		at = put_word(put_segment(at, M_DRI, 4), params->restart);
	at = put_scan(at, n);
	assert(at <= out + GLINT_JPEG_HEADER_MAX);
	return (size_t)(at - out);
}
