/* SPDX-License-Identifier: MIT */
/*
 * The service: one device, one process. Only the service knows all modules: it creates them in the
 * order in which they need each other, connects them, and destroys them in reverse. Loop thread
 * only.
 */
#ifndef GLINT_SERVICE_H
#define GLINT_SERVICE_H

#include <stdbool.h>

struct glint_service;
struct glint_settings;

/*
 * The sockets listen before anything else is set up. Copies @settings, and borrows their strings for
 * the service's life. Errors have been logged; the caller owns nothing after a failure.
 */
int glint_service_create(struct glint_service **out, const struct glint_settings *settings);

/*
 * Serve until @stop_fd (an eventfd) becomes readable, or until an --exit-on-... option applies.
 * Returns the exit code: 0, or 1 if the loop failed, or after a device error with
 * --exit-on-device-error.
 */
int glint_service_run(struct glint_service *service, int stop_fd);

/*
 * Remove the socket and release everything. Returns false if a call into a driver does not return
 * within 300 ms: memory and threads are left, and the caller should end the process.
 */
bool glint_service_destroy(struct glint_service *service);

/* SIGUSR1 came: trigger a recording. Any thread. */
void glint_service_signal(const struct glint_service *service);

/* Remove the socket's path only, before a process ends at once. Any thread. */
void glint_service_unlink(const struct glint_service *service);
#endif
