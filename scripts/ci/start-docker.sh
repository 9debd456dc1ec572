#!/usr/bin/env bash
# Installs a Docker engine on a bare Debian machine and starts it without systemd. Idempotent; returns when it answers.
#   start-docker.sh           start (installs first where dockerd is missing; needs root)
#   start-docker.sh stop      stop the engine that listens on the default socket
#   start-docker.sh status    exit 0 when it answers
# The last line of output is DOCKER_HOST=unix://...
set -euo pipefail

run=/var/run
exec_root=$run/docker
socket=$run/docker.sock
pid_file=$run/docker.pid
log=$run/dockerd.log

answers() { curl -fsS --max-time 3 --unix-socket "$socket" http://engine/_ping >/dev/null 2>&1; }
is_process() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -q "$2"; }

install_engine() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # dockerd, containerd, runc, iptables and, where it is a package of its own, the client.
  apt-get install -y -qq --no-install-recommends docker.io curl ca-certificates >/dev/null
  command -v docker >/dev/null || apt-get install -y -qq --no-install-recommends docker-cli >/dev/null
}

clear_leftovers() {
  # A pid file of a killed engine makes the next one refuse to start once that pid is in use again.
  if [ -s "$pid_file" ] && ! is_process "$(cat "$pid_file")" dockerd; then rm -f "$pid_file"; fi
  # An engine takes the zombie of its predecessor's containerd for alive and gives up after 15 s. Where process 1
  # reaps only now and then, wait until it is really gone.
  local containerd=$exec_root/containerd/containerd.pid
  [ -s "$containerd" ] || return 0
  for _ in $(seq 1 60); do
    grep -q '^State:[[:space:]]*Z' "/proc/$(cat "$containerd")/status" 2>/dev/null || break
    sleep 0.1
  done
  is_process "$(cat "$containerd")" containerd || rm -f "$containerd"
}

try() {
  setsid nohup dockerd --log-level warn --live-restore "$@" >>"$log" 2>&1 </dev/null &
  local pid=$!
  for _ in $(seq 1 300); do
    answers && return 0
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.1
  done
  kill "$pid" 2>/dev/null || true
  return 1
}

case ${1:-start} in
  status)
    answers && echo "DOCKER_HOST=unix://$socket"
    exit
    ;;
  stop)
    if [ -s "$pid_file" ]; then
      pid=$(cat "$pid_file")
      kill "$pid"
      while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    fi
    exit 0
    ;;
esac

if ! command -v dockerd >/dev/null || ! command -v curl >/dev/null; then install_engine; fi
if ! answers; then
  clear_leftovers
  : >"$log"
  # The defaults first; then again, since a predecessor may still be on its way out; then for kernels without NAT.
  try || { sleep 3 && try; } || try --iptables=false --ip6tables=false || {
    echo "dockerd did not start; the end of $log:" >&2
    tail -20 "$log" >&2
    exit 1
  }
fi
echo "DOCKER_HOST=unix://$socket"
