#ifndef GROUP_STEER_MODE_H
#define GROUP_STEER_MODE_H

#include "group/registry/registry.h"
#include "group/steer/bpf.h"

/* The steering of a port's groups, struct steering, as text and as a mode. */

/* The last byte of the largest payload over IPv4. */
enum { STEER_OFFSET_MAX = 65506 };

/* Reads "hash", "A=70,B=20", "byte=8"...; -1: a usage fault. */
int mode_parse(const char *text, struct steering *out);
/* The i-th that can be read, for completion; NULL: there are no more. */
enum { MODE_WORD = 32 };
const char *mode_word(int i, char word[static MODE_WORD]);
/* Whether the last of the weights has the name of another. */
bool mode_is_last_twice(const struct steering *);
/* The same as text: "weights A=70,B=20". */
enum { MODE_TEXT = 1200 };
const char *mode_text(const struct steering *,
    char text[static MODE_TEXT]);

/*
 * The mode; if the registry has an invalid one, the hash. mode_older() is what
 * members do that do not know this mode.
 */
enum steer_mode mode_of(const struct steering *);
enum steer_mode mode_older(const struct steering *);
/* Which byte of the payload STEER_BYTE takes. */
uint32_t mode_offset(const struct steering *);
/* Whether a port of this kind can have the mode; -1: a usage fault. */
int mode_suits(const struct steering *, bool datagram);

/* Sets the steering in the registry, and wakes all; -1: a fault. */
int mode_set(struct registry *, const struct steering *);
/*
 * The weight of a slot's share of new connections; slot -1 is a foreign member.
 */
uint32_t mode_weight(struct registry *, int slot);
/* Whether that is 100 because nobody has given it another one. */
bool mode_weight_is_default(struct registry *, int slot);

#endif
