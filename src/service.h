/* SPDX-License-Identifier: MIT */
/*
 * The service: one device, one process. The only part that knows all modules; it
 * builds them in the order in which they are needed, ties them together, and
 * takes them apart in reverse. Loop thread only.
 */
#ifndef GLINT_SERVICE_H
#define GLINT_SERVICE_H

#include <stdbool.h>

struct glint_service;
struct glint_settings;

/*
 * The sockets listen when this returns, and before anything else is set up.
 * @settings and its strings are borrowed for the service's life. What went wrong
 * has been logged; nothing is owned on failure.
 */
int glint_service_create(struct glint_service **out, const struct glint_settings *settings);

/*
 * Serves until @stop_fd (an eventfd) becomes readable or an option says that it
 * is time to end. Returns the exit code: 0, or 1 after a device error with
 * --exit-on-device-error, or when the loop itself failed.
 */
int glint_service_run(struct glint_service *service, int stop_fd);

/*
 * Removes the socket and gives everything back; false when a device call is still
 * stuck in the kernel after a moment, and the process should simply end.
 */
bool glint_service_destroy(struct glint_service *service);

/* Removes the socket's path only; for a process that must end at once. Any thread. */
void glint_service_unlink(const struct glint_service *service);
#endif
