/* SPDX-License-Identifier: MIT */
#include "base/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

/*
 * The modes are reversed, so that reads and writes still fail: if the caller has closed stdout,
 * writing to it must not look like success.
 */
static const int modes[] = {
	[STDIN_FILENO] = O_WRONLY,
	[STDOUT_FILENO] = O_RDONLY,
	[STDERR_FILENO] = O_RDONLY,
};

void glint_descriptors_hold(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* open() takes the lowest free number. Without /dev/null any file will do. */
		if (open("/dev/null", modes[fd]) < 0)
			(void)!open("/", O_PATH);
	}
}
