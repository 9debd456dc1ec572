#!/bin/sh
# Stands in for Claude Code where its own time is not what is measured: plays each stage at once, and notes in a file
# beside it (or, in a container, in the task's run folder) when it began and ended, in ns.
times=$0.times
[ ! -d /orchestrator ] || times=/orchestrator/times
began=$(date +%s%N)
# As the CLI does: nothing before it has its prompt.
cat >/dev/null
case "$*" in
*'--permission-mode plan'*) answer='{"spec_markdown":"# A file","acceptance_criteria":["made.txt exists."],"open_questions":[],"files":[],"risks":[]}' ;;
*'--permission-mode dontAsk'*) answer='{"verdict":"pass","summary":"It is there.","criteria":{"AC-1":{"verdict":"pass","evidence":"made.txt"}},"findings":[]}' ;;
*)
  echo made >made.txt
  answer='{"summary":"Made the file.","criteria":{"AC-1":{"how":"Made it."}}}'
  ;;
esac
cat <<END
{"type":"system","subtype":"init","session_id":"s","model":"none","permissionMode":"plan","tools":["Read","StructuredOutput"],"claude_code_version":"2.1.330"}
{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","result":"done","structured_output":$answer,"session_id":"s","num_turns":1,"total_cost_usd":0}
END
echo "$began $(date +%s%N)" >>"$times"
