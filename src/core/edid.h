/* SPDX-License-Identifier: MIT */
/*
 * A request that concerns the EDID of the device: read it, or write another one. The service checks
 * what is to be written; the device's thread does the rest. Loop thread only.
 */
#ifndef GLINT_CORE_EDID_H
#define GLINT_CORE_EDID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_EDID_REQUEST_MAX 32768u /* bytes of an EDID: 256 blocks */

struct glint_edid_request {
	/* Set by the client. The request stays until done(), or until it is forgotten. */
	bool write;
	const char *name;     /* of a built-in EDID, or "none"; NULL: @bytes */
	const uint8_t *bytes; /* to write */
	size_t size;
	void (*done)(struct glint_edid_request *request); /* from the loop's top level */

	/*
	 * The result: 0, or a negative errno and a sentence. -EINVAL: these bytes are no EDID;
	 * -ENOENT: no built-in EDID has this name; -ENODEV: no device is open; -ENODATA: the device
	 * has no EDID at present; -ENOTTY: it has none ever; -ETIMEDOUT: a call into its driver does
	 * not return; -EUSERS: too many requests wait for the device; -E2BIG, -EBUSY, -EIO: see
	 * v4l2/edid_device.h.
	 */
	int err;
	char message[320];
	bool address_kept; /* the written EDID has the physical address of the one before */
	size_t edid_size;  /* of the EDID that the device has now; 0: none */
	uint8_t edid[GLINT_EDID_REQUEST_MAX];

	void *job; /* private to the capture */
};
#endif
