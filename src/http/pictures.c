/* SPDX-License-Identifier: MIT */
#include "http/pictures.h"

#include "base/clock.h"
#include "core/packet.h"
#include "http/internal.h"

bool glint_pictures_are_live(const struct glint_server *server, const struct glint_frame_info *info)
{
	return server->online && info->stream == server->stream;
}

void glint_pictures_count_queued(struct glint_server *server, const struct glint_packet *packet)
{
	if (server->queued_serial == packet->serial)
		return;
	server->queued_serial = packet->serial;
	glint_rate_add(&server->queued, glint_now_ns());
}

static void histogram_add_since(struct glint_histogram *histogram, uint64_t begin_ns,
				uint64_t now_ns)
{
	glint_histogram_add(histogram, now_ns > begin_ns ? now_ns - begin_ns : 0);
}

void glint_pictures_count_sent(struct glint_server *server, const struct glint_packet *packet)
{
	uint64_t now_ns = glint_now_ns();

	server->counters.pictures_sent++;
	if (!packet->info.live)
		return;
	histogram_add_since(&server->send, packet->encode_end_ns, now_ns);
	histogram_add_since(&server->total, packet->info.complete_ns, now_ns);
}
