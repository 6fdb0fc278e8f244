/* SPDX-License-Identifier: MIT */
/* The cost of each stage of a frame's way by itself, with warm caches. */
#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/clock.h"
#include "bench.h"
#include "core/fanout.h"
#include "core/loop.h"
#include "core/packet.h"
#include "encode/bytes.h"
#include "encode/encoder.h"
#include "jpeg/header.h"
#include "encode/rows.h"
#include "encode/turbo.h"
#include "stage_frame.h"
#include "tally.h"

#define QUALITY	     80
#define SINKS_MAX    64
#define PICTURE_SIZE 230000 /* bytes: a 1080p screen at quality 80 */

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench_stages: %s\n", what);
	exit(2);
}

/* --- One thread: unpack, compress ----------------------------------------------- */

struct strip {
	struct stage_frame frame;
	struct glint_rows rows;
	struct glint_turbo *turbo;
	struct glint_bytes out;
	uint32_t n_rows;
};

static void strip_init(struct strip *s, uint32_t fourcc, uint32_t width, uint32_t height, bool hdmi)
{
	*s = (struct strip){ .n_rows = (height + 15) / 16 };
	stage_frame_init(&s->frame, fourcc, width, height);
	if (hdmi) {
		s->frame.format.range = GLINT_RANGE_LIMITED;
		s->frame.format.matrix = GLINT_MATRIX_BT709;
	}
	if (glint_rows_init(&s->rows, &s->frame.format, GLINT_SAMPLING_420, false, false) < 0 ||
	    glint_turbo_create(&s->turbo) < 0)
		give_up("no memory");
	if (glint_turbo_configure(s->turbo, QUALITY, GLINT_SAMPLING_420) < 0)
		abort();
}

static void strip_fini(struct strip *s)
{
	glint_turbo_destroy(s->turbo);
	glint_rows_fini(&s->rows);
	glint_bytes_fini(&s->out);
	stage_frame_fini(&s->frame);
}

static void unpack(void *ctx)
{
	struct strip *s = ctx;

	for (uint32_t i = 0; i < s->n_rows; i++)
		glint_rows_read(&s->rows, &s->frame.view, i);
}

static void encode_once(void *ctx)
{
	struct strip *s = ctx;

	if (glint_turbo_slice(s->turbo, &s->rows, &s->frame.view, 0, s->n_rows, &s->out) < 0)
		give_up("encoding fails");
}

/* @hdmi: limited range and BT.709, like most HDMI sources. */
static void bench_strip(const char *format, uint32_t fourcc, bool hdmi)
{
	char name[64];
	struct strip s;

	strip_init(&s, fourcc, 1920, 1080, hdmi);
	snprintf(name, sizeof(name), "unpack 1080p %s", format);
	glint_bench_turns(name, "ms", 1, unpack, &s);
	snprintf(name, sizeof(name), "unpack and compress 1080p %s, one thread", format);
	glint_bench_turns(name, "ms", 1, encode_once, &s);
	strip_fini(&s);
}

static void write_header(void *ctx)
{
	struct glint_jpeg_params params = {
		.width = 1920,
		.height = 1080,
		.sampling = GLINT_SAMPLING_420,
		.restart = 4080,
	};
	uint8_t *out = ctx;

	memset(params.quant, 16, sizeof(params.quant));
	for (unsigned i = 0; i < 1000; i++)
		glint_jpeg_write_header(out, &params);
}

/* --- The encoder, from a frame to its picture ------------------------------------------- */

struct encode {
	struct glint_loop *loop;
	struct glint_fanout source;
	struct glint_encoder *encoder;
	struct glint_sink sink;
	struct stage_frame *frame;
	bool moves; /* a sample of each row of blocks changes with each frame */
	uint32_t seq;
	unsigned pictures;
};

static bool encode_on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	(void)packet;
	container_of(sink, struct encode, sink)->pictures++;
	return true;
}

static void encode_turn(void *ctx)
{
	struct encode *e = ctx;
	unsigned wanted = e->pictures + 1;
	uint8_t *pixels = e->frame->buf.planes[0].map;

	for (uint32_t y = 0; e->moves && y < e->frame->format.height; y += 8)
		pixels[(size_t)y * e->frame->format.stride[0]] ^= 64;
	stage_frame_begin(e->frame, e->seq++);
	glint_fanout_push_frame(&e->source, &e->frame->frame);
	glint_frame_unref(&e->frame->frame);
	while (e->pictures < wanted && glint_loop_run_once(e->loop, UINT64_MAX) == 0)
		;
}

