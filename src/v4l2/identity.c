/* SPDX-License-Identifier: MIT */
#include "v4l2/identity.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "v4l2/role.h"

/* --- Identities --------------------------------------------------------------------- */

/* @fd -1: of the node at @path. */
static void read_sysfs(struct glint_identity *identity, struct glint_v4l2_access *access, int fd,
		       const char *path)
{
	char interface[8], index[8];

	glint_v4l2_attribute(access, fd, path, "idVendor", identity->vendor,
			     sizeof(identity->vendor));
	if (!*identity->vendor)
		return;
	glint_v4l2_attribute(access, fd, path, "idProduct", identity->product,
			     sizeof(identity->product));
	glint_v4l2_attribute(access, fd, path, "serial", identity->serial,
			     sizeof(identity->serial));
	/* A camera with several sensors has a node for each of them. */
	glint_v4l2_attribute(access, fd, path, "bInterfaceNumber", interface, sizeof(interface));
	glint_v4l2_attribute(access, fd, path, "index", index, sizeof(index));
	snprintf(identity->function, sizeof(identity->function), "%s.%s", interface, index);
}

void glint_identity_read_node(struct glint_identity *identity, struct glint_v4l2_access *access,
			      const char *path)
{
	*identity = (struct glint_identity){ 0 };
	read_sysfs(identity, access, -1, path);
	glint_v4l2_attribute(access, -1, path, "name", identity->card, sizeof(identity->card));
}

void glint_identity_read(struct glint_identity *identity, struct glint_v4l2_access *access, int fd,
			 const struct v4l2_capability *cap)
{
	*identity = (struct glint_identity){ 0 };
	GLINT_ROLE_TEXT(identity->driver, cap->driver);
	GLINT_ROLE_TEXT(identity->card, cap->card);
	GLINT_ROLE_TEXT(identity->bus, cap->bus_info);
	read_sysfs(identity, access, fd, NULL);
}

bool glint_identity_same(const struct glint_identity *a, const struct glint_identity *b)
{
	bool serial = *a->serial || *b->serial;

	if (!*a->vendor && !*b->vendor)
		return strcmp(a->driver, b->driver) == 0 && strcmp(a->card, b->card) == 0 &&
		       strcmp(a->bus, b->bus) == 0;
	return strcasecmp(a->vendor, b->vendor) == 0 && strcasecmp(a->product, b->product) == 0 &&
	       strcmp(a->function, b->function) == 0 &&
	       (serial ? strcmp(a->serial, b->serial) == 0 : strcmp(a->bus, b->bus) == 0);
}

/* Texts of devices go into logs and pictures. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (!isprint((unsigned char)*text))
			*text = '?';
}

void glint_identity_words(const struct glint_identity *identity,
			  char words[static GLINT_IDENTITY_WORDS_MAX])
{
	if (*identity->vendor)
		snprintf(words, GLINT_IDENTITY_WORDS_MAX, "'%s' (usb:%s:%s%s%s)", identity->card,
			 identity->vendor, identity->product, *identity->serial ? ":" : "",
			 identity->serial);
	else if (!*identity->driver)
		snprintf(words, GLINT_IDENTITY_WORDS_MAX, "'%s'", identity->card);
	else
		snprintf(words, GLINT_IDENTITY_WORDS_MAX, "'%s' (%s%s%s)", identity->card,
			 identity->driver, *identity->bus ? ", " : "", identity->bus);
	make_printable(words);
}

/* --- Names ---------------------------------------------------------------------------------- */

static bool takes_prefix(const char **text, const char *prefix)
{
	size_t length = strlen(prefix);

	if (strncasecmp(*text, prefix, length) != 0)
		return false;
	*text += length;
	return true;
}

static bool is_video_number(const char *text)
{
	return strncmp(text, "video", 5) == 0 && text[5] &&
	       text[5 + strspn(text + 5, "0123456789")] == '\0';
}

/* Each part of VENDOR:PRODUCT[:SERIAL] has a list; ids consist of hexadecimal digits. */
static int check_usb(const char *text)
{
	static const char id[] = "0123456789abcdefABCDEF*?,";
	size_t vendor = strspn(text, id), product;

	if (vendor == 0 || text[vendor] != ':')
		return -EINVAL;
	product = strspn(text + vendor + 1, id);
	text += vendor + 1 + product;
	if (product == 0 || (*text && *text != ':'))
		return -EINVAL;
	return *text && !text[1] ? -EINVAL : 0;
}

int glint_device_name_parse(const char *text, struct glint_device_name *name)
{
	*name = (struct glint_device_name){ .kind = GLINT_DEVICE_ANY, .text = "" };
	if (!text || strcmp(text, "auto") == 0)
		return 0;
	if (takes_prefix(&text, "usb:"))
		name->kind = GLINT_DEVICE_USB;
	else if (takes_prefix(&text, "driver:"))
		name->kind = GLINT_DEVICE_DRIVER;
	else if (takes_prefix(&text, "card:"))
		name->kind = GLINT_DEVICE_CARD;
	else
		name->kind = strchr(text, '/') || is_video_number(text) || !strcmp(text, "test") ?
				     GLINT_DEVICE_PATH :
				     GLINT_DEVICE_CARD;
	name->text = text;
	name->in_dev = name->kind == GLINT_DEVICE_PATH && is_video_number(text);
	if (name->kind == GLINT_DEVICE_USB)
		return check_usb(text);
	return *text ? 0 : -EINVAL;
}

/* @list: patterns with commas between, as long as @length; in any case of letters. */
static bool list_fits(const char *list, size_t length, const char *value)
{
	char pattern[160];

	for (size_t at = 0; at <= length;) {
		size_t part = at;

		while (part < length && list[part] != ',')
			part++;
		if (part - at < sizeof(pattern)) {
			memcpy(pattern, list + at, part - at);
			pattern[part - at] = '\0';
			if (fnmatch(pattern, value, FNM_CASEFOLD | FNM_NOESCAPE) == 0)
				return true;
		}
		at = part + 1;
	}
	return false;
}

static bool usb_fits(const char *text, const struct glint_identity *identity)
{
	size_t vendor = strcspn(text, ":");
	const char *rest = text + vendor + 1;
	size_t product = strcspn(rest, ":");

	if (!*identity->vendor || !list_fits(text, vendor, identity->vendor) ||
	    !list_fits(rest, product, identity->product))
		return false;
	rest += product;
	return !*rest || list_fits(rest + 1, strlen(rest + 1), identity->serial);
}

bool glint_device_name_fits(const struct glint_device_name *name,
			    const struct glint_identity *identity)
{
	switch (name->kind) {
	case GLINT_DEVICE_USB:
		return usb_fits(name->text, identity);
	case GLINT_DEVICE_DRIVER:
		return list_fits(name->text, strlen(name->text), identity->driver);
	case GLINT_DEVICE_CARD:
		return strcmp(name->text, identity->card) == 0 ||
		       fnmatch(name->text, identity->card, FNM_NOESCAPE) == 0;
	default:
		return true;
	}
}

bool glint_device_name_is_complete(const struct glint_device_name *name)
{
	const char *product = strchr(name->text, ':');

	return name->kind == GLINT_DEVICE_USB && product && strchr(product + 1, ':');
}
