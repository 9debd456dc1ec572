// What other programs would do with the same file: `node:sqlite` and better-sqlite3, in a Node that has them. Started by
// fork(); answers each message {id, call, args}. Times are taken here, so that the way of the message does not count.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

const openDatabases = new Map();

const calls = {
  async open({ key, library, modules, path, pragmas, readOnly }) {
    const startedAt = performance.now();
    const database = await openWith(library, modules, path, readOnly ?? false);
    for (const pragma of pragmas) database.exec(`PRAGMA ${pragma}`);
    openDatabases.set(key, { database, statements: new Map() });
    return performance.now() - startedAt;
  },
  /** Each list of statements in a transaction of its own. Returns ms for each transaction. */
  commit({ key, transactions }) {
    const ready = transactions.map((statements) =>
      statements.map(([sql, params]) => [sql, params.map(decode)]),
    );
    const startedAt = performance.now();
    for (const statements of ready) {
      prepare(key, 'BEGIN IMMEDIATE').run();
      for (const [sql, params] of statements) prepare(key, sql).run(...params);
      prepare(key, 'COMMIT').run();
    }
    return (performance.now() - startedAt) / transactions.length;
  },
  /** Runs a query so often and reads all of it. Returns ms for each time. */
  query({ key, sql, params, times }) {
    const startedAt = performance.now();
    let rows = 0;
    for (let time = 0; time < times; time += 1) rows += prepare(key, sql).all(...params).length;
    if (rows === 0) throw new Error(`no rows: ${sql}`);
    return (performance.now() - startedAt) / times;
  },
  /** The audit trail's chain, as whoever wrote it for this library would check it. */
  verify({ key, after, limit }) {
    const startedAt = performance.now();
    const rows = prepare(
      key,
      'SELECT seq, at, lower(hex(task_id)) AS id, type, actor, cause, data, hash FROM orchestrator_audit WHERE seq >= ? ORDER BY seq LIMIT ?',
    ).all(after, limit + 1);
    let previous = rows[0].hash;
    for (const { seq, at, id, type, actor, cause, data, hash } of rows.slice(1)) {
      const uuid = id.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
      const text = JSON.stringify([seq, at, uuid, type, actor, cause, data]);
      if (!createHash('sha256').update(previous).update(text).digest().equals(Buffer.from(hash)))
        throw new Error(`row ${seq} does not fit`);
      previous = hash;
    }
    return performance.now() - startedAt;
  },
  close({ key }) {
    openDatabases.get(key).database.close();
    openDatabases.delete(key);
    return 0;
  },
};

async function openWith(library, modules, path, readOnly) {
  if (library === 'node:sqlite') {
    const { DatabaseSync } = await import('node:sqlite');
    return new DatabaseSync(path, { readOnly });
  }
  const Better = createRequire(modules)('better-sqlite3');
  return new Better(path, { readonly: readOnly });
}

function prepare(key, sql) {
  const { database, statements } = openDatabases.get(key);
  let statement = statements.get(sql);
  if (statement === undefined) {
    statement = database.prepare(sql);
    statements.set(sql, statement);
  }
  return statement;
}

const decode = (value) =>
  value !== null && typeof value === 'object' ? Buffer.from(value.hex, 'hex') : value;

process.on('message', ({ id, call, args }) => {
  Promise.resolve()
    .then(() => calls[call](args))
    .then(
      (result) => process.send({ id, result }),
      (error) => process.send({ id, error: error.stack }),
    );
});
process.on('disconnect', () => process.exit(0));