static void bench_encoder(struct stage_frame *frame, unsigned workers, bool moves)
{
	struct glint_encoder_config config = { .quality = QUALITY,
					       .workers = workers,
					       .packets = 4 };
	struct encode e = { .frame = frame,
			    .moves = moves,
			    .sink = { .codec = GLINT_CODEC_JPEG,
				      .push_packet = encode_on_packet } };
	char name[64];

	if (glint_loop_create(&e.loop, GLINT_LOOP_AUTO) < 0)
		give_up("no loop");
	glint_fanout_init(&e.source, NULL);
	if (glint_encoder_create(&e.encoder, e.loop, &e.source, &config) < 0)
		give_up("no encoder");
	glint_list_init(&e.sink.link);
	glint_fanout_attach(glint_encoder_packets(e.encoder), &e.sink);

	snprintf(name, sizeof(name), "%s frame to picture %ux%u, %u worker(s)",
		 moves ? "new" : "still", frame->format.width, frame->format.height, workers);
	glint_bench_turns(name, "ms", 1, encode_turn, &e);

	glint_fanout_detach(glint_encoder_packets(e.encoder), &e.sink);
	glint_encoder_destroy(e.encoder);
	glint_loop_destroy(e.loop);
}

static void bench_encoders(uint32_t width, uint32_t height, bool moves)
{
	struct stage_frame frame;

	stage_frame_init(&frame, V4L2_PIX_FMT_YUYV, width, height);
	for (unsigned workers = 1; workers <= 4; workers++)
		bench_encoder(&frame, workers, moves);
	stage_frame_fini(&frame);
}

/* --- Fan-out ------------------------------------------------------------------------------ */

struct fan {
	struct glint_fanout fanout;
	struct glint_sink sinks[SINKS_MAX];
	struct stage_frame frame;
};

/* Keeps a reference to the newest frame only, like a stream client. */
static bool fan_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	(void)sink;
	glint_frame_unref(glint_frame_ref(frame));
	return true;
}

static void fan_turn(void *ctx)
{
	struct fan *fan = ctx;

	for (unsigned i = 0; i < 1000; i++)
		glint_fanout_push_frame(&fan->fanout, &fan->frame.frame);
}

static void bench_fanout(unsigned n)
{
	struct fan fan;
	char name[64];

	glint_fanout_init(&fan.fanout, NULL);
	stage_frame_init(&fan.frame, V4L2_PIX_FMT_YUYV, 320, 240);
	stage_frame_begin(&fan.frame, 0);
	for (unsigned i = 0; i < n; i++) {
		fan.sinks[i].push_frame = fan_on_frame;
		glint_list_init(&fan.sinks[i].link);
		glint_fanout_attach(&fan.fanout, &fan.sinks[i]);
	}
	snprintf(name, sizeof(name), "fanout push to %u sink(s)", n);
	glint_bench_turns(name, "ns", 1000, fan_turn, &fan);
	for (unsigned i = 0; i < n; i++)
		glint_fanout_detach(&fan.fanout, &fan.sinks[i]);
	glint_frame_unref(&fan.frame.frame);
	stage_frame_fini(&fan.frame);
}

/* --- Sending --------------------------------------------------------------------------------- */

struct sending {
	struct glint_loop *loop;
	struct glint_op send, poll;
	int fds[2];
	size_t to_send, to_receive;
	struct iovec part;
	struct msghdr msg;
	uint8_t picture[PICTURE_SIZE], received[PICTURE_SIZE];
};

static void send_rest(struct sending *s)
{
	s->part = (struct iovec){ s->picture + sizeof(s->picture) - s->to_send, s->to_send };
	s->msg = (struct msghdr){ .msg_iov = &s->part, .msg_iovlen = 1 };
	glint_loop_send(s->loop, &s->send, s->fds[0], &s->msg);
}

