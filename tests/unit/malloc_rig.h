/* SPDX-License-Identifier: MIT */
/*
 * The allocator of the test program, which counts, and fails when a test says so. Under
 * AddressSanitizer and ThreadSanitizer, which have an allocator of their own, such a test is
 * skipped: it begins with NEEDS_MALLOC().
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

/* The allocation with this number, counted from now, fails; 0: all succeed. */
extern unsigned malloc_fail_at;
/* Allocations of all threads since the program began. */
extern atomic_uint malloc_count;
/* Allocations that have not been freed. */
extern atomic_int malloc_held;

#ifdef SANITIZED
#define NEEDS_MALLOC() GLINT_SKIP("the sanitizer has the allocator to itself")
#else
#define NEEDS_MALLOC() ((void)0)
#endif

#endif
