#include "group/replace.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"
#include "group/registry/process_id.h"

/* Whether it is a process that can be replaced. */
static bool
is_server(const struct slot *s)
{
	return s->kind == SLOT_MEMBER || s->kind == SLOT_PARENT;
}

static bool
is_meant(const struct slot *s, const char *text)
{
	char name[REGISTRY_NAME];
	int64_t pid;

	return strcmp(slot_name(s, name), text) == 0 ||
	    (num_parse(text, 1, INT32_MAX, &pid) == 0 && pid == slot_pid(s));
}

/* "A (pid 12), B (pid 13)": all members except workers. */
static const char *
list_members(struct registry *r, char *text, size_t room)
{
	char one[SLOT_TEXT];
	size_t used = 0;

	*text = '\0';
	for (int i = 0; i < REGISTRY_SLOTS && used + 64 < room; i++) {
		const struct slot *s = registry_slot(r, i);

		if (is_server(s) && !s->parent && registry_alive(r, i))
			used += (size_t)snprintf(text + used, room - used,
			    "%s%s", used ? ", " : "", slot_text(s, one));
	}
	return *text ? text : "none";
}

int
replace_find(struct registry *r, const char *text)
{
	char members[400], name[REGISTRY_NAME];

	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		if (!is_server(s) || !is_meant(s, text) ||
		    !registry_alive(r, i) || s->process == process_cookie())
			continue;
		if (!s->parent)
			return i;
		return fail_as(STATUS_USAGE, "%.24s can't be replaced: a worker, "
		    "which its parent would start again: say %.*s", text,
		    (int)strcspn(slot_name(s, name), "/"), name);
	}
	return fail_as(STATUS_USAGE, "%.24s can't be replaced: no rpnc of "
	    "yours has this name or pid here; members: %s", text,
	    list_members(r, members, sizeof(members)));
}

void
replace_request(struct registry *r, int slot)
{
	registry_slot(r, slot)->replaced_by = process_cookie();
	registry_notify(r);
}
