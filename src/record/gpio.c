/* SPDX-License-Identifier: MIT */
#include "record/gpio.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/thread.h"
#include "core/loop.h"
#include "core/record.h"
#include "core/upcall.h"

#define CONSUMER   "glintd"
#define EVENTS_MAX 16u /* as many as the kernel keeps for a line */

static const struct glint_log_topic topic = { "record" };

struct glint_gpio {
	struct glint_loop *loop;
	struct glint_gpio_access *access;
	struct glint_gpio_listener *listener;
	struct glint_op op;
	int fd;
	uint64_t edges, missed;
	uint32_t last; /* the kernel's number of the last edge */
	int err;       /* no edge comes any more */
	bool ending;
};

struct glint_gpio_out {
	struct glint_gpio_access *access;
	int fd, wake_fd;
	pthread_t thread;
	_Atomic bool high, quit;
};

/* --- Chips ------------------------------------------------------------------------------ */

static int access_open(struct glint_gpio_access *access, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	(void)access;
	return fd < 0 ? -errno : fd;
}

static int access_ioctl(struct glint_gpio_access *access, int fd, unsigned long request, void *arg)
{
	(void)access;
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static ssize_t access_read(struct glint_gpio_access *access, int fd, void *bytes, size_t size)
{
	ssize_t n = read(fd, bytes, size);

	(void)access;
	return n < 0 ? -errno : n;
}

struct glint_gpio_access glint_gpio_kernel = {
	.open = access_open,
	.ioctl = access_ioctl,
	.read = access_read,
};

/* The number of the line of this name or number. -ENXIO: there is none. */
static int find_line(struct glint_gpio_access *access, int chip, const char *line, uint32_t *number)
{
	struct gpiochip_info chip_info = { 0 };
	int err = access->ioctl(access, chip, GPIO_GET_CHIPINFO_IOCTL, &chip_info);
	unsigned long parsed;
	char *end;

	if (err < 0)
		return err;
	for (uint32_t i = 0; i < chip_info.lines; i++) {
		struct gpio_v2_line_info info = { .offset = i };

		if (access->ioctl(access, chip, GPIO_V2_GET_LINEINFO_IOCTL, &info) == 0 &&
		    strncmp(info.name, line, sizeof(info.name)) == 0) {
			*number = i;
			return 0;
		}
	}
	if (*line < '0' || *line > '9')
		return -ENXIO;
	parsed = strtoul(line, &end, 10);
	if (*end || parsed >= chip_info.lines)
		return -ENXIO;
	*number = (uint32_t)parsed;
	return 0;
}

/* Returns a descriptor of the line. */
static int take_line(struct glint_gpio_access *access, const struct glint_record_line *name,
		     uint64_t flags)
{
	struct gpio_v2_line_request request = {
		.num_lines = 1,
		.consumer = CONSUMER,
		.config.flags = flags,
		.event_buffer_size = EVENTS_MAX,
	};
	int chip = access->open(access, name->chip);
	int err;

	if (chip < 0)
		return chip;
	err = find_line(access, chip, name->line, &request.offsets[0]);
	if (err == 0)
		err = access->ioctl(access, chip, GPIO_V2_GET_LINE_IOCTL, &request);
	close(chip);
	return err < 0 ? err : request.fd;
}

const char *glint_gpio_advice(int err)
{
	switch (err) {
	case -ENOENT:
		return "there is no such chip; gpiodetect lists them";
	case -ENXIO:
		return "the chip has no such line; gpioinfo lists them";
	case -EBUSY:
		return "another program or driver has the line; gpioinfo says which";
	case -EINVAL:
		return "the line has no edges: its chip has no interrupt for it";
	case -EACCES:
		return "this user may not open the chip; the group gpio may, on many systems";
	default:
		return strerror(-err);
	}
}

/* --- In --------------------------------------------------------------------------------- */

static void gpio_take(struct glint_gpio *gpio, const struct gpio_v2_line_event *event)
{
	if (gpio->edges > 0)
		gpio->missed += event->line_seqno - gpio->last - 1;
	gpio->last = event->line_seqno;
	gpio->edges++;
	glint_upcall_assert();
	gpio->listener->edge(gpio->listener, event->timestamp_ns);
}

static void gpio_free(struct glint_gpio *gpio)
{
	glint_close(&gpio->fd);
	free(gpio);
}

static void gpio_on_poll(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_gpio *gpio = container_of(op, struct glint_gpio, op);
	struct gpio_v2_line_event events[EVENTS_MAX];
	ssize_t n = 1;

	(void)flags;
	if (res == -ENOMEM) {
		glint_loop_poll(gpio->loop, op, gpio->fd, POLLIN);
		return;
	}
	if (res < 0 && gpio->ending)
		gpio_free(gpio);
	if (res < 0)
		return;
	while ((n = gpio->access->read(gpio->access, gpio->fd, events, sizeof(events))) >=
	       (ssize_t)sizeof(events[0]))
		for (size_t i = 0; i < (size_t)n / sizeof(events[0]); i++)
			gpio_take(gpio, &events[i]);
	if (n == -ENODEV && gpio->err == 0) {
		gpio->err = -ENODEV;
		glint_log_warn(&topic,
			       "the chip of --record-gpio is gone: no edge triggers any more");
		glint_loop_cancel(gpio->loop, op); /* it would always be readable */
	}
}

int glint_gpio_create(struct glint_gpio **out, struct glint_loop *loop,
		      const struct glint_record_line *name, struct glint_gpio_access *access,
		      struct glint_gpio_listener *listener)
{
	struct glint_gpio *gpio = calloc(1, sizeof(*gpio));
	uint64_t flags = GPIO_V2_LINE_FLAG_INPUT;

	if (!gpio)
		return -ENOMEM;
	if (name->edges & GLINT_RECORD_RISING)
		flags |= GPIO_V2_LINE_FLAG_EDGE_RISING;
	if (name->edges & GLINT_RECORD_FALLING)
		flags |= GPIO_V2_LINE_FLAG_EDGE_FALLING;
	gpio->loop = loop;
	gpio->listener = listener;
	gpio->op.done = gpio_on_poll;
	gpio->access = access ? access : &glint_gpio_kernel;
	gpio->fd = take_line(gpio->access, name, flags);
	if (gpio->fd < 0) {
		int err = gpio->fd;

		free(gpio);
		return err;
	}
	(void)fcntl(gpio->fd, F_SETFL, O_NONBLOCK);
	glint_loop_poll(loop, &gpio->op, gpio->fd, POLLIN);
	*out = gpio;
	return 0;
}

void glint_gpio_destroy(struct glint_gpio *gpio)
{
	if (!gpio)
		return;
	gpio->ending = true;
	if (glint_op_busy(&gpio->op))
		glint_loop_cancel(gpio->loop, &gpio->op); /* its end frees @gpio */
	else
		gpio_free(gpio);
}

uint64_t glint_gpio_edges(const struct glint_gpio *gpio)
{
	return gpio ? gpio->edges : 0;
}

uint64_t glint_gpio_missed(const struct glint_gpio *gpio)
{
	return gpio ? gpio->missed : 0;
}

int glint_gpio_error(const struct glint_gpio *gpio)
{
	return gpio ? gpio->err : 0;
}

/* --- Out -------------------------------------------------------------------------------- */

static int out_apply(struct glint_gpio_out *out, bool high)
{
	struct gpio_v2_line_values values = { .bits = high, .mask = 1 };

	return out->access->ioctl(out->access, out->fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values);
}

static void *out_main(void *arg)
{
	struct glint_gpio_out *out = arg;
	bool failed = false;
	eventfd_t ignored;

	while (eventfd_read(out->wake_fd, &ignored) == 0 && !atomic_load(&out->quit)) {
		int err = out_apply(out, atomic_load(&out->high));

		if (err < 0 && !failed)
			glint_log_err(&topic, err, "cannot set the line of --record-gpio-out");
		failed = err < 0;
	}
	(void)out_apply(out, false);
	return NULL;
}

int glint_gpio_out_create(struct glint_gpio_out **out, const struct glint_record_line *name,
			  struct glint_gpio_access *access)
{
	struct glint_gpio_out *line = calloc(1, sizeof(*line));
	int err;

	if (!line)
		return -ENOMEM;
	line->access = access ? access : &glint_gpio_kernel;
	line->fd = take_line(line->access, name, GPIO_V2_LINE_FLAG_OUTPUT);
	line->wake_fd = eventfd(0, EFD_CLOEXEC);
	err = line->fd < 0 ? line->fd : line->wake_fd < 0 ? -EMFILE : 0;
	if (err == 0)
		err = glint_thread_start(&line->thread, "gpio", out_main, line);
	if (err == 0) {
		*out = line;
		return 0;
	}
	glint_close(&line->fd);
	glint_close(&line->wake_fd);
	free(line);
	return err;
}

void glint_gpio_out_set(struct glint_gpio_out *out, bool high)
{
	if (atomic_exchange(&out->high, high) != high)
		(void)eventfd_write(out->wake_fd, 1);
}

void glint_gpio_out_destroy(struct glint_gpio_out *out)
{
	if (!out)
		return;
	atomic_store(&out->quit, true);
	(void)eventfd_write(out->wake_fd, 1);
	pthread_join(out->thread, NULL);
	glint_close(&out->fd);
	glint_close(&out->wake_fd);
	free(out);
}
