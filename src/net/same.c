/* SPDX-License-Identifier: MIT */
#include "net/same.h"

#include <string.h>

#include "core/picture.h"
#include "net/server.h"
#include "net/stream.h"

/* Eight bytes a step: some gigabytes a second, once for each picture and all clients. */
static uint64_t hash_step(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

static uint64_t hash_part(uint64_t hash, const struct iovec *part)
{
	const char *bytes = part->iov_base;
	size_t left = part->iov_len;
	uint64_t word;

	for (; left >= sizeof(word); left -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = hash_step(hash, word);
	}
	word = left;
	memcpy(&word, bytes, left);
	return hash_step(hash, word ^ (uint64_t)left << 56);
}

static uint64_t hash_of(struct glint_net *net, const struct glint_picture *picture)
{
	uint64_t hash = picture->size;

	if (net->hashed_id == picture->encode_end_ns)
		return net->hash;
	for (unsigned i = 0; i < picture->n_parts; i++)
		hash = hash_part(hash, &picture->parts[i]);
	net->hashed_id = picture->encode_end_ns;
	net->hash = hash;
	return hash;
}

bool glint_same_leaves_out(struct glint_stream *stream, const struct glint_picture *picture)
{
	struct glint_net *net = stream->client->net;
	uint64_t hash;
	bool same;

	if (net->config.drop_same_frames == 0)
		return false;
	hash = hash_of(net, picture);
	same = hash == stream->last_hash && stream->n_same < net->config.drop_same_frames;
	/* The first equal one after a change is sent, for browsers that paint too late. */
	if (same && stream->dual_final_frames && stream->changed) {
		stream->changed = false;
		return false;
	}
	if (same) {
		stream->n_same++;
		stream->changed = false;
		return true;
	}
	stream->changed = hash != stream->last_hash;
	stream->last_hash = hash;
	return false;
}
