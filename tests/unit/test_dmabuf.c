/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "harness.h"
#include "mem/dmabuf.h"
#include "mem/udmabuf.h"

static unsigned count_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_a_plane_is_mapped_zeroed_and_whole_pages(void)
{
	struct glint_dmabuf buf;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned sum = 0;

	glint_dmabuf_init(&buf);
	CU_ASSERT_EQUAL_FATAL(glint_udmabuf_add_plane(&buf, page + 1), 0);
	CU_ASSERT_EQUAL(buf.n_planes, 1);
	CU_ASSERT_EQUAL(buf.planes[0].size, 2 * page);
	CU_ASSERT_TRUE(buf.planes[0].fd >= 0);
	for (size_t i = 0; i < buf.planes[0].size; i++)
		sum |= buf.planes[0].map[i];
	CU_ASSERT_EQUAL(sum, 0);
	glint_dmabuf_fini(&buf);
}

static void test_what_is_written_is_seen_through_the_descriptor(void)
{
	struct glint_dmabuf buf;
	uint8_t *other;

	glint_dmabuf_init(&buf);
	CU_ASSERT_EQUAL_FATAL(glint_udmabuf_add_plane(&buf, 100), 0);
	buf.planes[0].map[99] = 0x5a;
	other = mmap(NULL, buf.planes[0].size, PROT_READ, MAP_SHARED, buf.planes[0].fd, 0);
	CU_ASSERT_PTR_NOT_EQUAL_FATAL(other, MAP_FAILED);
	CU_ASSERT_EQUAL(glint_dmabuf_begin_read(&buf), 0);
	CU_ASSERT_EQUAL(other[99], 0x5a);
	CU_ASSERT_EQUAL(glint_dmabuf_end_read(&buf), 0);
	munmap(other, buf.planes[0].size);
	glint_dmabuf_fini(&buf);
}

static void test_the_memory_cannot_shrink_under_a_reader(void)
{
	struct glint_dmabuf buf;

	glint_dmabuf_init(&buf);
	CU_ASSERT_EQUAL_FATAL(glint_udmabuf_add_plane(&buf, 8192), 0);
	CU_ASSERT_EQUAL(ftruncate(buf.planes[0].fd, 0), -1);
	glint_dmabuf_fini(&buf);
}

static void test_a_fifth_plane_is_refused_and_changes_nothing(void)
{
	struct glint_dmabuf buf;
	unsigned fds;

	glint_dmabuf_init(&buf);
	for (unsigned i = 0; i < GLINT_DMABUF_PLANES; i++)
		CU_ASSERT_EQUAL_FATAL(glint_udmabuf_add_plane(&buf, 1), 0);
	fds = count_fds();
	CU_ASSERT_EQUAL(glint_udmabuf_add_plane(&buf, 1), -ENOSPC);
	CU_ASSERT_EQUAL(buf.n_planes, GLINT_DMABUF_PLANES);
	CU_ASSERT_EQUAL(count_fds(), fds);
	glint_dmabuf_fini(&buf);
}

static void test_more_memory_than_there_is_leaks_nothing(void)
{
	struct glint_dmabuf buf;
	unsigned fds = count_fds();

	glint_dmabuf_init(&buf);
	CU_ASSERT_TRUE(glint_udmabuf_add_plane(&buf, SIZE_MAX) < 0);
	CU_ASSERT_TRUE(glint_udmabuf_add_plane(&buf, (size_t)1 << 60) < 0);
	CU_ASSERT_EQUAL(buf.n_planes, 0);
	CU_ASSERT_EQUAL(buf.memory, GLINT_MEMORY_NONE);
	CU_ASSERT_EQUAL(count_fds(), fds);
}

static void test_fini_gives_all_back_and_may_come_twice(void)
{
	struct glint_dmabuf buf;
	unsigned fds = count_fds();

	glint_dmabuf_init(&buf);
	CU_ASSERT_EQUAL(glint_udmabuf_add_plane(&buf, 4096), 0);
	CU_ASSERT_EQUAL(glint_udmabuf_add_plane(&buf, 4096), 0);
	glint_dmabuf_fini(&buf);
	glint_dmabuf_fini(&buf);
	CU_ASSERT_EQUAL(buf.n_planes, 0);
	CU_ASSERT_EQUAL(buf.planes[0].fd, -1);
	CU_ASSERT_EQUAL(count_fds(), fds);
}

/* The descriptor is no dma-buf, so the kernel refuses a sync. */
static void test_all_but_the_drivers_own_memory_is_synced(void)
{
	static const enum glint_memory synced[] = { GLINT_MEMORY_ENCODER, GLINT_MEMORY_HEAP,
						    GLINT_MEMORY_DUMB, GLINT_MEMORY_UDMABUF };
	static const enum glint_memory left_alone[] = { GLINT_MEMORY_V4L2, GLINT_MEMORY_V4L2_NOEXP,
							GLINT_MEMORY_MEMFD };
	struct glint_dmabuf buf;

	glint_dmabuf_init(&buf);
	buf.n_planes = 1;
	buf.planes[0].fd = memfd_create("plane", MFD_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(synced); i++) {
		buf.memory = synced[i];
		CU_ASSERT_EQUAL(glint_dmabuf_begin_read(&buf), -ENOTTY);
		CU_ASSERT_EQUAL(glint_dmabuf_end_read(&buf), -ENOTTY);
	}
	for (size_t i = 0; i < ARRAY_SIZE(left_alone); i++) {
		buf.memory = left_alone[i];
		CU_ASSERT_EQUAL(glint_dmabuf_begin_read(&buf), 0);
		CU_ASSERT_EQUAL(glint_dmabuf_end_read(&buf), 0);
	}
	glint_dmabuf_fini(&buf);
}

static void test_every_memory_has_a_name(void)
{
	CU_ASSERT_STRING_EQUAL(glint_memory_name(GLINT_MEMORY_NONE), "");
	CU_ASSERT_STRING_EQUAL(glint_memory_name(GLINT_MEMORY_V4L2_NOEXP), "v4l2");
	CU_ASSERT_STRING_EQUAL(glint_memory_name(GLINT_MEMORY_UDMABUF), "udmabuf");
	CU_ASSERT_STRING_EQUAL(glint_memory_name(GLINT_MEMORY_MEMFD), "memfd");
}

/* clang-format off */
GLINT_TESTS("dmabuf",
	GLINT_TEST(test_a_plane_is_mapped_zeroed_and_whole_pages),
	GLINT_TEST(test_what_is_written_is_seen_through_the_descriptor),
	GLINT_TEST(test_the_memory_cannot_shrink_under_a_reader),
	GLINT_TEST(test_a_fifth_plane_is_refused_and_changes_nothing),
	GLINT_TEST(test_more_memory_than_there_is_leaks_nothing),
	GLINT_TEST(test_fini_gives_all_back_and_may_come_twice),
	GLINT_TEST(test_all_but_the_drivers_own_memory_is_synced),
	GLINT_TEST(test_every_memory_has_a_name),
)
