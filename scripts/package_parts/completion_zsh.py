"""Completion for zsh, as a function that compinit loads by its first line."""

import completion_table

HEAD = """#compdef leave-albumd
# Completion of leave-albumd for zsh. Made by scripts/package of the command's own help.
"""
BODY = """_leave_albumd() {
    local at=leave-albumd next word skip=
    local -a reply
    # The command so far: the words that are neither options nor their values.
    for word in "${(@)words[2,CURRENT-1]}"; do
        if [[ -n $skip ]]; then
            skip=
        elif [[ $word == --* ]]; then
            _leave_albumd_valued $at
            (( ${reply[(Ie)$word]} )) && skip=$word
        else
            next="$at $word"
            _leave_albumd_options $next
            (( $#reply )) && at=$next
        fi
    done
    if [[ -n $skip ]]; then
        case $skip in
"""
TAIL = """        esac
        return
    fi
    if [[ $words[CURRENT] != -* ]]; then
        _leave_albumd_commands $at
        if (( $#reply )); then
            _describe -t commands command reply
            return
        fi
        _leave_albumd_files $at
        if (( $#reply )); then
            _files
            return
        fi
    fi
    _leave_albumd_options $at
    _describe -o -t options option reply
}

_leave_albumd "$@"
"""


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def lookup(function, entries):
    """A function that sets `reply` to the words of a command."""
    lines = [f"{function}() {{", "    reply=()", "    case $1 in"]
    for path, words in entries:
        if words:
            lines += [f"        {quoted(path)})", "            reply=("]
            lines += [f"                {quoted(word)}" for word in words]
            lines += ["            )", "            ;;"]
    return "\n".join([*lines, "    esac", "}", ""])


def script(places):
    def described(name, text):
        return f"{name}:{text}"

    commands = [(p.path, [described(*command) for command in p.commands]) for p in places]
    options = [(p.path, [described(o.name, o.text) for o in p.options]) for p in places]
    valued = [(p.path, [o.name for o in p.options if o.value]) for p in places]
    taking_files = [(p.path, ["yes"]) for p in places if p.takes_file]
    files, choices = completion_table.valued(places)
    values = [f'            {"|".join(files)}) _files ;;']
    values += [f'            {name}) compadd -- {" ".join(words)} ;;' for name, words in choices]
    tables = [("commands", commands), ("options", options), ("valued", valued), ("files", taking_files)]
    lookups = [lookup(f"_leave_albumd_{name}", entries) for name, entries in tables]
    return "\n".join([HEAD, *lookups, BODY]) + "\n".join(values) + "\n" + TAIL
