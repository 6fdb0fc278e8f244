/* SPDX-License-Identifier: MIT */
/*
 * How the writer's thread writes: through a ring of its own, several writes at once, from registered
 * memory; or, where there is no io_uring, one pwrite() after the other. Writer's thread only.
 */
#ifndef GLINT_RECORD_ENGINE_H
#define GLINT_RECORD_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/disk.h"

/* A write of a part of the recorder's memory. */
struct glint_disk_write {
	int fd;
	const uint8_t *bytes;
	size_t size;
	uint64_t offset; /* in the file */
	int64_t res;	 /* bytes written, or a negative errno; once @complete */
	bool complete;
};

struct glint_engine;

struct glint_engine_ops {
	/* Start @write; the engine has it until it is complete, which may be at once. */
	void (*start)(struct glint_engine *engine, struct glint_disk_write *write);
	/*
	 * Complete what the kernel has done, without waiting. Returns whether there was anything, which
	 * may be the eventfd.
	 */
	bool (*reap)(struct glint_engine *engine);
	/* Wait until a write is complete, or until the eventfd was written to; reset it. */
	void (*wait)(struct glint_engine *engine);
	void (*destroy)(struct glint_engine *engine);
};

struct glint_engine {
	const struct glint_engine_ops *ops;
	const char *name; /* "uring-fixed", "uring", "pwrite" */
};

/* -ENOMEM. @kick_fd: an eventfd; all is borrowed. */
int glint_engine_create_pwrite(struct glint_engine **out, struct glint_disk *disk, int kick_fd);

/* An engine for the memory at @base. -ENOSYS and others: the kernel does not permit it. */
int glint_engine_create_uring(struct glint_engine **out, uint8_t *base, uint64_t size, int kick_fd);

#endif
