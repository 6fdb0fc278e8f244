/* SPDX-License-Identifier: MIT */
/* EDIDs: check sums, what they say in words, and the built-in set. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness.h"
#include "random.h"
#include "v4l2/edid.h"
#include "v4l2/edid_set.h"
#include "v4l2/vic.h"

static void build(const char *name, uint8_t edid[static GLINT_EDID_SET_SIZE])
{
	char why[GLINT_EDID_WHY_MAX];

	CU_ASSERT_EQUAL_FATAL(glint_edid_set_build(name, edid), 0);
	CU_ASSERT_EQUAL(glint_edid_check(edid, GLINT_EDID_SET_SIZE, why), 0);
	CU_ASSERT_STRING_EQUAL(why, "");
}

static const struct glint_edid_mode *preferred_of(const struct glint_edid_facts *facts)
{
	const struct glint_edid_mode *preferred = NULL;

	for (unsigned i = 0; i < facts->n_modes; i++)
		if (facts->modes[i].preferred) {
			CU_ASSERT_PTR_NULL(preferred); /* there is one only */
			preferred = &facts->modes[i];
		}
	CU_ASSERT_PTR_NOT_NULL_FATAL(preferred);
	return preferred;
}

static const struct glint_edid_mode *find_mode(const struct glint_edid_facts *facts,
					       const char *wanted)
{
	char text[GLINT_EDID_MODE_TEXT];

	for (unsigned i = 0; i < facts->n_modes; i++)
		if (strcmp(glint_edid_mode_text(&facts->modes[i], text), wanted) == 0)
			return &facts->modes[i];
	return NULL;
}

static void test_each_built_in_edid_prefers_the_mode_of_its_name(void)
{
	static const struct {
		const char *name, *mode;
		enum glint_edid_chroma chroma;
	} expected[] = {
		{ "1080p60", "1920x1080p60", GLINT_EDID_ANY_CHROMA },
		{ "720p60", "1280x720p60", GLINT_EDID_ANY_CHROMA },
		{ "4k30", "3840x2160p30", GLINT_EDID_ANY_CHROMA },
		{ "4k60-420", "3840x2160p60", GLINT_EDID_ONLY_420 },
		{ "1080p120", "1920x1080p120", GLINT_EDID_ANY_CHROMA },
		{ "1440p60", "2560x1440p59.95", GLINT_EDID_ANY_CHROMA },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		uint8_t edid[GLINT_EDID_SET_SIZE];
		struct glint_edid_facts facts;
		char text[GLINT_EDID_MODE_TEXT];

		CU_ASSERT_STRING_EQUAL(glint_edid_set_name(i), expected[i].name);
		build(expected[i].name, edid);
		glint_edid_decode(edid, sizeof(edid), &facts);
		CU_ASSERT_STRING_EQUAL(glint_edid_mode_text(preferred_of(&facts), text),
				       expected[i].mode);
		CU_ASSERT_EQUAL(preferred_of(&facts)->chroma, expected[i].chroma);
		CU_ASSERT_STRING_EQUAL(facts.maker, "LNX");
		CU_ASSERT_TRUE(facts.hdmi);
		CU_ASSERT_EQUAL(facts.address, 0x1000);
		CU_ASSERT_PTR_NOT_NULL(find_mode(&facts, "640x480p60")); /* for firmware */
	}
	CU_ASSERT_PTR_NULL(glint_edid_set_name(ARRAY_SIZE(expected)));
}

static void test_an_edid_of_720p_offers_nothing_larger(void)
{
	uint8_t edid[GLINT_EDID_SET_SIZE];
	struct glint_edid_facts facts;

	build("720p60", edid);
	glint_edid_decode(edid, sizeof(edid), &facts);
	for (unsigned i = 0; i < facts.n_modes; i++)
		CU_ASSERT(facts.modes[i].height <= 720);
	CU_ASSERT_EQUAL(facts.max_tmds_mhz, 80);
}

static void test_audio_is_offered_only_if_the_name_says_so(void)
{
	uint8_t edid[GLINT_EDID_SET_SIZE];
	struct glint_edid_facts facts;

	build("4K30", edid); /* in any case */
	glint_edid_decode(edid, sizeof(edid), &facts);
	CU_ASSERT_FALSE(facts.basic_audio);
	CU_ASSERT_EQUAL(facts.n_audios, 0);

	build("4k30-Audio", edid);
	glint_edid_decode(edid, sizeof(edid), &facts);
	CU_ASSERT_TRUE(facts.basic_audio);
	CU_ASSERT_EQUAL_FATAL(facts.n_audios, 1);
	CU_ASSERT_STRING_EQUAL(glint_edid_audio_name(facts.audios[0].format), "LPCM");
	CU_ASSERT_EQUAL(facts.audios[0].channels, 2);
	CU_ASSERT_EQUAL(glint_edid_audio_rate(&facts.audios[0], 2), 48000);
	CU_ASSERT_EQUAL(glint_edid_audio_rate(&facts.audios[0], 3), 0);
	CU_ASSERT_EQUAL(glint_edid_audio_bits(&facts.audios[0], 0), 16);

	CU_ASSERT_EQUAL(glint_edid_set_build("4k30-loud", edid), -ENOENT);
	CU_ASSERT_EQUAL(glint_edid_set_build("4k3", edid), -ENOENT);
	CU_ASSERT_EQUAL(glint_edid_set_build("", edid), -ENOENT);
}

