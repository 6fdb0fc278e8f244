/* SPDX-License-Identifier: MIT */
#include "service_process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define DEVICE	    "/dev/video-emu0"
#define OPTIONS_MAX 32
#define PATIENCE_NS (20 * GLINT_NSEC_PER_SEC)

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(2);
}

static const char *or_default(const char *text, const char *other)
{
	return text ? text : other;
}

static void set_environment(const struct service *service, const struct source *source,
			    const char *build)
{
	char libraries[2 * PATH_MAX + 64], fps[32];

	if (source->preload)
		snprintf(libraries, sizeof(libraries), "%s/libv4l2emu.so:%s/%s", build, build,
			 source->preload);
	else
		snprintf(libraries, sizeof(libraries), "%s/libv4l2emu.so", build);
	snprintf(fps, sizeof(fps), "%g", source->fps > 0 ? source->fps : 60);
	setenv("LD_PRELOAD", libraries, 1);
	setenv("V4L2EMU_SIZE", or_default(source->size, "1920x1080"), 1);
	setenv("V4L2EMU_FPS", fps, 1);
	setenv("V4L2EMU_FORMAT", or_default(source->format, "YUYV"), 1);
	setenv("V4L2EMU_SCENE", or_default(source->scene, "screen"), 1);
	setenv("V4L2EMU_CHANGE", or_default(source->change, "box"), 1);
	setenv("V4L2EMU_RANGE", or_default(source->range, "full"), 1);
	setenv("V4L2EMU_MEMORY", or_default(source->memory, "mmap"), 1);
	setenv("V4L2EMU_STATS", service->stats, 1);
}

/* In the child. */
static _Noreturn void run(const struct service *service, const struct source *source,
			  const char *const options[])
{
	const char *argv[OPTIONS_MAX] = {
		"glintd",
		"--device",
		DEVICE,
		"--resolution",
		or_default(source->size, "1920x1080"),
		"--format",
		or_default(source->format, "YUYV"),
		"--quality",
		"80",
		"--unix",
		service->address,
	};
	char build[PATH_MAX], path[PATH_MAX + 32];
	unsigned n = 11;
	int log;

	/* A benchmark that fails leaves it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!realpath(or_default(getenv("O"), "build"), build))
		give_up("build");
	snprintf(path, sizeof(path), "%s/log", service->folder);
	log = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (log < 0)
		give_up(path);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	for (; options && *options && n + 1 < OPTIONS_MAX; options++)
		argv[n++] = *options;
	set_environment(service, source, build);
	snprintf(path, sizeof(path), "%s/glintd", build);
	execv(or_default(source->program, path), (char *const *)argv);
	give_up(or_default(source->program, path));
}

void service_start(struct service *service, const struct source *source,
		   const char *const options[])
{
	*service = (struct service){ .folder = "/var/tmp/glint-bench-XXXXXX" };
	if (!mkdtemp(service->folder))
		give_up(service->folder);
	snprintf(service->address, sizeof(service->address), "%s/socket", service->folder);
	snprintf(service->stats, sizeof(service->stats), "%s/stats", service->folder);
	service->pid = fork();
	if (service->pid < 0)
		give_up("fork");
	if (service->pid == 0)
		run(service, source, options);
}

static bool listens(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	connected = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return connected;
}

void service_wait(const struct service *service)
{
	uint64_t deadline_ns = glint_now_ns() + PATIENCE_NS;

	while (!listens(service->address)) {
		const struct timespec pause = { .tv_nsec = 1000000 };

		if (glint_now_ns() > deadline_ns || waitpid(service->pid, NULL, WNOHANG) != 0) {
			fprintf(stderr, "glintd does not start: %s/log\n", service->folder);
			exit(2);
		}
		nanosleep(&pause, NULL);
	}
}

void service_open(struct service *service, const struct source *source, const char *const options[])
{
	service_start(service, source, options);
	service_wait(service);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

void service_remove(const char *folder)
{
	nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void service_close(struct service *service)
{
	kill(service->pid, SIGKILL);
	waitpid(service->pid, NULL, 0);
	service_remove(service->folder);
}
