/* SPDX-License-Identifier: MIT */
/* glintd on the emulated device, as a process of its own. */
#ifndef GLINT_BENCH_SERVICE_PROCESS_H
#define GLINT_BENCH_SERVICE_PROCESS_H

#include <sys/types.h>

/* The emulated device; docs/PERFORMANCE.md explains the words. NULL and 0 are the first ones. */
struct source {
	const char *size; /* 1920x1080 */
	double fps;	  /* 60 */
	const char *format, *scene, *change, *range;
	const char *memory;  /* mmap; userptr: it fills memory of the service, too */
	const char *program; /* another glintd than that of the build folder */
	const char *preload; /* one more library, in the build folder */
};

struct service {
	pid_t pid;
	char folder[64];  /* temporary; removed with what is in it */
	char address[96]; /* of its unix socket */
	char stats[96];	  /* counts of the emulated device, as v4l2emu/stats.h has them */
};

/* Start the service with @options behind its own, NULL for none. Ends the program on failure. */
void service_start(struct service *service, const struct source *source,
		   const char *const options[]);

/* Wait until it accepts connections. */
void service_wait(const struct service *service);

/* As both. */
void service_open(struct service *service, const struct source *source,
		  const char *const options[]);

/* Kill it, and remove its folder. */
void service_close(struct service *service);

/* Remove a folder with what is in it. */
void service_remove(const char *folder);
#endif
