#!/usr/bin/env bash
# Makes the base image of media/container/Dockerfile from this Debian machine's own files, for machines that reach no
# image registry: sh and bash, coreutils, grep, sed, find, tar, ps, git with local transports, certificates, Node, npm.
#   make-base-image.sh [TAG]     default: node:24-bookworm-slim
#   NODE_MAJOR=24                Node of that major version, as the npm package node-linux-{x64,arm64}
#   FORCE=1                      make it again although the tag exists
# Needs the docker command, npm and git. Idempotent.
set -euo pipefail

tag=${1:-node:24-bookworm-slim}
node_major=${NODE_MAJOR:-24}
if [ -z "${FORCE:-}" ] && docker image inspect "$tag" >/dev/null 2>&1; then exit 0; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/base-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
case $(uname -m) in
  x86_64) arch=x64 libs=x86_64-linux-gnu ;;
  aarch64) arch=arm64 libs=aarch64-linux-gnu ;;
  *) echo "no Node package for $(uname -m)" >&2 && exit 1 ;;
esac

# The merged /usr of Debian.
mkdir -p "$root"/{usr/bin,usr/sbin,usr/lib,usr/lib64,usr/local/bin,etc/ssl/certs,tmp,var/tmp,root,home/node,proc,sys,dev,run,opt,workspace}
for each in bin sbin lib lib64; do ln -s "usr/$each" "$root/$each"; done
chmod 1777 "$root/tmp" "$root/var/tmp"

# Programs, by the packages they come from.
packages=(libc6 libgcc-s1 libstdc++6 zlib1g libc-bin dash bash coreutils grep sed findutils tar gzip diffutils procps mawk
  ncurses-base debianutils hostname)
{
  for each in "${packages[@]}"; do dpkg -L "$each" 2>/dev/null || true; done |
    grep -E '^/(usr/)?(s?bin|lib|lib64|libexec)/' | grep -vE '/(doc|man|locale|bug|lintian|gconv|audit)/'
  dpkg -L git | grep -E '^/usr/(bin|lib/git-core|share/git-core/templates)/' |
    grep -vE 'git-(remote-(https?|ftps?)|http-|imap-send|instaweb|send-email|svn|p4|cvs|gui|citool|daemon)'
  printf '%s\n' /bin/sh /usr/bin/setsid /usr/bin/flock /usr/bin/which
} | sort -u | sed -E 's#^/(bin|sbin|lib|lib64)/#/usr/\1/#' |
  while read -r file; do if [ -L "$file" ] || [ -f "$file" ]; then echo ".$file"; fi; done >"$work/files"
(cd / && tar -cf - --no-recursion -T "$work/files") | tar -xf - -C "$root"
ln -sf mawk "$root/usr/bin/awk"
[ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"

# Every shared library those programs need, and what looks up names.
{
  find "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib/git-core" -type f -perm -100 -print0 |
    { xargs -0 -n64 ldd 2>/dev/null || true; } | grep -oE '/[^ ]+\.so[^ ]*'
  ls "/lib/$libs/"{libnss_files,libnss_dns,libresolv}.so.2 2>/dev/null || true
} | sort -u | { grep -v "^$root" || true; } | while read -r library; do
  target=$library
  case $target in /lib/* | /lib64/*) target=/usr$target ;; esac
  mkdir -p "$root$(dirname "$target")"
  [ -e "$root$target" ] || cp -L "$library" "$root$target" 2>/dev/null || true
done

printf '%s\n' root:x:0:0:root:/root:/bin/bash node:x:1000:1000::/home/node:/bin/bash \
  nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin >"$root/etc/passwd"
printf '%s\n' root:x:0: node:x:1000: nogroup:x:65534: >"$root/etc/group"
printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' >"$root/etc/nsswitch.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

(cd "$work" && npm pack --silent "node-linux-$arch@$node_major" >/dev/null 2>&1 && tar -xzf node-linux-"$arch"-*.tgz package/bin/node)
install -m 755 "$work/package/bin/node" "$root/usr/bin/node"
mkdir -p "$root/usr/lib/node_modules"
cp -a "$(npm root -g 2>/dev/null)/npm" "$root/usr/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/bin/npx"
chown -R 1000:1000 "$root/home/node"

certificates=/etc/ssl/certs/ca-certificates.crt
tar -C "$root" --numeric-owner -cf - . | docker import \
  -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  -c "ENV SSL_CERT_FILE=$certificates" -c "ENV NODE_EXTRA_CA_CERTS=$certificates" \
  -c 'ENV LANG=C.UTF-8' -c 'CMD ["sh"]' -m 'made on this machine' - "$tag" >/dev/null
docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' "$tag"
