import { expect, test } from 'vitest';
import { Tickets, ticketLifeMs } from '../../../src/engine/server/access/tickets.ts';
import { SteppedClock } from '../../support/steppedClock.ts';

test('a ticket lives a minute', () => {
  const clock = new SteppedClock(0);
  const tickets = new Tickets(clock);
  const ticket = tickets.issue('read');
  expect(tickets.accessOf(ticket)).toBe('read');
  clock.set(ticketLifeMs - 1);
  expect(tickets.accessOf(ticket)).toBe('read');
  clock.set(ticketLifeMs);
  expect(tickets.accessOf(ticket)).toBeNull();
});

test('while a stream that it opened stands, and a minute after: a page’s EventSource comes back with it', () => {
  const clock = new SteppedClock(0);
  const tickets = new Tickets(clock);
  const ticket = tickets.issue('move');
  const release = tickets.hold(ticket);
  clock.set(10 * ticketLifeMs);
  expect(tickets.accessOf(ticket)).toBe('move');
  release();
  release();
  clock.set(11 * ticketLifeMs - 1);
  expect(tickets.accessOf(ticket)).toBe('move');
  clock.set(11 * ticketLifeMs);
  expect(tickets.accessOf(ticket)).toBeNull();
});

test('spent, it is over; a made-up one never was', () => {
  const tickets = new Tickets(new SteppedClock(0));
  const ticket = tickets.issue('read');
  tickets.spend(ticket);
  expect(tickets.accessOf(ticket)).toBeNull();
  expect(tickets.accessOf('made-up')).toBeNull();
  expect(tickets.accessOf('')).toBeNull();
});

test('asking for ever more costs the oldest, not memory', () => {
  const tickets = new Tickets(new SteppedClock(0));
  const first = tickets.issue('read');
  const held = tickets.issue('read');
  tickets.hold(held);
  let last = '';
  for (let count = 0; count < 5_000; count += 1) last = tickets.issue('read');
  expect(tickets.accessOf(first)).toBeNull();
  expect(tickets.accessOf(held)).toBe('read');
  expect(tickets.accessOf(last)).toBe('read');
  expect(tickets.size).toBeLessThanOrEqual(1_001);
});
