/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void *map_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *map = MAP_FAILED;

	if (fd < 0)
		return MAP_FAILED;
	if (ftruncate(fd, sizeof(struct emu_stats)) == 0)
		map = mmap(NULL, sizeof(struct emu_stats), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
	close(fd);
	return map;
}

struct emu_stats *emu_stats_map(const char *path)
{
	void *map;

	if (!path)
		return calloc(1, sizeof(struct emu_stats));
	map = map_file(path);
	return map == MAP_FAILED ? NULL : map;
}
