/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/list.h"
#include "harness.h"

struct item {
	int number;
	struct glint_list link;
};

static void test_items_come_out_in_the_order_they_went_in(void)
{
	struct glint_list list = GLINT_LIST_INIT(list);
	struct item items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } }, *item;
	int expected = 0;

	for (unsigned i = 0; i < 3; i++)
		glint_list_append(&list, &items[i].link);
	glint_list_for_each(item, &list, link)
		CU_ASSERT_EQUAL(item->number, expected++);
	CU_ASSERT_EQUAL(expected, 3);
	CU_ASSERT_PTR_EQUAL(glint_list_first(&list, struct item, link), &items[0]);
}

static void test_an_empty_list_has_no_first_and_no_round(void)
{
	struct glint_list list = GLINT_LIST_INIT(list);
	struct item *item;

	CU_ASSERT_TRUE(glint_list_empty(&list));
	CU_ASSERT_PTR_NULL(glint_list_first(&list, struct item, link));
	glint_list_for_each(item, &list, link)
		CU_FAIL("an item of an empty list");
}

static void test_removing_twice_is_harmless(void)
{
	struct glint_list list = GLINT_LIST_INIT(list);
	struct item items[2] = { { .number = 0 }, { .number = 1 } };

	glint_list_append(&list, &items[0].link);
	glint_list_append(&list, &items[1].link);
	glint_list_remove(&items[0].link);
	glint_list_remove(&items[0].link);
	CU_ASSERT_TRUE(glint_list_empty(&items[0].link));
	CU_ASSERT_PTR_EQUAL(glint_list_first(&list, struct item, link), &items[1]);
	glint_list_remove(&items[1].link);
	CU_ASSERT_TRUE(glint_list_empty(&list));
}

static void test_items_may_be_freed_while_walking(void)
{
	struct glint_list list = GLINT_LIST_INIT(list);
	unsigned freed = 0;
	struct item *item;

	for (unsigned i = 0; i < 5; i++) {
		item = calloc(1, sizeof(*item));
		CU_ASSERT_PTR_NOT_NULL_FATAL(item);
		glint_list_append(&list, &item->link);
	}
	glint_list_for_each(item, &list, link) {
		glint_list_remove(&item->link);
		free(item);
		freed++;
	}
	CU_ASSERT_EQUAL(freed, 5);
	CU_ASSERT_TRUE(glint_list_empty(&list));
}

/* clang-format off */
GLINT_TESTS("list",
	GLINT_TEST(test_items_come_out_in_the_order_they_went_in),
	GLINT_TEST(test_an_empty_list_has_no_first_and_no_round),
	GLINT_TEST(test_removing_twice_is_harmless),
	GLINT_TEST(test_items_may_be_freed_while_walking),
)
