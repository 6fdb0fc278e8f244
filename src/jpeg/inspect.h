/* SPDX-License-Identifier: MIT */
/*
 * Inspects a JPEG (ITU-T T.81) from a camera or an encoder: whether it is whole by its
 * markers, and which size it has. One pass, in time proportional to the bytes; nothing is
 * decoded. Pure; every length from the data is checked before it is used.
 */
#ifndef GLINT_JPEG_INSPECT_H
#define GLINT_JPEG_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glint_jpeg_info {
	uint32_t width, height; /* of the frame header */
	size_t sos;		/* offset of the first SOS marker */
	size_t size;		/* up to the EOI and with it */
	bool has_huffman;	/* a DHT comes before that SOS; MJPEG leaves it out */
	bool truncated;		/* there is no EOI */
};

/*
 * 0: a baseline, extended or progressive picture of 8 bits a sample, whole by its markers.
 *
 * -ENODATA: the same, but truncated, within a scan or behind one. @info is valid, and its size
 * is that of the data.
 *
 * -EBADMSG: damaged, or of another kind. A segment does not fit; the frame header is missing,
 * comes twice, or is of another process; a quantisation table is missing; a scan is empty, or
 * has markers that do not belong there, or lacks restart markers in their order and number;
 * or the scans are too short for the size.
 */
int glint_jpeg_inspect(const uint8_t *data, size_t size, struct glint_jpeg_info *info);

/*
 * Find where the data of the first scan begins; check neither the data nor the header.
 * -EBADMSG: the segments do not lead to a scan.
 */
int glint_jpeg_find_scan(const uint8_t *data, size_t size, size_t *begin);
#endif
