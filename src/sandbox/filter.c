#include "sandbox/filter.h"

#include <errno.h>
#include <seccomp.h>

#include "sandbox/calls.h"

/* A binary tree instead of a chain: the kernel takes it faster, too. */
enum { BINARY_TREE = 2 };

/*
 * At the end of a process LeakSanitizer traces it, with calls of its own. So a
 * build with it has a filter that allows all.
 */
#ifdef __SANITIZE_ADDRESS__
#define ALL_ELSE SCMP_ACT_ALLOW
#else
#define ALL_ELSE SCMP_ACT_ERRNO(ENOSYS)
#endif

static int
add_allowed(scmp_filter_ctx filter, const struct sandbox_call *call)
{
	const struct sandbox_argument *a = &call->argument;
	int number = seccomp_syscall_resolve_name(call->name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, a->compared,
	    SCMP_CMP(a->index, SCMP_CMP_MASKED_EQ, a->mask, a->value));
}

static int
add_deadly(scmp_filter_ctx filter, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	return number == __NR_SCMP_ERROR ? 0 :
	    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, number, 0);
}

/* Returns a negated errno, as libseccomp does. */
static int
filter_fill(scmp_filter_ctx filter, unsigned keeps)
{
	int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE,
	    BINARY_TREE);

	if (ALL_ELSE == SCMP_ACT_ALLOW)
		return 0;
	if (error == -EOPNOTSUPP || error == -EINVAL)
		error = 0;	/* libseccomp before 2.5 */
	for (const struct sandbox_call *c = sandbox_calls; c->name && !error;
	    c++)
		if (c->keeps & keeps)
			error = add_allowed(filter, c);
	for (const char *const *n = sandbox_deadly; *n && !error; n++)
		error = add_deadly(filter, *n);
	return error;
}

int
filter_calls(unsigned keeps)
{
	scmp_filter_ctx filter = seccomp_init(ALL_ELSE);
	int error = filter ? filter_fill(filter, keeps) : -ENOMEM;

	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	errno = -error;
	return error ? -1 : 0;
}
