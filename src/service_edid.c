/* SPDX-License-Identifier: MIT */
#include "service_edid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "core/edid.h"
#include "core/report.h"
#include "v4l2/edid.h"
#include "v4l2/edid_set.h"

static const struct glint_log_topic topic = { "service" };

/* --- Options and requests -------------------------------------------------------------- */

static void list_names(char *out, size_t size)
{
	const char *name;

	*out = '\0';
	for (unsigned i = 0; (name = glint_edid_set_name(i)); i++) {
		size_t used = strlen(out);

		snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", name);
	}
}

/* Read at most one byte more than an EDID can have. */
static int read_file(const char *path, uint8_t *bytes, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	*size = 0;
	do {
		n = read(fd, bytes + *size, GLINT_EDID_SIZE_MAX + 1 - *size);
		*size += n > 0 ? (size_t)n : 0;
	} while ((n < 0 && errno == EINTR) || (n > 0 && *size <= GLINT_EDID_SIZE_MAX));
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

int glint_service_load_edid(const char *option, uint8_t **edid, size_t *size)
{
	char why[GLINT_EDID_WHY_MAX], names[128];
	uint8_t *bytes;
	int err;

	*edid = NULL;
	*size = 0;
	if (!option)
		return 0;
	bytes = malloc(GLINT_EDID_SIZE_MAX + 1);
	if (!bytes)
		return glint_log_err(&topic, -ENOMEM, "cannot load the EDID");
	*size = GLINT_EDID_SET_SIZE;
	err = glint_edid_set_build(option, bytes);
	if (err == 0)
		goto done;
	err = read_file(option, bytes, size);
	if (err < 0) {
		list_names(names, sizeof(names));
		glint_log_error(
			&topic,
			"--edid %s: %s; built in are %s, each also with " GLINT_EDID_SET_AUDIO,
			option, strerror(-err), names);
		goto free_bytes;
	}
	err = glint_edid_check(bytes, *size, why);
	if (err < 0) {
		glint_log_error(&topic, "--edid %s: the EDID %s", option, why);
		goto free_bytes;
	}
done:
	*edid = bytes;
	return 0;

free_bytes:
	free(bytes);
	return err;
}

static int check_name(struct glint_edid_request *request)
{
	char names[128];

	request->bytes = request->edid; /* the result comes later */
	request->size = 0;
	if (strcasecmp(request->name, "none") == 0)
		return 0;
	if (glint_edid_set_build(request->name, request->edid) == 0) {
		request->size = GLINT_EDID_SET_SIZE;
		return 0;
	}
	list_names(names, sizeof(names));
	snprintf(
		request->message, sizeof(request->message),
		"no built-in EDID is named '%.64s'; there are %s, each also with " GLINT_EDID_SET_AUDIO
		", and none",
		request->name, names);
	return -ENOENT;
}

int glint_service_check_edid(struct glint_edid_request *request)
{
	char why[GLINT_EDID_WHY_MAX];

	request->err = 0;
	if (request->write && request->name) {
		request->err = check_name(request);
	} else if (request->write) {
		request->err = glint_edid_check(request->bytes, request->size, why);
		if (request->err < 0)
			snprintf(request->message, sizeof(request->message), "the EDID %s", why);
	}
	return request->err;
}

/* --- What an EDID says --------------------------------------------------------------------- */

static void tell_modes(const struct glint_edid_facts *facts, struct glint_report *report)
{
	static const char *const chromas[] = {
		[GLINT_EDID_ANY_CHROMA] = "any",
		[GLINT_EDID_ALSO_420] = "also-420",
		[GLINT_EDID_ONLY_420] = "only-420",
	};

	glint_report_list(report, "modes");
	for (unsigned i = 0; i < facts->n_modes; i++) {
		const struct glint_edid_mode *mode = &facts->modes[i];
		char text[GLINT_EDID_MODE_TEXT];

		glint_report_object(report, NULL);
		glint_report_text(report, "name", glint_edid_mode_text(mode, text));
		glint_report_uint(report, "width", mode->width);
		glint_report_uint(report, "height", mode->height);
		glint_report_rate(report, "fps", mode->millihz);
		glint_report_bool(report, "interlaced", mode->interlaced);
		glint_report_uint(report, "vic", mode->vic);
		glint_report_text(report, "chroma", chromas[mode->chroma]);
		glint_report_bool(report, "preferred", mode->preferred);
		glint_report_end(report);
	}
	glint_report_end(report);
}

static void tell_audio(const struct glint_edid_facts *facts, struct glint_report *report)
{
	glint_report_list(report, "audio");
	for (unsigned i = 0; i < facts->n_audios; i++) {
		const struct glint_edid_audio *audio = &facts->audios[i];

		glint_report_object(report, NULL);
		glint_report_text(report, "format", glint_edid_audio_name(audio->format));
		glint_report_uint(report, "channels", audio->channels);
		glint_report_list(report, "rates_hz");
		for (unsigned nth = 0; glint_edid_audio_rate(audio, nth) > 0; nth++)
			glint_report_uint(report, NULL, glint_edid_audio_rate(audio, nth));
		glint_report_end(report);
		glint_report_list(report, "bits");
		for (unsigned nth = 0; glint_edid_audio_bits(audio, nth) > 0; nth++)
			glint_report_uint(report, NULL, glint_edid_audio_bits(audio, nth));
		glint_report_end(report);
		glint_report_end(report);
	}
	glint_report_end(report);
}

void glint_service_tell_edid(const uint8_t *edid, size_t size, struct glint_report *report)
{
	struct glint_edid_facts facts;
	char why[GLINT_EDID_WHY_MAX], address[GLINT_EDID_ADDRESS_TEXT];
	bool valid = glint_edid_check(edid, size, why) == 0;

	glint_edid_decode(edid, size, &facts);
	glint_report_uint(report, "blocks", facts.blocks);
	glint_report_bool(report, "valid", valid);
	glint_report_text(report, "fault", why);
	glint_report_text(report, "maker", facts.maker);
	glint_report_uint(report, "product", facts.product);
	glint_report_uint(report, "serial", facts.serial);
	glint_report_text(report, "serial_text", facts.serial_text);
	glint_report_text(report, "name", facts.name);
	glint_report_uint(report, "year", facts.year);
	glint_report_uint(report, "width_cm", facts.width_cm);
	glint_report_uint(report, "height_cm", facts.height_cm);
	glint_report_bool(report, "hdmi", facts.hdmi);
	if (facts.address == GLINT_EDID_NO_ADDRESS)
		glint_report_null(report, "physical_address");
	else
		glint_report_text(report, "physical_address",
				  glint_edid_address_text(facts.address, address));
	glint_report_uint(report, "max_tmds_mhz", MAX(facts.max_tmds_mhz, facts.max_hdmi2_mhz));
	glint_report_bool(report, "ycbcr444", facts.ycbcr444);
	glint_report_bool(report, "ycbcr422", facts.ycbcr422);
	tell_modes(&facts, report);
	tell_audio(&facts, report);
}
