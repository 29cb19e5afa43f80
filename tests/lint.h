/*
 * Read before each file by clang-tidy alone. It cannot see that uthash's last
 * element takes the table with it, and would report a use after free in every
 * loop that empties a table.
 */
#include <uthash.h>

#undef HASH_DEL
#define HASH_DEL(head, element) ((head) = (element)->hh.next)
