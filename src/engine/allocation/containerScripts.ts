import { runFiles } from '../process/runDirectory.ts';
import { inside } from './containerLayout.ts';
import { filterVariable } from './outputFilter.ts';

/*
 * Programs for `sh` inside a container, for dash, bash and busybox alike. What runs for long lies in a file there, since
 * whoever lists the processes sees all arguments. They know their variable parts as arguments
 * or as the fields of an order, so nothing that a repository or a person named is ever read as shell text.
 */

/** Files in a run directory by which the scripts tell each other why a run ends. */
const stopMarker = 'stop';
const timeoutMarker = 'timed-out';
export const markers = [stopMarker, timeoutMarker];

/** Whether a process is there and not only yet to be fetched by its parent. */
const alive = `
alive() { [ -n "$1" ] && { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1; case \${stat##*)} in ' Z'* | ' X'*) return 1 ;; esac; }`;

/**
 * Kills every process but the first and this one, and waits until they are gone. What process 1 itself started is left
 * alone, for it would only start it again: it is of its session, which a process of another one cannot join.
 */
const sweep = `
[ -e ${inside.lease}/deadline ] || exit 125 # not one of our containers: a sweep would kill everything
${alive}
guards() { [ "$1" = 1 ] && return 0; { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1; set -- \${stat##*)}; [ "$4" = 1 ]; }
# Most are gone before a sleep could be started.
pause() { if [ $rounds -lt 5 ]; then :; elif [ $rounds -lt 25 ]; then sleep 0.005; else sleep 0.05; fi; rounds=$((rounds + 1)); }
sweep() {
  others=
  for each in /proc/[0-9]*; do
    each=\${each#/proc/}
    [ "$each" = $$ ] || guards "$each" || others="$others $each"
  done
  [ -n "$others" ] || return 0
  kill -s KILL -- -1 2>/dev/null
  rounds=0
  for each in $others; do
    while alive "$each" && [ $rounds -lt 125 ]; do pause; done
  done
}`;

/**
 * Between a program and its files, where its environment has secrets: `sed` takes them out and writes each line at once.
 * It cannot be asked to end: it ends with its input, when the program and all that it started are gone.
 */
const filters = `
filters=
# $1 pipe, $2 file. The program of sed comes on a descriptor: it is itself secret, and arguments can be seen by all.
filter() {
  trap '' TERM HUP INT
  # Before all else: the program is not under way until both its pipes are read.
  exec <"$1" >"$2"
  # Left to itself sed writes by the block, and its own -u reads by the byte: 15 s for 30 MB.
  if stdbuf -oL true </dev/null >/dev/null 2>&1; then set -- stdbuf -oL sed; else set -- sed -u; fi
  export LC_ALL=C
  exec "$@" -f /dev/fd/3 3<<END
$${filterVariable}
END
}
# In rounds: what multiplies while it is killed is caught in a later one.
killAllButFilters() {
  rounds=0 left=yes
  while [ -n "$left" ] && [ $rounds -lt 45 ]; do
    left=
    for each in /proc/[0-9]*; do
      each=\${each#/proc/}
      case " $$ $filters " in *" $each "*) continue ;; esac
      if alive "$each" && ! guards "$each"; then kill -s KILL "$each" 2>/dev/null; left=yes; fi
    done
    [ -z "$left" ] || pause
  done
}
finishFilters() {
  [ -n "$filters" ] || return 0
  killAllButFilters
  rounds=0
  for each in $filters; do
    while alive "$each" && [ $rounds -lt 225 ]; do pause; done
  done
}`;

/** The host's own index of the worktree, in a run directory: with it git inside need not read every file to know that it is unchanged. */
export const hostIndex = 'git-index';

/** What an exit record says of a run whose git could not be set up; git's own words are in its error output. */
export const gitFailed = 'git could not be set up';

/**
 * Makes the private git directory anew, so that git sees the worktree's files as changes on top of $commit of $branch.
 * Not before the sweep: what an earlier run left could write there at the same time.
 */
const setUpGit = `
set_up_git() (
  set -e
  unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
  cd ${inside.gitDir}
  rm -rf ./* ./.[!.]*
  printf '[safe]\\n\\tdirectory = *\\n[user]\\n\\tname = Orchestrator agent\\n\\temail = agent@localhost\\n' >"$HOME/.gitconfig"
  # By hand what git would take four processes for.
  mkdir -p objects/info refs/heads
  printf 'ref: refs/heads/%s\\n' "$branch" >HEAD
  printf '[core]\\n\\tbare = false\\n\\tworktree = %s\\n\\trepositoryformatversion = ' ${inside.workspace} >config
  if [ "$format" = sha1 ]; then echo 0; else printf '1\\n[extensions]\\n\\tobjectformat = %s\\n' "$format"; fi >>config
  printf '%s' "$stores" >objects/info/alternates
  [ ! -e ${inside.shallow} ] || cp ${inside.shallow} shallow
  [ ! -e "$run/${hostIndex}" ] || mv "$run/${hostIndex}" index
  cd ${inside.workspace}
  # An index that this git cannot read costs the time it would have saved, no more.
  git reset -q "$commit" 2>/dev/null || { rm -f ${inside.gitDir}/index; git reset -q "$commit"; }
)`;

