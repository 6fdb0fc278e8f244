/* SPDX-License-Identifier: MIT */
#include "record/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clip/names.h"
#include "clip/ring.h"

static int disk_create(struct glint_disk *disk, int dir, const char *name, bool *direct)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = -1;

	(void)disk;
	if (*direct)
		fd = openat(dir, name, flags | O_DIRECT, 0644);
	if (*direct && fd < 0 && errno == EINVAL) {
		*direct = false;
		/* Some kernels have created the file nevertheless. */
		(void)unlinkat(dir, name, 0);
	}
	if (!*direct)
		fd = openat(dir, name, flags, 0644);
	return fd < 0 ? -errno : fd;
}

bool glint_disk_lacks_space(const struct statvfs *space, uint64_t size)
{
	/* ramfs, and file systems in user space that do not tell, have no blocks at all. */
	if (space->f_blocks == 0 || space->f_frsize == 0)
		return false;
	return size / space->f_frsize >= space->f_bavail;
}

static int disk_allocate(struct glint_disk *disk, int fd, uint64_t offset, uint64_t size)
{
	struct statvfs space;

	(void)disk;
	/* ext4 takes all that there is before it fails, and other programs find a full disk. */
	if (fstatvfs(fd, &space) == 0 && glint_disk_lacks_space(&space, size))
		return -ENOSPC;
	if (fallocate(fd, 0, (off_t)offset, (off_t)size) == 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT ? -errno : 0;
}

static int64_t disk_write(struct glint_disk *disk, int fd, const void *bytes, size_t size,
			  uint64_t offset)
{
	ssize_t n = pwrite(fd, bytes, size, (off_t)offset);

	(void)disk;
	return n < 0 ? -errno : n;
}

static int disk_copy(struct glint_disk *disk, int from, uint64_t from_offset, int to,
		     uint64_t to_offset, uint64_t size, uint8_t *buffer, size_t buffer_size)
{
	(void)disk;
	return glint_clip_copy(from, from_offset, to, to_offset, size, buffer, buffer_size);
}

static int disk_truncate(struct glint_disk *disk, int fd, uint64_t size)
{
	(void)disk;
	return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static bool disk_is_whole(struct glint_disk *disk, int fd, uint64_t offset, uint64_t size)
{
	off_t hole = lseek(fd, (off_t)offset, SEEK_HOLE);

	(void)disk;
	if (hole < 0)
		return errno != ENXIO; /* the file ends before that */
	return (uint64_t)hole >= offset + size;
}

static bool disk_exists(struct glint_disk *disk, int dir, const char *name)
{
	(void)disk;
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int disk_rename(struct glint_disk *disk, int dir, const char *from, const char *to)
{
	(void)disk;
	return glint_clip_rename(dir, from, to);
}

static int disk_sync(struct glint_disk *disk, int fd)
{
	(void)disk;
	return glint_clip_sync(fd);
}

static int disk_sync_names(struct glint_disk *disk, int dir)
{
	(void)disk;
	return glint_clip_sync_names(dir);
}

struct glint_disk glint_disk_kernel = {
	.create = disk_create,
	.copy = disk_copy,
	.allocate = disk_allocate,
	.write = disk_write,
	.truncate = disk_truncate,
	.is_whole = disk_is_whole,
	.rename = disk_rename,
	.sync = disk_sync,
	.sync_names = disk_sync_names,
	.exists = disk_exists,
	.is_kernel = true,
};
