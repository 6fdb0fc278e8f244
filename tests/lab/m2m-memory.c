/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <linux/videodev2.h>

#include "m2m-memory.h"

#define EXPORTED_MAX 32

static int complain(const char *what)
{
	int err = -errno;

	fprintf(stderr, "m2m-client: %s: %s\n", what, strerror(-err));
	return err;
}

static int get_udmabuf(size_t size)
{
	struct udmabuf_create create = { .size = size, .flags = UDMABUF_FLAGS_CLOEXEC };
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int memfd = memfd_create("m2m-client", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int fd = -1;

	create.memfd = (uint32_t)memfd;
	if (device >= 0 && memfd >= 0 && !ftruncate(memfd, (off_t)size) &&
	    !fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		fd = ioctl(device, UDMABUF_CREATE, &create);
	if (fd < 0)
		fd = complain("udmabuf");
	close(memfd);
	close(device);
	return fd;
}

static int get_heap(size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);

	if (heap < 0 || ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) < 0)
		return complain("/dev/dma_heap/system");
	close(heap);
	return (int)data.fd;
}

/* The device stays open until the end, like a service's. */
static int export_open(const char *path, uint32_t fourcc, unsigned width, unsigned height)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_requestbuffers request = { .count = EXPORTED_MAX,
					       .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					       .memory = V4L2_MEMORY_MMAP };
	int device = open(path, O_RDWR | O_CLOEXEC);

	format.fmt.pix =
		(struct v4l2_pix_format){ .width = width, .height = height, .pixelformat = fourcc };
	if (device < 0 || ioctl(device, VIDIOC_S_FMT, &format) < 0 ||
	    ioctl(device, VIDIOC_REQBUFS, &request) < 0)
		return complain(path);
	if (format.fmt.pix.pixelformat == fourcc && format.fmt.pix.width == width &&
	    format.fmt.pix.height == height)
		return device;
	errno = EINVAL;
	return complain("the capture device has no such format");
}

static int get_exported(const char *path, unsigned index, uint32_t fourcc, unsigned width,
			unsigned height)
{
	static int device = -1;
	struct v4l2_exportbuffer export = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					    .index = index,
					    .flags = O_RDWR | O_CLOEXEC };

	if (device < 0)
		device = export_open(path, fourcc, width, height);
	if (device < 0)
		return device;
	if (ioctl(device, VIDIOC_EXPBUF, &export) < 0)
		return complain("VIDIOC_EXPBUF");
	return export.fd;
}

int memory_get(struct memory *memory, const char *kind, unsigned index, size_t size,
	       uint32_t fourcc, unsigned width, unsigned height)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	off_t end;

	size = (size + page - 1) / page * page;
	if (!strcmp(kind, "udmabuf"))
		memory->fd = get_udmabuf(size);
	else if (!strcmp(kind, "heap"))
		memory->fd = get_heap(size);
	else
		memory->fd = get_exported(kind, index, fourcc, width, height);
	if (memory->fd < 0)
		return memory->fd;
	end = lseek(memory->fd, 0, SEEK_END);
	if (end < (off_t)size) {
		errno = EINVAL;
		return complain("the dma-buf is too small");
	}
	memory->size = (size_t)end;
	memory->map = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	return memory->map == MAP_FAILED ? complain("mmap of a dma-buf") : 0;
}

void memory_write(const struct memory *memory, bool begin)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_WRITE |
					      (begin ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END) };

	/* Errors are ignored: not all exporters implement the ioctl. */
	(void)ioctl(memory->fd, DMA_BUF_IOCTL_SYNC, &sync);
}
