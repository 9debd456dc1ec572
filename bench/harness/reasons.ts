/** Why what happens between two stages takes the time it takes, as a profile and a trace of the queue bench show it. */
export const betweenStages =
  'a trace shows some nine git processes one after the other where a stage ends and the next begins, the exit record and two commits between them; in a profile of 112 tasks on a loaded machine the engine’s thread was busy 19 of 96 s, 2.5 s of it in `ChildProcess.spawn` (supervisors), 1.2 s in copying the environment for programs, and the rest in file calls of which none took more than 2 s (`npm run bench -- queue --cpu-profile`).';
