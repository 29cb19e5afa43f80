#ifndef TERMINAL_COLUMNS_H
#define TERMINAL_COLUMNS_H

/* The width of the terminal fd. If fd is none: $COLUMNS, or else 80. */
int terminal_columns(int fd);

#endif
