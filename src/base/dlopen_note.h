/* SPDX-License-Identifier: MIT */
/*
 * The program is not linked with a library that it loads with dlopen(). An ELF note tells packaging
 * tools and initrd builders about such a library:
 * https://uapi-group.org/specifications/specs/elf_dlopen_metadata/
 */
#ifndef GLINT_BASE_DLOPEN_NOTE_H
#define GLINT_BASE_DLOPEN_NOTE_H

#include <stdint.h>

#define GLINT_DLOPEN_NOTE_TYPE 0x407c0c0au

#define GLINT_DLOPEN_JSON(feature, description, priority, soname)                                  \
	"[{\"feature\":\"" feature "\",\"description\":\"" description                             \
	"\",\"priority\":\"" priority "\",\"soname\":[\"" soname "\"]}]"

/*
 * Use this once, in the file that loads @soname. @priority: "required", "recommended" or
 * "suggested". All arguments are string literals.
 */
#define GLINT_DLOPEN_NOTE(feature, description, priority, soname)                                  \
	static const struct {                                                                      \
		uint32_t owner_size, json_size, type;                                              \
		char owner[4];                                                                     \
		char json[sizeof(GLINT_DLOPEN_JSON(feature, description, priority, soname))];      \
	} dlopen_note __attribute__((used, section(".note.dlopen"), aligned(4))) = {               \
		.owner_size = sizeof("FDO"),                                                       \
		.json_size = sizeof(GLINT_DLOPEN_JSON(feature, description, priority, soname)),    \
		.type = GLINT_DLOPEN_NOTE_TYPE,                                                    \
		.owner = "FDO",                                                                    \
		.json = GLINT_DLOPEN_JSON(feature, description, priority, soname),                 \
	}
#endif
