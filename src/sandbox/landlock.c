#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * From include/uapi/linux/landlock.h of Linux 6.12, because the headers of a
 * distribution may be older than its kernel. glibc has no functions for the
 * calls; their numbers are the same on all processors.
 */
struct ruleset_attr {
	uint64_t handled_access_fs, handled_access_net, scoped;
};
struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

enum {
	CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446,
	CREATE_RULESET_VERSION = 1 << 0,
	RULE_PATH_BENEATH = 1,
};

#define ACCESS_FS_REMOVE_FILE (UINT64_C(1) << 5)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)
#define LOWEST(bits) ((UINT64_C(1) << (bits)) - 1)

/* The rights over files that each ABI knows are the lowest bits. */
static uint64_t
file_rights(int abi)
{
	static const int count[] = { 0, 13, 14, 15, 15, 16 };
	int last = (int)(sizeof(count) / sizeof(*count)) - 1;

	return LOWEST(count[abi < last ? abi : last]);
}

static int
allow_removal(int ruleset, const char *directory)
{
	struct path_beneath_attr rule = {
		.allowed_access = ACCESS_FS_REMOVE_FILE,
		.parent_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	long result;

	if (rule.parent_fd < 0)
		return -1;
	result = syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return (int)result;
}

int
landlock_abi(void)
{
	return (int)syscall(CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
}

int
landlock_close(const char *directory, bool signals)
{
	int abi = landlock_abi();
	struct ruleset_attr all = { .handled_access_fs = 0 };
	int ruleset, saved;

	if (abi < 0)
		return -1;
#ifdef __SANITIZE_ADDRESS__
	return abi;	/* LeakSanitizer reads /proc: see filter.c */
#endif
	all.handled_access_fs = file_rights(abi);
	all.handled_access_net = abi >= 4 ? LOWEST(2) : 0;
	all.scoped = abi >= 6 && !signals ? SCOPE_SIGNAL : 0;
	ruleset = (int)syscall(CREATE_RULESET, &all, abi >= 6 ? sizeof(all) :
	    abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t), 0);
	if (ruleset < 0)
		return -1;
	if ((directory && allow_removal(ruleset, directory) < 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(RESTRICT_SELF, ruleset, 0) < 0)
		abi = -1;
	saved = errno;
	close(ruleset);
	errno = saved;
	return abi;
}
