/* SPDX-License-Identifier: MIT */
/*
 * Libraries that few services need. They are loaded when they are first needed, because each library
 * that the program is linked with delays every start. A file lists the functions that it uses, and
 * has a note for packaging tools (base/dlopen_note.h):
 *
 *	#define LIBRARY "libexample.so.1"
 *	#define FUNCTIONS(X) X(example_begin) X(example_end)
 *	GLINT_LIBRARY(example, FUNCTIONS, LIBRARY, "examples cannot be begun")
 *
 * Then example_load() loads the library, at its first call, and returns whether all functions were
 * found; any thread may call it. The functions are example.example_begin() and so on.
 */
#ifndef GLINT_BASE_LIBRARY_H
#define GLINT_BASE_LIBRARY_H

#include <pthread.h>
#include <stdbool.h>

#include "base/macros.h"

/*
 * Load @soname, which stays loaded, and find @n functions: *@functions[i] is that of @names[i].
 * Returns false, after a line in the log that says @loss, if the library or a function is missing.
 */
bool glint_library_load(const char *soname, const char *loss, const char *const names[],
			void **const functions[], unsigned n);

#define GLINT_LIBRARY_MEMBER(name)  typeof(name) *name;
#define GLINT_LIBRARY_NAME(name)    #name,
#define GLINT_LIBRARY_ADDRESS(name) (void **)&found->name,

#define GLINT_LIBRARY(library, FUNCTIONS, soname, loss)                                            \
	static struct library {                                                                    \
		FUNCTIONS(GLINT_LIBRARY_MEMBER)                                                    \
		bool loaded;                                                                       \
	} library;                                                                                 \
                                                                                                   \
	static void library##_find(void)                                                           \
	{                                                                                          \
		static const char *const names[] = { FUNCTIONS(GLINT_LIBRARY_NAME) };              \
		struct library *found = &library;                                                  \
		void **const functions[] = { FUNCTIONS(GLINT_LIBRARY_ADDRESS) };                   \
                                                                                                   \
		found->loaded =                                                                    \
			glint_library_load(soname, loss, names, functions, ARRAY_SIZE(names));     \
	}                                                                                          \
                                                                                                   \
	static bool library##_load(void)                                                           \
	{                                                                                          \
		static pthread_once_t once = PTHREAD_ONCE_INIT;                                    \
                                                                                                   \
		(void)pthread_once(&once, library##_find);                                         \
		return library.loaded;                                                             \
	}
#endif
