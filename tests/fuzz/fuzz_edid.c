/* SPDX-License-Identifier: MIT */
/*
 * EDIDs, from a device, a file or a client. Each input is checked and decoded; what the check
 * accepts stays acceptable when the physical address is set, and has that address then.
 */
#include <assert.h>
#include <string.h>

#include "fuzz.h"
#include "v4l2/edid.h"

static void check_facts(const struct glint_edid_facts *facts)
{
	char text[GLINT_EDID_MODE_TEXT];

	assert(facts->n_modes <= GLINT_EDID_MODES_MAX && facts->n_audios <= GLINT_EDID_AUDIOS_MAX);
	assert(strlen(facts->name) < sizeof(facts->name));
	assert(strlen(facts->serial_text) < sizeof(facts->serial_text));
	for (unsigned i = 0; i < facts->n_modes; i++) {
		assert(facts->modes[i].width > 0 && facts->modes[i].height > 0);
		assert(strlen(glint_edid_mode_text(&facts->modes[i], text)) < sizeof(text));
	}
	for (unsigned i = 0; i < facts->n_audios; i++)
		assert(glint_edid_audio_rate(&facts->audios[i], 7) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[GLINT_EDID_WHY_MAX];
	struct glint_edid_facts facts;
	uint8_t *edid = malloc(size + 1);
	bool sound;

	memcpy(edid, data, size);
	/* A random check sum is rarely right, and would hide what lies behind the check. */
	for (size_t i = 0; size % 2 && i + GLINT_EDID_BLOCK <= size; i += GLINT_EDID_BLOCK)
		glint_edid_sum(edid + i);
	size -= size % 2;
	sound = glint_edid_check(edid, size, why) == 0;
	assert(sound == !*why);
	glint_edid_decode(edid, size, &facts);
	check_facts(&facts);
	if (glint_edid_set_address(edid, size, 0x2100)) {
		assert(glint_edid_address(edid, size) == 0x2100);
		assert(!sound || glint_edid_check(edid, size, why) == 0);
	}
	free(edid);
	return 0;
}
