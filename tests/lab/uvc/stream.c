/* SPDX-License-Identifier: MIT */
/*
 * The stream: timed frames, each with at most one fault, cut into payloads. A fault is counted when
 * it is sent, so that a test can compare the counts.
 */
#include <errno.h>
#include <linux/usb/video.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "camera.h"

#define HEADER 2     /* bytes of a payload header: its length, and flags */
#define EXCESS 65536 /* bytes beyond a frame's size */

#define YUYV  (1u << FORMAT_YUYV)
#define MJPEG (1u << FORMAT_MJPEG)
#define BOTH  (YUYV | MJPEG)

enum fault {
	FAULT_SHORT,   /* ends in the middle */
	FAULT_ERROR,   /* the device sets the error bit */
	FAULT_OVER,    /* more bytes than a frame has */
	FAULT_EMPTY,   /* no bytes at all */
	FAULT_BADFID,  /* the frame id is that of the previous frame */
	FAULT_NOEOF,   /* no end-of-frame bit: the next frame id marks the end */
	FAULT_GARBAGE, /* noise instead of a picture */
	FAULT_ZERO,    /* zeros instead of a picture */
	FAULT_NOEOI,   /* a JPEG without its end */
	FAULT_TORN,    /* the upper half of one JPEG, the lower half of another */
	FAULT_SIZE,    /* a JPEG of another size */
	FAULT_LOST,    /* an isochronous packet in the middle does not arrive */
	FAULT_BREAK,   /* a transfer fails in the middle */
	N_FAULTS,
};

static const struct {
	const char *name;
	unsigned formats;
	bool iso_only;
} faults[N_FAULTS] = {
	[FAULT_SHORT] = { "short", BOTH },     [FAULT_ERROR] = { "error", BOTH },
	[FAULT_OVER] = { "over", YUYV },       [FAULT_EMPTY] = { "empty", BOTH },
	[FAULT_BADFID] = { "badfid", BOTH },   [FAULT_NOEOF] = { "noeof", BOTH },
	[FAULT_GARBAGE] = { "garbage", BOTH }, [FAULT_ZERO] = { "zero", BOTH },
	[FAULT_NOEOI] = { "noeoi", MJPEG },    [FAULT_TORN] = { "torn", MJPEG },
	[FAULT_SIZE] = { "size", MJPEG },      [FAULT_LOST] = { "lost", BOTH, true },
	[FAULT_BREAK] = { "break", BOTH },
};

static struct mode mode;
static bool streaming, halted;
static long to_make;	 /* frames; negative: no end */
static unsigned to_fail; /* transfers, at once */
static unsigned armed[N_FAULTS];

static struct {
	unsigned frames;   /* of all kinds */
	unsigned numbered; /* of them, those that uvcvideo gives a number */
	unsigned good;	   /* of them, those without a fault */
	unsigned late;	   /* frames not made because the previous one was not sent yet */
	unsigned streams;
	unsigned failed; /* transfers, without those of a halted endpoint */
	unsigned injected[N_FAULTS];
} count;

/* The frame that is being sent. */
static struct {
	bool active;
	const uint8_t *data;
	size_t size, sent;
	uint8_t flags; /* of its payload headers */
	bool no_eof;
	bool lose, fail; /* a packet, a transfer, when half of the frame is sent */
} frame;

static uint8_t frame_id;
static uint8_t *scratch; /* room for a frame and EXCESS bytes */

/* --- Frames ---------------------------------------------------------------------------- */

static bool fault_applies(enum fault fault)
{
	return armed[fault] > 0 && faults[fault].formats & 1u << mode.format &&
	       (camera.iso || !faults[fault].iso_only);
}

/* Returns the ordered fault of this frame, or N_FAULTS. */
static enum fault choose_fault(void)
{
	enum fault fault = 0;

	while (fault < N_FAULTS && !fault_applies(fault))
		fault++;
	return fault;
}

static void frame_set(const uint8_t *data, size_t size)
{
	frame.data = data;
	frame.size = size;
}

static void make_torn(void)
{
	struct picture other = picture_make(&mode, count.frames + 3);
	size_t upper = frame.size / 2, lower = other.size / 2;

	memcpy(scratch, frame.data, upper);
	memcpy(scratch + upper, other.data + lower, other.size - lower);
	frame_set(scratch, upper + other.size - lower);
}

static void make_other_size(void)
{
	static struct picture small;

	if (!small.data) { /* a copy, because the next picture of the right size overwrites it */
		struct mode other = { FORMAT_MJPEG, 160, 120, 0 };
		struct picture picture = picture_make(&other, 5);
		uint8_t *copy = malloc(picture.size);

		memcpy(copy, picture.data, picture.size);
		small = (struct picture){ copy, picture.size };
	}
	frame_set(small.data, small.size);
}

static void make_garbage(void)
{
	for (size_t i = 0; i < frame.size; i++)
		scratch[i] = (uint8_t)(i * 2654435761u >> 13);
	frame_set(scratch, frame.size);
}

