"""Completion for fish: a line for each command and option, with the command that it stands behind."""

HEAD = """# Completion of leave-albumd for fish. Made by scripts/package of the command's own help.
"""
BODY = """# The command so far: the words that are neither options nor their values.
function __leave_albumd_at
    set -l at leave-albumd
    set -l skip
    for word in (commandline -opc)[2..]
        if test -n "$skip"
            set skip
        else if string match -q -- '--*' $word
            contains -- $word (__leave_albumd_valued $at)
            and set skip yes
        else if contains -- "$at $word" (__leave_albumd_known)
            set at "$at $word"
        end
    end
    echo $at
end

function __leave_albumd_is
    test (__leave_albumd_at) = "$argv"
end

# A file is offered only where one is meant.
complete -c leave-albumd -f
"""


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def known(places):
    lines = ["function __leave_albumd_known", "    printf '%s\\n' \\"]
    lines += [f"        {quoted(place.path)} \\" for place in places[:-1]]
    return "\n".join([*lines, f"        {quoted(places[-1].path)}", "end", ""])


def valued(places):
    lines = ["function __leave_albumd_valued", "    switch $argv[1]"]
    for place in places:
        names = [option.name for option in place.options if option.value]
        if names:
            lines += [f"        case {quoted(place.path)}", f"            printf '%s\\n' {' '.join(names)}"]
    return "\n".join([*lines, "    end", "end", ""])


def entries(place):
    line = f"complete -c leave-albumd -n {quoted('__leave_albumd_is ' + place.path)}"
    for name, text in place.commands:
        yield f"{line} -a {name} -d {quoted(text)}"
    if place.takes_file:
        yield f"{line} -F"
    for option in place.options:
        if option.takes_file:
            kind = " -r -F"
        elif option.choices:
            kind = f" -x -a {quoted(' '.join(option.choices))}"
        else:
            kind = " -x" if option.value else ""
        yield f"{line} -l {option.name.removeprefix('--')}{kind} -d {quoted(option.text)}"


def script(places):
    lines = [entry for place in places for entry in entries(place)]
    return "\n".join([HEAD, known(places), valued(places), BODY]) + "\n".join(lines) + "\n"
