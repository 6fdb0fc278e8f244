/* SPDX-License-Identifier: MIT */
/* The files of src/net/page, as page_files.S embeds them. */
#ifndef GLINT_NET_PAGE_H
#define GLINT_NET_PAGE_H

extern const char glint_page_html[], glint_page_html_end[];
extern const char glint_page_css[], glint_page_css_end[];
extern const char glint_page_js[], glint_page_js_end[];
extern const char glint_page_icon[], glint_page_icon_end[];
#endif
