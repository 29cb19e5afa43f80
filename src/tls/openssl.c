#include "tls/openssl.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "base/fail.h"

/* The version of the headers that rpnc was built with. */
#define TEXT_OF(number) #number
#define LIBRARY(major) "libssl.so." TEXT_OF(major)
const char openssl_library[] = LIBRARY(OPENSSL_VERSION_MAJOR);

static const struct symbol {
	const char *name;
	size_t at;
} symbols[] = {
#define SYMBOL(name) { #name, offsetof(struct openssl, name) },
	OPENSSL_SYMBOLS(SYMBOL)
};

enum { SYMBOLS = sizeof(symbols) / sizeof(symbols[0]) };

/* libssl has libcrypto as a dependency: dlsym(3) looks there, too. */
static const struct openssl *
openssl_find(struct openssl *all)
{
	void *library = dlopen(openssl_library, RTLD_NOW), *found;

	for (int i = 0; i < SYMBOLS && library; i++) {
		found = dlsym(library, symbols[i].name);
		if (!found)
			library = NULL;
		memcpy((char *)all + symbols[i].at, &found, sizeof(found));
	}
	if (library)
		return all;
	fail_as(STATUS_NETWORK, "TLS needs OpenSSL 3, but %s", dlerror());
	return NULL;
}

const struct openssl *
openssl_load(void)
{
	static struct openssl all;
	static const struct openssl *loaded;

	if (!loaded)
		loaded = openssl_find(&all);
	return loaded;
}
