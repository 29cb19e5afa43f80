/*
 * --version. The first line is for scripts. The others are what this build and
 * this machine have: each is looked at, and none is taken from the options of
 * the compiler alone.
 */
#include "cmd/version.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "sandbox/filter.h"
#include "sandbox/landlock.h"
#include "terminal/readline.h"
#include "tls/openssl.h"

#ifndef RPNC_COMMIT
#define RPNC_COMMIT "unknown"
#endif

/*
 * glibc says which level of _FORTIFY_SOURCE is in force. musl has no checks but
 * those of fortify-headers.
 */
#if defined(__USE_FORTIFY_LEVEL)
enum { FORTIFY = __USE_FORTIFY_LEVEL };
#elif defined(_FORTIFY_STRING_H) && defined(__OPTIMIZE__) && \
    defined(_FORTIFY_SOURCE)
enum { FORTIFY = _FORTIFY_SOURCE };
#else
enum { FORTIFY = 0 };
#endif

/* The program's protection, as its own headers have it. */
struct protection {
	bool relro, now, no_exec_stack;
};

static void
dynamic_read(const ElfW(Dyn) *d, struct protection *p)
{
	for (; d->d_tag != DT_NULL; d++)
		p->now |= d->d_tag == DT_BIND_NOW ||
		    (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_BIND_NOW) ||
		    (d->d_tag == DT_FLAGS_1 && d->d_un.d_val & DF_1_NOW);
}

/* The first object is the program. */
static int
object_read(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct protection *p = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type == PT_GNU_RELRO)
			p->relro = true;
		else if (h->p_type == PT_GNU_STACK)
			p->no_exec_stack = !(h->p_flags & PF_X);
		else if (h->p_type == PT_DYNAMIC)
			dynamic_read((const ElfW(Dyn) *)(info->dlpi_addr +
			    h->p_vaddr), p);
	}
	return 1;
}

static void
put_protection(FILE *out)
{
	struct protection p = { false, false, false };

	dl_iterate_phdr(object_read, &p);
	fputs("hardening:", out);
#ifdef __PIE__
	fputs(" PIE", out);
#endif
	fputs(p.relro ? p.now ? " full-RELRO" : " RELRO" : "", out);
	fputs(p.no_exec_stack ? " no-exec-stack" : "", out);
#ifdef __SSP_STRONG__
	fputs(" stack-protector", out);
#endif
	if (FORTIFY > 0)
		fprintf(out, " fortify=%d", FORTIFY);
#ifdef __SANITIZE_ADDRESS__
	fputs(" (a build for tests, with sanitizers)", out);
#endif
	fputc('\n', out);
}

static void
put_sandbox(FILE *out)
{
	int abi = landlock_abi();

	fprintf(out, "sandbox: %s, ", filter_knows_processor() ? "seccomp" :
	    "no seccomp for this processor");
	if (abi < 0)
		fputs("Landlock, which this kernel lacks\n", out);
	else
		fprintf(out, "Landlock (this kernel: ABI %d)\n", abi);
}

/* Libraries that are loaded when they are needed, and so may be missing. */
static void
put_libraries(FILE *out)
{
	const struct readline *rl = readline_load();

	if (rl)
		fprintf(out, "readline %s (%s), at a prompt\n",
		    *rl->library_version, readline_library);
	else
		fprintf(out, "readline missing: %s\n", fail_text());
	if (openssl_load())
		fprintf(out, "%s (%s), for --tls\n",
		    openssl_load()->OpenSSL_version(0), openssl_library);
	else
		fprintf(out, "OpenSSL missing: %s\n", fail_text());
}

void
version_print(FILE *out)
{
	fputs("rpnc " RPNC_VERSION "\n", out);
	fputs("commit " RPNC_COMMIT "\n", out);
	put_libraries(out);
	put_sandbox(out);
	put_protection(out);
	fputs("licence: GPL-3.0-or-later\n", out);
}
