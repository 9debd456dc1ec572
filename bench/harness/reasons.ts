/** Where the CPU of a task goes that is not the CLI's, counted over 105 tasks of the queue bench by `/proc`, program by program. */
const cpuOfATask =
  'counted by `/proc` over 105 tasks, a task takes beside its CLI 127 ms of CPU in the engine (its thread, the database’s, and the pool for file calls), 80 ms in the launcher (4 ms for each program it starts, 2.5 of them in execa), 60 ms in some twenty git processes and 50 ms in supervisors';

/** Why a task on the host takes longer than its three runs of the CLI. */
export const aroundTheCli = `${cpuOfATask}. Of the time, a trace shows 28 ms from a CLI’s end to the next one’s start, most of it two looks through the processes for what the CLI left; before the first one the worktree is registered, and after the last one it is looked over and the end committed. The rest goes on while a CLI starts, as far as there is a core for it.`;

/** Why 100 tasks take longer than 50 times one. */
export const onTwoCores = `one task alone has both cores: the next stage’s CLI starts on one while git and the database work on the other. Two tasks share them, and ${cpuOfATask}: 36 s for the 105 tasks, which two cores do in 18 s at best. The same queue took 43 to 48 s before the CLI’s start overlapped with the rest, and was nearer to the figure, since one task alone took twice as long.`;

/** Why the engine's own CPU is a large part of so short a time. */
export const ofShortStages = `the stages take no time: what is measured is the engine’s work and nothing else, 42 ms of CPU a stage, in a time that it fills itself. ${sentence(cpuOfATask)}. In a profile no function takes more than a seventh of it: file calls (opening, reading, closing small files) are the largest part, then messages to the database’s thread and the launcher, the environment for programs, and V8’s own work.`;

/** Why a task in a container takes what it takes, from a trace of the requests to Docker and of the programs started. */
export const inTheContainer =
  'of 3.2 s in a trace 2.6 s pass between the orders to start Claude Code and the news of its end, in three runs that nothing can shorten and that alone are 0.7 of what bare takes; the container’s creation and start 0.3 s (bare: three times, 0.9 s in all), what comes before it 0.04 s, and from the news of one stage’s end to the order for the next 0.02 to 0.03 s where nothing was changed and 0.05 to 0.1 s where the work is committed, in seven git processes that follow from each other. At each end Docker is asked whether anything of the run is left, which takes 0.01 to 0.03 s and is not in that trace. Docker’s removal of the container is not part of ours; it is of the bare runs. The next CLI is not started early here as it is on the host: what ends a stage kills all that runs in the container, and must go on to.';

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
