import * as vscode from 'vscode';
import type { Logger } from '../engine/ports/logger.ts';

/** The extension's output channel, as the engine's logger too. Its level is the person's choice. */
export class Log implements Logger, vscode.Disposable {
  private readonly channel = vscode.window.createOutputChannel('Orchestrator', { log: true });

  debug(event: string, fields?: Readonly<Record<string, unknown>>): void {
    this.channel.debug(lineOf(event, fields));
  }

  info(event: string, fields?: Readonly<Record<string, unknown>>): void {
    this.channel.info(lineOf(event, fields));
  }

  warn(event: string, fields?: Readonly<Record<string, unknown>>): void {
    this.channel.warn(lineOf(event, fields));
  }

  error(event: string, fields?: Readonly<Record<string, unknown>>): void {
    this.channel.error(lineOf(event, fields));
  }

  show(): void {
    this.channel.show(true);
  }

  dispose(): void {
    this.channel.dispose();
  }
}

function lineOf(event: string, fields?: Readonly<Record<string, unknown>>): string {
  return fields === undefined ? event : `${event} ${JSON.stringify(fields)}`;
}
