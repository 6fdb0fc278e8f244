/* SPDX-License-Identifier: MIT */
/*
 * A capture device made of one thread and a pipe, for unmodified programs: libv4l2emu.so is
 * preloaded and answers for one path as a driver would. A process has one device, which lives until
 * the process ends.
 *
 * A handle is one open of the device: a reading end of the pipe, which holds a byte for each buffer
 * that is done. So select(), poll(), epoll and io_uring wait on a real descriptor, and O_NONBLOCK
 * decides whether DQBUF blocks. (An eventfd would also be writable, which some programs take for a
 * device that is gone.)
 *
 * Two locks: `control` serialises the calls that start, stop or reconfigure the stream and is held
 * for the whole call; `lock` protects the buffers' states and is held briefly. `control` is taken
 * first.
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

#define EMU_HANDLES 128 /* v4l2-compliance wants a hundred */
#define EMU_BUFFERS 32
#define EMU_PLACES  8192 /* of user memory that are remembered */

enum emu_buffer_state {
	EMU_DEQUEUED, /* the program's */
	EMU_QUEUED,
	EMU_FILLING, /* the producer draws, without the lock */
	EMU_DONE,
};

/* Memory of the program, by address: what the device has drawn there. */
struct emu_place {
	uint8_t *map; /* NULL: free */
	bool prefilled;
	uint32_t box_x;
};

struct emu_buffer {
	struct glint_dmabuf memory; /* one plane; of USERPTR the map and size of the last QBUF */
	struct emu_place *place;    /* of USERPTR */
	enum emu_buffer_state state;
	bool mapped;
	uint32_t seq;
	uint64_t ns;
	size_t used;
	uint32_t box_x; /* where the moving box was drawn last */
};

/* Indices of buffers, oldest first. */
struct emu_fifo {
	unsigned first, count, index[EMU_BUFFERS];
};

struct emu_handle {
	int fd; /* -1: free */
	/* A duplicate of the descriptor of this handle; NULL: an open of its own. */
	struct emu_handle *original;
	uint32_t priority; /* V4L2_PRIORITY_... */
};

struct emu_device {
	struct emu_settings settings;
	struct emu_picture picture;
	pthread_mutex_t control, lock;
	pthread_cond_t stop; /* CLOCK_MONOTONIC */
	int reader, writer;  /* the pipe; reader does not block */
	struct emu_handle handles[EMU_HANDLES];
	struct emu_handle *owner; /* the handle that owns the buffers, or NULL */
	struct emu_buffer buffers[EMU_BUFFERS];
	unsigned n_buffers;
	uint32_t memory; /* V4L2_MEMORY_... of the buffers */
	struct emu_place places[EMU_PLACES];
	unsigned n_handles; /* atomic; at 0 no descriptor is looked up */
	struct emu_fifo queued, done;
	bool streaming;
	unsigned waiting; /* threads in DQBUF */
	pthread_t producer;
	struct emu_stats *stats;
	uint64_t cpu_before_ns; /* CPU time of the producer threads of earlier streams */
};

/* All return 0 or more, or a negative errno. */

/* device.c */
int emu_open(int flags);
void emu_close(int fd); /* that has a handle */
void emu_add_duplicate(struct emu_handle *handle, int fd);
struct emu_handle *emu_handle_of(int fd); /* the original; NULL: not ours */
struct emu_device *emu_device(void);
bool emu_is_path(const char *path);

/* answers.c */
int emu_ioctl(struct emu_handle *handle, unsigned long request, void *arg);

/* controls.c */
void emu_controls_init(void);
int emu_query_ext_ctrl(struct emu_handle *handle, void *arg);
int emu_queryctrl(struct emu_handle *handle, void *arg);
int emu_querymenu(struct emu_handle *handle, void *arg);
int emu_g_ctrl(struct emu_handle *handle, void *arg);
int emu_s_ctrl(struct emu_handle *handle, void *arg);
int emu_g_ext_ctrls(struct emu_handle *handle, void *arg);
int emu_s_ext_ctrls(struct emu_handle *handle, void *arg);
int emu_try_ext_ctrls(struct emu_handle *handle, void *arg);

/* queue.c: the ioctls of the buffers. */
int emu_reqbufs(struct emu_handle *handle, void *arg);
int emu_querybuf(struct emu_handle *handle, void *arg);
int emu_expbuf(struct emu_handle *handle, void *arg);
int emu_qbuf(struct emu_handle *handle, void *arg);
/* Fills @out as QUERYBUF does. Call with `lock` held. */
void emu_describe(const struct emu_device *device, unsigned index, struct v4l2_buffer *out);
/* Returns the descriptor of the memory behind a mapping of the device at @offset, or -EINVAL. */
int emu_map(int64_t offset, size_t length);

void emu_fifo_push(struct emu_fifo *fifo, unsigned index);
unsigned emu_fifo_pop(struct emu_fifo *fifo); /* @fifo is not empty */

/* stream.c */
int emu_dqbuf(struct emu_handle *handle, void *arg);
int emu_streamon(struct emu_handle *handle, void *arg);
int emu_streamoff(struct emu_handle *handle, void *arg);
/* Ends the stream and frees the buffers of a closed owner. Call with `control` held. */
void emu_release(struct emu_device *device);

/* producer.c. */
bool emu_has_signal(const struct emu_device *device);

/* Start and stop the producer's thread. Call with `control` held, `lock` not. */
int emu_producer_start(struct emu_device *device);
void emu_producer_stop(struct emu_device *device);
#endif