/**
 * Runs one program with its streams in files: clears away what earlier runs left, sets git up where it is to be, enforces
 * the timeout, and when the program has ended kills what it left and writes the exit record, last. $1 run directory,
 * $2 timeout in seconds, $3 branch or nothing, $4 commit, $5 object format, $6 the number of object folders, these
 * folders, then the program and its arguments.
 */
export const runScript = `${sweep}
${filters}
${setUpGit}
# Process 1 waits for this and no longer.
echo $$
exec >/dev/null
run=$1 timeout=$2 branch=$3 commit=$4 format=$5 count=$6 stores=
shift 6
while [ "$count" -gt 0 ]; do
  stores="$stores$1
" count=$((count - 1))
  shift
done
# A trap that does something is not inherited, unlike one that ignores: the program starts with default signals.
trap : TERM HUP INT
sweep
echo "{\\"kind\\":\\"container\\",\\"pid\\":$$}" >"$run/${runFiles.owner}"
oom_kills() {
  for each in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ -r $each ] && while read -r key count; do [ "$key" = oom_kill ] && echo "$count"; done <$each
  done
}
oom_before=$(oom_kills)
watch() {
  trap '' TERM HUP INT
  # The agent may kill any sleep it sees.
  until sleep "$timeout"; do :; done
  : >"$run/${timeoutMarker}"
  kill -s TERM -- -$$
  sleep 5
  read -r self rest </proc/self/stat
  while :; do
    for each in /proc/[0-9]*; do
      each=\${each#/proc/}
      case " 1 $$ $self $filters " in *" $each "*) ;; *) kill -s KILL "$each" 2>/dev/null ;; esac
    done
    sleep 0.2
  done
}
git=0
if [ -n "$branch" ] && [ ! -e "$run/${stopMarker}" ]; then
  # Alone in its line: in a condition the shell would go on after a command that failed.
  set_up_git </dev/null >/dev/null 2>"$run/${runFiles.stderr}"
  git=$?
fi
if [ -e "$run/${stopMarker}" ]; then
  code=143
elif [ $git -ne 0 ]; then
  code=$git
else
  out=$run/${runFiles.stdout} err=$run/${runFiles.stderr}
  if [ -n "\${${filterVariable}-}" ]; then
    # Not in the run directory: a folder of the host cannot hold a pipe everywhere.
    pipes=$HOME/.pipes
    rm -rf "$pipes" && mkdir "$pipes" && mkfifo "$pipes/out" "$pipes/err"
    filter "$pipes/out" "$out" &
    filters=$!
    filter "$pipes/err" "$err" &
    filters="$filters $!"
    out=$pipes/out err=$pipes/err
    unset ${filterVariable}
  fi
  watch </dev/null >/dev/null 2>&1 &
  # In the foreground: a shell starts background programs with interrupts ignored. \`exec\`: never a builtin of the shell.
  (exec "$@") <"$run/${runFiles.stdin}" >"$out" 2>"$err"
  code=$?
fi
finishFilters
sweep
reason=exited
[ -e "$run/${stopMarker}" ] && reason=stopped
[ -e "$run/${timeoutMarker}" ] && reason=timeout
detail=
[ "$code" -ne 0 ] && [ "$(oom_kills)" != "$oom_before" ] && detail=',"detail":"out of memory"'
[ $git -eq 0 ] || [ $reason = stopped ] || { reason=lost code=null detail=',"detail":"${gitFailed}"'; }
signal=null
if [ "$code" != null ] && [ "$code" -gt 128 ] && [ "$code" -lt 160 ]; then
  name=$(kill -l $((code - 128)))
  signal="\\"SIG\${name#SIG}\\"" code=null
fi
echo "{\\"code\\":$code,\\"signal\\":$signal,\\"reason\\":\\"$reason\\"$detail}" >"$run/${runFiles.exit}.tmp" &&
  mv -f "$run/${runFiles.exit}.tmp" "$run/${runFiles.exit}"
kill -s USR1 1`;

/**
 * Asks the run's process group to end, and after 5 s kills everything but its wrapper, which writes the record.
 * $1 run directory.
 */
