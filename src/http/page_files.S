/* SPDX-License-Identifier: MIT */
/* The files of the built-in page, each from glint_page_NAME to glint_page_NAME_end. */
	.section .rodata

	.macro embed name, path
	.globl glint_page_\name, glint_page_\name\()_end
glint_page_\name:
	.incbin "\path"
glint_page_\name\()_end:
	.endm

	embed html, "src/http/page/index.html"
	embed css, "src/http/page/page.css"
	embed js, "src/http/page/page.js"
	embed icon, "src/http/page/favicon.svg"

	.section .note.GNU-stack, "", %progbits
