/* SPDX-License-Identifier: MIT */
/* The built-in page's text. It loads nothing but what this service serves. */
#ifndef GLINT_NET_PAGE_H
#define GLINT_NET_PAGE_H

extern const char glint_page_html[];
#endif
