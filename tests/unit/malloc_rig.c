/* SPDX-License-Identifier: MIT */
#include "malloc_rig.h"

unsigned malloc_fail_at;
atomic_uint malloc_count;
atomic_int malloc_held;

#ifndef SANITIZED
/* glibc's own allocator, below the names that this file replaces. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static bool malloc_fails_now(void)
{
	atomic_fetch_add(&malloc_count, 1);
	return malloc_fail_at > 0 && --malloc_fail_at == 0;
}

static void *malloc_hold(void *memory)
{
	if (memory)
		atomic_fetch_add(&malloc_held, 1);
	return memory;
}

void *malloc(size_t size)
{
	return malloc_fails_now() ? NULL : malloc_hold(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return malloc_fails_now() ? NULL : malloc_hold(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
	void *memory = malloc_fails_now() ? NULL : __libc_realloc(old, size);

	return old ? memory : malloc_hold(memory);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return malloc_fails_now() ? NULL : malloc_hold(__libc_memalign(alignment, size));
}

void free(void *memory)
{
	if (memory)
		atomic_fetch_sub(&malloc_held, 1);
	__libc_free(memory);
}
#endif
