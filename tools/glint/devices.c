/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <glint/protocol.h>

#include "base/macros.h"
#include "devices.h"
#include "probe.h"
#include "text.h"
#include "tool.h"
#include "v4l2/timings.h"

#define NODES_MAX 256 /* minor numbers of the kernel's video nodes */
#define COLUMNS	  80u

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
	.doc = "Lists the video nodes of this machine: what each is good for, or why it is not; what "
	       "glint makes of its sizes; inputs, signal, controls, memory, media graph, formats; and the "
	       "names by which glintd finds it. Nothing is changed, and no service is asked."
	       "\v"
	       "Exits with 3 when none of them captures, and with 2 when none does that this user may open.",
};

/* Print "    label: text", with the lines after the first below the text. */
static void put_line(const char *label, const char *text)
{
	char line[1024];

	snprintf(line, sizeof(line), "    %s%s%s", label, *label ? ": " : "", text);
	tool_text_wrap(stdout, line, COLUMNS, 8);
	putchar('\n');
}

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

/* So many formats of the same sizes are named by their letters alone. */
#define FORMATS_APART 6u

static void put_letters(const struct probe_node *node, unsigned first, unsigned n)
{
	char text[PROBE_FORMATS_MAX * 6] = "", fourcc[5];
	size_t at = 0;

	for (unsigned i = first; i < first + n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i > first ? ", " : "",
				       devices_fourcc(node->formats[i].fourcc, fourcc));
	put_line("", text);
}

/* List the sizes once for all formats that have the same. */
static void put_formats(const struct probe_node *node)
{
	unsigned n;

	for (unsigned first = 0; first < node->n_formats; first += n) {
		const struct probe_format *format = &node->formats[first];

		for (n = 1; first + n < node->n_formats && same_sizes(format, format + n); n++)
			;
		if (n > FORMATS_APART && node->verdict == PROBE_CAPTURE)
			put_letters(node, first, n);
		else
			for (unsigned i = 0; i < n; i++)
				put_format(node, format + i);
		for (unsigned size = 0; size < format->n_sizes; size++)
			put_size(&format->sizes[size]);
	}
}

static void put_names(const struct probe_node *node)
{
	char text[PROBE_NAME_MAX];

	puts("    names for --device of glintd, the surest first:");
	for (unsigned i = 0; i < node->n_names; i++) {
		bool blank = strpbrk(node->names[i], " *?'()") != NULL;

		printf("        %s%s%s\n", blank ? "\"" : "",
		       tool_text_printable(text, sizeof(text), node->names[i]), blank ? "\"" : "");
	}
}

static void put_offers(const struct probe_node *node)
{
	struct devices_offer offers[DEVICES_OFFERS_MAX];
	unsigned n = devices_offers(node, offers);
	char text[160];

	for (unsigned i = 0; i < n; i++) {
		devices_offer_text(&offers[i], text, sizeof(text));
		put_line("", text);
	}
	if (n == 0)
		put_line("", "glint can read none of its formats");
}

static void put_who_encodes(const struct probe_node *node)
{
	struct devices_encoder encoder;
	char text[512];

	if (!devices_encoder_find(node, &encoder))
		return;
	devices_encoder_text(&encoder, text, sizeof(text));
	put_line("encoder", text);
}

static void put_inputs(const struct probe_node *node)
{
	char text[64];

	for (unsigned i = 0; i < node->n_inputs; i++) {
		const struct probe_input *input = &node->inputs[i];

		printf("    input %u: %s%s%s%s%s%s%s\n", i,
		       tool_text_printable(text, sizeof(text), input->name),
		       input->dv_timings ? ", DV timings" : "", *input->standards ? ", " : "",
		       input->standards, input->current ? ", selected" : "",
		       *input->fault ? ", " : "", input->fault);
	}
}

static void put_timings(const struct probe_timings *timings)
{
	char text[160], set[GLINT_TIMINGS_TEXT], detected[GLINT_TIMINGS_TEXT];

	if (!timings->present)
		return;
	glint_timings_text(&timings->set, set);
	glint_timings_text(&timings->detected, detected);
	snprintf(text, sizeof(text), "%s; set to %s; takes %u timings",
		 *detected	 ? detected :
		 *timings->fault ? timings->fault :
				   "not measured",
		 *set ? set : "none", timings->n);
	put_line("signal", text);
}

static void put_edid(const struct probe_edid *edid)
{
	char text[160], name[64], mode[GLINT_EDID_MODE_TEXT] = "no mode";

	if (!edid->present)
		return;
	if (edid->blocks == 0) {
		put_line("edid",
			 "none, so that a source sees no display; glintd writes one with --edid");
		return;
	}
	if (edid->mode.width > 0)
		glint_edid_mode_text(&edid->mode, mode);
	snprintf(text, sizeof(text), "'%s', which prefers %s; see glint edid",
		 tool_text_printable(name, sizeof(name), edid->name), mode);
	put_line("edid", text);
}

