/* SPDX-License-Identifier: MIT */
/* The JSON schemas of replies, from glint_schemas to glint_schemas_end. */
	.section .rodata

	.globl glint_schemas, glint_schemas_end
glint_schemas:
	.incbin "src/http/schemas.json"
glint_schemas_end:

	.section .note.GNU-stack, "", %progbits
