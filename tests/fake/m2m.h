/* SPDX-License-Identifier: MIT */
/*
 * A scripted M2M encoder: jobs end when the test ends them, or at once with the JPEG that the test
 * has given; any call can fail or hang. It reads no pixels. A second open is refused with EBUSY.
 * Any thread; fields marked "test" are set before the device is opened, or under fake_m2m_lock().
 */
#ifndef GLINT_TESTS_FAKE_M2M_H
#define GLINT_TESTS_FAKE_M2M_H

#include <linux/videodev2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "v4l2/access.h"

#define FAKE_M2M_BUFFERS 32
#define FAKE_M2M_FORMATS 8

struct fake_m2m_queue {
	unsigned n, n_planes;
	uint32_t memory;
	uint32_t stride, size, width, height, fourcc;
	bool streaming;
	unsigned order[FAKE_M2M_BUFFERS], n_order; /* queued, oldest first */
	struct v4l2_buffer done[FAKE_M2M_BUFFERS];
	unsigned n_done;
	int memfd[FAKE_M2M_BUFFERS];
	int imported[FAKE_M2M_BUFFERS]; /* the last attached descriptor */
	struct timeval stamp[FAKE_M2M_BUFFERS];
};

struct fake_m2m {
	struct glint_v4l2_access access;
	pthread_mutex_t lock;
	pthread_cond_t changed;

	/* test: properties */
	const char *path; /* NULL: every path is this device */
	uint32_t caps;
	uint32_t jpeg_fourcc; /* 0: it does not make JPEGs */
	unsigned n_formats;
	uint32_t formats[FAKE_M2M_FORMATS];
	unsigned n_planes; /* of raw frames */
	uint32_t align_width, align_height, align_stride, extra_size;
	uint32_t most;			  /* largest side, in pixels */
	bool imports;			  /* can import DMABUFs */
	int attach_err;			  /* errno for DMABUFs that it cannot read; 0: reads all */
	int32_t quality_min, quality_max; /* both 0: no control */

	/* test: behaviour */
	bool automatic;	  /* a job ends as soon as it has both buffers */
	const void *jpeg; /* the coded data of an automatic job */
	size_t jpeg_size;
	uint32_t done_flags; /* V4L2_BUF_FLAG_ERROR, or 0 */
	bool unplugged;

	/* test: faults */
	unsigned long fail_request; /* fails with fail_err while set; 0: none */
	int fail_err;
	unsigned long awaited;	    /* fake_m2m_fail_once()'s */
	unsigned long hang_request; /* does not return until fake_m2m_release() */
	bool hanging;
	/* Changes the answer of an ioctl that has succeeded. Called with the lock held. */
	void (*lie)(struct fake_m2m *fake, unsigned long request, void *arg);

	/* Observed by the test. */
	unsigned calls, opens, closes, jobs;
	int32_t quality; /* as set, -1: not yet */
	struct v4l2_rect crop;
	struct fake_m2m_queue raw, coded;

	int ours, peer; /* the descriptor, and its peer, which wakes it */
};

/* Multi-planar, YUYV and NV12, multiples of 16, imports, quality 1 to 100. */
void fake_m2m_init(struct fake_m2m *fake);
void fake_m2m_fini(struct fake_m2m *fake);

void fake_m2m_lock(struct fake_m2m *fake);
void fake_m2m_unlock(struct fake_m2m *fake);

/* End the oldest job with @size bytes of @jpeg and @flags. False: there is no job. */
bool fake_m2m_finish(struct fake_m2m *fake, const void *jpeg, size_t size, uint32_t flags);

/* Make the next @request fail, once; wait until it has failed. */
void fake_m2m_fail_once(struct fake_m2m *fake, unsigned long request, int err);
void fake_m2m_wait_failed(struct fake_m2m *fake);

/* Wait until @n jobs are queued; until a thread hangs in hang_request. release() lets it go on. */
void fake_m2m_wait_jobs(struct fake_m2m *fake, unsigned n);
void fake_m2m_wait_hanging(struct fake_m2m *fake);
void fake_m2m_release(struct fake_m2m *fake);

/* While unplugged, every call fails with ENODEV and the descriptor has hung up. */
void fake_m2m_unplug(struct fake_m2m *fake, bool unplugged);
#endif
