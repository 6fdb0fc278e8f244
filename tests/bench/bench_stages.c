/* SPDX-License-Identifier: MIT */
/*
 * What each stage of a frame's way costs by itself, each with what it needs warm:
 *
 *	bench_stages		all, a JSON line each: the median of many turns
 *	bench_stages encode	one picture by one thread, in encode_once(), for callgrind
 */
#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "core/fanout.h"
#include "core/loop.h"
#include "core/picture.h"
#include "encode/bytes.h"
#include "encode/encoder.h"
#include "jpeg/header.h"
#include "encode/rows.h"
#include "encode/turbo.h"
#include "stage_frame.h"
#include "tally.h"

#define TURNS 60
#define QUALITY 80
#define SINKS_MAX 64
#define PICTURE_SIZE 230000	/* bytes: a 1080p screen at quality 80 */

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench_stages: %s\n", what);
	exit(2);
}

static void print_row(const char *name, double value, const char *unit)
{
	printf("{\"name\": \"%s\", \"value\": %.4f, \"unit\": \"%s\"}\n", name, value, unit);
	fflush(stdout);
}

/* The median time of a turn, in nanoseconds; the first ones warm up. */
static double time_turns(void (*turn)(void *ctx), void *ctx)
{
	struct tally times = { 0 };
	double median;

	for (unsigned i = 0; i < TURNS + 5; i++) {
		uint64_t begin_ns = glint_now_ns();

		turn(ctx);
		if (i >= 5)
			tally_add(&times, glint_now_ns() - begin_ns);
	}
	median = (double)tally_percentile(&times, 50);
	tally_fini(&times);
	return median;
}

/* --- One thread's work: unpack, compress ----------------------------------------------- */

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

/* Not inlined: callgrind counts from its call to its return. */
__attribute__((noinline)) static void encode_once(void *ctx)
{
	struct strip *s = ctx;

	if (glint_turbo_slice(s->turbo, &s->rows, &s->frame.view, 0, s->n_rows, &s->out) < 0)
		give_up("encoding fails");
}

/* @hdmi: limited range and BT.709, as most HDMI sources send it. */
static void bench_strip(const char *format, uint32_t fourcc, bool hdmi)
{
	char name[64];
	struct strip s;

	strip_init(&s, fourcc, 1920, 1080, hdmi);
	snprintf(name, sizeof(name), "unpack 1080p %s", format);
	print_row(name, time_turns(unpack, &s) / 1e6, "ms");
	snprintf(name, sizeof(name), "unpack and compress 1080p %s, one thread", format);
	print_row(name, time_turns(encode_once, &s) / 1e6, "ms");
	strip_fini(&s);
}

static void write_header(void *ctx)
{
	struct glint_jpeg_params params = {
		.width = 1920, .height = 1080, .sampling = GLINT_SAMPLING_420, .restart = 4080,
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
	uint32_t seq;
	unsigned pictures;
};

static bool encode_on_picture(struct glint_sink *sink, struct glint_frame *frame)
{
	(void)frame;
	container_of(sink, struct encode, sink)->pictures++;
	return true;
}

static void encode_turn(void *ctx)
{
	struct encode *e = ctx;
	unsigned wanted = e->pictures + 1;

	stage_frame_begin(e->frame, e->seq++);
	glint_fanout_push(&e->source, &e->frame->frame);
	glint_frame_unref(&e->frame->frame);
	while (e->pictures < wanted && glint_loop_run_once(e->loop, UINT64_MAX) == 0)
		;
}

static void bench_encoder(struct stage_frame *frame, unsigned workers)
{
	struct glint_encoder_config config = { .quality = QUALITY,
					       .workers = workers,
					       .pictures = 4 };
	struct encode e = { .frame = frame, .sink = { .push = encode_on_picture } };
	char name[64];

	if (glint_loop_create(&e.loop, GLINT_LOOP_AUTO) < 0)
		give_up("no loop");
	glint_fanout_init(&e.source, NULL);
	if (glint_encoder_create(&e.encoder, e.loop, &e.source, &config) < 0)
		give_up("no encoder");
	glint_list_init(&e.sink.link);
	glint_fanout_attach(glint_encoder_pictures(e.encoder), &e.sink);

	snprintf(name, sizeof(name), "frame to picture %ux%u, %u strip(s)", frame->format.width,
		 frame->format.height, workers);
	print_row(name, time_turns(encode_turn, &e) / 1e6, "ms");

	glint_fanout_detach(glint_encoder_pictures(e.encoder), &e.sink);
	glint_encoder_destroy(e.encoder);
	glint_loop_destroy(e.loop);
}

static void bench_encoders(uint32_t width, uint32_t height)
{
	struct stage_frame frame;

	stage_frame_init(&frame, V4L2_PIX_FMT_YUYV, width, height);
	for (unsigned workers = 1; workers <= 4; workers++)
		bench_encoder(&frame, workers);
	stage_frame_fini(&frame);
}

/* --- Hand-out ------------------------------------------------------------------------------ */

struct fan {
	struct glint_fanout fanout;
	struct glint_sink sinks[SINKS_MAX];
	struct stage_frame frame;
};

/* As a stream client does: it keeps a reference, and lets go of the one before. */
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
		glint_fanout_push(&fan->fanout, &fan->frame.frame);
}

static void bench_fanout(unsigned n)
{
	struct fan fan;
	char name[64];

	glint_fanout_init(&fan.fanout, NULL);
	stage_frame_init(&fan.frame, V4L2_PIX_FMT_YUYV, 320, 240);
	stage_frame_begin(&fan.frame, 0);
	for (unsigned i = 0; i < n; i++) {
		fan.sinks[i].push = fan_on_frame;
		glint_list_init(&fan.sinks[i].link);
		glint_fanout_attach(&fan.fanout, &fan.sinks[i]);
	}
	snprintf(name, sizeof(name), "fanout push to %u sink(s)", n);
	print_row(name, time_turns(fan_turn, &fan) / 1000, "ns");
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

static void bench_send(void)
{
	static struct sending s = {
		.send = { .done = sending_on_sent },
		.poll = { .done = sending_on_readable },
	};

	if (glint_loop_create(&s.loop, GLINT_LOOP_AUTO) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s.fds) < 0)
		give_up("no socket");
	glint_loop_poll(s.loop, &s.poll, s.fds[1], POLLIN);
	print_row("send 230 kB by the loop, and read it again", time_turns(sending_turn, &s) / 1e3,
		  "us");
	glint_loop_destroy(s.loop);
	close(s.fds[0]);
	close(s.fds[1]);
}

int main(int argc, char **argv)
{
	uint8_t header[GLINT_JPEG_HEADER_MAX];
	struct strip s;

	if (argc > 1 && strcmp(argv[1], "encode") == 0) {
		strip_init(&s, V4L2_PIX_FMT_YUYV, 1280, 720, false);
		encode_once(&s);
		strip_fini(&s);
		return 0;
	}
	bench_strip("YUYV", V4L2_PIX_FMT_YUYV, false);
	bench_strip("YUYV limited BT.709", V4L2_PIX_FMT_YUYV, true);
	bench_strip("NV12", V4L2_PIX_FMT_NV12, false);
	print_row("JPEG header", time_turns(write_header, header) / 1000, "ns");
	bench_encoders(1920, 1080);
	bench_encoders(3840, 2160);
	for (unsigned n = 1; n <= SINKS_MAX; n *= 4)
		bench_fanout(n);
	bench_send();
	return 0;
}
