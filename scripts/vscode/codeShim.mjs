#!/usr/bin/env node
// Stands in for the `code` executable where there is no desktop VS Code: `vscodeExecutablePath` of @vscode/test-electron.
import { runProgram } from './program.mjs';

await runProgram('codeWindow', process.argv.slice(2));
