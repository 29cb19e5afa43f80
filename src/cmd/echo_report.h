#ifndef CMD_ECHO_REPORT_H
#define CMD_ECHO_REPORT_H

#include "cmd/echo_server.h"

/* Emits the report event, with the counts of each worker. */
void echo_report(struct echo_server *);

#endif
