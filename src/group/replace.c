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

/* The member whose name this process has taken, or -1. */
static int
find_renamed(struct registry *r)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		if (is_server(s) && !s->parent &&
		    s->name_taken_by == process_cookie() &&
		    registry_alive(r, i))
			return i;
	}
	return -1;
}

int
replace_find(struct registry *r, const char *text)
{
	char members[400], name[REGISTRY_NAME];
	int renamed = find_renamed(r);

	if (renamed >= 0)
		return renamed;
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

/* "D.old", or "D.old2" if there is one; at most as long as a name may be. */
static int
pick_old_name(struct registry *r, const char *name,
    char old[static REGISTRY_NAME])
{
	char end[16] = ".old";

	for (int i = 2; i <= REGISTRY_SLOTS; i++) {
		snprintf(old, REGISTRY_NAME, "%.*s%s",
		    NAME_MAX_LENGTH - (int)strlen(end), name, end);
		if (!registry_name_taken(r, old, 0, false))
			return 0;
		snprintf(end, sizeof(end), ".old%d", i);
	}
	return -1;
}

/* Renames a process and its workers; the mutex is held. */
static void
rename_process(struct registry *r, uint64_t process, const char *name,
    uint64_t taken_by)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		struct slot *s = registry_slot(r, i);
		char own[REGISTRY_NAME], new[REGISTRY_NAME] = "";

		if (s->kind == SLOT_FREE ||
		    (s->process != process && s->parent != process))
			continue;
		slot_name(s, own);
		snprintf(new, sizeof(new), "%.*s%.7s", NAME_MAX_LENGTH, name,
		    own + strcspn(own, "/"));
		memcpy(s->name, new, sizeof(s->name));
		s->name_taken_by = taken_by;
	}
}

/* The slot that a user calls `text`, if its name is this one; else NULL. */
static const struct slot *
slot_of_name(struct registry *r, const char *text, const char *name)
{
	char own[REGISTRY_NAME];
	int i = replace_find(r, text);
	const struct slot *s = i < 0 ? NULL : registry_slot(r, i);

	return s && strcmp(slot_name(s, own), name) == 0 ? s : NULL;
}

bool
replace_is_name(struct registry *r, const char *text, const char *name)
{
	return slot_of_name(r, text, name) != NULL;
}

void
replace_take_name(struct registry *r, const char *text, const char *name)
{
	const struct slot *s = slot_of_name(r, text, name);
	char old[REGISTRY_NAME];

	if (s && pick_old_name(r, name, old) == 0)
		rename_process(r, s->process, old, process_cookie());
}

void
replace_give_back(struct registry *r, struct slot *s, const char *name)
{
	char own[REGISTRY_NAME];
	int by;

	if (registry_change_begin(r) < 0)
		return;
	by = registry_find_process(r, s->name_taken_by);
	if (!s->replaced_by && (by < 0 || !registry_alive(r, by)))
		rename_process(r, s->process, registry_has_name(r, name) ?
		    slot_name(s, own) : name, 0);
	registry_change_end(r);
}

const struct slot *
replace_taken_from(struct registry *r, const struct slot *by)
{
	char own[REGISTRY_NAME], old[REGISTRY_NAME];

	slot_name(by, own);
	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		/*
		 * The old process may have left already. For a worker it must
		 * be a member still: the worker may be started again, long
		 * after its parent took the name.
		 */
		if (s->kind != SLOT_MEMBER || !s->name_taken_by ||
		    (s->name_taken_by != by->process &&
		    (s->name_taken_by != by->parent ||
		    !registry_is_member(r, i))))
			continue;
		slot_name(s, old);
		if (strcmp(old + strcspn(old, "/"),
		    own + strcspn(own, "/")) == 0)
			return s;
	}
	return NULL;
}

void
replace_request(struct registry *r, int slot)
{
	registry_slot(r, slot)->replaced_by = process_cookie();
	registry_notify(r);
}
