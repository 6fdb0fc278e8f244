/* SPDX-License-Identifier: MIT */
/*
 * Which device a video node belongs to, and the names by which users ask for a device. A node's
 * number says nothing: after a replug another device may have it. Reading an identity may block:
 * worker thread only.
 */
#ifndef GLINT_V4L2_IDENTITY_H
#define GLINT_V4L2_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "v4l2/access.h"

struct v4l2_capability;

struct glint_identity {
	char driver[17], card[33], bus[33]; /* as the driver says */
	char vendor[8], product[8];	    /* USB, four hexadecimal digits; "": no USB device */
	char serial[128];		    /* "": the device has none */
	char function[16]; /* which of the device's video nodes, where sysfs tells */
};

/* Room for glint_identity_words(). */
#define GLINT_IDENTITY_WORDS_MAX 256

/* Clear @identity, and read what sysfs says about the node at @path without opening the node. */
void glint_identity_read_node(struct glint_identity *identity, struct glint_v4l2_access *access,
			      const char *path);

/* Read the identity of the open node @fd, whose capabilities are @cap. */
void glint_identity_read(struct glint_identity *identity, struct glint_v4l2_access *access, int fd,
			 const struct v4l2_capability *cap);

/*
 * Returns whether both are the same device. A USB device is known by vendor, product and serial
 * number, and without a serial number by its port; another device by its driver, card and bus.
 */
bool glint_identity_same(const struct glint_identity *a, const struct glint_identity *b);

/* Writes "'USB Video' (usb:534d:2109:20200909)" or "'vivid' (vivid, platform:vivid-000)". */
void glint_identity_words(const struct glint_identity *identity,
			  char words[static GLINT_IDENTITY_WORDS_MAX]);

/* --- Names ---------------------------------------------------------------------------------- */

enum glint_device_name_kind {
	GLINT_DEVICE_ANY,    /* auto */
	GLINT_DEVICE_PATH,   /* contains a slash, or is videoN, or test */
	GLINT_DEVICE_USB,    /* usb:VENDOR:PRODUCT[:SERIAL] */
	GLINT_DEVICE_DRIVER, /* driver:NAME */
	GLINT_DEVICE_CARD,   /* card:NAME, or any other text */
};

/* A name that the user has given. Borrows the text. */
struct glint_device_name {
	enum glint_device_name_kind kind;
	const char *text; /* without the prefix; "" for ANY */
	bool in_dev;	  /* the path is relative to /dev */
};

/* @text NULL: auto. -EINVAL: usb: or driver: or card: is followed by nothing that can match. */
int glint_device_name_parse(const char *text, struct glint_device_name *name);

/*
 * Returns whether @name fits the device; always true for a path. Parts of usb: and the names of
 * drivers and cards are lists of shell patterns, with commas between; a card's comma is a comma.
 */
bool glint_device_name_fits(const struct glint_device_name *name,
			    const struct glint_identity *identity);

/*
 * Returns whether @name itself says which individual is meant: usb: with a serial number or with a
 * pattern for it. Any device that fits such a name is right; for other names the first device that
 * was found is.
 */
bool glint_device_name_is_complete(const struct glint_device_name *name);
#endif
