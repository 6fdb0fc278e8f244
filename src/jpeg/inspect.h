/* SPDX-License-Identifier: MIT */
/*
 * Judges a JPEG (ITU-T T.81) that a camera or an encoder has made: whether it is whole by
 * its markers, and how large its picture is. One pass, in time proportional to the bytes;
 * nothing is decoded. Pure; every length from the data is checked before it is used.
 */
#ifndef GLINT_JPEG_INSPECT_H
#define GLINT_JPEG_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glint_jpeg_info {
	uint32_t width, height; /* of the frame header */
	size_t sos;		/* offset of the first SOS marker */
	size_t size;		/* with the EOI, without what is behind it */
	bool has_huffman;	/* a DHT comes before that SOS; MJPEG leaves it out */
	bool truncated;		/* there is no EOI */
};

/*
 * 0: a baseline, extended or progressive picture of 8 bits a sample, whole by its markers.
 *
 * -ENODATA: so far it is one, but it is truncated, within a scan or behind one. @info is valid,
 * and its size is that of the data.
 *
 * -EBADMSG: it is none. A segment does not fit; the frame header is missing, comes twice, or is
 * of another process; a table of quantisation that is needed is missing; a scan is empty; there
 * are markers in it that do not belong there, or not those of the restarts, in their order and
 * number; or the scans are too short for a picture of that size.
 */
int glint_jpeg_inspect(const uint8_t *data, size_t size, struct glint_jpeg_info *info);

/*
 * Where the data of the first scan begins, without looking at it or at what the header says.
 * -EBADMSG: the segments do not lead to a scan.
 */
int glint_jpeg_find_scan(const uint8_t *data, size_t size, size_t *begin);
#endif
