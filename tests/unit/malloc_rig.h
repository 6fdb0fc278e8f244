/* SPDX-License-Identifier: MIT */
/*
 * The allocator of a test program, which counts, and fails when it is told to.
 * Not with a sanitizer, which has the allocator to itself. Included once a program.
 */
#ifndef GLINT_MALLOC_RIG_H
#define GLINT_MALLOC_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "harness.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

/* So many allocations succeed, then one does not; 0: all succeed. */
static unsigned malloc_fail_at;
/* By all threads, since the program began. */
static atomic_uint malloc_count;

#ifdef SANITIZED
#define NEEDS_MALLOC()                                                   \
	do {                                                             \
		(void)malloc_fail_at;                                    \
		(void)malloc_count;                                      \
		GLINT_SKIP("the sanitizer has the allocator to itself"); \
	} while (0)
#else
#define NEEDS_MALLOC() ((void)0)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static bool malloc_fails_now(void)
{
	atomic_fetch_add(&malloc_count, 1);
	return malloc_fail_at > 0 && --malloc_fail_at == 0;
}

void *malloc(size_t size)
{
	return malloc_fails_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return malloc_fails_now() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return malloc_fails_now() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return malloc_fails_now() ? NULL : __libc_memalign(alignment, size);
}
#endif
#endif