export const stopScript = `
[ -e ${inside.lease}/deadline ] || exit 125
run=$1 wrapper= rounds=0
: >"$run/${stopMarker}"
while [ $rounds -lt 100 ] && [ ! -e "$run/${runFiles.exit}" ]; do
  # A wrapper that has not said its pid yet has not looked for the order to stop yet either.
  if [ -z "$wrapper" ] && { read -r owner <"$run/${runFiles.owner}"; } 2>/dev/null; then
    wrapper=\${owner#*'"pid":'} wrapper=\${wrapper%%[!0-9]*}
    kill -s TERM -- "-$wrapper" 2>/dev/null
  fi
  if [ $rounds -ge 50 ]; then
    for each in /proc/[0-9]*; do
      each=\${each#/proc/}
      case $each in 1 | $$ | "$wrapper") ;; *) kill -s KILL "$each" 2>/dev/null ;; esac
    done
  fi
  sleep 0.1
  rounds=$((rounds + 1))
done`;

/** How often process 1 looks at its deadline and at its run, and how many looks in a row must find the deadline passed. */
export const initPace = { lookSeconds: 10, graceLooks: 36 };

/** What process 1 says of a run whose run script was killed. */
const supervisorKilled =
  '{"code":null,"signal":null,"reason":"lost","detail":"its supervisor in the container was killed"}';

/**
 * Process 1, which nothing inside can kill: starts one run after the other as the orders on its input say (see
 * `containerOrder.ts`), tells of those whose run script did not live to tell, takes in orphans, goes at TERM, and ends the
 * container when its deadline has passed. Only after several looks in a row: when a laptop wakes, the engine needs a
 * moment to renew. It lies in the lease's folder, beside the run script. $1 seconds between looks, $2 looks.
 */
export const initScript = `
${alive}
trap 'exit 0' TERM INT HUP
lease=\${0%/*} look_seconds=$1 looks=$2 late=0 taken=
in_time() {
  if read -r deadline <"$lease/deadline" && [ "$(date +%s)" -lt "$deadline" ]; then late=0; else late=$((late + 1)); fi
  [ "$late" -lt "$looks" ]
}
decode() {
  case $1 in *\\\\*) decoded=$(printf '%b' "$1") ;; *) decoded=$1 ;; esac
  decoded=\${decoded%.}
}
# The fields of an order from the environment on; becomes the run.
begin() {
  for each in "$@"; do
    decode "$each"
    shift
    set -- "$@" "$decoded"
  done
  # \`command\`: a name that the shell keeps for itself must not end it.
  until [ "$1" = : ]; do command export "$1"; shift; done
  shift
  # In a session of its own, by which a sweep tells it from what belongs to process 1. Twice: the second one leads a group
  # already, so it goes on as a child and lets this one end. What a shell starts by \`&\` would never hear an interrupt.
  exec setsid setsid sh "\${0%/*}/run.sh" "$@"
}
while :; do
  # A shell that reads cannot look at its deadline. Between runs nothing is left that could kill the one that does.
  trap '' USR1
  (
    trap 'kill -s KILL $!; exit' TERM
    while
      sleep "$look_seconds" &
      wait $!
      in_time
    do :; done
    kill -s TERM $$
  ) </dev/null &
  guard=$!
  while :; do
    read -r order || exit 0
    # What an engine did not live to write to its end is no order.
    case $order in *' ;') ;; *) continue ;; esac
    set -f
    set -- \${order% ;}
    set +f
    # An agent can write to this input too, but not there, nor know what will be there.
    read -r awaited <"$lease/order" && [ "$1" = "$awaited" ] && [ "$1" != "$taken" ] && break
  done 2>/dev/null
  over= sleeper= rounds=0 taken=$1
  trap 'over=yes; kill -s KILL "$sleeper" 2>/dev/null' USR1
  # Again: a shell that is only just forked loses a signal.
  while alive "$guard"; do kill -s TERM "$guard" 2>/dev/null; done
  decode "$2"
  run=$decoded
  shift 2
  wrapper=$(begin "$@" </dev/null 2>/dev/null)
  # It holds secrets.
  order=
  set --
  while alive "$wrapper"; do
    if [ -n "$over" ]; then
      # Gone in a moment, if it was the run script that said so.
      sleep 0.005
      rounds=$((rounds + 1))
      [ $rounds -lt 100 ] || over= rounds=0
      continue
    fi
    sleep "$look_seconds" &
    sleeper=$!
    # Said before there was a sleep to kill, it would not be heard.
    [ -n "$over" ] || wait "$sleeper"
    in_time || exit 0
  done
  record=$run/${runFiles.exit}
  [ -f "$record" ] && [ ! -L "$record" ] && continue
  (${sweep}
  sweep)
  # A run that nothing can be told about ends with its container.
  { rm -rf "$record" && echo '${supervisorKilled}' >"$record.tmp" && mv -f "$record.tmp" "$record"; } 2>/dev/null || exit 1
done`;

/** What an image offers: first the path of its Claude Code (or an empty line), then its password file. */
export const probeScript = `
for tool in git sleep date cat mkdir mkfifo mv cp rm sed setsid; do
  command -v "$tool" >/dev/null || { echo "$tool" >&2; exit 3; }
done
claude=$(command -v claude)
echo "$claude"
cat /etc/passwd 2>/dev/null
exit 0`;
