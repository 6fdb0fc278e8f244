/* SPDX-License-Identifier: MIT */
/*
 * Takes HTTP's chunked coding off a body (RFC 9112, 7.1), however the bytes are cut
 * into reads. Begins as all zeroes. What stands between two chunks is bounded.
 */
#ifndef GLINT_LIBGLINT_CHUNKS_H
#define GLINT_LIBGLINT_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GLINT_CHUNKS_BETWEEN_MAX 8192u	/* bytes of sizes, extensions and trailers in a row */

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
	uint64_t left;		/* of the chunk's data; its size, while that is read */
	unsigned between;	/* bytes since the last data */
};

/*
 * Moves the data among the next @len bytes to the front of @bytes and returns how many
 * they are. Bytes behind the end of the body are dropped. -EPROTO: not the coding;
 * -EMSGSIZE: too much between two chunks.
 */
ssize_t glint_chunks_decode(struct glint_chunks *chunks, char *bytes, size_t len);

/* The body is complete. */
bool glint_chunks_ended(const struct glint_chunks *chunks);
#endif
