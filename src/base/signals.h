#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Ignored and blocked signals stay so through execve(2), so a process inherits
 * its parent's choices. A process that ignores SIGCHLD does not learn that a
 * child ended. Process 1 of a PID namespace has no default actions: a signal
 * without a handler does nothing.
 */

/*
 * The first call in main(). Gives every signal its default action, and unblocks
 * it. A choice of the user stays: nohup(1) ignores SIGHUP, and the & of a shell
 * without job control ignores SIGINT and SIGQUIT.
 */
void signals_init(void);

/* In a child, before execve(2): restores the state when rpnc started. */
void signals_restore(void);

/*
 * The same, but with the default action of every signal, and none blocked. A
 * service manager may have us inherit an ignored SIGPIPE.
 */
void signals_reset(void);

/*
 * Blocks the signals that end a server, before it owns anything that needs an
 * orderly end. app_open() receives the signals that came meanwhile.
 */
void signals_hold(void);

/*
 * Whether this signal only repeats the last one: timeout(1) sends its signal
 * twice, and a terminal that closes may send several SIGHUPs. sender is 0 if
 * the kernel sent it, as for ^C.
 */
bool signals_is_twin(int number, pid_t sender);

/* A signal has come. From now on another one ends the process at once. */
void signals_hurry(void);

/* Ends the process by the signal; 0: returns. */
void signals_end_by(int number);

#endif