static void test_the_check_says_what_is_wrong_with_an_edid(void)
{
	uint8_t edid[GLINT_EDID_SET_SIZE];
	char why[GLINT_EDID_WHY_MAX];

	build("1080p60", edid);
	CU_ASSERT_EQUAL(glint_edid_check(edid, 0, why), -EINVAL);
	CU_ASSERT_EQUAL(glint_edid_check(edid, 200, why), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "200 bytes"));
	CU_ASSERT_EQUAL(glint_edid_check(edid, 128, why), -EINVAL);
	CU_ASSERT_STRING_EQUAL(why, "says that it has 2 blocks, and has 1");

	edid[130] ^= 1;
	CU_ASSERT_EQUAL(glint_edid_check(edid, sizeof(edid), why), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "block 1"));
	glint_edid_sum(edid + GLINT_EDID_BLOCK);
	CU_ASSERT_EQUAL(glint_edid_check(edid, sizeof(edid), why), 0);

	edid[1] = 0;
	CU_ASSERT_EQUAL(glint_edid_check(edid, sizeof(edid), why), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "does not begin"));
}

static void test_every_single_wrong_bit_is_noticed(void)
{
	uint8_t edid[GLINT_EDID_SET_SIZE];
	char why[GLINT_EDID_WHY_MAX];

	build("1080p120-audio", edid);
	for (unsigned bit = 0; bit < 8 * sizeof(edid); bit++) {
		edid[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CU_ASSERT_EQUAL(glint_edid_check(edid, sizeof(edid), why), -EINVAL);
		edid[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_an_hdmi_2_1_display_may_hide_its_number_of_blocks(void)
{
	uint8_t edid[3 * GLINT_EDID_BLOCK] = { 0 };
	char why[GLINT_EDID_WHY_MAX];

	build("1080p60", edid);
	/* HF-EEODB: the first data block of the first extension. */
	memmove(edid + 128 + 7, edid + 128 + 4, 128 - 8);
	memcpy(edid + 128 + 4, (uint8_t[]){ 7 << 5 | 2, 0x78, 2 }, 3);
	edid[128 + 2] += 3;
	glint_edid_sum(edid + 128);
	edid[256] = 2;
	glint_edid_sum(edid + 256);
	CU_ASSERT_EQUAL(glint_edid_check(edid, sizeof(edid), why), 0);
	CU_ASSERT_EQUAL(glint_edid_check(edid, 256, why), -EINVAL);
}

static void test_the_physical_address_is_read_and_set(void)
{
	uint8_t edid[GLINT_EDID_SET_SIZE];
	char text[GLINT_EDID_ADDRESS_TEXT], why[GLINT_EDID_WHY_MAX];

	build("1080p60", edid);
	CU_ASSERT_STRING_EQUAL(
		glint_edid_address_text(glint_edid_address(edid, sizeof(edid)), text), "1.0.0.0");
	CU_ASSERT_TRUE(glint_edid_set_address(edid, sizeof(edid), 0x3a00));
	CU_ASSERT_STRING_EQUAL(
		glint_edid_address_text(glint_edid_address(edid, sizeof(edid)), text), "3.a.0.0");
	CU_ASSERT_EQUAL(glint_edid_check(edid, sizeof(edid), why), 0);

	/* The base block alone has none. */
	CU_ASSERT_EQUAL(glint_edid_address(edid, 128), GLINT_EDID_NO_ADDRESS);
	CU_ASSERT_FALSE(glint_edid_set_address(edid, 128, 0x1000));
}

static void test_interlaced_and_mapped_modes_are_read(void)
{
	/* 1080i60 as a detailed timing: 540 lines and 22 of blanking in a field. */
	static const uint8_t i1080[18] = { 0x01, 0x1d, 0x80, 0x18, 0x71, 0x1c, 0x16, 0x20, 0x58,
					   0x2c, 0x25, 0x00, 0xfe, 0x22, 0x11, 0,    0,	   0x9e };
	uint8_t edid[GLINT_EDID_SET_SIZE];
	const struct glint_edid_mode *mode;
	struct glint_edid_facts facts;

	build("1080p60", edid);
	memcpy(edid + 54, i1080, sizeof(i1080));
	/* A 4:2:0 map: the second of the video data block, VIC 4. */
	memcpy(edid + 128 + edid[130], (uint8_t[]){ 7 << 5 | 2, 15, 2 }, 3);
	edid[130] += 3;
	glint_edid_decode(edid, sizeof(edid), &facts);
	mode = find_mode(&facts, "1920x1080i60");
	CU_ASSERT_TRUE(mode && mode->preferred);
	mode = find_mode(&facts, "1280x720p60");
	CU_ASSERT_TRUE(mode && mode->chroma == GLINT_EDID_ALSO_420);
	mode = find_mode(&facts, "1920x1080p60");
	CU_ASSERT_TRUE(mode && mode->chroma == GLINT_EDID_ANY_CHROMA);
}

static void test_standard_and_established_modes_are_read(void)
{
	uint8_t edid[GLINT_EDID_SET_SIZE];
	struct glint_edid_facts facts;

	build("1080p60", edid);
	edid[36] = 0x08;		       /* 1024x768 at 60 Hz */
	edid[38] = 0xd1, edid[39] = 0xc0;      /* 1920, 16:9, 60 Hz */
	edid[40] = 0x81, edid[41] = 0x80 | 15; /* 1280, 5:4, 75 Hz */
	glint_edid_decode(edid, sizeof(edid), &facts);
	CU_ASSERT_PTR_NOT_NULL(find_mode(&facts, "1024x768p60"));
	CU_ASSERT_PTR_NOT_NULL(find_mode(&facts, "1280x1024p75"));
	/* 1080p60 stands in three places, and counts once. */
	for (unsigned i = 0, n = 0; i < facts.n_modes; i++) {
		n += facts.modes[i].width == 1920;
		CU_ASSERT(n <= 1);
	}
}

static void test_any_bytes_are_decoded_within_bounds(void)
{
	struct random random = random_begin();
	char text[GLINT_EDID_MODE_TEXT], why[GLINT_EDID_WHY_MAX];

	for (unsigned round = 0; round < 3000; round++) {
		size_t size = random_below(&random, 4 * GLINT_EDID_BLOCK + 1);
		uint8_t *edid = malloc(size + 1); /* of this size, so that a sanitizer notices */
		struct glint_edid_facts facts;

		for (size_t i = 0; i < size; i++)
			edid[i] = (uint8_t)random_below(&random, 256);
		for (size_t i = GLINT_EDID_BLOCK; i + 4 < size; i += GLINT_EDID_BLOCK) {
			edid[i] = 2;
			edid[i + 1] = 3;
		}
		(void)glint_edid_check(edid, size, why);
		(void)glint_edid_set_address(edid, size, glint_edid_address(edid, size));
		glint_edid_decode(edid, size, &facts);
		for (unsigned i = 0; i < facts.n_modes; i++)
			CU_ASSERT(strlen(glint_edid_mode_text(&facts.modes[i], text)) > 3);
		free(edid);
	}
}

static void test_vics_are_found_by_number(void)
{
	CU_ASSERT_EQUAL(glint_vic_find(16)->height, 1080);
	CU_ASSERT_TRUE(glint_vic_find(5)->interlaced);
	CU_ASSERT_EQUAL(glint_vic_find(219)->hz, 120);
	CU_ASSERT_PTR_NULL(glint_vic_find(0));
	CU_ASSERT_PTR_NULL(glint_vic_find(128));
	CU_ASSERT_PTR_NULL(glint_vic_find(220));
	CU_ASSERT_EQUAL(glint_vic_of_hdmi(1), 95);
	CU_ASSERT_EQUAL(glint_vic_of_hdmi(5), 0);
}

/* clang-format off */
GLINT_TESTS("edid",
	GLINT_TEST(test_each_built_in_edid_prefers_the_mode_of_its_name),
	GLINT_TEST(test_an_edid_of_720p_offers_nothing_larger),
	GLINT_TEST(test_audio_is_offered_only_if_the_name_says_so),
	GLINT_TEST(test_the_check_says_what_is_wrong_with_an_edid),
	GLINT_TEST(test_every_single_wrong_bit_is_noticed),
	GLINT_TEST(test_an_hdmi_2_1_display_may_hide_its_number_of_blocks),
	GLINT_TEST(test_the_physical_address_is_read_and_set),
	GLINT_TEST(test_interlaced_and_mapped_modes_are_read),
	GLINT_TEST(test_standard_and_established_modes_are_read),
	GLINT_TEST(test_any_bytes_are_decoded_within_bounds),
	GLINT_TEST(test_vics_are_found_by_number),
)
