/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "base/macros.h"
#include "record/engine.h"

#define ENTRIES	   32u /* above the writes under way */
#define PIECES_MAX 64u
#define PIECE	   (UINT64_C(1) << 30) /* the most that can be registered as one */

struct uring {
	struct glint_engine engine;
	struct io_uring ring;
	uint8_t *base;
	bool fixed; /* the memory is registered */
	int kick_fd;
	bool kick_armed;
	uint64_t kicks; /* read from the eventfd */
};

static struct uring *uring_of(struct glint_engine *engine)
{
	return container_of(engine, struct uring, engine);
}

static void uring_start(struct glint_engine *engine, struct glint_disk_write *write)
{
	struct uring *uring = uring_of(engine);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
	uint64_t at = (uint64_t)(write->bytes - uring->base);
	/* A write within one registered piece; the caller writes the rest. */
	unsigned size = (unsigned)MIN((uint64_t)write->size, PIECE - at % PIECE);

	assert(sqe); /* the queue has a place for each write under way */
	write->complete = false;
	if (uring->fixed)
		io_uring_prep_write_fixed(sqe, write->fd, write->bytes, size, write->offset,
					  (int)(at / PIECE));
	else
		io_uring_prep_write(sqe, write->fd, write->bytes, size, write->offset);
	io_uring_sqe_set_data(sqe, write);
	/* Now, while the next write is being put together. -EBUSY and others: wait() tries again. */
	(void)io_uring_submit(&uring->ring);
}

static void uring_arm_kick(struct uring *uring)
{
	struct io_uring_sqe *sqe = uring->kick_armed ? NULL : io_uring_get_sqe(&uring->ring);

	if (!sqe)
		return;
	io_uring_prep_read(sqe, uring->kick_fd, &uring->kicks, sizeof(uring->kicks), 0);
	io_uring_sqe_set_data(sqe, NULL);
	uring->kick_armed = true;
}

static bool uring_reap(struct glint_engine *engine)
{
	struct uring *uring = uring_of(engine);
	struct io_uring_cqe *cqe;
	bool any = false;

	for (; io_uring_peek_cqe(&uring->ring, &cqe) == 0; any = true) {
		struct glint_disk_write *write = io_uring_cqe_get_data(cqe);

		if (write) {
			write->res = cqe->res;
			write->complete = true;
		} else {
			uring->kick_armed = false;
		}
		io_uring_cqe_seen(&uring->ring, cqe);
	}
	return any;
}

static void uring_wait(struct glint_engine *engine)
{
	struct uring *uring = uring_of(engine);

	uring_arm_kick(uring);
	(void)io_uring_submit_and_wait(&uring->ring, 1);
	(void)uring_reap(engine);
}

static void uring_destroy(struct glint_engine *engine)
{
	struct uring *uring = uring_of(engine);

	io_uring_queue_exit(&uring->ring);
	free(uring);
}

/* Locked memory may be limited: then each write pins its own pages. */
static bool uring_register(struct uring *uring, uint8_t *base, uint64_t size)
{
	struct iovec pieces[PIECES_MAX];
	unsigned n = 0;

	for (uint64_t at = 0; at < size; at += PIECE, n++) {
		if (n == PIECES_MAX)
			return false;
		pieces[n].iov_base = base + at;
		pieces[n].iov_len = (size_t)MIN(size - at, PIECE);
	}
	return io_uring_register_buffers(&uring->ring, pieces, n) == 0;
}

int glint_engine_create_uring(struct glint_engine **out, uint8_t *base, uint64_t size, int kick_fd)
{
	static const struct glint_engine_ops ops = {
		.start = uring_start,
		.reap = uring_reap,
		.wait = uring_wait,
		.destroy = uring_destroy,
	};
	struct uring *uring = calloc(1, sizeof(*uring));
	int err;

	if (!uring)
		return -ENOMEM;
	err = io_uring_queue_init(ENTRIES, &uring->ring, 0);
	if (err < 0) {
		free(uring);
		return err;
	}
	uring->base = base;
	uring->kick_fd = kick_fd;
	uring->fixed = uring_register(uring, base, size);
	uring->engine.ops = &ops;
	uring->engine.name = uring->fixed ? "uring-fixed" : "uring";
	*out = &uring->engine;
	return 0;
}
