#ifndef COMPLETION_COMPLETION_H
#define COMPLETION_COMPLETION_H

#include <stdio.h>

#include "cmd/command.h"

/*
 * How a shell completes rpnc. The program writes the whole script: a part that
 * is the same each time (rpnc.bash, rpnc.zsh, rpnc.fish), and in it the options
 * of all commands as rows, from the tables that also drive parsing and --help.
 *
 * A row has these columns, with tabs between; "-" is an empty one:
 *
 *	modes	bits as in struct opt; 0: all. An option is offered while the
 *		given ones leave a mode that has it.
 *	letter, name
 *	takes	"-" no value, "=" one, "?" maybe one; then "," if it is a list
 *		with commas, and "*" if the option may be repeated
 *	words	the kind of its value: words.h
 *	fixed	"a|b|c": values that are always there
 *	operands	the kind of the command's operands, if it is given
 *	clash	names of options, with commas between, that exclude this one
 *	help	as in --help; bash shows none
 *
 * With the rows of a command, a script gets two words:
 *
 *	host	the kind of the command's first operand
 *	behind	"command" if a command may follow "--", else "-"
 */

enum completion_shell { SHELL_BASH, SHELL_ZSH, SHELL_FISH };

/* Writes the script. own: the options that come instead of a command. */
void completion_write(FILE *out, enum completion_shell, const struct opt *own,
    const struct command *const *commands, int count);

#endif
