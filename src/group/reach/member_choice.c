#include "group/reach/member_choice.h"

#include <limits.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"
#include "group/registry/registry.h"

enum { WORKER_MAX = 1 << 20 };

static int
choice_bad(const char *text)
{
	return fail_as(STATUS_USAGE, "%.40s: want a member's NAME or PID, or "
	    "with its worker's number, such as A/2 or 4100/2", text);
}

int
member_choice_read(struct member_choice *c, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	int64_t number;

	*c = (struct member_choice){ .worker = -1 };
	if (length >= sizeof(c->name))
		return choice_bad(text);
	memcpy(c->name, text, length);
	if (slash && num_parse(slash + 1, 0, WORKER_MAX, &number) < 0)
		return choice_bad(text);
	if (slash)
		c->worker = (int)number;
	if (num_parse(c->name, 1, INT_MAX, &number) == 0) {
		c->pid = (pid_t)number;
		c->name[0] = '\0';
		return 0;
	}
	return name_valid(c->name) ? 0 : choice_bad(text);
}

bool
member_choice_is(const struct member_choice *c, const char *name, pid_t pid,
    pid_t parent, int worker)
{
	if (c->worker >= 0 && c->worker != worker)
		return false;
	if (c->name[0])
		return strcmp(c->name, name) == 0;
	return c->pid == pid || (parent > 0 && c->pid == parent);
}