/* The first names, as many as are useful to recognise the device. */
static void put_controls(const struct probe_node *node)
{
	char text[512] = "", name[GLINT_CONTROL_NAME_MAX];
	const unsigned shown = 6;
	unsigned n = node->controls.n;
	size_t at;

	if (n == 0)
		return;
	at = (size_t)snprintf(text, sizeof(text), "%u, ", n);
	for (unsigned i = 0; i < MIN(n, shown); i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i > 0 ? ", " : "",
				       tool_text_printable(name, sizeof(name),
							   node->controls.controls[i].name));
	if (n > shown)
		snprintf(text + at, sizeof(text) - at, ", ... (glint controls, or --json)");
	put_line("controls", text);
}

static void put_memory(const struct probe_node *node)
{
	const struct probe_memory *memory = &node->memory;
	char text[160];

	if (!memory->known) {
		put_line("memory", memory->exports ? "exports DMABUFs: no copy" : "unknown");
		return;
	}
	snprintf(text, sizeof(text), "%s; imports %s%s%s%s",
		 memory->exports ? "exports DMABUFs: no copy" : "exports none",
		 memory->dmabuf ? "DMABUFs" : "", memory->dmabuf && memory->userptr ? ", " : "",
		 memory->userptr ? "user memory" : "",
		 memory->dmabuf || memory->userptr ? "" : "none");
	put_line("memory", text);
}

static void put_media(const struct probe_node *node)
{
	char text[1024] = "";
	size_t at = 0;

	if (!*node->media)
		return;
	at += (size_t)snprintf(text, sizeof(text), "%s", node->media);
	for (unsigned i = 0; i < node->n_path; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i > 0 ? " -> " : ": ",
				       node->entities[i]);
	put_line("media", tool_text_printable(text, sizeof(text), text));
	if (*node->problem)
		put_line("now, before glintd sets it up", node->problem);
}

static void put_encoder(const struct probe_node *node)
{
	printf("    %s", node->memory.dmabuf ? "imports frames: no copy" :
					       "imports no frames: one copy each");
	if (node->quality_max > node->quality_min)
		printf("; its quality is %d to %d", node->quality_min, node->quality_max);
	putchar('\n');
}

static void put_head(const struct probe_node *node)
{
	const struct glint_identity *identity = &node->identity;
	char card[64], driver[32], bus[64];

	printf("%s: %s", node->path, devices_verdict(node));
	if (node->err < 0)
		printf(": %s", strerror(-node->err));
	if (node->busy)
		printf(", in use by another program");
	putchar('\n');
	if (!*identity->driver && !*identity->card)
		return;
	printf("    '%s'", tool_text_printable(card, sizeof(card), identity->card));
	if (*identity->driver)
		printf(" (%s, %s)", tool_text_printable(driver, sizeof(driver), identity->driver),
		       tool_text_printable(bus, sizeof(bus), identity->bus));
	if (node->usb_mbit > 0)
		printf(", USB at %u Mbit/s", node->usb_mbit);
	putchar('\n');
}

static void put_node(const struct probe_node *node)
{
	put_head(node);
	if (node->verdict == PROBE_JPEG_ENCODER)
		put_encoder(node);
	if (node->verdict == PROBE_CAPTURE) {
		put_offers(node);
		put_who_encodes(node);
		put_inputs(node);
		put_timings(&node->timings);
		put_edid(&node->edid);
		put_controls(node);
		put_memory(node);
		put_media(node);
		put_names(node);
	}
	put_formats(node);
}

/* --- Names ------------------------------------------------------------------------------------ */

struct taken {
	unsigned n;
	char (*names)[PROBE_NAME_MAX];
};

static bool is_taken(const struct taken *taken, const char *name)
{
	for (unsigned i = 0; i < taken->n; i++)
		if (strcmp(taken->names[i], name) == 0)
			return true;
	return false;
}

/* glintd takes the first device of a name. The name does not lead to a later one. */
static void keep_own_names(struct probe_node *node, struct taken *taken)
{
	char(*names)[PROBE_NAME_MAX];
	unsigned n = node->n_names;

	if (node->verdict != PROBE_CAPTURE)
		return;
	names = realloc(taken->names, (taken->n + n) * sizeof(*names));
	if (!names)
		return;
	taken->names = names;
	node->n_names = 0;
	for (unsigned i = 0; i < n; i++) {
		if (is_taken(taken, node->names[i]))
			continue;
		memcpy(names[taken->n++], node->names[i], sizeof(names[0]));
		memmove(node->names[node->n_names++], node->names[i], sizeof(names[0]));
	}
}

/* --- The command ------------------------------------------------------------------------------ */

/* udev assigns the nodes to a group, usually video. A node without that group has no udev rule. */
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
	struct taken taken = { 0 };
	struct probe_node node;
	bool json = false;
	int denied = 0;

	(void)service;
	tool_parse(&argp, argc, argv, &json);
	devices_encoder_init();
	for (unsigned number = 0; number < NODES_MAX; number++) {
		if (probe_node(&node, number) < 0)
			continue;
		keep_own_names(&node, &taken);
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
	devices_encoder_fini();
	free(taken.names);
	if (json)
		puts(found > 0 ? "]" : "[]");
	if (captures > 0)
		return GLINT_EXIT_OK;
	if (denied)
		return fail_denied(denied_path, denied);
	fprintf(stderr, "glint: no capture device: is it plugged in, and its driver loaded?\n");
	return GLINT_EXIT_NO_VIDEO;
}
