/* SPDX-License-Identifier: MIT */
/*
 * A doubly linked ring; the links are inside the members. A node that is in no list points at
 * itself, so removing a node twice is harmless.
 */
#ifndef GLINT_BASE_LIST_H
#define GLINT_BASE_LIST_H

#include <stdbool.h>

#include "base/macros.h"

struct glint_list {
	struct glint_list *prev, *next;
};

/* clang-format off */
#define GLINT_LIST_INIT(name) { &(name), &(name) }
/* clang-format on */

static inline void glint_list_init(struct glint_list *node)
{
	node->prev = node;
	node->next = node;
}

static inline bool glint_list_empty(const struct glint_list *list)
{
	return list->next == list;
}

/* Insert @node, which must be in no list, before @where. Before the head means at the end. */
static inline void glint_list_append(struct glint_list *where, struct glint_list *node)
{
	node->prev = where->prev;
	node->next = where;
	where->prev->next = node;
	where->prev = node;
}

static inline void glint_list_remove(struct glint_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	glint_list_init(node);
}

/* Move all nodes of @from to the end of @to, in order. */
static inline void glint_list_take(struct glint_list *to, struct glint_list *from)
{
	if (glint_list_empty(from))
		return;

	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	glint_list_init(from);
}

#define glint_list_entry(node, type, member) container_of(node, type, member)

#define glint_list_first(list, type, member)                                                       \
	(glint_list_empty(list) ? NULL : glint_list_entry((list)->next, type, member))

/* The body may remove and free @pos, but no other node. */
#define glint_list_for_each(pos, list, member)                                                     \
	for (typeof(*(pos)) *pos##_next_ =                                                         \
		     (pos = glint_list_entry((list)->next, typeof(*(pos)), member),                \
		     glint_list_entry((pos)->member.next, typeof(*(pos)), member));                \
	     &(pos)->member != (list);                                                             \
	     pos = pos##_next_, pos##_next_ = glint_list_entry((pos)->member.next, typeof(*(pos)), \
							       member))
#endif
