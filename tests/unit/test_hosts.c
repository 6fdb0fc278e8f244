/* SPDX-License-Identifier: MIT */
/* Which Host headers a service on TCP answers to without a login. */
#include <unistd.h>

#include "http/hosts.h"
#include "http_rig.h"

static const struct glint_hosts plain = { .own = "lab7.example,rack", .bound = "0.0.0.0" };

static bool allows(const struct glint_hosts *hosts, const char *host)
{
	bool allowed = glint_hosts_allow(hosts, host);

	if (!allowed)
		printf("# refused: '%s'\n", host ? host : "none");
	return allowed;
}

static bool refuses(const struct glint_hosts *hosts, const char *host)
{
	bool allowed = glint_hosts_allow(hosts, host);

	if (allowed)
		printf("# allowed: '%s'\n", host);
	return !allowed;
}

static void test_addresses_localhost_and_own_names_are_allowed(void)
{
	static const char *const fine[] = {
		"127.0.0.1",
		"192.0.2.1:8080",
		"[::1]",
		"[2001:db8::1]:80",
		"[fe80::1%25eth0]:80",
		"localhost",
		"LOCALHOST:8080",
		"localhost.",
		"a.localhost",
		"lab7.example",
		"Lab7.Example:1",
		"rack",
		"",
		"rack.",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(fine); i++)
		CU_ASSERT_TRUE(allows(&plain, fine[i]));
	CU_ASSERT_TRUE(allows(&plain, NULL));
}

static void test_other_names_are_refused(void)
{
	static const char *const others[] = {
		"evil.example",
		"evil.example:8080",
		"127.0.0.1.evil.example",
		"localhost.evil",
		"notlocalhost",
		"lab7.example.evil",
		"lab7",
		"rack2",
		"rac",
		"[::1].evil",
		"[evil]",
		"[::1",
		"localhost:80.evil",
		"localhost evil",
		"evil@localhost:80x",
		".",
		"-",
		",",
		"[",
		"[]",
		"lab7.example,rack",
		"*",
	};
	char longest[600];

	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		CU_ASSERT_TRUE(refuses(&plain, others[i]));
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	CU_ASSERT_TRUE(refuses(&plain, longest));
	memcpy(longest + sizeof(longest) - 11, ".localhost", 10);
	CU_ASSERT_TRUE(refuses(&plain, longest));
}

static void test_the_hostname_is_allowed_also_with_local(void)
{
	char name[256], more[300];

	CU_ASSERT_EQUAL_FATAL(gethostname(name, sizeof(name)), 0);
	CU_ASSERT_TRUE(allows(&plain, name));
	name[strcspn(name, ".")] = '\0';
	CU_ASSERT_TRUE(allows(&plain, name));
	snprintf(more, sizeof(more), "%s.local:8080", name);
	CU_ASSERT_TRUE(allows(&plain, more));
	snprintf(more, sizeof(more), "%s.evil.example", name);
	CU_ASSERT_TRUE(refuses(&plain, more));
}

static void test_allow_host_adds_names(void)
{
	struct glint_hosts hosts = plain;

	hosts.allowed = "cam.example, Bench.example,";
	CU_ASSERT_TRUE(allows(&hosts, "cam.example:8080"));
	CU_ASSERT_TRUE(allows(&hosts, "bench.example"));
	CU_ASSERT_TRUE(refuses(&hosts, "cam.exampl"));
	CU_ASSERT_TRUE(refuses(&hosts, "cam.example.evil"));
	hosts.allowed = "*";
	CU_ASSERT_TRUE(allows(&hosts, "evil.example"));
	hosts.allowed = NULL;
	hosts.bound = "lab.example";
	CU_ASSERT_TRUE(allows(&hosts, "lab.example:80"));
}

/* clang-format off */
GLINT_TESTS("hosts",
	GLINT_TEST(test_addresses_localhost_and_own_names_are_allowed),
	GLINT_TEST(test_other_names_are_refused),
	GLINT_TEST(test_the_hostname_is_allowed_also_with_local),
	GLINT_TEST(test_allow_host_adds_names),
)
