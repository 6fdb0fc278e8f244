/* SPDX-License-Identifier: MIT */
/*
 * A request for the DV timings of the device: those that it can be set to, the present ones, and those
 * of the signal. The device's thread reads them. Loop thread only.
 */
#ifndef GLINT_CORE_TIMINGS_H
#define GLINT_CORE_TIMINGS_H

struct glint_timings_request {
	/* Set by the client. The request stays until done(), or until it is forgotten. */
	void (*done)(struct glint_timings_request *request); /* from the loop's top level */

	/*
	 * The result: 0, or a negative errno and a sentence. -ENODEV: no device is open; -ENOTTY: its
	 * input has no DV timings; -ETIMEDOUT: a call into its driver does not return; -EUSERS: too
	 * many requests wait for the device; -ENOMEM.
	 */
	int err;
	char message[320];

	void *job; /* private to the capture */
};
#endif
