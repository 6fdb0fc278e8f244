/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/macros.h"
#include "record/engine.h"

struct pwriter {
	struct glint_engine engine;
	struct glint_disk *disk;
	int kick_fd;
};

static void pwrite_start(struct glint_engine *engine, struct glint_disk_write *write)
{
	struct pwriter *pwriter = container_of(engine, struct pwriter, engine);
	struct glint_disk *disk = pwriter->disk;

	write->res = disk->write(disk, write->fd, write->bytes, write->size, write->offset);
	write->complete = true;
}

static bool pwrite_reap(struct glint_engine *engine)
{
	(void)engine;
	return false;
}

static void pwrite_wait(struct glint_engine *engine)
{
	struct pwriter *pwriter = container_of(engine, struct pwriter, engine);
	struct pollfd fd = { .fd = pwriter->kick_fd, .events = POLLIN };
	eventfd_t ignored;

	if (poll(&fd, 1, -1) > 0)
		(void)eventfd_read(pwriter->kick_fd, &ignored);
}

static void pwrite_destroy(struct glint_engine *engine)
{
	free(container_of(engine, struct pwriter, engine));
}

int glint_engine_create_pwrite(struct glint_engine **out, struct glint_disk *disk, int kick_fd)
{
	static const struct glint_engine_ops ops = {
		.start = pwrite_start,
		.reap = pwrite_reap,
		.wait = pwrite_wait,
		.destroy = pwrite_destroy,
	};
	struct pwriter *pwriter = calloc(1, sizeof(*pwriter));

	if (!pwriter)
		return -ENOMEM;
	pwriter->engine.ops = &ops;
	pwriter->engine.name = "pwrite";
	pwriter->disk = disk;
	pwriter->kick_fd = kick_fd;
	*out = &pwriter->engine;
	return 0;
}
