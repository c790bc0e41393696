#!/bin/sh
# Makes a base image from Debian's packages, where no container registry is reached:
#   compose/base-image.sh trixie qanat-base:trixie
# then BASE_IMAGE=qanat-base:trixie for compose.yaml. As root. The packages come from where this machine
# has its own, and the image trusts what this machine trusts.
set -eu
[ $# = 2 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
suite=$1 image=$2
mirror=$(sed -n 's/^URIs: *//p; s/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# An image that is not whole is thrown away: nothing has to be on the disk before it is. Nobody reads
# manuals in a container, and packages are not kept once they are installed.
mkdir -p "$folder/etc/dpkg/dpkg.cfg.d" "$folder/etc/apt/apt.conf.d"
printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-include=/usr/share/doc/*/copyright' \
    'path-exclude=/usr/share/man/*' >"$folder/etc/dpkg/dpkg.cfg.d/image"
debootstrap --variant=minbase "$suite" "$folder" "$mirror" >&2
cp /etc/apt/apt.conf.d/* "$folder/etc/apt/apt.conf.d/"
printf '%s\n' 'Acquire::Languages "none";' 'APT::Keep-Downloaded-Packages "false";' \
    >"$folder/etc/apt/apt.conf.d/99image"
# Each certificate in a file of its own, so that they stay when the package ca-certificates is installed.
mkdir -p "$folder/usr/local/share/ca-certificates" "$folder/etc/ssl/certs"
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
    cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
    awk -v folder="$folder/usr/local/share/ca-certificates" '/BEGIN CERT/ { n++ }
        { print > (folder "/host-" n ".crt") }' /etc/ssl/certs/ca-certificates.crt
fi
[ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$folder/etc/"
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
tar -C "$folder" -c . | docker import - "$image" >/dev/null
echo "$image" >&2
