#include "terminal/readline.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/fail.h"

/* The version of the headers that rpnc was built with. */
#define TEXT_OF(number) #number
#define LIBRARY(major) "libreadline.so." TEXT_OF(major)
const char readline_library[] = LIBRARY(RL_VERSION_MAJOR);

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

/*
 * If rpnc has other rights than its caller, it does not read the files that the
 * caller's environment names: readline shows lines of inputrc that it does not
 * know. (ld.so(8) and OpenSSL ignore such variables by themselves.)
 */
static void
environment_secure(void)
{
	static const char *const files[] = {
		"TERMINFO", "TERMINFO_DIRS", "TERMCAP", "TERMPATH",
	};

	if (!getauxval(AT_SECURE))
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unsetenv(files[i]);
	setenv("INPUTRC", "/etc/inputrc", true);
}

const struct readline *
readline_load(void)
{
	static struct readline all;
	void *library = dlopen(readline_library, RTLD_NOW), *found;

	environment_secure();
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