static void sending_on_sent(struct glint_op *op, int res, uint32_t flags)
{
	struct sending *s = container_of(op, struct sending, send);

	(void)flags;
	if (res < 0)
		give_up("sending fails");
	s->to_send -= (size_t)res;
	if (s->to_send > 0)
		send_rest(s);
}

static void sending_on_readable(struct glint_op *op, int res, uint32_t flags)
{
	struct sending *s = container_of(op, struct sending, poll);
	ssize_t n;

	(void)flags;
	if (res == -ECANCELED)
		return;
	while ((n = recv(s->fds[1], s->received, sizeof(s->received), MSG_DONTWAIT)) > 0)
		s->to_receive -= (size_t)n;
}

static void sending_turn(void *ctx)
{
	struct sending *s = ctx;

	s->to_send = s->to_receive = sizeof(s->picture);
	send_rest(s);
	while (s->to_send + s->to_receive > 0 && glint_loop_run_once(s->loop, UINT64_MAX) == 0)
		;
}

static void bench_a_picture_is_sent_through_a_unix_socket(void)
{
	static struct sending s = {
		.send = { .done = sending_on_sent },
		.poll = { .done = sending_on_readable },
	};

	if (glint_loop_create(&s.loop, GLINT_LOOP_AUTO) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s.fds) < 0)
		give_up("no socket");
	glint_loop_poll(s.loop, &s.poll, s.fds[1], POLLIN);
	glint_bench_turns("send 230 kB by the loop, and read it again", "us", 1, sending_turn, &s);
	glint_loop_destroy(s.loop);
	close(s.fds[0]);
	close(s.fds[1]);
}

static void bench_packed_lines_are_unpacked_and_compressed(void)
{
	bench_strip("YUYV", V4L2_PIX_FMT_YUYV, false);
}

static void bench_packed_lines_of_an_hdmi_source_are_unpacked_and_compressed(void)
{
	bench_strip("YUYV limited BT.709", V4L2_PIX_FMT_YUYV, true);
}

static void bench_semiplanar_lines_are_unpacked_and_compressed(void)
{
	bench_strip("NV12", V4L2_PIX_FMT_NV12, false);
}

static void bench_rgb_lines_are_unpacked_and_compressed(void)
{
	bench_strip("RGB24", V4L2_PIX_FMT_RGB24, false);
}

static void bench_a_header_is_written(void)
{
	uint8_t header[GLINT_JPEG_HEADER_MAX];

	glint_bench_turns("JPEG header", "ns", 1000, write_header, header);
}

static void bench_a_still_frame_of_1080p_becomes_a_picture(void)
{
	bench_encoders(1920, 1080, false);
}

static void bench_a_frame_of_1080p_in_which_all_rows_change_becomes_a_picture(void)
{
	bench_encoders(1920, 1080, true);
}

static void bench_a_frame_of_2160p_in_which_all_rows_change_becomes_a_picture(void)
{
	bench_encoders(3840, 2160, true);
}

static void bench_a_still_frame_of_2160p_becomes_a_picture(void)
{
	bench_encoders(3840, 2160, false);
}

static void bench_a_frame_is_pushed_to_sinks(void)
{
	for (unsigned n = 1; n <= SINKS_MAX; n *= 4)
		bench_fanout(n);
}

/* clang-format off */
GLINT_BENCHES("stages",
	GLINT_BENCH(bench_packed_lines_are_unpacked_and_compressed),
	GLINT_BENCH(bench_packed_lines_of_an_hdmi_source_are_unpacked_and_compressed),
	GLINT_BENCH(bench_semiplanar_lines_are_unpacked_and_compressed),
	GLINT_BENCH(bench_rgb_lines_are_unpacked_and_compressed),
	GLINT_BENCH(bench_a_header_is_written),
	GLINT_BENCH(bench_a_still_frame_of_1080p_becomes_a_picture),
	GLINT_BENCH(bench_a_still_frame_of_2160p_becomes_a_picture),
	GLINT_BENCH(bench_a_frame_of_1080p_in_which_all_rows_change_becomes_a_picture),
	GLINT_BENCH(bench_a_frame_of_2160p_in_which_all_rows_change_becomes_a_picture),
	GLINT_BENCH(bench_a_frame_is_pushed_to_sinks),
	GLINT_BENCH(bench_a_picture_is_sent_through_a_unix_socket),
)
