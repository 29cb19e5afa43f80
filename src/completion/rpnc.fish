# fish completion for rpnc, written by "rpnc --completion fish" from its tables
# of options. src/completion/completion.h describes the columns.

function __rpnc_commands
@commands@
    string split -n \n -- $commands
end

# Reads the rows of a command, a list for each column.
function __rpnc_read --no-scope-shadowing -a which
    set host -
    set behind -
    set rows ''
    set operands -
    set count 0
    switch $which
@rows@
    end
    set rows (string split -n \n -- $rows)
    set -l column 0
    for list in modes letters names takes kinds fixed operand clash help
        set column (math $column + 1)
        set $list (string split -f $column \t -- $rows)
    end
end

# Records that the option at an index was given. value is "value" if the next
# word may be its value; then wants is its index.
function __rpnc_given --no-scope-shadowing -a index value
    set -a given $names[$index]
    set -a given_modes $modes[$index]
    test $operand[$index] = -; or set operands $operand[$index]
    if test "$value" = value; and string match -q '=*' -- $takes[$index]
        set wants $index
    end
end

# Reads the words before the cursor. It sets command; given to the names of
# options, and given_modes to their modes; dashes to the index of "--"; count to
# the number of operands, and first to the first; and wants to the index of the
# option whose value is next.
function __rpnc_walk --no-scope-shadowing
    __rpnc_read rpnc
    for word in $words[2..]
        set position (math $position + 1)
        if test -n "$wants"
            set wants
        else if test -n "$dashes"; or not string match -q -- '-?*' $word
            if test $command = rpnc
                set command $word
                __rpnc_read $command
            else
                set count (math $count + 1)
                test $count -gt 1; or set first $word
            end
        else if test $word = --
            set dashes $position
            test $behind = command; and return
        else if string match -q -- '--*=*' $word
            set -l index (contains -i -- (string replace -r '^--([^=]*)=.*' '$1' -- $word) $names)
            and __rpnc_given $index
        else if string match -q -- '--*' $word
            set -l index (contains -i -- (string sub -s 3 -- $word) $names)
            and __rpnc_given $index value
        else
            # "-rn": the value of a letter may follow in the same word
            set -l letters_of_word (string split '' -- (string sub -s 2 -- $word))
            while set -q letters_of_word[1]
                set -l index (contains -i -- $letters_of_word[1] $letters)
                or break
                set -e letters_of_word[1]
                __rpnc_given $index value
                if test -n "$wants"; and set -q letters_of_word[1]
                    set wants
                    break
                end
            end
        end
    end
end

# Prints the words of a kind.
function __rpnc_kind --no-scope-shadowing -a kind
    switch $kind
        case - nothing
        case files
            __fish_complete_path $value
        case hosts
            __fish_print_hostnames
        case users
            __fish_complete_users
        case commands
            __rpnc_commands
            test $command = rpnc; and echo help\t"list the commands, or the options of one"
        case '*'
            set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
            command $program --complete $kind $words[2..] 2>/dev/null
    end
end

# Prints values of an option, each behind before. value: what is typed of it.
function __rpnc_value --no-scope-shadowing -a index before value
    if string match -q '?,*' -- $takes[$index]
        set before $before(string replace -r '[^,]*$' '' -- "$value")
        set value (string replace -r '.*,' '' -- "$value")
    end
    test $fixed[$index] = -; or printf '%s\n' $before(string split '|' -- $fixed[$index])
    set -l list (__rpnc_kind $kinds[$index])
    test -z "$list"; or printf '%s\n' $before$list
end

# Whether the option at an index suits those that were given.
function __rpnc_suits --no-scope-shadowing -a index
    if contains -- $names[$index] $given; and not string match -q '*\*' -- $takes[$index]
        return 1
    end
    if test $modes[$index] -ne 0; and test (math "bitand($mask, $modes[$index])") -eq 0
        return 1
    end
    for other in (string split -n , -- $clash[$index])
        contains -- $other $given; and return 1
    end
    return 0
end

# Prints the options that suit, and have what is typed in their names: fish
# itself would also look for it in their descriptions.
function __rpnc_options --no-scope-shadowing -a typed
    set -l part (string replace -r '^--' '' -- $typed)
    set -l mask 4294967295
    for mode in $given_modes
        test $mode -eq 0; or set mask (math "bitand($mask, $mode)")
    end
    for index in (seq (count $names))
        string match -q -- '--*' $typed; and not string match -q -- "*$part*" $names[$index]; and continue
        __rpnc_suits $index; or continue
        test $letters[$index] = -; or echo -- -$letters[$index]\t$help[$index]
        echo -- --$names[$index]\t$help[$index]
    end
end

# Prints hosts and ports.
function __rpnc_operand --no-scope-shadowing -a value
    if not contains -- $operands - ports
        __rpnc_kind $operands
        return
    else if test $count -eq 0
        __rpnc_kind $host
    else if test $count -gt 1; or string match -qr '^[0-9]+$' -- $first
        return
    end
    if test $host = hosts; or test $operands = ports
        __rpnc_kind ports
    end
end

function __rpnc
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l command rpnc
    set -l position 1
    set -l wants
    set -l dashes
    set -l first
    set -l given
    set -l given_modes
    set -l host
    set -l behind
    set -l rows
    set -l operands
    set -l count
    set -l modes
    set -l letters
    set -l names
    set -l takes
    set -l kinds
    set -l fixed
    set -l operand
    set -l clash
    set -l help
    __rpnc_walk
    if test -n "$wants"
        __rpnc_value $wants '' $token
    else if test -n "$dashes"; and test "$behind" = command
        set -l rest $words[(math $dashes + 1)..]
        complete -C (string join ' ' -- (string escape -- $rest) $token)
    else if test -z "$dashes"; and string match -q -- '--*=*' $token
        set -l name (string replace -r '^--([^=]*)=.*' '$1' -- $token)
        set -l index (contains -i -- $name $names)
        and __rpnc_value $index --$name= (string replace -r '^[^=]*=' '' -- $token)
    else if test -z "$dashes"; and string match -q -- '-*' $token
        __rpnc_options $token
    else
        __rpnc_operand $token
    end
end

complete -c rpnc -f -a '(__rpnc)'
