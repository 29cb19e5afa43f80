#ifndef GROUP_STEER_LEAST_H
#define GROUP_STEER_LEAST_H

#include <stdint.h>

/* Of a member whose connections nobody counts: a foreign one. */
#define LEAST_UNKNOWN UINT64_MAX

/*
 * Which members are least loaded: of n members, those with a weight that is not
 * 0 and the fewest open connections get the share 1, and all others 0. A member
 * that has one more, but not more than the mean, is counted to them: before a
 * burst, the members that may get it are then more, and the busiest of 8 has
 * 1.6 times the mean after 4 bursts of 4, not 1.8 (of single clients it has the
 * mean either way). A member in whose queue clients wait gets none while
 * another has none there: it may be stuck, and would look idle.
 *
 * If some numbers are not known, the shares are larger, and in such proportions
 * that a member whose number is unknown gets 1 of M, of M members that may get
 * connections. Returns how many have a share; 0 only if all weights are 0.
 */
int least_choose(const uint64_t *open, const uint32_t *queued,
    const uint32_t *weight, uint32_t *share, int n);

/*
 * How often at most: LEAST_BURST times at once, and 20 times in any second, by
 * the generic cell rate algorithm (ITU-T I.371). One number says what was spent
 * so far, 0 at first; now: any clock, in ms. least_wait() is in how many ms the
 * next may be, 0: now; least_spend() returns the number after one more.
 */
enum { LEAST_MS = 67, LEAST_BURST = 5 };
uint32_t least_wait(uint32_t spent, uint32_t now);
uint32_t least_spend(uint32_t spent, uint32_t now);

#endif
