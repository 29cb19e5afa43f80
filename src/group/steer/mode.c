/*
 * The steering of a port's groups (struct steering): as text, as the prompt and
 * the report have it, and in the registry; the weight of each slot in it.
 */
#include "group/steer/mode.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"
#include "group/registry/process_id.h"

enum { FINER_BITS = 24 };	/* of steering.finer: the argument */

/* "A", or a worker's "A/1" */
static bool
is_member_name(const char *text)
{
	char name[REGISTRY_NAME];
	size_t length = strcspn(text, "/");

	snprintf(name, sizeof(name), "%.*s", (int)length, text);
	text += length;
	return name_valid(name) &&
	    (!*text || (text[1] && !text[1 + strspn(text + 1, "0123456789")]));
}

static int
parse_weight(const char *text, size_t length, struct weight *out)
{
	const char *equals = memchr(text, '=', length);
	char number[16];
	size_t name;
	int64_t n;

	if (!equals)
		return -1;
	name = (size_t)(equals - text);
	length -= name + 1;
	if (name >= REGISTRY_NAME || length >= sizeof(number))
		return -1;
	snprintf(out->name, sizeof(out->name), "%.*s", (int)name, text);
	snprintf(number, sizeof(number), "%.*s", (int)length, equals + 1);
	if (!is_member_name(out->name) ||
	    num_parse(number, 0, WEIGHT_MAX, &n) < 0)
		return -1;
	out->weight = (uint32_t)n;
	return 0;
}

bool
mode_is_last_twice(const struct steering *s)
{
	const char *last = s->weights[s->count - 1].name;

	for (uint32_t i = 0; i + 1 < s->count; i++)
		if (strcmp(s->weights[i].name, last) == 0)
			return true;
	return false;
}

static int
parse_weights(const char *text, struct steering *out)
{
	while (*text) {
		size_t length = strcspn(text, ",");

		if (out->count == SHARED_WEIGHTS)
			return fail_as(STATUS_USAGE, "steering: at most %d "
			    "weights", SHARED_WEIGHTS);
		if (parse_weight(text, length,
		    &out->weights[out->count++]) < 0)
			return fail_as(STATUS_USAGE, "steering: '%.*s': want "
			    "NAME=WEIGHT, 0 to %d", (int)length, text,
			    WEIGHT_MAX);
		if (mode_is_last_twice(out))
			return fail_as(STATUS_USAGE, "steering: '%.*s': this "
			    "name has a weight already", (int)length, text);
		text += length;
		text += *text == ',';
	}
	return 0;
}

/* "byte=8"; a member that is called byte has its weight by "weights byte=8". */
static bool
is_byte(const char *text)
{
	static const char mode[] = "byte=";
	size_t length = sizeof(mode) - 1;

	return strncmp(text, mode, length) == 0 && !strchr(text, ',');
}

/* "A=70", but not "weights=A=70": a name begins with a letter. */
static bool
is_weight(const char *text)
{
	static const char mode[] = "weights=";
	size_t length = sizeof(mode) - 1;

	if (strncmp(text, mode, length) == 0 &&
	    isalpha((unsigned char)text[length]))
		return false;
	if (is_byte(text))
		return false;
	return text[strcspn(text, " :=")] == '=';
}

/* The mode of the first length characters; STEER_MODES: none. */
static enum steer_mode
mode_find(const char *name, size_t length)
{
	for (int i = 0; i < STEER_MODES; i++)
		if (strlen(steer_types[i].name) == length &&
		    memcmp(steer_types[i].name, name, length) == 0)
			return (enum steer_mode)i;
	return STEER_MODES;
}

const char *
mode_word(int i, char word[static MODE_WORD])
{
	if (i >= STEER_MODES)
		return NULL;
	snprintf(word, MODE_WORD, "%s%s", steer_types[i].name,
	    i == STEER_BYTE ? "=" : "");
	return word;
}

static int
parse_offset(const char *text, int64_t *offset)
{
	if (num_parse(text, 0, STEER_OFFSET_MAX, offset) == 0)
		return 0;
	return fail_as(STATUS_USAGE, "steering: want byte=OFFSET, 0 to %d: "
	    "which byte of a datagram's payload decides", STEER_OFFSET_MAX);
}

int
mode_parse(const char *text, struct steering *out)
{
	size_t length = strcspn(text, " :=");
	enum steer_mode mode = mode_find(text, length);
	int64_t argument = 0;

	*out = (struct steering){ .mode = STEER_WEIGHTS };
	if (is_weight(text))
		return parse_weights(text, out);
	text += length;
	text += strspn(text, " :=");
	if (mode == STEER_WEIGHTS)
		return parse_weights(text, out);
	if (mode == STEER_MODES || (mode != STEER_BYTE && *text))
		return fail_as(STATUS_USAGE, "steering: want hash, random, "
		    "cpu, weights A=70,B=30, source-port, source-address, "
		    "least or byte=OFFSET");
	if (mode == STEER_BYTE && parse_offset(text, &argument) < 0)
		return -1;
	out->mode = steer_types[mode].older;
	if (out->mode != mode)
		out->finer = (uint32_t)mode << FINER_BITS | (uint32_t)argument;
	return 0;
}

