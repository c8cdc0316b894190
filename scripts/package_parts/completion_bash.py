"""Completion for bash, by the functions of the package bash-completion."""

import completion_table

NOTE = "# Completion of leave-albumd for bash. Made by scripts/package of the command's own help.\n"
HEAD = """_leave_albumd() {
    local cur prev words cword path=leave-albumd word next skip=
    _init_completion -n : || return
    # The command so far: the words that are neither options nor their values.
    for word in "${words[@]:1:cword-1}"; do
        if [[ -n $skip ]]; then
            skip=
        elif [[ $word == --* ]]; then
            [[ " $(_leave_albumd_valued "$path") " == *" $word "* ]] && skip=yes
        else
            next="$path $word"
            [[ -n $(_leave_albumd_words "$next") ]] && path=$next
        fi
    done
    if [[ -n $skip ]]; then
        case $prev in
"""
TAIL = """        esac
        return
    fi
    if [[ $cur != -* && -n $(_leave_albumd_files "$path") ]]; then
        _filedir
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$(_leave_albumd_words "$path")" -- "$cur")
}

complete -F _leave_albumd leave-albumd
"""


def lookup(function, entries):
    lines = [f"{function}() {{", "    case $1 in"]
    lines += [f'        "{path}") echo "{words}" ;;' for path, words in entries if words]
    return "\n".join([*lines, "    esac", "}", ""])


def script(places):
    words = [(p.path, " ".join([n for n, _ in p.commands] + [o.name for o in p.options])) for p in places]
    valued = [(p.path, " ".join(o.name for o in p.options if o.value)) for p in places]
    taking_files = [(p.path, "yes") for p in places if p.takes_file]
    files, choices = completion_table.valued(places)
    values = [f'            {"|".join(files)}) _filedir ;;']
    for name, words_of in choices:
        values.append(f'            {name}) mapfile -t COMPREPLY < <(compgen -W "{" ".join(words_of)}" -- "$cur") ;;')
    tables = [("words", words), ("valued", valued), ("files", taking_files)]
    lookups = [lookup(f"_leave_albumd_{name}", entries) for name, entries in tables]
    return "\n".join([NOTE, *lookups, HEAD]) + "\n".join(values) + "\n" + TAIL
