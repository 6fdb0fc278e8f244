/* SPDX-License-Identifier: MIT */
/*
 * Decode HTTP's chunked coding (RFC 9112, 7.1) from reads of any size. Zero-initialised.
 * The framing between two chunks is bounded.
 */
#ifndef GLINT_LIBGLINT_CHUNKS_H
#define GLINT_LIBGLINT_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GLINT_CHUNKS_BETWEEN_MAX 8192u /* bytes of sizes, extensions and trailers in a row */

enum glint_chunks_state {
	GLINT_CHUNKS_SIZE_BEGIN,
	GLINT_CHUNKS_SIZE,
	GLINT_CHUNKS_EXTENSION,
	GLINT_CHUNKS_SIZE_LF,
	GLINT_CHUNKS_DATA,
	GLINT_CHUNKS_DATA_CR,
	GLINT_CHUNKS_DATA_LF,
	GLINT_CHUNKS_TRAILER_BEGIN,
	GLINT_CHUNKS_TRAILER,
	GLINT_CHUNKS_TRAILER_LF,
	GLINT_CHUNKS_END_LF,
	GLINT_CHUNKS_END,
};

struct glint_chunks {
	enum glint_chunks_state state;
	uint64_t left;	  /* bytes of the chunk that have not come; while it is parsed, its size */
	unsigned between; /* bytes of framing since the last data */
};

/*
 * Decode the next @len bytes in place and return the number of data bytes. Drops bytes
 * after the end of the body. -EPROTO: invalid coding; -EMSGSIZE: too much framing between
 * two chunks.
 */
ssize_t glint_chunks_decode(struct glint_chunks *chunks, char *bytes, size_t len);

/* Returns whether the body is complete. */
bool glint_chunks_ended(const struct glint_chunks *chunks);
#endif
