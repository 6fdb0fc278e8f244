/* SPDX-License-Identifier: MIT */
/*
 * Encodes drawn frames on a memory-to-memory JPEG encoder and prints the result in words NAME=VALUE
 * on one line:
 *
 *   frames good damaged wrong_size worse errors	the frames by their fate; "worse": more
 *				than 0.5 dB below libjpeg-turbo's
 *   size sampling bytes psnr reference		of the last whole JPEG
 *   elapsed_ms slowest_ioctl_ms slowest_poll_ms
 *
 * Exit status: 0 if all frames are good, 1 if not, 2 for a mistake in the call, 3 if
 * a call of the device failed (standard error has its name and its errno).
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "m2m-device.h"
#include "m2m-judge.h"

#define TOLERANCE 0.5 /* dB */

static struct {
	unsigned frames; /* 0: no end */
	bool look, drain;
	const char *output;
} options = { .frames = 4, .look = true };

static struct device dev;
static uint8_t *scratch[RAW_PLANES], *pixels; /* to redraw a frame and read it back */
static unsigned n_sent;

static struct {
	unsigned frames, good, damaged, wrong_size, worse, errors;
	size_t bytes;
	struct verdict last;
	uint64_t begin, end, slowest_poll;
} result;

static void draw(uint8_t *const planes[RAW_PLANES], unsigned number)
{
	memcpy(dev.frame.plane, planes, sizeof(dev.frame.plane));
	raw_draw(&dev.frame, number);
}

static void send_frame(unsigned index)
{
	struct slot *slot = &dev.raw.slot[index];
	uint8_t *planes[RAW_PLANES] = { NULL };

	if (options.frames && n_sent == options.frames)
		return;
	for (unsigned p = 0; p < dev.raw.n_planes; p++) {
		planes[p] = slot->plane[p].map;
		memory_write(&slot->plane[p], true);
	}
	draw(planes, n_sent);
	for (unsigned p = 0; p < dev.raw.n_planes; p++)
		memory_write(&slot->plane[p], false);
	device_queue(&dev, &dev.raw, index, n_sent++);
}

/*
 * Stop when all frames are queued, and only a streaming encoder: another would ignore the command.
 */
static void send_stop(void)
{
	static bool stopped;

	if (!options.drain || stopped || n_sent < options.frames)
		return;
	device_stop(&dev);
	stopped = true;
}

static void write_output(const uint8_t *data, size_t size)
{
	FILE *file;

	if (!options.output)
		return;
	file = fopen(options.output, "wb");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		die(options.output);
}

static void look_at(const uint8_t *data, const struct done *done)
{
	struct verdict verdict;

	draw(scratch, done->number);
	raw_read(&dev.frame, pixels);
	verdict = judge_jpeg(data, done->bytes, pixels, dev.frame.width, dev.frame.height);
	if (!verdict.whole)
		result.damaged++;
	else if (verdict.width != dev.frame.width || verdict.height != dev.frame.height)
		result.wrong_size++;
	else if (verdict.psnr < verdict.reference - TOLERANCE)
		result.worse++;
	else
		result.good++;
	if (verdict.whole)
		result.last = verdict;
}

static void take_jpeg(const struct done *done)
{
	const uint8_t *data = dev.jpeg.slot[done->index].plane[0].map;

	/* After a stop with no frame left to encode, the last buffer is empty. */
	if (done->last && !done->bytes && !done->error)
		return;
	result.frames++;
	if (done->error) {
		result.errors++;
		return;
	}
	result.bytes = done->bytes;
	write_output(data, done->bytes);
	if (options.look)
		look_at(data, done);
	else
		result.good++;
}

static void wait_for_device(void)
{
	struct pollfd poll_fd = { .fd = dev.fd, .events = POLLIN | POLLOUT };
	uint64_t begin = now_us(), took;

	if (poll(&poll_fd, 1, -1) < 0)
		die("poll");
	took = now_us() - begin;
	if (took > result.slowest_poll)
		result.slowest_poll = took;
}