enum steer_mode
mode_of(const struct steering *s)
{
	uint32_t finer = s->finer >> FINER_BITS;

	if (finer < STEER_MODES && steer_types[finer].older == s->mode &&
	    steer_types[finer].older != finer)
		return (enum steer_mode)finer;
	return mode_older(s);
}

enum steer_mode
mode_older(const struct steering *s)
{
	if (s->mode < STEER_MODES && steer_types[s->mode].older == s->mode)
		return (enum steer_mode)s->mode;
	return STEER_HASH;
}

uint32_t
mode_offset(const struct steering *s)
{
	return mode_of(s) == STEER_BYTE ? s->finer % (1u << FINER_BITS) : 0;
}

int
mode_suits(const struct steering *s, bool datagram)
{
	enum steer_mode mode = mode_of(s);

	if (mode == STEER_LEAST && datagram)
		return fail_as(STATUS_USAGE, "steering: least counts open "
		    "connections, and datagrams have none");
	if (mode == STEER_BYTE && !datagram)
		return fail_as(STATUS_USAGE, "steering: byte=OFFSET is for "
		    "datagrams: a connection's first packet has no data");
	return 0;
}

const char *
mode_text(const struct steering *s, char text[static MODE_TEXT])
{
	int used = snprintf(text, MODE_TEXT, "%s",
	    steer_types[mode_of(s)].name);
	char name[REGISTRY_NAME];

	if (mode_of(s) == STEER_BYTE)
		used += snprintf(text + used, MODE_TEXT - (size_t)used, "=%u",
		    mode_offset(s));
	for (uint32_t i = 0; i < s->count && i < SHARED_WEIGHTS; i++)
		used += snprintf(text + used, MODE_TEXT - (size_t)used,
		    "%c%s=%u", i ? ',' : ' ',
		    name_clean(s->weights[i].name, name),
		    s->weights[i].weight);
	return text;
}

int
mode_set(struct registry *r, const struct steering *s)
{
	struct steering *now = &registry_shared(r)->steering;
	char old[MODE_TEXT], new[MODE_TEXT];
	uint32_t serial;

	if (strcmp(mode_text(now, old), mode_text(s, new)) == 0)
		return 0;
	if (registry_change_begin(r) < 0)
		return -1;
	serial = now->serial;
	*now = *s;
	now->process = process_cookie();
	now->serial = serial + 1;
	registry_change_end(r);
	return 0;
}

/* Another process may have written any number into the registry. */
static uint32_t
weight_within(uint32_t weight)
{
	return weight > WEIGHT_MAX ? WEIGHT_MAX : weight;
}

/*
 * The entry of a slot's name, or NULL. A listed name includes its workers,
 * except workers listed themselves.
 */
static const struct weight *
listed_weight(const struct steering *s, const struct slot *slot)
{
	const struct weight *found = NULL;
	char own[REGISTRY_NAME];
	size_t base = strcspn(slot_name(slot, own), "/");

	for (uint32_t i = 0; i < s->count && i < SHARED_WEIGHTS; i++) {
		const char *name = s->weights[i].name;

		if (strncmp(name, own, REGISTRY_NAME) == 0)
			return &s->weights[i];
		if (strnlen(name, REGISTRY_NAME) == base &&
		    memcmp(name, own, base) == 0)
			found = &s->weights[i];
	}
	return found;
}

uint32_t
mode_weight(struct registry *r, int slot)
{
	const struct steering *s = &registry_shared(r)->steering;
	const struct weight *listed;

	if (mode_of(s) != STEER_WEIGHTS)
		return 1;
	if (slot < 0)
		return WEIGHT_DEFAULT;
	/* the member that has its name now has its share, too */
	if (registry_slot(r, slot)->name_taken_by)
		return 0;
	listed = listed_weight(s, registry_slot(r, slot));
	return weight_within(listed ? listed->weight :
	    registry_slot(r, slot)->weight);
}

bool
mode_weight_is_default(struct registry *r, int slot)
{
	const struct steering *s = &registry_shared(r)->steering;

	return mode_of(s) == STEER_WEIGHTS && (slot < 0 ||
	    (registry_slot(r, slot)->weight == WEIGHT_DEFAULT &&
	    !registry_slot(r, slot)->name_taken_by &&
	    !listed_weight(s, registry_slot(r, slot))));
}
