/* SPDX-License-Identifier: MIT */
/*
 * A capture device made of one thread and a pipe, for programs that know nothing of
 * it: libv4l2emu.so is preloaded and answers for one path what a driver would. There
 * is one device a process; it lives until the process ends.
 *
 * A handle is what a program has opened: a reading end of the pipe, which holds a
 * byte for each buffer that is done. So select(), poll(), epoll and io_uring wait on
 * a real descriptor, and DQBUF blocks or not as its O_NONBLOCK says. (An eventfd
 * would be writable as well, which some programs take for a device that is gone.)
 *
 * Two locks: `control` for the calls that start, stop or reshape, held from their
 * begin to their end; `lock` for the buffers' states, held for moments, and taken
 * after the other.
 */
#ifndef V4L2EMU_EMU_H
#define V4L2EMU_EMU_H

#include <linux/videodev2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem/dmabuf.h"
#include "picture.h"
#include "settings.h"
#include "stats.h"

#define EMU_HANDLES 128	/* v4l2-compliance wants a hundred */
#define EMU_BUFFERS 32

enum emu_buffer_state {
	EMU_DEQUEUED,		/* the program's */
	EMU_QUEUED,
	EMU_FILLING,		/* the producer draws, without the lock */
	EMU_DONE,
};

struct emu_buffer {
	struct glint_dmabuf memory;	/* one plane */
	enum emu_buffer_state state;
	bool mapped;
	uint32_t seq;
	uint64_t ns;
	size_t used;
	uint32_t box_x;			/* where the moving part was drawn last */
};

/* Indices of buffers, oldest first. */
struct emu_fifo {
	unsigned first, count, index[EMU_BUFFERS];
};

struct emu_handle {
	int fd;				/* -1: free */
	uint32_t priority;		/* V4L2_PRIORITY_... */
};

struct emu_device {
	struct emu_settings settings;
	struct emu_picture picture;
	pthread_mutex_t control, lock;
	pthread_cond_t stop;		/* CLOCK_MONOTONIC */
	int reader, writer;		/* the pipe; reader does not block */
	struct emu_handle handles[EMU_HANDLES];
	struct emu_handle *owner;	/* who has the buffers, or NULL */
	struct emu_buffer buffers[EMU_BUFFERS];
	unsigned n_buffers;
	unsigned n_handles;		/* atomic: none, and nothing is looked up */
	struct emu_fifo queued, done;
	bool streaming;
	unsigned waiting;		/* threads in DQBUF */
	pthread_t producer;
	struct emu_stats *stats;
	uint64_t cpu_before_ns;		/* the producer's: of earlier streams */
};

/* All return 0 or more, or a negative errno. */

/* device.c */
int emu_open(int flags);
void emu_close(struct emu_handle *handle);
struct emu_handle *emu_handle_of(int fd);	/* NULL: not ours */
struct emu_device *emu_device(void);
bool emu_is_path(const char *path);

/* answers.c */
int emu_ioctl(struct emu_handle *handle, unsigned long request, void *arg);

/* queue.c: the ioctls of the buffers. */
int emu_reqbufs(struct emu_handle *handle, void *arg);
int emu_querybuf(struct emu_handle *handle, void *arg);
int emu_expbuf(struct emu_handle *handle, void *arg);
int emu_qbuf(struct emu_handle *handle, void *arg);
/* As QUERYBUF has it; with the lock. */
void emu_describe(const struct emu_device *device, unsigned index, struct v4l2_buffer *out);
/* Where a mapping of the device at @offset really lies: a descriptor, or -EINVAL. */
int emu_map(int64_t offset, size_t length);

void emu_fifo_push(struct emu_fifo *fifo, unsigned index);
unsigned emu_fifo_pop(struct emu_fifo *fifo);	/* not from an empty one */

/* stream.c */
int emu_dqbuf(struct emu_handle *handle, void *arg);
int emu_streamon(struct emu_handle *handle, void *arg);
int emu_streamoff(struct emu_handle *handle, void *arg);
/* The owner is gone: the stream ends, the buffers go. With `control`. */
void emu_release(struct emu_device *device);

/* producer.c. */
bool emu_has_signal(const struct emu_device *device);

/* A thread from start to stop. With `control`, without `lock`. */
int emu_producer_start(struct emu_device *device);
void emu_producer_stop(struct emu_device *device);
#endif
