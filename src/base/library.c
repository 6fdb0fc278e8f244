/* SPDX-License-Identifier: MIT */
#include "base/library.h"

#include <dlfcn.h>
#include <stddef.h>

#include "base/log.h"

static const struct glint_log_topic topic = { "library" };

bool glint_library_load(const char *soname, const char *loss, const char *const names[],
			void **const functions[], unsigned n)
{
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	bool found = library != NULL;

	for (unsigned i = 0; i < n && found; i++) {
		*functions[i] = dlsym(library, names[i]);
		found = *functions[i] != NULL;
	}
	if (!found)
		glint_log_error(&topic, "%s: %s", dlerror(), loss);
	return found;
}
