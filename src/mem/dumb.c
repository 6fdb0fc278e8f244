/* SPDX-License-Identifier: MIT */
/*
 * Memory of a display driver: DRM's "dumb buffers". On boards whose kernel has no dma-heap they are
 * the only contiguous memory that a program can allocate. libdrm is loaded on demand and not linked,
 * because few services need this memory.
 */
#include "mem/heap.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "base/dlopen_note.h"
#include "base/macros.h"

#define LIBRARY "libdrm.so.2"

#define LINE  4096u  /* bytes; a multiple of every driver's alignment */
#define ROUND 65536u /* lines, and pages of any kernel */

GLINT_DLOPEN_NOTE("drm", "Frame memory that devices share through a display driver", "suggested",
		  LIBRARY);

/* The functions of libdrm that are used. */
struct drm {
	typeof(drmModeCreateDumbBuffer) *create;
	typeof(drmPrimeHandleToFD) *export;
	typeof(drmModeDestroyDumbBuffer) *destroy;
};

const char *glint_dumb_path(unsigned index)
{
	static const char *const devices[] = {
		"/dev/dri/card0",
		"/dev/dri/card1",
		"/dev/dri/card2",
		"/dev/dri/card3",
	};

	return index < ARRAY_SIZE(devices) ? devices[index] : NULL;
}

/* Load libdrm, which stays loaded. */
static bool drm_load(struct drm *drm)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return false;
	drm->create = dlsym(library, "drmModeCreateDumbBuffer");
	drm->export = dlsym(library, "drmPrimeHandleToFD");
	drm->destroy = dlsym(library, "drmModeDestroyDumbBuffer");
	return drm->create && drm->export && drm->destroy;
}

/* Return a descriptor; the buffer lives until the descriptor is closed. @size: whole lines. */
static int dumb_alloc(const struct drm *drm, int device, size_t size)
{
	uint32_t handle, pitch;
	uint64_t room;
	int fd = -1, err;

	assert(size % LINE == 0);

	if (size / LINE > UINT32_MAX)
		return -ENOMEM;
	err = drm->create(device, LINE, (uint32_t)(size / LINE), 8, 0, &handle, &pitch, &room);
	if (err < 0)
		return err;
	err = room < size ? -ENOMEM : drm->export(device, handle, DRM_CLOEXEC | DRM_RDWR, &fd);
	(void)drm->destroy(device, handle);
	return err < 0 ? err : fd;
}

int glint_dumb_add_plane(int card, struct glint_dmabuf *buf, size_t size)
{
	struct glint_plane plane = { .fd = -1 };
	struct drm drm;

	if (buf->n_planes == GLINT_DMABUF_PLANES)
		return -ENOSPC;
	if (size == 0 || size > SIZE_MAX / 2)
		return -ENOMEM;
	plane.size = (size + ROUND - 1) / ROUND * ROUND;
	plane.fd = drm_load(&drm) ? dumb_alloc(&drm, card, plane.size) : -EOPNOTSUPP;
	if (plane.fd < 0)
		return plane.fd;
	buf->memory = GLINT_MEMORY_DUMB;
	buf->planes[buf->n_planes++] = plane;
	return 0;
}
