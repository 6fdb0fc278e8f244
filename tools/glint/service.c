/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "json.h"
#include "tool.h"

static const struct {
	int err;
	const char *advice;
} advices[] = {
	{ -ENOENT, "nothing is there; does glintd run, and is this its --unix?" },
	{ -ECONNREFUSED, "no process listens there; does glintd run?" },
	{ -EISDIR, "it is a folder; give the path of the socket in it" },
	{ -ENOTSOCK, "it is a file, and no socket; does glintd have it as its --unix?" },
	{ -EACCES, "you may not open it; glintd's --unix-mode and the folder decide who may" },
	{ -EHOSTUNREACH,
	  "there is no such host, or no way to it; the path of a socket has a / in it" },
	{ -ETIMEDOUT, "no answer in time; see glintd's log, or allow more with --timeout" },
	{ -ECONNRESET, "it went away in the middle of an answer; see glintd's log" },
	{ -EPERM, "it asks for a login; set GLINT_LOGIN to USER:PASSWORD" },
	{ -EAGAIN, "it has had too many wrong logins from here; wait a few seconds" },
	{ -EADDRNOTAVAIL,
	  "it does not know that name; use its address, or see glintd's --allow-host" },
	{ -EBUSY, "it has as many clients as it takes; see glintd's --clients-max" },
	{ -EPROTO, "what answers there is no glint service; choose another with --socket" },
	{ -EMSGSIZE, "it sends more than a glint service would; choose another with --socket" },
	{ -ENOTSUP, "it does not tell when a frame was exposed; --after needs a glintd" },
	{ -EINVAL, "it does not understand the request" },
	{ -EREMOTEIO, "it answers with an error; is it a glint service?" },
};

static const struct {
	const char *reason, *advice;
} reasons[] = {
	{ "no-signal", "is the device under test on, and its cable in?" },
	{ "no-lock", "the signal is not stable; look at the cable" },
	{ "unpowered", "the source is off, or its cable is out: there is no 5 V on the connector" },
	{ "interlaced",
	  "the driver delivers fields only; choose a progressive mode on the sender" },
	{ "out-of-range", "the receiver cannot take this mode; choose another on the sender" },
	{ "no-signal-card", "is the device under test on, and its cable in?" },
	{ "black", "the picture is black; is the screen of the device under test on?" },
	{ "frozen", "the picture does not change any more; does the device under test hang?" },
	{ "no-device", "the capture device is missing or unplugged" },
	{ "wrong-device", "another device is in the place of the capture device" },
	{ "busy", "another process streams from the device" },
	{ "no-permission", "glintd may not open the device" },
	{ "not-a-capture-device", "give glintd another --device" },
	{ "format", "none of the device's pixel formats can be used" },
	{ "pipeline", "the links or formats of its media graph are wrong; see glint media" },
	{ "stalled", "the device delivers no frames; unplug it or reload its driver" },
	{ "corrupt", "every frame of the device is damaged; check its cable and its bandwidth" },
	{ "stuck", "a call into the driver does not return" },
	{ "error", "the driver fails; glintd's log has its error" },
	{ "warming-up", "the first frames of the device are not shown; try again" },
	{ "idle", "the device starts when frames are needed; try again" },
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

int tool_fail_refused(const struct tool_service *service, const struct glint_client *client,
		      int err, const char *text, size_t len)
{
	struct tool_json *json = text ? tool_json_parse(text, len) : NULL;
	char message[700], reason[32];
	bool told = json && tool_json_text(json, "error.message", message, sizeof(message));
	bool no_mark = json && tool_json_text(json, "error.reason", reason, sizeof(reason)) &&
		       strcmp(reason, "unknown-mark") == 0;

	tool_json_destroy(json);
	if (!told)
		return tool_fail(service, client, err < 0 ? err : -EPROTO, NULL);
	fprintf(stderr, "glint: %s: %s\n", glint_client_address(client), message);
	return err == -EINVAL || no_mark ? GLINT_EXIT_USAGE : GLINT_EXIT_UNREACHABLE;
}

int tool_fail_read(const char *path, int err)
{
	fprintf(stderr, "glint: cannot read '%s': %s\n", path, strerror(-err));
	return GLINT_EXIT_USAGE;
}

int tool_fail_file(const char *path, int err)
{
	fprintf(stderr, "glint: cannot write '%s': %s\n", path, strerror(-err));
	return GLINT_EXIT_USAGE;
}

/* For a port alone, and IPv6 without brackets, shows the right form. */
static void complain_address(const char *where)
{
	unsigned char ipv6[16];

	fprintf(stderr, "glint: '%s' is no address: ", where);
	if (*where && !where[strspn(where, "0123456789")])
		fprintf(stderr, "a port needs its host: 127.0.0.1:%s for this machine\n", where);
	else if (inet_pton(AF_INET6, where, ipv6) == 1)
		fprintf(stderr, "an IPv6 address stands in brackets: [%s]\n", where);
	else
		fputs("give the path of a socket, HOST:PORT (PORT is 1 to 65535) or "
		      "http://HOST:PORT/PREFIX\n",
		      stderr);
}

/* Report why no client could be created: the address, from the option or the environment. */
static int fail_address(const struct tool_service *service, int err)
{
	const char *where = service->socket ? service->socket : getenv(GLINT_ENV_SOCKET);

	if (err == -ENOTUNIQ)
		fprintf(stderr,
			"glint: there are several services in %s: choose one with --socket\n",
			GLINT_SYSTEM_DIR);
	else if (err == -EINVAL)
		complain_address(where ? where : "");
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
