#ifndef PROBE_LOAD_REACH_RESULT_H
#define PROBE_LOAD_REACH_RESULT_H

#include "probe/load/load.h"
#include "report/reach.h"

/*
 * What attempts at given members have reached. rows: room for one of each
 * socket of the group.
 */
void reach_result_make(struct reach_report *, struct reach_row *rows,
    const struct load *, bool changed);

/* Whether every socket has answered all that was wanted of it. */
bool reach_result_is_whole(const struct reach_report *);

#endif
