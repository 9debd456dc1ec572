/** Who waits is told by the tasks alone; until now each transition also wrote them all into the allocation. */
export const version2 = `
UPDATE orchestrator_meta SET value = json_remove(value, '$.queue') WHERE key = 'allocation';
`;
