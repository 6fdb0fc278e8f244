/* SPDX-License-Identifier: MIT */
/*
 * Lines of GPIO chips: an edge on one line triggers a recording, and another line is high while the
 * frames of a recording are still to come. Straight through the kernel's character device: the two
 * versions of libgpiod in Debian 12 and 13 have different interfaces, and both are a shell around
 * three ioctls. Loop thread only.
 */
#ifndef GLINT_RECORD_GPIO_H
#define GLINT_RECORD_GPIO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct glint_gpio;
struct glint_gpio_out;
struct glint_loop;
struct glint_record_line;

/* The calls that reach a chip, so that a test can be one. */
struct glint_gpio_access {
	int (*open)(struct glint_gpio_access *access, const char *path);
	int (*ioctl)(struct glint_gpio_access *access, int fd, unsigned long request, void *arg);
	/* Of a line. Returns a number of bytes, or a negative errno. */
	ssize_t (*read)(struct glint_gpio_access *access, int fd, void *bytes, size_t size);
};

extern struct glint_gpio_access glint_gpio_kernel;

struct glint_gpio_listener {
	/* An edge at @ns of CLOCK_MONOTONIC, as the kernel has stamped it. */
	void (*edge)(struct glint_gpio_listener *listener, uint64_t ns);
};

/*
 * Take the line of @name as an input. @access NULL: the kernel's. Errors: -ENOENT (no such chip),
 * -ENXIO (no such line), -EBUSY (another program has it), -EACCES, -ENOMEM; with -EINVAL the line has
 * no edges.
 */
int glint_gpio_create(struct glint_gpio **out, struct glint_loop *loop,
		      const struct glint_record_line *name, struct glint_gpio_access *access,
		      struct glint_gpio_listener *listener);
/* NULL is fine. */
void glint_gpio_destroy(struct glint_gpio *gpio);

/* Edges so far, and those of them that came faster than they were read. NULL is fine: 0. */
uint64_t glint_gpio_edges(const struct glint_gpio *gpio);
uint64_t glint_gpio_missed(const struct glint_gpio *gpio);
/* 0, or why no edge comes any more: -ENODEV, the chip is gone. NULL is fine: 0. */
int glint_gpio_error(const struct glint_gpio *gpio);

/*
 * Take the line of @name as an output, which is low. A thread of its own sets it: a line of a chip on
 * an I2C bus takes a millisecond. Errors as above, and -EAGAIN.
 */
int glint_gpio_out_create(struct glint_gpio_out **out, const struct glint_record_line *name,
			  struct glint_gpio_access *access);
/* Returns at once. */
void glint_gpio_out_set(struct glint_gpio_out *out, bool high);
/* The line is low, and free. NULL is fine. */
void glint_gpio_out_destroy(struct glint_gpio_out *out);

/* What to do about an error of either. */
const char *glint_gpio_advice(int err);
#endif
