/* SPDX-License-Identifier: MIT */
/*
 * The calls that may wait for a disk, so that tests can let each of them fail or stall. Any thread
 * but the loop's.
 */
#ifndef GLINT_RECORD_DISK_H
#define GLINT_RECORD_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glint_disk {
	/*
	 * Create the file @name in the folder @dir, empty. *@direct: with O_DIRECT; set to
	 * false where the file system has no such thing. Returns the descriptor; -EEXIST.
	 */
	int (*create)(struct glint_disk *disk, int dir, const char *name, bool *direct);
	/* As glint_clip_copy(). */
	int (*copy)(struct glint_disk *disk, int from, uint64_t from_offset, int to,
		    uint64_t to_offset, uint64_t size, uint8_t *buffer, size_t buffer_size);
	/* Give the file blocks. May fail on a full disk only; else it does what it can. */
	int (*allocate)(struct glint_disk *disk, int fd, uint64_t offset, uint64_t size);
	/* Returns how many bytes were written, or a negative errno. */
	int64_t (*write)(struct glint_disk *disk, int fd, const void *bytes, size_t size,
			 uint64_t offset);
	int (*truncate)(struct glint_disk *disk, int fd, uint64_t size);
	/*
	 * Whether the file still has all the bytes that were written there. If another program has
	 * cut the file, that place has a hole or lies behind the end, and later writes behind it
	 * make it readable, as zeros.
	 */
	bool (*is_whole)(struct glint_disk *disk, int fd, uint64_t offset, uint64_t size);
	/* Never replaces a file: -EEXIST. */
	int (*rename)(struct glint_disk *disk, int dir, const char *from, const char *to);
	/* Wait until the file's bytes and its size are on the disk: after a power loss, too. */
	int (*sync)(struct glint_disk *disk, int fd);
	/* Likewise the names in the folder @dir. */
	int (*sync_names)(struct glint_disk *disk, int dir);
	bool (*exists)(struct glint_disk *disk, int dir, const char *name);
	bool is_kernel; /* writes may go through io_uring */
};

extern struct glint_disk glint_disk_kernel;

struct statvfs;

/* Whether a file system knows that it has not @size bytes for a file. Pure. */
bool glint_disk_lacks_space(const struct statvfs *space, uint64_t size);

#endif
