#ifndef CMD_ADVICE_H
#define CMD_ADVICE_H

#include "base/fail.h"

/* For fail_advise_with(): which option helps, by the cause. */
extern const char *const advice_words[ADVICES];

#endif
