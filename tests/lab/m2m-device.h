/* SPDX-License-Identifier: MIT */
/*
 * The encoder's side of m2m-client: formats, buffers, queueing. A failed call ends the program with
 * EXIT_DEVICE and a message with the call and the error.
 */
#ifndef LAB_M2M_DEVICE_H
#define LAB_M2M_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "m2m-memory.h"
#include "m2m-raw.h"

#define SLOTS_MAX 32

enum { EXIT_BAD_FRAMES = 1, EXIT_USAGE = 2, EXIT_DEVICE = 3 };

struct config {
	const char *path;
	const char *memory; /* "mmap", or a kind of memory_get() */
	const struct raw_format *format;
	unsigned width, height, slots;
	int quality; /* the control's value; -1: unchanged */
};

struct slot {
	struct memory plane[RAW_PLANES]; /* fd -1: the driver's own */
};

/* One of the two queues. */
struct side {
	uint32_t type, memory;
	unsigned n_slots, n_planes;
	unsigned size[RAW_PLANES];
	struct slot slot[SLOTS_MAX];
};

struct device {
	int fd;
	bool mplane;
	struct config config;
	struct side raw, jpeg;
	struct raw_frame frame; /* its planes are unset: set them before use */
	uint64_t slowest_ioctl; /* us */
};

/* A dequeued buffer. */
struct done {
	unsigned index, number; /* number: of the frame, as queued */
	size_t bytes;
	bool error, last;
};

_Noreturn void die(const char *what); /* with errno */
uint64_t now_us(void);

void device_open(struct device *dev, const struct config *config);

/* Starts both queues; no buffer is queued yet. */
void device_get_slots(struct device *dev);
void device_stream(struct device *dev, struct side *side);
void device_queue(struct device *dev, struct side *side, unsigned index, unsigned number);

/* Returns false when no buffer is done yet. */
bool device_take(struct device *dev, struct side *side, struct done *done);

/* ENCODER_CMD STOP: the last JPEG will have V4L2_BUF_FLAG_LAST. */
void device_stop(struct device *dev);
#endif
