/* SPDX-License-Identifier: MIT */
/* Names of devices: what they mean, and which devices they fit. */
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "v4l2/identity.h"

static const struct glint_identity grabber = {
	.driver = "uvcvideo",
	.card = "USB Video: USB Video, HDMI",
	.bus = "usb-0000:00:14.0-1",
	.vendor = "534d",
	.product = "2109",
	.serial = "20200909",
	.function = "00.0",
};

static bool fits(const char *text, const struct glint_identity *identity)
{
	struct glint_device_name name;

	CU_ASSERT_EQUAL_FATAL(glint_device_name_parse(text, &name), 0);
	return glint_device_name_fits(&name, identity);
}

static enum glint_device_name_kind kind_of(const char *text)
{
	struct glint_device_name name;

	CU_ASSERT_EQUAL_FATAL(glint_device_name_parse(text, &name), 0);
	return name.kind;
}

static void test_each_kind_of_name_is_told_by_its_form(void)
{
	CU_ASSERT_EQUAL(kind_of(NULL), GLINT_DEVICE_ANY);
	CU_ASSERT_EQUAL(kind_of("auto"), GLINT_DEVICE_ANY);
	CU_ASSERT_EQUAL(kind_of("/dev/video0"), GLINT_DEVICE_PATH);
	CU_ASSERT_EQUAL(kind_of("video12"), GLINT_DEVICE_PATH);
	CU_ASSERT_EQUAL(kind_of("./video"), GLINT_DEVICE_PATH);
	CU_ASSERT_EQUAL(kind_of("test"), GLINT_DEVICE_PATH);
	CU_ASSERT_EQUAL(kind_of("USB:534D:2109"), GLINT_DEVICE_USB);
	CU_ASSERT_EQUAL(kind_of("driver:uvcvideo"), GLINT_DEVICE_DRIVER);
	CU_ASSERT_EQUAL(kind_of("card:auto"), GLINT_DEVICE_CARD);
	CU_ASSERT_EQUAL(kind_of("video"), GLINT_DEVICE_CARD);
	CU_ASSERT_EQUAL(kind_of("USB Video: USB Video"), GLINT_DEVICE_CARD);
}

static void test_a_usb_name_that_can_fit_nothing_is_refused(void)
{
	static const char *const texts[] = {
		"usb:",		 "usb:534d",	   "usb:534d:", "usb::2109", "usb:xyz:2109",
		"usb:534d:21 9", "usb:534d:2109:", "driver:",	"card:",
	};
	struct glint_device_name name;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		CU_ASSERT_EQUAL(glint_device_name_parse(texts[i], &name), -EINVAL);
}

static void test_usb_names_take_lists_and_wildcards(void)
{
	static const struct glint_identity camera = { .driver = "uvcvideo", .card = "USB Video" };

	CU_ASSERT_TRUE(fits("usb:534d:2109", &grabber));
	CU_ASSERT_TRUE(fits("usb:534D:2109,2130:*", &grabber));
	CU_ASSERT_TRUE(fits("usb:1111,534d:21??:2020*", &grabber));
	CU_ASSERT_TRUE(fits("usb:*:*:x,20200909", &grabber));
	CU_ASSERT_FALSE(fits("usb:534d:2130", &grabber));
	CU_ASSERT_FALSE(fits("usb:534d:210:*", &grabber));
	CU_ASSERT_FALSE(fits("usb:534d:2109:2020", &grabber));
	CU_ASSERT_FALSE(fits("usb:*:*", &camera)); /* no USB device */
}

static void test_cards_and_drivers_are_named_exactly_or_by_pattern(void)
{
	CU_ASSERT_TRUE(fits("USB Video: USB Video, HDMI", &grabber));
	CU_ASSERT_TRUE(fits("*HDMI", &grabber));
	CU_ASSERT_FALSE(fits("USB Video", &grabber));
	CU_ASSERT_TRUE(fits("driver:vivid,uvcvideo", &grabber));
	CU_ASSERT_FALSE(fits("driver:uvc", &grabber));
	CU_ASSERT_TRUE(fits("auto", &grabber));
}

static void test_devices_are_told_apart_by_serial_number_else_by_port(void)
{
	struct glint_identity other = grabber;

	strcpy(other.bus, "usb-0000:00:14.0-2");
	CU_ASSERT_TRUE(glint_identity_same(&grabber, &other)); /* in another port */
	strcpy(other.serial, "20200910");
	CU_ASSERT_FALSE(glint_identity_same(&grabber, &other));
	other = grabber;
	strcpy(other.function, "02.0");
	CU_ASSERT_FALSE(glint_identity_same(&grabber, &other)); /* its other sensor */
	other = grabber;
	strcpy(other.product, "2130");
	CU_ASSERT_FALSE(glint_identity_same(&grabber, &other));
}

static void test_words_of_a_device_are_printable(void)
{
	struct glint_identity device = { .driver = "vivid", .card = "a\tb", .bus = "platform:v" };
	char words[GLINT_IDENTITY_WORDS_MAX];

	glint_identity_words(&device, words);
	CU_ASSERT_STRING_EQUAL(words, "'a?b' (vivid, platform:v)");
	glint_identity_words(&grabber, words);
	CU_ASSERT_STRING_EQUAL(words, "'USB Video: USB Video, HDMI' (usb:534d:2109:20200909)");
}

/* clang-format off */
GLINT_TESTS("identity",
	GLINT_TEST(test_each_kind_of_name_is_told_by_its_form),
	GLINT_TEST(test_a_usb_name_that_can_fit_nothing_is_refused),
	GLINT_TEST(test_usb_names_take_lists_and_wildcards),
	GLINT_TEST(test_cards_and_drivers_are_named_exactly_or_by_pattern),
	GLINT_TEST(test_devices_are_told_apart_by_serial_number_else_by_port),
	GLINT_TEST(test_words_of_a_device_are_printable),
)
