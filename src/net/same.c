/* SPDX-License-Identifier: MIT */
#include "net/same.h"

#include <xxhash.h>

#include "core/picture.h"
#include "net/server.h"
#include "net/stream.h"

/* Once for each picture and all clients. */
static uint64_t hash_of(struct glint_net *net, const struct glint_picture *picture)
{
	uint64_t hash = picture->size;

	if (net->hashed_id == picture->encode_end_ns)
		return net->hash;
	for (unsigned i = 0; i < picture->n_parts; i++)
		hash = XXH3_64bits_withSeed(picture->parts[i].iov_base, picture->parts[i].iov_len,
					    hash);
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
