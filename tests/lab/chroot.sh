# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A folder with a Debian suite to build in, for tests/lab/build-tree and scripts/package, which source this. It is kept in the
# cache and has what debian/control wants, and lintian.

# build_depends [nocheck]: what debian/control builds with, without debhelper; with nocheck without what only tests need.
# shellcheck disable=SC2120 # build-tree gives it
build_depends() {
    sed -n '/^Build-Depends:/,/^[A-Z]/{s/^Build-Depends://; /^ *[a-z]/p}' "$(dirname "${BASH_SOURCE[0]}")/../../debian/control" |
        sed "/^ *debhelper/d${1:+; /<!$1>/d}; s/[(<,].*//; s/ //g"
}

# ensure_chroot SUITE: leaves the folder in $chroot.
ensure_chroot() {
    local suite=$1 lab cache=${XDG_CACHE_HOME:-$HOME/.cache}/passthru-lab packages lock
    lab=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
    # shellcheck disable=SC2119
    packages=$({ build_depends && printf '%s\n' build-essential ccache debhelper fakeroot lintian; } | paste -sd,)
    chroot=$cache/build-$suite-$(echo "$packages" | sha256sum | cut -c1-12)
    mkdir -p "$cache"
    exec {lock}>"$cache/build-$suite.lock" # other clones use it too
    flock "$lock"
    if [[ ! -d $chroot ]]; then
        rm -rf "$cache/build-$suite"-*/
        "$lab/image/debian-sources" "$suite" >"$cache/build-$suite.list"
        mmdebstrap --quiet --mode=root --format=directory --variant=minbase --include="$packages" \
            --aptopt='Acquire::Check-Valid-Until "false"' "$suite" "$chroot.part" "$cache/build-$suite.list"
        mkdir "$chroot.part/src" "$chroot.part/ccache"
        mv "$chroot.part" "$chroot"
    fi
    exec {lock}>&-
}

# in_chroot SOURCE SCRIPT ARGUMENT...: runs the script with bash in $chroot, where SOURCE is at /src. What else it writes there
# is gone afterwards, and there is no network. The mounts are in a name space of their own, so that nothing stays mounted
# whatever happens.
in_chroot() {
    local source=$1 ccache=
    shift
    ! command -v ccache >/dev/null || ccache=$(ccache --get-config cache_dir)
    # shellcheck disable=SC2016 # expanded in there
    unshare --mount --net bash -c '
        set -e
        root=$1 source=$2 ccache=$3
        shift 3
        mount -t tmpfs over /mnt
        mkdir /mnt/{upper,work,root}
        mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" over /mnt/root
        mount --bind "$source" /mnt/root/src
        [[ ! -d $ccache ]] || mount --bind "$ccache" /mnt/root/ccache
        mount --rbind /dev /mnt/root/dev
        mount -t proc proc /mnt/root/proc
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 CCACHE_DIR=/ccache \
            chroot /mnt/root bash -c "$@"
    ' in-chroot "$chroot" "$source" "$ccache" "$1" in-chroot "${@:2}"
}
