# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for passthructl(1)

set -l verbs list status plan owner holders watch doctor config detach reattach reset run dump-rom forget help
set -l actions detach reattach reset

function __passthructl_gpus
    passthructl complete-gpus 2>/dev/null
end

complete -c passthructl -f
complete -c passthructl -s j -l json -d 'Print JSON'
complete -c passthructl -s H -l host -x -d 'Ask the passthrud of this computer'
complete -c passthructl -l no-ask-password -d 'Fail where a password would be needed'
complete -c passthructl -l color -x -a 'auto always never' -d 'Colour states'
complete -c passthructl -l root -x -a '(__fish_complete_directories)' -d 'Read the copy of a machine'
complete -c passthructl -l help -d 'Show the help text'
complete -c passthructl -l version -d 'Show the version'

set -l no_verb "not __fish_seen_subcommand_from $verbs"
complete -c passthructl -n $no_verb -a list -d 'Show the GPUs and who has them'
complete -c passthructl -n $no_verb -a status -d 'Show everything about one GPU, or about all'
complete -c passthructl -n $no_verb -a plan -d 'Show what would be done, or why not'
complete -c passthructl -n $no_verb -a owner -d 'Show who has a GPU'
complete -c passthructl -n $no_verb -a holders -d 'Show which programs have a GPU open'
complete -c passthructl -n $no_verb -a doctor -d 'Show what is wrong, and the cure'
complete -c passthructl -n $no_verb -a watch -d 'Print a line whenever a GPU changes'
complete -c passthructl -n $no_verb -a config -d 'Show the configuration that counts'
complete -c passthructl -n $no_verb -a detach -d 'Take a GPU from the host'
complete -c passthructl -n $no_verb -a reattach -d 'Give a GPU back to the host'
complete -c passthructl -n $no_verb -a reset -d 'Reset a GPU that is detached or has failed'
complete -c passthructl -n $no_verb -a run -d 'Run a command that has a GPU'
complete -c passthructl -n $no_verb -a dump-rom -d 'Write the expansion ROM of a GPU to a file'
complete -c passthructl -n $no_verb -a forget -d 'Let a VM start with other devices than last time'
complete -c passthructl -n $no_verb -a help -d 'Show the help text'

complete -c passthructl -n '__fish_seen_subcommand_from dump-rom' -F

set -l planning '__fish_seen_subcommand_from plan'
complete -c passthructl -n "$planning; and not __fish_seen_subcommand_from $actions" -a "$actions"
complete -c passthructl -n "__fish_seen_subcommand_from status owner holders run dump-rom $actions" -a '(__passthructl_gpus)'
complete -c passthructl -n '__fish_seen_subcommand_from detach run' -l wait -x -d 'Wait for programs'
complete -c passthructl -n '__fish_seen_subcommand_from detach run' -l queue -x -d 'Wait for who has it'
complete -c passthructl -n '__fish_seen_subcommand_from detach run' -l override -x \
    -a 'BootGpu InUse HostCritical' -d 'Pass over a check'
complete -c passthructl -n '__fish_seen_subcommand_from doctor' -l vm -r \
    -a '(virsh --quiet --readonly --connect qemu:///system list --all --name 2>/dev/null)' -d 'For the start of this VM'
complete -c passthructl -n '__fish_seen_subcommand_from reset' -l method -x \
    -a 'flr bus pm device_specific remove_rescan suspend' -d 'By this method only'