/* Returns false when the last JPEG has come. */
static bool step(void)
{
	struct done done;

	send_stop();
	wait_for_device();
	if (device_take(&dev, &dev.raw, &done))
		send_frame(done.index);
	if (!device_take(&dev, &dev.jpeg, &done))
		return true;
	take_jpeg(&done);
	if (options.drain && done.last)
		return false;
	device_queue(&dev, &dev.jpeg, done.index, 0);
	return options.drain || !options.frames || result.frames < options.frames;
}

static void run(void)
{
	device_get_slots(&dev);
	for (unsigned p = 0; p < dev.raw.n_planes; p++)
		scratch[p] = calloc(1, dev.raw.size[p]);
	pixels = malloc((size_t)dev.frame.width * dev.frame.height * 3);
	for (unsigned i = 0; i < dev.jpeg.n_slots; i++)
		device_queue(&dev, &dev.jpeg, i, 0);
	device_stream(&dev, &dev.jpeg);
	/* Queue frames before STREAMON: some encoders need several frames to begin. */
	for (unsigned i = 0; i < dev.raw.n_slots; i++)
		send_frame(i);
	result.begin = now_us();
	device_stream(&dev, &dev.raw);
	puts("streaming");
	fflush(stdout);
	while (step())
		;
	result.end = now_us();
}

static void report(void)
{
	const struct verdict *last = &result.last;

	printf("frames=%u good=%u damaged=%u wrong_size=%u worse=%u errors=%u ", result.frames,
	       result.good, result.damaged, result.wrong_size, result.worse, result.errors);
	printf("size=%ux%u sampling=%s bytes=%zu psnr=%.2f reference=%.2f ", last->width,
	       last->height, last->sampling, result.bytes, last->psnr, last->reference);
	printf("elapsed_ms=%llu slowest_ioctl_ms=%llu slowest_poll_ms=%llu\n",
	       (unsigned long long)(result.end - result.begin) / 1000,
	       (unsigned long long)dev.slowest_ioctl / 1000,
	       (unsigned long long)result.slowest_poll / 1000);
}

static _Noreturn void usage(void)
{
	fprintf(stderr,
		"usage: m2m-client [-d DEVICE] [-f FOURCC] [-s WxH] [-n FRAMES, 0: no end]\n"
		"\t[-b BUFFERS] [-q QUALITY] [-m mmap|udmabuf|heap|CAPTURE-DEVICE] [-o JPEG]\n"
		"\t[-x: do not look at the JPEGs] [-e: end with ENCODER_CMD STOP]\n");
	exit(EXIT_USAGE);
}

static void parse(int argc, char **argv, struct config *config)
{
	const char *format = "YUYV";
	int c;

	while ((c = getopt(argc, argv, "d:f:s:n:b:q:m:o:xe")) != -1)
		switch (c) {
		case 'd':
			config->path = optarg;
			break;
		case 'f':
			format = optarg;
			break;
		case 's':
			if (sscanf(optarg, "%ux%u", &config->width, &config->height) != 2)
				usage();
			break;
		case 'n':
			options.frames = (unsigned)atoi(optarg);
			break;
		case 'b':
			config->slots = (unsigned)atoi(optarg);
			break;
		case 'q':
			config->quality = atoi(optarg);
			break;
		case 'm':
			config->memory = optarg;
			break;
		case 'o':
			options.output = optarg;
			break;
		case 'x':
			options.look = false;
			break;
		case 'e':
			options.drain = true;
			break;
		default:
			usage();
		}
	config->format = raw_format_named(format);
	if (!config->format || optind != argc || !config->width || !config->height)
		usage();
}

int main(int argc, char **argv)
{
	struct config config = { .path = "/dev/video1",
				 .memory = "mmap",
				 .width = 640,
				 .height = 480,
				 .slots = 3,
				 .quality = -1 };

	parse(argc, argv, &config);
	device_open(&dev, &config);
	run();
	report();
	return result.good == result.frames ? 0 : EXIT_BAD_FRAMES;
}
