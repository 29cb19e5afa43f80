/* The names on a board: which there may be, who has one, and which is free. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
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
name_clean(const char from[static BOARD_NAME], char name[static BOARD_NAME])
{
	int i = 0;
	char c;

	for (; i < BOARD_NAME - 1 && (c = from[i]); i++)
		name[i] = isascii(c) && (isalnum((unsigned char)c) ||
		    strchr("_.-/", c)) ? c : '?';
	name[i] = '\0';
	return name;
}

const char *
slot_name(const struct slot *s, char name[static BOARD_NAME])
{
	return name_clean(s->name, name);
}

/* If /proc gave neither (0 and 0), they are taken for the same. */
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
	char name[BOARD_NAME];
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

/* Whether it claims the same name: "A/1" belongs to A. */
static bool
same_base(const struct slot *s, const char *name)
{
	size_t length = strcspn(name, "/");
	char own[BOARD_NAME];

	return strcspn(slot_name(s, own), "/") == length &&
	    memcmp(own, name, length) == 0;
}

/* Whether a slot, alive (or dead too), stands in the way of name. */
static bool
name_taken(struct board *b, const char *name, uint64_t parent,
    bool dead_too)
{
	for (int i = 0; i < BOARD_SLOTS; i++) {
		const struct slot *s = board_slot(b, i);

		if (s->kind == SLOT_FREE || !same_base(s, name))
			continue;
		if (parent && (s->parent == parent || s->process == parent) &&
		    !has_name(s, name))
			continue;
		if (dead_too || board_alive(b, i))
			return true;
	}
	return false;
}

bool
board_has_name(struct board *b, const char *name)
{
	return name_taken(b, name, 0, false);
}

/* A, B, ..., Z, AA, AB, ... */
static void
letters(int n, char name[static BOARD_NAME])
{
	if (n < 26)
		snprintf(name, BOARD_NAME, "%c", 'A' + n);
	else
		snprintf(name, BOARD_NAME, "%c%c", 'A' + (n / 26 - 1) % 26,
		    'A' + n % 26);
}

/* A letter that nobody has; if all are remembered, one of the dead. */
static int
pick_letter(struct board *b, char name[static BOARD_NAME])
{
	for (int dead_too = 1; dead_too >= 0; dead_too--)
		for (int n = 0; n < BOARD_SLOTS; n++) {
			letters(n, name);
			if (!name_taken(b, name, 0, dead_too))
				return 0;
		}
	return fail_as(STATUS_NETWORK, "board: full");
}

/* Guests take no letters from members. */
static int
pick_number(struct board *b, char name[static BOARD_NAME])
{
	for (int n = 0; n < BOARD_SLOTS; n++) {
		snprintf(name, BOARD_NAME, "!%d", n);
		if (!name_taken(b, name, 0, false))
			return 0;
	}
	return fail_as(STATUS_NETWORK, "board: full");
}

int
board_pick_name(struct board *b, enum slot_kind kind, const char *wish,
    uint64_t parent, char name[static BOARD_NAME])
{
	if (kind == SLOT_GUEST)
		return pick_number(b, name);
	if (!wish)
		return pick_letter(b, name);
	snprintf(name, BOARD_NAME, "%s", wish);
	return !name_taken(b, name, parent, false) ? 0 :
	    fail_as(STATUS_USAGE, "--name %s: a live member has this name",
	    wish);
}

int
board_find(struct board *b, const char *name, uint64_t parent)
{
	for (int i = 0; i < BOARD_SLOTS; i++) {
		const struct slot *s = board_slot(b, i);

		if (s->kind != SLOT_FREE && s->parent == parent &&
		    has_name(s, name))
			return i;
	}
	return -1;
}

int
board_find_process(struct board *b, uint64_t process)
{
	for (int i = 0; i < BOARD_SLOTS; i++)
		if (board_slot(b, i)->kind != SLOT_FREE &&
		    board_slot(b, i)->process == process)
			return i;
	return -1;
}
