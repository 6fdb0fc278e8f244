/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "tool.h"

static const struct {
	int err;
	const char *advice;
} advices[] = {
	{ -ENOENT, "nothing is there; does glintd run, and is this its --unix?" },
	{ -ECONNREFUSED, "nobody listens there; does glintd run?" },
	{ -EACCES, "you may not open it; glintd's --unix-mode and the folder decide who may" },
	{ -EHOSTUNREACH, "there is no such host, or no way to it; the path of a socket has a / in it" },
	{ -ETIMEDOUT, "no answer in time; see glintd's log, or allow more with --timeout" },
	{ -ECONNRESET, "it went away in the middle of an answer; see glintd's log" },
	{ -EPERM, "it asks for a login; set GLINT_LOGIN to USER:PASSWORD" },
	{ -EAGAIN, "it has had too many wrong logins from here; wait a few seconds" },
	{ -EADDRNOTAVAIL, "it does not know that name; use its address, or see glintd's --allow-host" },
	{ -EBUSY, "it has as many clients as it takes; see glintd's --clients-max" },
	{ -EPROTO, "what answers there is no glint service; choose another with --socket" },
	{ -EMSGSIZE, "it sends more than a glint service would; choose another with --socket" },
	{ -ENOTSUP, "it does not tell when a frame was exposed; --after needs a glintd" },
	{ -EREMOTEIO, "it answers with an error; is it a glint service?" },
};

static const struct {
	const char *reason, *advice;
} reasons[] = {
	{ "no-signal", "is the device under test on, and its cable in?" },
	{ "no-lock", "the signal is not stable; look at the cable" },
	{ "out-of-range", "the receiver cannot take this mode; choose another on the sender" },
	{ "no-device", "the capture device is missing or unplugged" },
	{ "busy", "another process streams from the device" },
	{ "no-permission", "glintd may not open the device" },
	{ "not-a-capture-device", "give glintd another --device" },
	{ "format", "none of the device's pixel formats can be used" },
	{ "stalled", "the device delivers no frames; unplug it or load its driver anew" },
	{ "corrupt", "every frame of the device is damaged; check its cable and its bandwidth" },
	{ "stuck", "a call into the driver does not return" },
	{ "opening", "the first frame has not come yet; try again" },
};

static const char *find_advice(int err)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (advices[i].err == err)
			return advices[i].advice;
	return strerror(-err);
}

const char *tool_reason_advice(const char *reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].reason, reason) == 0)
			return reasons[i].advice;
	return "see glintd's log";
}

int tool_fail(const struct tool_service *service, const struct glint_client *client, int err,
	      const char *reason)
{
	const char *where = client ? glint_client_address(client) : service->socket;

	if (err != -ENODATA) {
		fprintf(stderr, "glint: %s: %s\n", where, find_advice(err));
		return GLINT_EXIT_UNREACHABLE;
	}
	if (!reason || !*reason)
		reason = "unknown reason";
	fprintf(stderr, "glint: %s: no live video: %s: %s\n", where, reason,
		tool_reason_advice(reason));
	return GLINT_EXIT_NO_VIDEO;
}

int tool_fail_file(const char *path, int err)
{
	fprintf(stderr, "glint: cannot write '%s': %s\n", path, strerror(-err));
	return GLINT_EXIT_USAGE;
}

/* No client could be made: the address is to blame, wherever it came from. */
static int fail_address(const struct tool_service *service, int err)
{
	const char *where = service->socket ? service->socket : getenv(GLINT_ENV_SOCKET);

	if (err == -ENOTUNIQ)
		fprintf(stderr,
			"glint: there are several services in %s: choose one with --socket\n",
			GLINT_SYSTEM_DIR);
	else if (err == -EINVAL)
		fprintf(stderr,
			"glint: '%s' is no address: give the path of a socket, HOST:PORT (PORT is 1 to "
			"65535) or http://HOST:PORT/PREFIX\n",
			where ? where : "");
	else if (err == -EPROTONOSUPPORT)
		fprintf(stderr,
			"glint: '%s': only http:// is understood, and no TLS; a tunnel such as ssh -L "
			"can encrypt\n",
			where ? where : "");
	else if (err == -ENAMETOOLONG)
		fprintf(stderr, "glint: '%s' is over 107 bytes, too long for a socket\n",
			where ? where : "");
	else
		fprintf(stderr, "glint: %s\n", strerror(-err));
	return GLINT_EXIT_USAGE;
}

/* -EINVAL: not USER:PASSWORD. */
static int log_in(struct glint_client *client)
{
	const char *login = getenv(GLINT_ENV_LOGIN), *colon;
	char *user;
	int err;

	if (!login || !*login)
		return 0;
	colon = strchr(login, ':');
	if (!colon)
		return -EINVAL;
	user = strndup(login, (size_t)(colon - login));
	if (!user)
		return -ENOMEM;
	err = glint_client_set_login(client, user, colon + 1);
	free(user);
	return err;
}

struct glint_client *tool_connect(const struct tool_service *service, int *code)
{
	struct glint_client *client;
	int err = glint_client_create(&client, service->socket);

	if (err < 0) {
		*code = fail_address(service, err);
		return NULL;
	}
	glint_client_set_timeout(client, service->timeout_ms);
	err = log_in(client);
	if (err < 0) {
		fprintf(stderr, "glint: GLINT_LOGIN is not USER:PASSWORD\n");
		*code = GLINT_EXIT_USAGE;
		glint_client_destroy(client);
		return NULL;
	}
	return client;
}
