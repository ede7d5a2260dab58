// CPU and wall time since a moment, in milliseconds.

export function report() {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  return {
    since() {
      const { user, system } = process.cpuUsage(cpu);
      return { cpu_ms: (user + system) / 1000, wall_ms: performance.now() - wall };
    },
  };
}
