#include "terminal/readline.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "base/fail.h"

/* The version of the headers that rpnc was built with. */
#define TEXT_OF(number) #number
#define LIBRARY(major) "libreadline.so." TEXT_OF(major)

static const struct symbol {
	const char *name;
	size_t at;
} symbols[] = {
#define READLINE_SYMBOL(name) { "rl_" #name, offsetof(struct readline, name) },
#define HISTORY_SYMBOL(name) { #name, offsetof(struct readline, name) },
	READLINE_SYMBOLS(READLINE_SYMBOL)
	HISTORY_SYMBOLS(HISTORY_SYMBOL)
};

enum { SYMBOLS = sizeof(symbols) / sizeof(symbols[0]) };

const struct readline *
readline_load(void)
{
	static struct readline all;
	void *library = dlopen(LIBRARY(RL_VERSION_MAJOR), RTLD_NOW), *found;

	for (int i = 0; i < SYMBOLS && library; i++) {
		found = dlsym(library, symbols[i].name);
		if (!found)
			library = NULL;
		memcpy((char *)&all + symbols[i].at, &found, sizeof(found));
	}
	if (library)
		return &all;
	fail_as(STATUS_NETWORK, "the prompt needs readline, but %s",
	    dlerror());
	fail_advise(ADVICE_NO_PROMPT);
	return NULL;
}
