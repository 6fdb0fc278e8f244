/* SPDX-License-Identifier: MIT */
/* Leaves out the waits for a disk's own cache, to measure what they cost. For benchmarks. */
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

/* The C library names its parameters with reserved identifiers. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

SHOWN int fsync(int fd)
{
	(void)fd;
	return 0;
}

SHOWN int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
