#ifndef CMD_ADVICE_H
#define CMD_ADVICE_H

#include "base/fail.h"

/* The words for fail_advise_with(): what to do, by the options' names. */
extern const char *const advice_words[ADVICES];

#endif
