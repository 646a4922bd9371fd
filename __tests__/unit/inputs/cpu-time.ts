/**
 * CPU time that some work takes, in milliseconds. Unlike the time on the clock, it is about the same
 * on a loaded machine.
 */
export function cpuTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
