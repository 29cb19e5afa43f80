/* The names in a registry: which are valid, and which are taken. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "group/registry/process_id.h"
#include "group/registry/registry.h"

bool
name_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length > NAME_MAX_LENGTH ||
	    !isalpha((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isascii(*name) || (!isalnum((unsigned char)*name) &&
		    !strchr("_.-", *name)))
			return false;
	return true;
}

const char *
state_name(uint32_t state)
{
	static const char *const names[] = {
		"running", "full", "paused", "stopped", "away", "left",
	};

	return state <= STATE_LEFT ? names[state] : NULL;
}

const char *
name_clean(const char from[static REGISTRY_NAME],
    char name[static REGISTRY_NAME])
{
	int i = 0;
	char c;

	for (; i < REGISTRY_NAME - 1 && (c = from[i]); i++)
		name[i] = isascii(c) && (isalnum((unsigned char)c) ||
		    strchr("_.-/", c)) ? c : '?';
	name[i] = '\0';
	return name;
}

const char *
slot_name(const struct slot *s, char name[static REGISTRY_NAME])
{
	return name_clean(s->name, name);
}

/* Without /proc both are 0: then they count as the same. */
static bool
in_our_namespace(const struct slot *s)
{
	return s->pid_namespace == process_pid_namespace();
}

pid_t
slot_pid(const struct slot *s)
{
	return in_our_namespace(s) ? s->raw_pid : 0;
}

pid_t
slot_target(const struct slot *s)
{
	return in_our_namespace(s) ? s->raw_target : 0;
}

const char *
slot_text(const struct slot *s, char text[static SLOT_TEXT])
{
	char name[REGISTRY_NAME];
	pid_t pid = slot_pid(s);

	if (pid)
		snprintf(text, SLOT_TEXT, "%s (pid %d)", slot_name(s, name),
		    (int)pid);
	else
		snprintf(text, SLOT_TEXT, "%s (pid -)", slot_name(s, name));
	return text;
}

static bool
has_name(const struct slot *s, const char *name)
{
	return strncmp(s->name, name, sizeof(s->name)) == 0;
}

/* Whether both names have one base: the base of "A/1" is "A". */
static bool
same_base(const struct slot *s, const char *name)
{
	size_t length = strcspn(name, "/");
	char own[REGISTRY_NAME];

	return strcspn(slot_name(s, own), "/") == length &&
	    memcmp(own, name, length) == 0;
}

bool
registry_name_taken(struct registry *r, const char *name, uint64_t parent,
    bool dead_too)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		if (s->kind == SLOT_FREE || !same_base(s, name))
			continue;
		if (parent && (s->parent == parent || s->process == parent) &&
		    !has_name(s, name))
			continue;
		if (dead_too || registry_alive(r, i))
			return true;
	}
	return false;
}

bool
registry_has_name(struct registry *r, const char *name)
{
	return registry_name_taken(r, name, 0, false);
}

int
registry_find(struct registry *r, const char *name, uint64_t parent)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		if (s->kind != SLOT_FREE && s->parent == parent &&
		    has_name(s, name))
			return i;
	}
	return -1;
}

int
registry_find_process(struct registry *r, uint64_t process)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (registry_slot(r, i)->kind != SLOT_FREE &&
		    registry_slot(r, i)->process == process)
			return i;
	return -1;
}
