# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for passthructl(1)

_passthructl_gpus() {
    "${COMP_WORDS[0]}" "${_passthructl_where[@]}" complete-gpus 2>/dev/null | cut -f 1
}

# VMs by name, and files by path.
_passthructl_vms() {
    virsh --quiet --readonly --connect qemu:///system list --all --name 2>/dev/null
    compgen -f -X '!*.xml' -- "$1"
}

_passthructl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local verbs="list status plan owner holders watch doctor config detach reattach reset run dump-rom forget help"
    local options="--json --host --no-ask-password --color --root --help --version"
    local -a _passthructl_where=()
    local verb= action= words i

    # An address has colons, at which readline breaks words.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        local COMP_WORDS=("${COMP_WORDS[@]}") COMP_CWORD=$COMP_CWORD cur words_ cword
        _get_comp_words_by_ref -n : -w words_ -i cword -c cur
        COMP_WORDS=("${words_[@]}") COMP_CWORD=$cword current=$cur previous=${words_[cword - 1]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --root | -H | --host)
                _passthructl_where=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
                i=$((i + 1))
                ;;
            --color | --wait | --queue | --override | --method | --vm) i=$((i + 1)) ;;
            -*) ;;
            *) if [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; else action=${COMP_WORDS[i]}; fi ;;
        esac
    done

    case $previous in
        --root) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
        --color) words="auto always never" ;;
        --override) words="BootGpu InUse HostCritical" ;;
        --method) words="flr bus pm device_specific remove_rescan suspend" ;;
        --vm) words=$(_passthructl_vms "$current") ;;
        -H | --host | --wait | --queue) return ;;
        *)
            case $verb in
                "") words=$verbs ;;
                plan)
                    if [[ -z $action ]]; then words="detach reattach reset"
                    else words=$(_passthructl_gpus); fi
                    ;;
                detach | run) words=$(_passthructl_gpus); options+=" --wait --queue --override" ;;
                doctor) words= options+=" --vm" ;;
                reset) words=$(_passthructl_gpus); options+=" --method" ;;
                status | owner | holders | reattach) words=$(_passthructl_gpus) ;;
                dump-rom)
                    [[ -z $action ]] || { mapfile -t COMPREPLY < <(compgen -f -- "$current"); return; }
                    words=$(_passthructl_gpus)
                    ;;
                *) words= ;;
            esac
            [[ $current == -* ]] && words=$options
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$current"; fi
}

complete -F _passthructl passthructl
