/** Why whatever starts programs is slower than it could be, as profiles of several benches show it. */
export const costOfStarting =
  'each start of a program stops the engine while the kernel copies the page tables of its whole memory: of a Node process of 49 MB in 0.8 ms, of 148 MB in 6 ms, of 347 MB in 21 ms, and a stage starts some twenty git processes (`npm run bench -- queue --cpu-profile`: two thirds of the engine’s own time is `ChildProcess.spawn`).';
