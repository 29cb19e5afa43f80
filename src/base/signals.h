#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Signals come with what the parent made of them: ignored and blocked ones
 * stay so through execve(2). A process whose SIGCHLD is ignored never hears
 * that a child ended. Process 1 of a PID namespace has no default actions: a
 * signal that nobody handles does nothing there.
 */

/*
 * First of all in main(). Every signal gets its default action and is heard.
 * A user's wish stays: nohup(1) ignores SIGHUP, the & of a shell without job
 * control ignores SIGINT and SIGQUIT.
 */
void signals_init(void);

/* In a child, before execve(2): all as it was when rpnc started. */
void signals_restore(void);

/*
 * Blocks what ends a server, before it has what must be given back in order.
 * desk_open() hears what came meanwhile.
 */
void signals_hold(void);

/*
 * timeout(1) sends its signal twice, and a terminal that closes may send
 * several SIGHUPs: that is one wish. Whether this signal only repeats the
 * last one. sender is 0 for the kernel, such as ^C.
 */
bool signals_is_twin(int number, pid_t sender);

/* One signal has come. A further one now ends the process, wherever it is. */
void signals_hurry(void);

/* Ends the process by the signal; returns if that is 0. */
void signals_end_by(int number);

#endif
