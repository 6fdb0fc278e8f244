/* SPDX-License-Identifier: MIT */
#include "libglint/chunks.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static int take_digit(struct glint_chunks *chunks, char c)
{
	char lower = c | ('a' ^ 'A');
	int digit = -1;

	if (c >= '0' && c <= '9')
		digit = c - '0';
	else if (lower >= 'a' && lower <= 'f')
		digit = lower - 'a' + 10;
	if (digit < 0 || chunks->left > UINT64_MAX >> 4)
		return -EPROTO;
	chunks->left = chunks->left << 4 | (unsigned)digit;
	chunks->state = GLINT_CHUNKS_SIZE;
	return 0;
}

static int take_expected(struct glint_chunks *chunks, char c, char expected,
			 enum glint_chunks_state next)
{
	if (c != expected)
		return -EPROTO;
	chunks->state = next;
	return 0;
}

/* Parse one byte of the framing. */
static int take_byte(struct glint_chunks *chunks, char c)
{
	switch (chunks->state) {
	case GLINT_CHUNKS_SIZE_BEGIN:
		chunks->left = 0;
		return take_digit(chunks, c);
	case GLINT_CHUNKS_SIZE:
		if (c == ';' || c == ' ' || c == '\t')
			chunks->state = GLINT_CHUNKS_EXTENSION;
		else if (c == '\r')
			chunks->state = GLINT_CHUNKS_SIZE_LF;
		else
			return take_digit(chunks, c);
		return 0;
	case GLINT_CHUNKS_EXTENSION:
		if (c == '\r')
			chunks->state = GLINT_CHUNKS_SIZE_LF;
		return 0;
	case GLINT_CHUNKS_SIZE_LF:
		return take_expected(chunks, c, '\n',
				     chunks->left > 0 ? GLINT_CHUNKS_DATA :
							GLINT_CHUNKS_TRAILER_BEGIN);
	case GLINT_CHUNKS_DATA_CR:
		return take_expected(chunks, c, '\r', GLINT_CHUNKS_DATA_LF);
	case GLINT_CHUNKS_DATA_LF:
		return take_expected(chunks, c, '\n', GLINT_CHUNKS_SIZE_BEGIN);
	case GLINT_CHUNKS_TRAILER_BEGIN:
		chunks->state = c == '\r' ? GLINT_CHUNKS_END_LF : GLINT_CHUNKS_TRAILER;
		return 0;
	case GLINT_CHUNKS_TRAILER:
		if (c == '\r')
			chunks->state = GLINT_CHUNKS_TRAILER_LF;
		return 0;
	case GLINT_CHUNKS_TRAILER_LF:
		return take_expected(chunks, c, '\n', GLINT_CHUNKS_TRAILER_BEGIN);
	case GLINT_CHUNKS_END_LF:
		return take_expected(chunks, c, '\n', GLINT_CHUNKS_END);
	case GLINT_CHUNKS_DATA:
	case GLINT_CHUNKS_END:
		break;
	}
	return 0;
}

/* Move the data of the present chunk from @from to @to; return its length. */
static size_t take_data(struct glint_chunks *chunks, char *to, const char *from, size_t len)
{
	size_t count = chunks->left < len ? (size_t)chunks->left : len;

	assert(chunks->state == GLINT_CHUNKS_DATA && count > 0);

	memmove(to, from, count);
	chunks->between = 0;
	chunks->left -= count;
	if (chunks->left == 0)
		chunks->state = GLINT_CHUNKS_DATA_CR;
	return count;
}

ssize_t glint_chunks_decode(struct glint_chunks *chunks, char *bytes, size_t len)
{
	size_t kept = 0, at = 0;

	while (at < len && chunks->state != GLINT_CHUNKS_END) {
		assert(kept <= at); /* in place: data never overtakes the coding that is read */
		if (chunks->state == GLINT_CHUNKS_DATA) {
			size_t count = take_data(chunks, bytes + kept, bytes + at, len - at);

			kept += count;
			at += count;
			continue;
		}
		if (++chunks->between > GLINT_CHUNKS_BETWEEN_MAX)
			return -EMSGSIZE;
		if (take_byte(chunks, bytes[at++]) < 0)
			return -EPROTO;
	}
	return (ssize_t)kept;
}

bool glint_chunks_ended(const struct glint_chunks *chunks)
{
	return chunks->state == GLINT_CHUNKS_END;
}
