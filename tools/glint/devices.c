/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <glint/protocol.h>

#include "devices.h"
#include "probe.h"
#include "text.h"
#include "tool.h"

#define NODES_MAX 256	/* minor numbers of the kernel's video nodes */

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print a JSON array, an object for each node", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case 'j':
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "what is '%s'? There are options only", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Lists the video nodes of this machine: what each is good for, or why it is not, and its "
	       "formats, sizes and frame rates. Nothing is changed, and no service is asked."
	       "\v"
	       "Exits with 3 when none of them captures, and with 2 when none does that this user may open.",
};

static void put_rates(const struct probe_size *size)
{
	for (unsigned i = 0; i < size->n_rates; i++)
		printf("%s%.4g",
		       i == 0		? " at " :
		       size->rate_range ? " to " :
					  ", ",
		       size->rates[i]);
	fputs(size->n_rates > 0 ? " fps\n" : "\n", stdout);
}

static void put_size(const struct probe_size *size)
{
	fputs("        ", stdout);
	if (size->min_width != size->width || size->min_height != size->height)
		printf("%ux%u to ", size->min_width, size->min_height);
	printf("%ux%u", size->width, size->height);
	put_rates(size);
}

static void put_format(const struct probe_node *node, const struct probe_format *format)
{
	char fourcc[5], text[64];
	bool two_sided = node->verdict != PROBE_CAPTURE;

	printf("    %s%s  %s%s%s\n", two_sided ? format->to_device ? "in   " : "out  " : "",
	       devices_fourcc(format->fourcc, fourcc),
	       tool_text_printable(text, sizeof(text), format->description),
	       format->compressed ? ", compressed" : "", format->emulated ? ", emulated" : "");
}

static bool same_sizes(const struct probe_format *a, const struct probe_format *b)
{
	return a->to_device == b->to_device && a->n_sizes == b->n_sizes &&
	       (a->n_sizes == 0 || memcmp(a->sizes, b->sizes, a->n_sizes * sizeof(*a->sizes)) == 0);
}

/* Formats that come in the same sizes share one list of them. */
static void put_formats(const struct probe_node *node)
{
	for (unsigned i = 0; i < node->n_formats; i++) {
		const struct probe_format *format = &node->formats[i];

		put_format(node, format);
		if (i + 1 < node->n_formats && same_sizes(format, format + 1))
			continue;
		for (unsigned size = 0; size < format->n_sizes; size++)
			put_size(&format->sizes[size]);
	}
}

static void put_inputs(const struct probe_node *node)
{
	char text[64];

	for (unsigned i = 0; i < node->n_inputs; i++) {
		const struct probe_input *input = &node->inputs[i];

		printf("    input %u: %s%s%s%s\n", i,
		       tool_text_printable(text, sizeof(text), input->name),
		       input->dv_timings ? ", DV timings" : "", input->current ? ", in use" : "",
		       input->no_signal ? ", no signal" : "");
	}
}

static void put_encoder(const struct probe_node *node)
{
	printf("    %s",
	       node->imports ? "imports frames: no copy" : "imports no frames: one copy each");
	if (node->quality_max > node->quality_min)
		printf("; its quality is %d to %d", node->quality_min, node->quality_max);
	putchar('\n');
}

static void put_node(const struct probe_node *node)
{
	char card[64], driver[32], bus[64];

	printf("%s: %s", node->path, devices_verdict(node));
	if (node->err < 0)
		printf(": %s", strerror(-node->err));
	if (node->media_controller)
		printf(", behind a media controller that must be set up first");
	putchar('\n');
	if (*node->driver)
		printf("    %s (%s, %s)\n", tool_text_printable(card, sizeof(card), node->card),
		       tool_text_printable(driver, sizeof(driver), node->driver),
		       tool_text_printable(bus, sizeof(bus), node->bus));
	if (node->verdict == PROBE_JPEG_ENCODER)
		put_encoder(node);
	put_inputs(node);
	put_formats(node);
}

/* udev gives the nodes to a group, video as a rule. A node of another kind has lost its rule. */
static int fail_denied(const char *path, int err)
{
	struct stat st = { 0 };
	struct group *group = NULL;
	bool for_group = stat(path, &st) == 0 && (st.st_mode & 060) == 060 && st.st_gid != 0;

	if (for_group)
		group = getgrgid(st.st_gid);
	if (err == -EPERM)
		fprintf(stderr,
			"glint: %s: %s: this container or unit has no access to the device\n", path,
			strerror(-err));
	else if (group)
		fprintf(stderr, "glint: %s: %s: sudo usermod -aG %s $USER, then log in again\n",
			path, strerror(-err), group->gr_name);
	else
		fprintf(stderr,
			"glint: %s: %s: sudo usermod -aG video $USER, then log in again; and udev "
			"should give the node to the group video, its mode is %03o\n",
			path, strerror(-err), st.st_mode & 0777u);
	return GLINT_EXIT_UNREACHABLE;
}

int tool_devices(int argc, char **argv, struct tool_service *service)
{
	unsigned found = 0, captures = 0;
	char denied_path[sizeof(((struct probe_node *)0)->path)];
	struct probe_node node;
	bool json = false;
	int denied = 0;

	(void)service;
	tool_parse(&argp, argc, argv, &json);
	for (unsigned number = 0; number < NODES_MAX; number++) {
		if (probe_node(&node, number) < 0)
			continue;
		if (json)
			fputs(found > 0 ? ",\n" : "[", stdout);
		(json ? devices_put_json : put_node)(&node);
		captures += node.verdict == PROBE_CAPTURE;
		if (!denied && (node.err == -EACCES || node.err == -EPERM)) {
			denied = node.err;
			memcpy(denied_path, node.path, sizeof(denied_path));
		}
		found++;
		probe_node_fini(&node);
	}
	if (json)
		puts(found > 0 ? "]" : "[]");
	if (captures > 0)
		return GLINT_EXIT_OK;
	if (denied)
		return fail_denied(denied_path, denied);
	fprintf(stderr, "glint: no capture device: is it plugged in, and its driver loaded?\n");
	return GLINT_EXIT_NO_VIDEO;
}