static void inject(enum fault fault)
{
	switch (fault) {
	case FAULT_SHORT:
		frame.size /= 2;
		break;
	case FAULT_ERROR:
		frame.flags |= UVC_STREAM_ERR;
		break;
	case FAULT_OVER:
		memcpy(scratch, frame.data, frame.size);
		frame_set(scratch, frame.size + EXCESS);
		break;
	case FAULT_EMPTY:
		frame.size = 0;
		break;
	case FAULT_BADFID:
		frame.flags ^= UVC_STREAM_FID;
		frame_id ^= UVC_STREAM_FID;
		break;
	case FAULT_NOEOF:
		frame.no_eof = true;
		break;
	case FAULT_GARBAGE:
		make_garbage();
		break;
	case FAULT_ZERO:
		memset(scratch, 0, frame.size);
		frame_set(scratch, frame.size);
		break;
	case FAULT_NOEOI:
		frame.size -= 2;
		break;
	case FAULT_TORN:
		make_torn();
		break;
	case FAULT_SIZE:
		make_other_size();
		break;
	case FAULT_LOST:
		frame.lose = true;
		break;
	case FAULT_BREAK:
		frame.fail = true;
		break;
	case N_FAULTS:
		count.good++;
		return;
	}
	armed[fault]--;
	if (!frame.lose && !frame.fail) /* these are counted when they happen */
		count.injected[fault]++;
}

static void make_frame(void)
{
	enum fault fault = choose_fault();
	struct picture picture;

	count.frames++;
	picture = picture_make(&mode, count.frames);
	frame_id ^= UVC_STREAM_FID;
	memset(&frame, 0, sizeof(frame));
	frame.active = true;
	frame.flags = UVC_STREAM_EOH | frame_id;
	frame_set(picture.data, picture.size);
	inject(fault);
	count.numbered += fault != FAULT_BADFID;
	if (to_make > 0)
		to_make--;
}

void stream_start(const struct mode *wanted)
{
	mode = *wanted;
	scratch = realloc(scratch, mode.width * mode.height * 2u + EXCESS);
	frame.active = false;
	streaming = true;
	count.streams++;
}

void stream_stop(void)
{
	streaming = frame.active = false;
}

uint64_t stream_interval_ns(void)
{
	return (mode.interval ? mode.interval : 333333) * 100ull;
}

void stream_tick(void)
{
	if (!streaming || halted || to_make == 0)
		return;
	if (frame.active)
		count.late++;
	else
		make_frame();
}

void stream_make(long frames)
{
	to_make = frames;
}

bool stream_is_done(void)
{
	return to_fail == 0 && (to_make < 0 || (to_make == 0 && !frame.active));
}

/* --- Payloads ---------------------------------------------------------------------------- */

bool stream_has_payload(void)
{
	return frame.active;
}

size_t stream_payload(uint8_t *out, size_t room)
{
	size_t size;

	if (!frame.active)
		return 0;
	size = frame.size - frame.sent;
	if (size > room - HEADER)
		size = room - HEADER;
	if (frame.fail && size > frame.size / 2) /* a small JPEG has a middle, too */
		size = frame.size / 2;
	memcpy(out + HEADER, frame.data + frame.sent, size);
	frame.sent += size;
	frame.active = frame.sent < frame.size;
	out[0] = HEADER;
	out[1] = frame.flags;
	if (!frame.active && !frame.no_eof)
		out[1] |= UVC_STREAM_EOF;
	return HEADER + size;
}

static bool half_is_sent(void)
{
	return frame.active && frame.sent >= frame.size / 2;
}

bool stream_failure_is_due(void)
{
	return halted || to_fail > 0 || (frame.fail && half_is_sent());
}

int stream_fail_transfer(void)
{
	if (halted)
		return -EPIPE;
	if (to_fail > 0) {
		to_fail--;
		count.failed++;
	} else {
		frame.fail = false;
		count.injected[FAULT_BREAK]++;
	}
	return -EPROTO;
}

bool stream_packet_is_lost(void)
{
	bool lost = frame.lose && half_is_sent();

	frame.lose &= !lost;
	count.injected[FAULT_LOST] += lost;
	return lost;
}

/* --- Faults on command -------------------------------------------------------------------- */

void stream_halt(bool halt)
{
	halted = halt;
}

void stream_fail_transfers(unsigned transfers)
{
	to_fail = transfers;
}

bool stream_arm(const char *fault, unsigned frames)
{
	for (unsigned i = 0; i < N_FAULTS; i++) {
		if (strcmp(faults[i].name, fault) != 0)
			continue;
		armed[i] = frames;
		return true;
	}
	return false;
}

void stream_describe(char *text, size_t size)
{
	unsigned fps = mode.interval ? (10000000 + mode.interval / 2) / mode.interval : 0;
	int at = snprintf(text, size,
			  "mode=%ux%u@%u frames=%u numbered=%u good=%u late=%u streams=%u "
			  "failed=%u",
			  mode.width, mode.height, fps, count.frames, count.numbered, count.good,
			  count.late, count.streams, count.failed);

	for (unsigned i = 0; i < N_FAULTS; i++)
		at += snprintf(text + at, size - (size_t)at, " %s=%u", faults[i].name,
			       count.injected[i]);
}
